"""Whatever a peer changes in mid-call at its address is followed; whoever is elsewhere gets nothing by it."""

from __future__ import annotations

import random
import struct

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp import (
    Capabilities,
    Direction,
    Goodbye,
    MediaStream,
    Role,
    RtpPacket,
    SourceLocked,
    TelephoneEvent,
    TelephoneEventStarted,
    answer,
    negotiate,
    offer,
    ulaw_encode,
)
from rtp.stream.time_line import TimeLine

US, PEER, NAT, STRANGER = ("192.0.2.1", 4000), ("192.0.2.2", 5000), ("203.0.113.5", 33_000), ("198.51.100.9", 7000)
FRAME = 0.02
LOUD = ulaw_encode(struct.pack("<h", 9000) * 480)
ALIEN = ulaw_encode(struct.pack("<h", -20000) * 160)


def stream() -> MediaStream:
    offered = offer(Capabilities(), *US)
    audio = negotiate(offered, answer(offered, Capabilities(), *PEER), Role.OFFERER).audio
    assert audio
    return MediaStream(audio, ssrc=1, sequence_number=1, timestamp=1, cname="us", uniform=lambda: 0.5, now=0.0)


@attrs.frozen
class Change:
    """What the peer changes at once, before a packet."""

    ssrc: int | None = None  #: another source
    sequence: int = 0  #: added to the numbering
    timestamp: int = 0  #: added to the time line
    ptime: int | None = None
    law: int | None = None  #: payload type


class Peer:
    """Sends a loud tone, whatever else it changes."""

    def __init__(self, ptime: int = 20) -> None:
        self.ssrc, self.sequence, self.timestamp, self.ptime, self.law = 1000, 65_000, 2**32 - 5000, ptime, 0

    def change(self, change: Change) -> None:
        self.ssrc = change.ssrc or self.ssrc
        self.sequence = (self.sequence + change.sequence) & 0xFFFF
        self.timestamp = (self.timestamp + change.timestamp) & 0xFFFF_FFFF
        self.ptime = change.ptime or self.ptime

    def packet(self) -> bytes:
        samples = 8 * self.ptime
        data = bytes(RtpPacket(self.law, self.sequence, self.timestamp, self.ssrc, LOUD[:samples]))
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + samples) & 0xFFFF_FFFF
        return data


class Line:
    """A peer, a leg and perhaps a stranger who sends all the time."""

    def __init__(self, peer: Peer, address: tuple[str, int] = PEER, *, stranger: bool = False) -> None:
        self.leg, self.peer, self.address, self.stranger = stream(), peer, address, stranger
        self.now, self.next_packet = 0.0, 0.0
        self.heard: list[int] = []  #: peak of each frame, 0 for none
        self.strange = 0

    def run(self, seconds: float, changes: dict[int, Change] | None = None) -> None:
        """Changes are by packet from here on."""
        number, end = 0, self.now + seconds
        while self.now < end - 1e-9:
            while self.next_packet <= self.now + 1e-9:
                if changes and number in changes:
                    self.peer.change(changes[number])
                self.leg.receive("rtp", self.peer.packet(), self.address, now=self.next_packet)
                self.next_packet += self.peer.ptime / 1000
                number += 1
            if self.stranger:
                self._intrude()
            frame = self.leg.pop_frame(now=self.now + 0.003)
            self.heard.append(max(struct.unpack("<160h", frame), key=abs) if frame else 0)
            self.now += FRAME

    def _intrude(self) -> None:
        self.strange += 1
        packet = RtpPacket(0, self.strange & 0xFFFF, 160 * self.strange, 666, ALIEN)
        self.leg.receive("rtp", bytes(packet), STRANGER, now=self.now)

    def silent(self, since: float = 0.5) -> float:
        """Seconds without the tone, not counting the beginning."""
        return sum(peak < 3000 for peak in self.heard[round(since / FRAME) :]) * FRAME


changes = st.builds(
    Change,
    ssrc=st.none() | st.integers(2000, 2**32 - 1),
    sequence=st.sampled_from([0, 0, 1, 5, 3000, -1, -5, -50, -200, 20_000, 40_000]) | st.integers(-70_000, 70_000),
    timestamp=st.sampled_from([0, 0, 160, 800, 8000, -160, -1600, -8000, -40_000, 2**31]) | st.integers(0, 2**32 - 1),
    ptime=st.sampled_from([None, 10, 20, 30, 40, 60]),
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.integers(60, 400), changes, max_size=4), st.sampled_from([10, 20, 30, 60]), st.booleans())
def test_each_change_at_the_known_address_costs_60_ms_at_most(
    drawn: dict[int, Change], ptime: int, stranger: bool
) -> None:
    line = Line(Peer(ptime), stranger=stranger)
    line.run(6.0, drawn)
    assert line.silent() <= 0.0601 * len(drawn)
    assert min(line.heard) >= 0
    assert line.leg.destination == PEER


