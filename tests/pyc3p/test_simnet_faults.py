"""What a simulated network does to connections, documents and elements when a test asks for it."""

from __future__ import annotations

import attrs
import pytest

import sip
from pyc3p.elements import FarmPlan, Handset
from pyc3p.simnet import Conditions, Meeting, RawPeer, SimFarm, SimNetwork
from pyc3p.simnet.disk import SimDisk
from pyc3p.simnet.streams import PATIENCE, WINDOW
from sip import Piece, StateChange

CALM = Conditions(jitter=0.0, split=0.0)


class Ear(RawPeer):
    """Keeps bytes as they came."""

    def __init__(self, network: SimNetwork, name: str, host: str) -> None:
        super().__init__(network, name, host)
        self.bytes = b""
        self.blocked: list[bool] = []

    def receive_sip(self, flow: sip.Flow, data: bytes) -> None:
        self.bytes += data

    def flow_blocked(self, flow: sip.Flow) -> None:
        self.blocked.append(True)

    def flow_writable(self, flow: sip.Flow) -> None:
        self.blocked.append(False)


def connected(conditions: Conditions = CALM) -> tuple[SimNetwork, Ear, Ear, sip.Flow, sip.Flow]:
    network = SimNetwork(5, conditions)
    one, other = Ear(network, "one", "192.0.2.1"), Ear(network, "other", "192.0.2.2")
    here, there = sip.Address(one.host, 40_000), sip.Address(other.host, 5060)
    ours = network.streams.open(one, other, "TCP", here, there)
    return network, one, other, ours, network.wire.flow("TCP", there, here)


@pytest.mark.parametrize("seconds", [0.5, 3.0, PATIENCE - 6.0])
def test_a_cut_delays_what_is_in_a_connection_and_loses_nothing(seconds: float) -> None:
    network, one, other, ours, _ = connected(Conditions(split=1.0))
    network.links.cut("one", "other")
    for number in range(10):
        network.streams.write(ours, b"%d bytes in order," % number)
    network.run_for(seconds)
    assert other.bytes == b""
    network.links.mend("one", "other")
    network.run_for(6.0)
    assert other.bytes == b"".join(b"%d bytes in order," % number for number in range(10))
    assert not one.closed
    assert not other.closed


def test_who_sends_into_a_cut_gives_up_and_the_other_end_finds_out_when_it_sends() -> None:
    network, one, other, ours, theirs = connected()
    network.links.cut("one", "other")
    network.streams.write(ours, b"lost")
    network.run_for(PATIENCE + 6.0)
    assert (one.closed, other.closed) == (True, False)
    network.links.mend_all()
    network.run_for(60.0)
    assert not other.closed  # half-open: nobody says anything
    network.streams.write(theirs, b"are you there")
    network.run_for(1.0)
    assert other.closed
    assert (one.bytes, other.bytes) == (b"", b"")


def test_a_cut_in_one_direction_lets_the_other_pass_until_nothing_is_acknowledged() -> None:
    network, one, other, ours, _ = connected()
    network.links.cut("other", "one", both=False)
    network.streams.write(ours, b"heard")
    network.run_for(1.0)
    assert other.bytes == b"heard"
    network.run_for(PATIENCE)
    assert one.closed


def test_a_reset_loses_what_is_on_its_way_and_tells_both() -> None:
    network, one, other, ours, _ = connected()
    network.streams.write(ours, b"on its way")
    network.streams.close(ours)
    network.run_for(1.0)
    assert (one.closed, other.closed, other.bytes) == (True, True, b"")


