"""Calls to dial-in numbers that are refused, answered later, or made by somebody who guesses (`docs/ways-in.rst`)."""

from __future__ import annotations

import attrs
import pytest

import focus
import sip
from pyc3p.simnet import Meeting
from tests.simulation.test_ways_in import OPEN, Meet, caller, create, hold, identified_by_nobody, number, statuses


def of(meeting: Meeting) -> focus.Focus:
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    return conferences


def configure(meeting: Meeting, **changed: object) -> None:
    """Another setting of the Focus that runs."""
    context = of(meeting).inside.context
    context.config = attrs.evolve(context.config, **changed)  # type: ignore[arg-type]


def asks_everybody(request: sip.Request, flow: sip.Flow) -> sip.Challenged:
    return sip.Challenged(status=401, headers=(("WWW-Authenticate", 'Digest realm="example.com", nonce="n"'),))


# Who calls itself somebody -------------------------------------------------------------------------------------------


def test_who_calls_itself_a_user_of_the_domain_and_proves_nothing_is_asked(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    configure(meeting, identify=asks_everybody)
    phone = caller(meeting)
    phone.call(number(meeting), user="sip:bob@example.com")
    assert phone.refused()[0] == 401
    assert statuses(meeting) == {}
    phone.events.clear()
    phone.call(number(meeting), user="sip:bob@elsewhere.example.net")  # nobody of ours: the number is enough
    phone.answered()


def test_a_stranger_is_asked_for_a_password_where_the_number_is_not_enough(meet: Meet) -> None:
    meeting = meet()
    configure(meeting, identify=asks_everybody)
    phone = caller(meeting)
    phone.call(number(meeting))
    assert phone.refused()[0] == 401


# Passcodes -----------------------------------------------------------------------------------------------------------


def with_passcode(meet: Meet) -> Meeting:
    meeting = meet()
    hold(meeting, passcode="2468", admission_policy="anonymous")
    configure(meeting, identify=identified_by_nobody)
    return meeting


def test_many_calls_at_once_guess_no_more_than_one(meet: Meet) -> None:
    meeting = with_passcode(meet)
    phone = caller(meeting)
    where = number(meeting)
    for _ in range(4):  # three tries each, and ten wrong ones of a source: the fourth begins below ten
        phone.events.clear()
        phone.call(where)
        phone.answered()
    phone.events.clear()
    phone.call(where)
    assert phone.refused()[0] == 503
    other = caller(meeting, "other", "198.51.100.8")
    other.call(where)
    other.answered()  # nobody else is kept out


def test_who_knows_the_passcode_is_not_counted(meet: Meet) -> None:
    meeting = with_passcode(meet)
    where = number(meeting)
    phone = caller(meeting)
    for _ in range(6):  # eighteen tries, if they counted
        phone.events.clear()
        phone.call(where)
        phone.answered()
        meeting.network.run_for(0.5)
        phone.press("2468#")
        meeting.network.run_for(0.5)
        phone.hang_up()
        meeting.network.run_for(0.5)


def test_the_passcodes_of_one_conference_are_guessed_from_everywhere_together(meet: Meet) -> None:
    meeting = with_passcode(meet)
    where = number(meeting)
    answers = []
    for each in range(36):
        phone = caller(meeting, f"eve{each}", f"203.0.113.{each + 1}")
        phone.call(where)
        meeting.network.run_for(0.5)
        answers.append(bool(phone.of(sip.SessionAnswered)))
    assert answers == [True] * 34 + [False] * 2  # a hundred wrong ones of a conference, three a call


# Being shut down -----------------------------------------------------------------------------------------------------


def test_a_focus_that_is_being_shut_down_wakes_no_conference_for_a_phone(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    going_on = number(meeting)
    create(meeting)
    asleep = number(meeting)
    of(meeting).drain(now=meeting.network.now)
    phone = caller(meeting)
    phone.call(asleep)
    assert phone.refused()[0] == 503
    failed = phone.of(sip.SessionFailed)[-1]
    assert failed.response is not None
    assert failed.response.headers.get("Retry-After") is not None
    phone.events.clear()
    phone.call(going_on)
    phone.answered()


# Numbers of an application that answers later ------------------------------------------------------------------------


@attrs.frozen
class Elsewhere:
    """Numbers that a directory elsewhere knows."""

    asked: list[str] = attrs.field(factory=list)

    def is_number(self, user: str) -> bool:
        return user.isdigit()

    def conference_of(self, number: str) -> sip.Pending:
        self.asked.append(number)
        return sip.Pending(f"question {len(self.asked)}")

    def number_for(self, record: focus.ConferenceRecord) -> None:
        return None


def answer(meeting: Meeting, question: str, uri: str | None) -> None:
    ways_in = meeting.sim.farm.cores["focus"].ways_in
    assert ways_in is not None
    ways_in.number_found(question, uri, now=meeting.network.now)
    meeting.sim.kick("focus")


@pytest.fixture
def asked_elsewhere(meet: Meet) -> tuple[Meeting, Elsewhere]:
    meeting, numbers = meet(factory=OPEN), Elsewhere()
    configure(meeting, numbers=numbers)
    return meeting, numbers


def test_a_number_may_be_found_later(asked_elsewhere: tuple[Meeting, Elsewhere]) -> None:
    meeting, numbers = asked_elsewhere
    phone = caller(meeting)
    phone.call("sip:4711@example.com")
    meeting.network.run_for(2.0)
    assert numbers.asked == ["4711"]
    answer(meeting, "question 1", meeting.uri)
    phone.answered()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {f"sip:granny@{phone.host}": "connected"}
    with pytest.raises(focus.LocalProtocolError):
        answer(meeting, "question 1", meeting.uri)


def test_a_number_may_turn_out_later_to_be_none(asked_elsewhere: tuple[Meeting, Elsewhere]) -> None:
    meeting, _ = asked_elsewhere
    phone = caller(meeting)
    phone.call("sip:4711@example.com")
    meeting.network.run_for(2.0)
    answer(meeting, "question 1", None)
    assert phone.refused()[0] == 404


@pytest.mark.parametrize("ends", ["nobody answers", "the caller gives up"])
def test_a_number_that_is_not_answered_for_leaves_nothing_behind(
    asked_elsewhere: tuple[Meeting, Elsewhere], ends: str
) -> None:
    meeting, _ = asked_elsewhere
    phone = caller(meeting)
    phone.call("sip:4711@example.com")
    meeting.network.run_for(2.0)
    if ends == "the caller gives up":
        phone.cancel()
        assert phone.refused()[0] == 487
    else:
        assert phone.refused()[0] == 503
    answer(meeting, "question 1", meeting.uri)  # too late, which is no fault of the application
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {}
    assert of(meeting).sizes["waiting"] == 0