@pytest.mark.parametrize(
    "change",
    [
        Change(timestamp=-8000),
        Change(timestamp=-400),
        Change(timestamp=8000),
        Change(timestamp=2400),
        Change(timestamp=2**31),
        Change(sequence=-50),
        Change(sequence=30_000),
        Change(sequence=-50, timestamp=-8000),
        Change(ssrc=77),
        Change(ssrc=77, sequence=-999, timestamp=123_456),
        Change(ptime=60),
        Change(sequence=-1, timestamp=8000, ptime=60),
        Change(sequence=-1, timestamp=-8000),
        Change(sequence=-5, timestamp=-1600, ptime=40),
        Change(ptime=10, timestamp=-16_000),
    ],
    ids=str,
)
@pytest.mark.parametrize("address", [PEER, NAT])
def test_one_change_is_hardly_heard(change: Change, address: tuple[str, int]) -> None:
    line = Line(Peer(), address, stranger=True)
    if address == NAT:  # the peer must have been first where nothing was signalled
        line.stranger = False
        line.run(0.5)
        line.stranger = True
    line.run(3.0, {75: change})
    assert line.silent() <= 0.06
    assert line.leg.counters().dropped == 0
    assert line.leg.destination == address
    assert min(line.heard) >= 0


def test_the_other_law_is_heard_though_only_one_was_agreed() -> None:
    line = Line(Peer())
    line.run(1.0)
    line.peer.law = 8
    line.run(1.0)
    assert line.silent() == 0.0


def test_two_sources_that_alternate_at_one_address_do_not_take_turns() -> None:
    line, other = Line(Peer()), Peer()
    other.ssrc = 5
    line.run(0.5)
    for _ in range(50):
        line.run(0.02)
        events = line.leg.receive("rtp", other.packet(), PEER, now=line.now)
        assert not any(isinstance(event, SourceLocked) for event in events)
    assert line.leg.remote_ssrc == 1000


@pytest.mark.parametrize("address", [PEER, NAT])
def test_a_stranger_gets_nothing_by_the_goodbye_of_the_peer(address: tuple[str, int]) -> None:
    line = Line(Peer(), address)
    line.run(1.0)
    line.stranger = True
    line.leg.receive("rtcp", b"\x80\xc9\x00\x01\x00\x00\x03\xe8" + bytes(Goodbye((1000,))), address, now=line.now)
    assert line.leg.remote_ssrc is None
    line._intrude()
    line._intrude()
    line.run(1.0, {0: Change(ssrc=9)})
    assert line.leg.remote_ssrc == 9
    assert min(line.heard) >= 0


def test_a_key_after_a_step_back_is_heard() -> None:
    line = Line(Peer())
    line.run(1.0)

    def press(key: int) -> list[str | None]:
        peer, events = line.peer, []
        for end in (False, True):
            report = bytes(TelephoneEvent(key, end, 10, 800))
            data = bytes(RtpPacket(101, peer.sequence, peer.timestamp, peer.ssrc, report))
            peer.sequence += 1
            events += line.leg.receive("rtp", data, PEER, now=line.now)
        return [event.digit for event in events if isinstance(event, TelephoneEventStarted)]

    assert press(1) == ["1"]
    line.run(0.5, {0: Change(timestamp=-20_000)})
    assert press(1) == ["1"]
    line.peer.timestamp -= 20_000  # and with no sound before the key
    line.now += 2.0
    assert press(2) == ["2"]


def test_a_pause_of_the_sender_is_kept_and_not_taken_for_a_jump() -> None:
    line = Line(Peer())
    line.run(1.0)
    line.peer.timestamp += 8000
    line.next_packet += 1.0
    line.run(3.0)
    assert line.silent() == pytest.approx(1.0, abs=0.08)


def test_packets_in_another_order_stay_where_they_belong() -> None:
    chance = random.Random(3)
    line = TimeLine(8000)
    packets = [(number & 0xFFFF, 160 * number & 0xFFFF_FFFF) for number in range(65_400, 65_700)]
    late = sorted(packets, key=lambda packet: (packet[0] - 65_400 & 0xFFFF) + chance.randint(0, 4))
    for index, (number, timestamp) in enumerate(late):
        assert line.follow(number, timestamp, 160, now=0.02 * index) == timestamp
    assert line.breaks == 0


def test_a_packet_that_was_overtaken_by_a_change_keeps_the_line_before() -> None:
    line = TimeLine(8000)
    for number in (0, 1, 2, 4):
        line.follow(number, 160 * number, 160, now=0.02 * number)
    mapped = line.follow(5, 1_000_000, 160, now=0.1)
    assert mapped == 800
    assert line.follow(3, 480, 160, now=0.1) == 480
    assert line.follow(6, 1_000_160, 160, now=0.12) == 960
    assert line.breaks == 1


def test_a_leg_that_does_not_listen_hears_nothing_and_goes_on_when_it_does() -> None:
    line = Line(Peer())
    line.run(1.0)
    line.leg.update(attrs.evolve(line.leg.agreement, direction=Direction.SENDONLY), now=line.now)
    line.run(0.5)
    assert set(line.heard[-25:]) == {0}
    line.leg.update(attrs.evolve(line.leg.agreement, direction=Direction.SENDRECV), now=line.now)
    line.run(0.5)
    assert min(line.heard[-20:]) > 3000