def test_a_slow_reader_blocks_who_writes_to_it_and_gets_everything() -> None:
    network, one, other, ours, _ = connected()
    network.streams.reading["other"] = 10_000.0
    text = bytes(range(256)) * (2 * WINDOW // 256)
    for at in range(0, len(text), 1000):
        network.streams.write(ours, text[at : at + 1000])
    assert one.blocked == [True]
    network.run_for(5.0)
    assert 40_000 < len(other.bytes) < 60_000
    network.streams.reading.clear()
    network.run_for(1.0)
    assert other.bytes == text
    assert one.blocked == [True, False]


def test_a_reader_that_stops_gets_everything_when_it_goes_on() -> None:
    network, one, other, ours, _ = connected()
    network.streams.reading["other"] = 0.0
    network.streams.write(ours, b"later")
    network.run_for(300.0)
    assert other.bytes == b""
    network.streams.reading.clear()
    network.run_for(2.0)
    assert other.bytes == b"later"
    assert not one.closed


def test_each_link_has_conditions_and_chances_of_its_own() -> None:
    one, same = SimNetwork(3), SimNetwork(3)
    lossy = Conditions(loss=1.0)
    one.links.condition("a", "b", lossy, both=False)
    assert one.links.dice("a", "b").copies() == []
    assert one.links.dice("b", "a").copies() != []
    for _ in range(10):
        same.links.dice("x", "y").delay()  # traffic elsewhere
    assert one.links.dice("a", "c").copies() == same.links.dice("a", "c").copies()


def meeting() -> Meeting:
    plan = FarmPlan(handsets=[Handset(name="phone", user="bob")], mcus=("mcu-1", "mcu-2"))
    made = Meeting(plan, seed=4, conditions=CALM)
    made.register_phones()
    made.open()
    return made


def test_an_mcu_that_starts_again_is_another_one_at_the_same_address() -> None:
    one = meeting()
    assert one.outcome("presenter", one.dial("presenter", "sip:bob@example.com")).succeeded
    (busy,) = [name for name, each in one.sim.farm.mcus.items() if each.conferences]
    before = one.sim.farm.mcus[busy]
    one.sim.restart(busy)
    assert one.sim.farm.mcus[busy] is not before
    one.network.run_for(120.0)
    one.phone("phone").hang_up(now=one.network.now)  # who was in the call hears nothing any more
    one.sim.kick("phone")
    one.network.run_for(40.0)
    assert one.outcome("presenter", one.dial("presenter", "sip:bob@example.com"), limit=300.0).succeeded


def test_a_machine_without_power_tells_nobody() -> None:
    left = {}
    for without_a_word in (True, False):
        one = meeting()
        one.sim.stop("focus", without_a_word=without_a_word)
        one.network.run_for(5.0)
        there = one.sim.farm.places["focus"].host
        ends = one.network.streams.ends_of("presenter")
        left[without_a_word] = [flow for flow in ends if (flow.remote.host, flow.remote.port) == (there, 5060)]
    assert left[True]
    assert not left[False]


def test_clocks_step_for_who_starts_afterwards() -> None:
    farm = SimFarm(FarmPlan())
    farm.step_clock("focus", 3600.0)
    pump = farm.hosts["focus"].element.pump
    assert pump is not None
    assert pump.endpoint.wall_clock == 0.0
    restarted = farm.restart("focus").element.pump
    assert restarted is not None
    assert restarted.endpoint.wall_clock == 3600.0


@attrs.define(eq=False)
class Writer:
    """Somebody who writes, until it is dead."""

    off: bool = False
    written: list[int] = attrs.Factory(list)

    def persisted(self, change: StateChange) -> None:
        self.written.append(change.id)


def test_what_was_not_written_when_its_writer_died_is_lost() -> None:
    network, writer = SimNetwork(1), Writer()
    disk = SimDisk(network, "one")
    disk.write(StateChange(1, (Piece("a", b"1"), Piece("b", b"1"))), writer)
    network.run_for(1.0)
    disk.write(StateChange(2, (Piece("b", None), Piece("a", b"2"))), writer)
    network.run_for(1.0)
    disk.write(StateChange(3, (Piece("a", b"3"),)), writer)
    writer.off = True
    network.run_for(1.0)
    assert disk.pieces == [Piece("a", b"2")]
    assert writer.written == [1, 2]
    disk.wipe()
    assert disk.pieces == []


def test_a_phone_that_loses_its_power_is_missed() -> None:
    one = meeting()
    assert one.outcome("presenter", one.dial("presenter", "sip:bob@example.com")).succeeded
    one.sim.stop("phone", without_a_word=True)
    one.network.run_for(120.0)
    assert one.statuses("sip:bob@example.com") == []
