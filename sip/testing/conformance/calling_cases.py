"""Cases for whoever calls: a user agent client, its INVITE, ACK, CANCEL and BYE."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from sip.testing.conformance.asked import Came
from sip.testing.conformance.called import Habit
from sip.testing.conformance.case import Case, case
from sip.testing.conformance.element import CallingElement
from sip.testing.conformance.encounter import LATENCY
from sip.testing.conformance.tester import CONTACT, Tester
from sip.testing.judges.finding import Force


def _newest(tester: Tester) -> Came | None:
    return tester.called.newest_invite()


def _is_free(tester: Tester) -> bool:
    """Whether the element may be told to call: one call at a time."""
    came = _newest(tester)
    if not isinstance(tester.element, CallingElement) or came is None:
        return isinstance(tester.element, CallingElement)
    unheard = not came.responses and tester.now > came.at[0] + 40.0
    over = came.call is not None and came.call.ended_at is not None
    return unheard or over or (came.final is not None and came.final.status >= 300)


@case(
    "RFC 3261 section 13.2.1",
    "an INVITE leaves, and each answer gets what is due",
    ready=_is_free,
    habit=st.sampled_from(Habit),
)
def is_called(tester: Tester, habit: Habit) -> None:
    """Taken, refused, left ringing, or not heard at all."""
    tester.called.habit = habit
    before = len(tester.called.came)
    assert isinstance(tester.element, CallingElement)
    tester.element.call(CONTACT, now=tester.now)
    tester.encounter.flush()
    tester.encounter.expect(
        1.0,
        lambda: len(tester.called.came) > before,
        "SipElementConformance",
        Force.MUST,
        "call() sends an INVITE",
        "no request within a second",
    )


@case(
    "RFC 3261 section 17.1.1.2",
    "a final answer that is repeated is acknowledged again",
    ready=lambda tester: bool(_answered(tester)),
)
def repeats_its_answer(tester: Tester) -> None:
    """The ACK was lost."""
    tester.called.repeat_final(_answered(tester)[0], "repeats its final answer")


def _answered(tester: Tester) -> list[Came]:
    """INVITEs that got a final answer a moment ago, so that their transaction is still there."""
    return [
        each
        for each in reversed(tester.called.came)
        if each.request.method == "INVITE" and each.final is not None and each.acks and tester.now < _since(each) + 5.0
    ]


def _since(came: Came) -> float:
    return next(at for at, each in came.responses if each.status >= 200)


def _ringing(tester: Tester) -> list[Came]:
    return [
        each
        for each in reversed(tester.called.came)
        if each.request.method == "INVITE" and each.final is None and each.responses and not each.cancelled
    ]


@case("RFC 3261 section 13.2.2.4", "a 2xx is acknowledged", ready=lambda tester: bool(_ringing(tester)))
def takes_the_call(tester: Tester) -> None:
    """After it rang for a while."""
    tester.called.accept(_ringing(tester)[0])


@case("RFC 3261 section 17.1.1.2", "a refusal is acknowledged", ready=lambda tester: bool(_ringing(tester)))
def refuses_the_call(tester: Tester) -> None:
    """After it rang for a while."""
    tester.called.answer(_ringing(tester)[0], 603, "declines")


@case(
    "RFC 3261 section 9.1",
    "a CANCEL that had to wait leaves with the first provisional answer",
    ready=lambda tester: bool(_unheard(tester)),
)
def begins_to_ring(tester: Tester) -> None:
    """After it was silent for a while."""
    came = _unheard(tester)[0]
    before = len(tester.called.came)
    tester.called.answer(came, 180, "rings after all")
    if came.hung_up:
        tester.encounter.expect(
            2 * LATENCY + 0.1,
            lambda: len(tester.called.came) > before,
            "RFC 3261 section 9.1",
            Force.MUST,
            "a CANCEL that had to wait leaves with the first provisional answer",
            "no CANCEL",
            came.request,
        )


def _unheard(tester: Tester) -> list[Came]:
    """INVITEs that the tester has not answered, whose transaction certainly lives."""
    came = _newest(tester)
    return [] if came is None or came.responses or tester.now > came.at[0] + 20.0 else [came]


@case(
    "RFC 3261 section 13.2.2.4",
    "a 2xx of another branch of a fork is acknowledged, and its dialog ended with BYE",
    ready=lambda tester: bool(_taken(tester)),
)
def is_answered_twice(tester: Tester) -> None:
    """Two phones were picked up at once; one of them must not stay off the hook."""
    tester.called.fork(_taken(tester)[0])


def _taken(tester: Tester) -> list[Came]:
    return [
        each
        for each in _answered(tester)
        if each.final is not None and each.final.status < 300 and not each.forked and each.request.to.tag is None
    ]


@case(
    "RFC 3261 section 15", "a call is ended with BYE, one that rings with CANCEL", ready=lambda tester: _can_end(tester)
)
def is_hung_up(tester: Tester) -> None:
    """CANCEL waits for a provisional answer; BYE waits for nothing."""
    came = _newest(tester)
    assert isinstance(tester.element, CallingElement)
    assert came is not None
    came.hung_up, call = True, came.call
    before = len(tester.called.came)
    rings, talks = bool(came.responses) and came.final is None, call is not None and call.open
    settled = all(at <= tester.now for at, _ in came.responses)
    tester.element.hang_up(now=tester.now)
    tester.encounter.flush()
    if settled and (rings or talks):
        tester.encounter.expect(
            2 * LATENCY + 0.1,
            lambda: len(tester.called.came) > before or (call is not None and call.ended_at is not None),
            "RFC 3261 section 9.1" if rings else "RFC 3261 section 15",
            Force.MUST,
            "hang_up() sends CANCEL" if rings else "hang_up() sends BYE",
            "nothing",
            came.request,
        )


def _can_end(tester: Tester) -> bool:
    came = _newest(tester)
    return came is not None and not came.hung_up and not _is_free(tester)


@case(
    "RFC 3261 section 17.1.2.2",
    "a request that is not answered is repeated",
    ready=lambda tester: isinstance(tester.element, CallingElement),
    silent=st.booleans(),
)
def stops_answering(tester: Tester, silent: bool) -> None:
    """What the element sends in a call gets lost, until the tester answers again."""
    tester.called.silent = silent


CASES: Final[tuple[Case, ...]] = (
    is_called,
    repeats_its_answer,
    begins_to_ring,
    takes_the_call,
    refuses_the_call,
    is_answered_twice,
    is_hung_up,
    stops_answering,
)
