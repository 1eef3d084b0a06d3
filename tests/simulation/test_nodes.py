"""Several nodes: whoever has a conference is found, and what a node had that is gone goes on at others."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest

import focus
import mcu
import sip
from pyc3p import Record
from pyc3p.placement.events import Claim, FindOwner, Renew
from tests.simulation.nodes import FOCI, Nodes, Server


def owner_of(nodes: Nodes, conference: str) -> str:
    (owner,) = nodes.owners(conference)
    return owner


def endpoint_of(server: Server) -> sip.Endpoint:
    assert server.host.element.pump is not None
    return server.host.element.pump.endpoint


@pytest.mark.parametrize("entry", FOCI)
def test_a_request_that_comes_to_another_node_reaches_the_owner(entry: str) -> None:
    nodes = Nodes("alice", "bob", phones=1)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    owner = owner_of(nodes, conference)
    nodes.hint = entry
    nodes.join("bob", conference)
    assert nodes.owners(conference) == [owner]
    command = nodes.dial("bob", 0)
    nodes.run(5.0)
    assert nodes.ends("bob", command) == ["CommandSucceeded"] or nodes.ends("bob", command) == ["CommandFailed"]
    command = nodes.dial("alice", 0)
    nodes.run(5.0)
    assert nodes.ends("alice", command) == ["CommandSucceeded"]
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)


# A node that is gone -------------------------------------------------------------------------------------------------


def test_a_conference_is_back_at_another_node_within_five_seconds_and_nobody_is_hung_up() -> None:
    nodes = Nodes("alice", "bob", phones=2)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    first = nodes.dial("alice", 0)
    nodes.run(5.0)
    assert nodes.ends("alice", first) == ["CommandSucceeded"]
    before = nodes.roster("alice")
    legs = nodes.mcu.legs
    owner = owner_of(nodes, conference)
    nodes.kill(owner)
    nodes.run(5.0)
    new = owner_of(nodes, conference)
    assert new != owner
    assert nodes.true_roster(conference) == before
    assert nodes.mcu.legs == legs == 1
    assert not nodes.hosts["alice"].of(focus.Left)
    assert not nodes.hosts["bob"].of(focus.Left)
    # the next command goes to the new owner, in the old dialog, and everybody hears what comes of it
    second = nodes.dial("alice", 1)
    nodes.run(8.0)
    assert nodes.ends("alice", second) == ["CommandSucceeded"]
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)
    assert len(nodes.roster("alice")) == 4


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.2, 0.6, 1.0])
def test_a_command_in_flight_ends_once(moment: float) -> None:
    """The phone rings for half a second; the owner dies somewhere in between."""
    nodes = Nodes("alice", "bob", phones=1)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    command = nodes.dial("alice", 0)
    nodes.run(moment)
    nodes.kill(owner_of(nodes, conference))
    nodes.run(200.0)
    assert len(nodes.ends("alice", command)) == 1
    assert nodes.mcu.legs <= 1
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)


@pytest.fixture(scope="module")
def twenty() -> Twenty:
    """Twenty conferences on one node, each of two people, two phones that talk and one that rings; then it dies."""
    return Twenty()


class Twenty:
    def __init__(self) -> None:
        people = [f"p{number}" for number in range(40)]
        self.nodes = nodes = Nodes(*people, phones=60, tones=True)
        nodes.network.sound = (0.02, 10.0)  # nobody listens yet
        nodes.hint = "focus-1"
        self.rooms: dict[str, tuple[str, str]] = {}  #: two people by conference
        for number in range(20):
            first, second = people[2 * number : 2 * number + 2]
            conference = nodes.created(first)
            self.rooms[conference] = (first, second)
            for name in (first, second):
                nodes.join(name, conference)
            for phone in (3 * number, 3 * number + 1):
                nodes.dial(first, phone)
        nodes.run(5.0)
        assert len(nodes.servers["focus-1"].core.conferences) == 20
        assert nodes.mcu.legs == 40
        self.before = {each: nodes.true_roster(each) for each in self.rooms}
        nodes.network.sound = None
        self.packets: defaultdict[str, list[float]] = defaultdict(list)  #: seconds of those to a host
        nodes.network.trace.add_reader(self._saw)
        nodes.run(1.0)
        self.commands = {
            first: nodes.dial(first, 3 * number + 2) for number, (first, _) in enumerate(self.rooms.values())
        }
        nodes.run(0.2)
        self.killed_at = nodes.network.now
        nodes.kill("focus-1")
        self.back_at: dict[str, float] = {}
        while nodes.network.now < self.killed_at + 6.0:
            nodes.run(0.1)
            for each in self.rooms:
                if nodes.owners(each):
                    self.back_at.setdefault(each, nodes.network.now - self.killed_at)
        self.heirs = {each: nodes.owners(each) for each in self.rooms}
        self.after = {each: nodes.true_roster(each) for each in self.rooms}
        nodes.network.sound = (0.02, 10.0)
        nodes.run(200.0)

    def _saw(self, record: Record) -> None:
        if record.layer == "rtp":
            self.packets[record.destination[0]].append(record.at)

    def longest_silence(self, phone: str) -> float:
        """Seconds between two packets to a phone, at most, from a second before the end of the node until 6 after."""
        own = self.nodes.hosts[phone].host
        at = [at for at in self.packets[own] if self.killed_at - 1.0 < at < self.killed_at + 6.0]
        return max(later - earlier for earlier, later in pairwise(at))


def test_twenty_conferences_of_five_are_back_on_two_other_nodes_within_five_seconds(twenty: Twenty) -> None:
    print(f"back after {min(twenty.back_at.values()):.1f} to {max(twenty.back_at.values()):.1f} s")
    assert len(twenty.back_at) == 20
    assert max(twenty.back_at.values()) < 5.0
    assert {len(owners) for owners in twenty.heirs.values()} == {1}
    assert {owner for owners in twenty.heirs.values() for owner in owners} == {"focus-2", "focus-3"}
    for conference, before in twenty.before.items():
        assert before.items() <= twenty.after[conference].items()


def test_forty_phones_hear_no_gap_while_their_node_dies(twenty: Twenty) -> None:
    for number in range(60):
        if number % 3 != 2:
            assert twenty.longest_silence(f"phone{number}") < 0.05


def test_the_command_that_each_of_twenty_had_in_flight_ends_once(twenty: Twenty) -> None:
    assert [len(twenty.nodes.ends(name, command)) for name, command in twenty.commands.items()] == [1] * 20


def test_in_the_end_everybody_sees_what_there_is_and_nobody_was_sent_away(twenty: Twenty) -> None:
    nodes, legs = twenty.nodes, 0
    for conference, names in twenty.rooms.items():
        truth = nodes.true_roster(conference)
        assert [nodes.roster(name) for name in names] == [truth, truth]
        legs += sum(status.endswith("connected") for (user, _), status in truth.items() if user.startswith("sip:phone"))
    assert legs == nodes.mcu.legs >= 40
    assert not any(host.of(focus.Left) for host in nodes.hosts.values())


def test_a_conference_that_cannot_be_taken_over_yet_keeps_its_state_and_the_next_request_brings_it_back() -> None:
    nodes = Nodes("alice", "bob", phones=1)
    nodes.network.faults_raise = False
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    nodes.run(1.0)
    ((key, written),) = nodes.store.written.items()
    before, dialogs = nodes.true_roster(conference), list(written.values())
    nodes.kill(owner_of(nodes, conference))
    for server in nodes.servers.values():  # as when they had it a while ago, and their BYEs have no answers yet
        endpoint_of(server).restore(dialogs, now=nodes.network.now)
    nodes.run(5.0)
    assert nodes.owners(conference) == []
    assert not any(key in server.member.held for server in nodes.servers.values())
    for server in nodes.servers.values():
        for piece in dialogs:
            endpoint_of(server).hand_over(piece.key, now=nodes.network.now)
    command = nodes.dial("alice", 0)  # 481: the owner does not have her dialog; so she joins again, and all is back
    nodes.run(8.0)
    assert nodes.ends("alice", command) == ["CommandFailed"]
    assert len(nodes.hosts["alice"].of(focus.Rejoined)) == 1
    assert nodes.true_roster(conference) == before
    command = nodes.dial("alice", 0)
    nodes.run(8.0)
    assert nodes.ends("alice", command) == ["CommandSucceeded"]
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)
    faults = [each for server in nodes.servers.values() for each in server.host.of(sip.InternalFault)]
    assert [each.doing for each in faults] == ["handle TakenOver"]


# A node that was cut off ---------------------------------------------------------------------------------------------


def test_a_node_that_was_cut_off_from_the_store_and_comes_back_does_no_harm() -> None:
    nodes = Nodes("alice", "bob", phones=2)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    first = nodes.dial("alice", 0)
    nodes.run(5.0)
    old = owner_of(nodes, conference)
    nodes.servers[old].store.away = True
    nodes.run(6.0)
    owners = nodes.owners(conference)
    assert len(owners) == 2
    assert old in owners
    nodes.servers[old].store.away = False
    nodes.run(6.0)
    (new,) = nodes.owners(conference)
    assert new != old
    second = nodes.dial("alice", 1)
    nodes.run(8.0)
    assert nodes.ends("alice", first) == nodes.ends("alice", second) == ["CommandSucceeded"]
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)
    assert nodes.mcu.legs == 2


def test_who_joined_at_a_node_that_had_lost_its_claim_is_sent_to_the_owner() -> None:
    """The new owner took over what was written before, and knows nothing of her; she says nothing by herself."""
    nodes = Nodes("alice", "bob", "carol", phones=1)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    old = owner_of(nodes, conference)
    nodes.servers[old].store.away = True
    nodes.run(6.0)
    nodes.hint = old
    nodes.join("carol", conference)
    nodes.hint = None
    assert len(nodes.owners(conference)) == 2
    nodes.servers[old].store.away = False
    nodes.run(15.0)
    assert owner_of(nodes, conference) != old
    assert len(nodes.hosts["carol"].of(focus.Rejoined)) == 1
    assert not nodes.hosts["alice"].of(focus.Rejoining)
    assert {user for user, _ in nodes.true_roster(conference)} == {f"sip:{name}@example.com" for name in nodes.clients}
    assert all(nodes.roster(name) == nodes.true_roster(conference) for name in nodes.clients)


def test_a_node_that_was_cut_off_keeps_who_is_on_an_mcu_until_it_knows_whose_the_conference_is() -> None:
    """The MCU obeys another, and the store is away: who is on the phone is so all the same."""
    nodes = Nodes("alice", "bob", phones=2)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    first = nodes.dial("alice", 0)
    nodes.run(5.0)
    old = owner_of(nodes, conference)
    nodes.servers[old].store.away = True
    nodes.run(6.0)
    (new,) = set(nodes.owners(conference)) - {old}
    before = nodes.true_roster(conference, new)
    nodes.kill(new)
    nodes.store_away = True
    nodes.hint = old
    refused = nodes.dial("alice", 1)
    nodes.run(1.0)
    assert nodes.true_roster(conference, old) == before
    nodes.store.forget_everything(run="2")
    nodes.store_away = nodes.servers[old].store.away = False
    nodes.run(20.0)
    assert nodes.owners(conference) == [old]
    second = nodes.dial("alice", 1)
    nodes.run(8.0)
    assert [nodes.ends("alice", each) for each in (first, second)] == [["CommandSucceeded"]] * 2
    assert nodes.ends("alice", refused) == ["CommandFailed"]
    assert len(nodes.roster("alice")) == len(before) + 1
    assert nodes.roster("alice") == nodes.true_roster(conference)
    assert nodes.mcu.legs == 2


# The store -----------------------------------------------------------------------------------------------------------


def test_running_conferences_go_on_while_the_store_is_away_and_new_ones_get_503() -> None:
    nodes = Nodes("alice", "bob", phones=1)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    other = nodes.created("bob")
    nodes.store_away = True
    nodes.run(10.0)
    command = nodes.dial("alice", 0)
    nodes.run(5.0)
    assert nodes.ends("alice", command) == ["CommandSucceeded"]
    nodes.clients["bob"].join(other, now=nodes.network.now)
    nodes.hosts["bob"].kick()
    nodes.run(5.0)
    # a proxy that gets 503 tells 500 (RFC 3261 section 16.7 step 6)
    assert nodes.hosts["bob"].of(focus.JoinFailed)[-1].status == 500
    assert sum(server.answered("INVITE", 503) for server in nodes.servers.values()) == 1
    nodes.run(15.0)
    nodes.store_away = False
    nodes.run(4.0)
    nodes.join("bob", other)
    assert len(nodes.owners(conference)) == len(nodes.owners(other)) == 1


def test_after_a_store_that_came_back_empty_a_conference_can_be_taken_over_again() -> None:
    nodes = Nodes("alice", "bob", phones=2)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    first = nodes.dial("alice", 0)
    nodes.run(5.0)
    nodes.store_away = True
    nodes.run(2.0)
    nodes.store.forget_everything(run="2")
    nodes.store_away = False
    nodes.run(4.0)
    before = nodes.roster("alice")
    nodes.kill(owner_of(nodes, conference))
    nodes.run(5.0)
    assert nodes.true_roster(conference) == before
    second = nodes.dial("alice", 1)
    nodes.run(8.0)
    assert nodes.ends("alice", first) == nodes.ends("alice", second) == ["CommandSucceeded"]
    assert nodes.mcu.legs == 2


def test_what_is_told_after_the_store_forgot_everything_is_above_what_any_node_told_before() -> None:
    """The one that had taken over is gone with all it wrote; the one that it had taken from knows an older state."""
    nodes = Nodes("alice", "bob", phones=3)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    nodes.dial("alice", 0)
    nodes.run(4.0)
    old = owner_of(nodes, conference)
    nodes.servers[old].store.away = True
    nodes.run(6.0)
    (new,) = set(nodes.owners(conference)) - {old}
    nodes.hint = new
    for phone in (1, 2):
        nodes.dial("alice", phone)
        nodes.run(4.0)
    assert len(nodes.roster("bob")) == 5
    nodes.kill(new)
    nodes.store.forget_everything(run="2")
    nodes.servers[old].store.away = False
    nodes.run(20.0)
    assert nodes.owners(conference) == [old]
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)
    assert len(nodes.roster("bob")) == 2 + nodes.mcu.legs
    command = nodes.dial("alice", 0)
    nodes.run(8.0)
    assert len(nodes.ends("alice", command)) == 1
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)


def test_what_a_store_that_came_back_empty_costs_grows_with_the_conferences_and_no_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = [f"p{number}" for number in range(6)]
    nodes = Nodes(*people)
    nodes.hint = "focus-1"
    for name in people:
        nodes.join(name, nodes.created(name))
    assert len(nodes.servers["focus-1"].core.conferences) == 6
    before = {key: set(found) for key, found in nodes.store.written.items()}
    read: list[sip.Piece] = []
    whole = focus.Focus.snapshot

    def counted(core: focus.Focus, conference_uri: str | None = None) -> list[sip.Piece]:
        found = whole(core, conference_uri)
        read.extend(found)
        return found

    monkeypatch.setattr(focus.Focus, "snapshot", counted)
    nodes.store.forget_everything(run="2")
    nodes.run(4.0)
    assert {key: set(found) for key, found in nodes.store.written.items()} == before
    assert len(read) == sum(map(len, before.values()))


def test_a_claim_is_one_round_trip_and_a_running_conference_none() -> None:
    nodes = Nodes("alice", "bob", phones=1)
    conference = nodes.created("alice")
    nodes.asked.clear()
    nodes.join("alice", conference)
    nodes.dial("alice", 0)
    nodes.run(30.0)
    other = [operation for _, operation in nodes.asked if not isinstance(operation, Renew)]
    assert [type(each) for each in other] == [FindOwner, Claim]


def test_a_node_that_drains_hands_its_conferences_over() -> None:
    nodes = Nodes("alice", "bob", phones=2)
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    nodes.join("bob", conference)
    first = nodes.dial("alice", 0)
    nodes.run(5.0)
    before = nodes.roster("alice")
    old = owner_of(nodes, conference)
    placed = nodes.servers[old].cores.placed
    assert placed is not None
    placed.drain(now=nodes.network.now)
    nodes.servers[old].host.kick()
    second = nodes.dial("alice", 1)  # at once: it waits until somebody has the conference
    nodes.run(8.0)
    assert placed.has_left
    assert owner_of(nodes, conference) != old
    assert nodes.ends("alice", first) == nodes.ends("alice", second) == ["CommandSucceeded"]
    assert set(before) < set(nodes.true_roster(conference))
    assert nodes.roster("alice") == nodes.roster("bob") == nodes.true_roster(conference)
    assert not nodes.hosts["alice"].of(focus.Left)


# MCU Factories -------------------------------------------------------------------------------------------------------


def test_nodes_that_need_an_mcu_at_the_same_time_do_not_all_pick_the_same_one() -> None:
    """Each asks the MCU Factory beside it, and MCUs say only a second later that they are busy."""
    nodes = Nodes("alice", "bob", phones=2, mcus=2)
    for name, node in (("alice", "focus-1"), ("bob", "focus-2")):
        nodes.hint = node
        nodes.join(name, nodes.created(name))
    nodes.dial("alice", 0)
    nodes.run(0.1)
    nodes.dial("bob", 1)
    nodes.run(5.0)
    assert [each.legs for each in nodes.mcus.values()] == [1, 1]


def test_any_factory_knows_which_mcu_has_a_conference_also_one_that_was_started_anew() -> None:
    nodes = Nodes("alice", "bob", phones=2, mcus=2)
    nodes.hint = "focus-1"
    for name in ("alice", "bob"):
        nodes.join(name, nodes.created(name))
    nodes.dial("alice", 0)
    nodes.run(0.1)
    nodes.dial("bob", 1)
    nodes.run(5.0)
    nodes.kill("focus-3")
    nodes.start("focus-3")
    nodes.run(15.0)
    known = [
        {piece.key: piece.value for piece in server.factory.snapshot() if mcu.is_factory_place(piece)}
        for server in nodes.servers.values()
    ]
    assert len(known[0]) == 2
    assert known[0] == known[1] == known[2]
