"""A story that is told passes, or it is NotConforming, with the story, whatever the element does."""

from __future__ import annotations

import pytest

from pyc3p.testing import FocusConformance
from sip import Address, Request, parse_message
from sip.testing import Force, NotConforming, SipElement, SipElementConformance


class Raises:
    """An element with a fault."""

    def receive_datagram(self, data: bytes, source: Address, *, now: float) -> None:
        raise KeyError("branch")

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> None:
        """Nothing is due."""


class RaisesAtOnce(SipElementConformance):
    def make_element(self) -> SipElement:
        return Raises()


def test_what_an_element_raises_is_told_with_the_story() -> None:
    with pytest.raises(NotConforming) as told:
        RaisesAtOnce.tell("a call that is taken and ended")
    (finding,) = told.value.findings
    assert finding.seen == "KeyError: 'branch'"
    assert "INVITE" in told.value.story
    assert told.value.case == "waits"


class Breaks(FocusConformance):
    """Raises while people do things."""

    def do(self, case: object, **drawn: object) -> None:
        def breaks() -> None:
            raise KeyError("seat")

        self._guard(breaks)


def test_a_fault_in_a_conference_is_told_with_the_story() -> None:
    with pytest.raises(NotConforming) as told:
        Breaks.tell("two phones speak with each other")
    assert told.value.findings[0].seen == "KeyError: 'seat'"
    assert "REGISTER" in told.value.story


class Agrees(Raises):
    """Takes whatever it is asked, also in calls that never were."""

    def __init__(self) -> None:
        self.sending: list[tuple[bytes, Address]] = []

    def receive_datagram(self, data: bytes, source: Address, *, now: float) -> None:
        message = parse_message(data)
        if isinstance(message, Request) and message.method != "ACK":
            self.sending.append((bytes(message.response(200, headers=[("Contact", "<sip:a@192.0.2.1>")])), source))

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        sending, self.sending = self.sending, []
        return sending


class Agreeing(SipElementConformance):
    fails_on = tuple(Force)

    def make_element(self) -> SipElement:
        return Agrees()


def test_a_bye_that_belongs_to_nothing_may_be_taken_though_it_should_not() -> None:
    """RFC 3261 section 15.1.2 says SHOULD, and section 12.2.2 lets a session be taken up again."""
    machine = Agreeing()
    for case, drawn in Agreeing.stories["messages that belong to nothing"][:2]:
        case.act(machine.tester, **drawn)
    machine.tester.encounter.wait(60.0)
    with pytest.raises(NotConforming) as told:
        machine.judge()
    about = [each for each in told.value.findings if "481" in each.clause]
    assert [(each.source, each.force) for each in about] == [("RFC 3261 section 15.1.2", Force.SHOULD)]
