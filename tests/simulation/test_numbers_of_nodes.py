"""Dial-in numbers of several nodes: a phone gets into its conference by whichever node it reaches."""

from __future__ import annotations

import contextlib
from typing import cast

import attrs
import pytest

import focus
import sip
from pyc3p.placement.numbers import DrawWanted, NumberWanted, SharedNumbers
from pyc3p.simnet import Meeting
from tests.simulation.caller import Caller
from tests.simulation.nodes import DOMAIN, FOCI, Nodes

PLACES = {"focus-1": "192.0.2.11", "focus-2": "192.0.2.12", "focus-3": "192.0.2.13"}


class PhoneAt(Caller):
    """A plain phone whose calls go to one node."""

    def __init__(self, nodes: Nodes, node: str, host: str = "198.51.100.7", *, transport: str = "UDP") -> None:
        super().__init__(cast(Meeting, nodes), f"phone-at-{node}", host, transport=transport)
        self.node = node

    @property
    def server(self) -> str:
        return PLACES[self.node]


def running() -> tuple[Nodes, str, str]:
    """Nodes, a conference of the first one with alice in it, and its number."""
    nodes = Nodes("alice")
    nodes.hint = "focus-1"
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    assert nodes.owners(conference) == ["focus-1"]
    record = nodes.records.get(sip.conference_key(sip.Uri.parse(conference)))
    assert record is not None
    return nodes, conference, f"sip:{record.dial_in}@{DOMAIN}"


def by_phone(nodes: Nodes, conference: str) -> list[str]:
    """States of those who are there by phone, as the owner has it."""
    states = [state.split(" ") for state in nodes.true_roster(conference).values()]
    return [state for kind, state in states if kind == "audio-video"]


@pytest.mark.parametrize("node", FOCI)
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_phone_gets_in_by_whichever_node_it_calls(node: str, transport: str) -> None:
    nodes, conference, number = running()
    phone = PhoneAt(nodes, node, transport=transport)
    phone.call(number)
    phone.answered()
    nodes.run(1.0)
    assert nodes.owners(conference) == ["focus-1"]
    assert by_phone(nodes, conference) == ["connected"]
    assert nodes.roster("alice") == nodes.true_roster(conference)
    phone.hang_up()
    nodes.run(1.0)
    assert by_phone(nodes, conference) == []


@pytest.mark.parametrize("node", FOCI)
def test_a_number_that_leads_nowhere_is_not_found(node: str) -> None:
    nodes, _, _ = running()
    phone = PhoneAt(nodes, node)
    phone.call(f"sip:222222222@{DOMAIN}")
    assert phone.refused()[0] == 404


def test_a_conference_that_nobody_has_begins_where_it_is_called() -> None:
    nodes, conference, number = running()
    nodes.clients["alice"].leave(now=nodes.network.now)
    nodes.hosts["alice"].kick()
    nodes.run(5.0)
    assert nodes.owners(conference) == []
    phone = PhoneAt(nodes, "focus-3")
    phone.call(number)
    phone.answered()
    nodes.run(1.0)
    assert nodes.owners(conference) == ["focus-3"]
    assert by_phone(nodes, conference) == ["connected"]


def test_a_call_by_another_node_goes_on_when_the_owner_is_killed() -> None:
    nodes, conference, number = running()
    phone = PhoneAt(nodes, "focus-2")
    phone.call(number)
    phone.answered()
    nodes.run(1.0)
    nodes.kill("focus-1")
    nodes.run(8.0)
    assert by_phone(nodes, conference) == ["connected"]
    assert not phone.of(sip.SessionEnded)


def test_who_has_tried_too_many_numbers_does_not_hear_of_a_right_one_at_another_node_either() -> None:
    nodes, _, number = running()
    for server in nodes.servers.values():
        context = server.core.inside.context
        context.config = attrs.evolve(context.config, identify=lambda request, flow: None)
    phone = PhoneAt(nodes, "focus-2", transport="TCP")
    answers = []
    for each in range(11):
        phone.events.clear()
        phone.call(f"sip:2222222{each:02}@{DOMAIN}")
        answers.append(phone.refused()[0])
    assert answers == [404] * 10 + [503]
    phone.events.clear()
    phone.call(number)
    assert phone.refused()[0] == 503


# Where the store answers later ---------------------------------------------------------------------------------------


@attrs.define
class Slow:
    """Numbers of a store that takes its time."""

    numbers: SharedNumbers
    answers: dict[str, str]  #: Conference-URIs by number

    def answer(self, nodes: Nodes, name: str) -> None:
        server = nodes.servers[name]
        for wanted in self.numbers.take_wanted():
            assert isinstance(wanted, NumberWanted)
            uri, now = self.answers.get(wanted.number), nodes.network.now
            assert server.cores.forwarding is not None
            assert server.cores.ways_in is not None
            if not server.cores.forwarding.number_found(wanted.id, uri, now=now):
                with contextlib.suppress(focus.LocalProtocolError):  # nobody waits any more
                    server.cores.ways_in.number_found(wanted.id, uri, now=now)
        server.host.kick()


def asked_later(node: str) -> tuple[Nodes, Slow, PhoneAt, str]:
    nodes, conference, number = running()
    slow = Slow(SharedNumbers(sip.SeededEntropy(b"slow")), {number[4:].partition("@")[0]: conference})
    server = nodes.servers[node]
    assert server.cores.forwarding is not None
    server.cores.forwarding._numbers = slow.numbers
    context = server.core.inside.context
    context.config = attrs.evolve(context.config, numbers=slow.numbers)
    return nodes, slow, PhoneAt(nodes, node), number


@pytest.mark.parametrize("node", ["focus-1", "focus-2"])
def test_where_a_number_leads_may_be_known_later(node: str) -> None:
    nodes, slow, phone, number = asked_later(node)
    phone.call(number)
    for _ in range(3):
        nodes.run(0.2)
        slow.answer(nodes, node)
    phone.answered()


@pytest.mark.parametrize(("ends", "status"), [("nobody answers", 503), ("the caller gives up", 487)])
def test_a_call_whose_number_nobody_answers_for_ends(ends: str, status: int) -> None:
    nodes, slow, phone, number = asked_later("focus-2")
    phone.call(number)
    nodes.run(0.5)
    if status == 487:
        phone.cancel()
    assert phone.refused()[0] == status
    slow.answer(nodes, "focus-2")  # too late
    nodes.run(40.0)
    forwarding = nodes.servers["focus-2"].cores.forwarding
    assert forwarding is not None
    assert forwarding.sizes["waiting"] == forwarding.sizes["contexts"] == 0
    assert nodes.mcu.legs == 0


def test_a_number_that_is_drawn_is_one_of_the_form_asked_for() -> None:
    numbers = SharedNumbers(sip.SeededEntropy(b"n"), digits=6, prefix="77")
    record = focus.ConferenceRecord(
        focus_uri=f"sip:ann@{DOMAIN};gruu;opaque=app:conf:focus:id:A1",
        conference_id="A1",
        organizer="sip:ann@example.com",
    )
    pending = numbers.number_for(record)
    (wanted,) = numbers.take_wanted()
    assert isinstance(wanted, DrawWanted)
    assert wanted.id == pending.id
    drawn = {wanted.draw() for _ in range(5)}
    assert len(drawn) == 5
    assert all(each is not None and numbers.is_number(each) and len(each) == 8 for each in drawn)
    assert numbers.take_wanted() == []
