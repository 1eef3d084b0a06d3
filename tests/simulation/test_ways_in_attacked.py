"""Calls to dial-in numbers that are refused, answered later, or made by somebody who guesses (`docs/ways-in.rst`)."""

from __future__ import annotations

import attrs
import pytest

import focus
import sip
from c3p import mcu_uri
from pyc3p.simnet import Meeting
from tests.simulation.caller import Caller
from tests.simulation.test_ways_in import OPEN, Meet, caller, create, identified_by_nobody, number, statuses


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


# Who has the server send something to somebody else -------------------------------------------------------------------

VICTIM = "127.0.10.9"  # on loopback, as the stranger is: addresses that a proxy trusts unless told otherwise


def stranger_and_victim(meet: Meet) -> tuple[Meeting, Caller, Caller]:
    meeting = meet(factory=OPEN)
    configure(meeting, identify=identified_by_nobody)
    return meeting, caller(meeting, "stranger", "127.0.10.8"), caller(meeting, "victim", VICTIM)


def reached(meeting: Meeting, host: str) -> list[bytes]:
    """What the Focus has sent to a host."""
    records = meeting.network.recording.of_layer("sip")
    return [each.data for each in records if each.destination[0] == host and each.source[0] != host]


@pytest.mark.parametrize("elsewhere", [f":5060;maddr={VICTIM}", f";maddr={VICTIM}", f":7777;maddr={VICTIM}", ":7777"])
@pytest.mark.parametrize("kind", ["number", "MCU of the conference"])
def test_a_port_or_a_maddr_beside_the_domain_has_nobody_else_called(meet: Meet, kind: str, elsewhere: str) -> None:
    meeting, stranger, _ = stranger_and_victim(meet)
    if kind == "number":
        called = number(meeting) + elsewhere
    else:
        configure(meeting, identify=focus.from_header)
        user, _, rest = mcu_uri(meeting.uri, "audio-video").partition("@example.com")
        called = f"{user}@example.com{elsewhere}{rest}"
    stranger.call(called, user="sip:ann@example.com")
    assert (stranger.refused()[0] or 0) >= 400
    assert reached(meeting, VICTIM) == []
    assert statuses(meeting) == {}


def test_a_route_that_is_not_ours_has_nobody_else_called(meet: Meet) -> None:
    meeting, stranger, _ = stranger_and_victim(meet)
    stranger.call(number(meeting), headers=(("Route", f"<sip:{VICTIM};lr>"),))
    assert stranger.refused()[0] == 403
    assert reached(meeting, VICTIM) == []


@pytest.mark.parametrize(
    "method", ["ACK", "BENOTIFY", "BYE", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "REFER"]
)
@pytest.mark.parametrize("way", ["", ";transport=tcp", "route", "maddr"])
def test_the_token_of_ones_own_call_leads_to_its_two_ends_only(meet: Meet, method: str, way: str) -> None:
    meeting, stranger, _ = stranger_and_victim(meet)
    stranger.call(number(meeting))
    answer = stranger.answered().response
    routes = [str(each) for each in reversed(answer.record_route)]
    uri = f"sip:bank@{VICTIM}{way}"
    if way == "route":
        uri, routes = str(answer.contact[0].uri), [*routes, f"<sip:{VICTIM};lr>"]  # type: ignore[union-attr]
    elif way == "maddr":
        uri = f"{answer.contact[0].uri};maddr={VICTIM}"  # type: ignore[union-attr]
    lines = [
        ("Via", f"SIP/2.0/UDP {stranger.host}:5060;branch=z9hG4bK-token"),
        ("Max-Forwards", "70"),
        *(("Route", each) for each in routes),
        ("From", str(answer.from_)),
        ("To", str(answer.to)),
        ("Call-ID", answer.call_id),
        ("CSeq", f"77 {method}"),
        ("Contact", f"<sip:stranger@{stranger.host}>"),
    ]
    request = sip.Request.build(method, uri, lines)
    place = meeting.sim.farm.places["focus"]
    meeting.network.inject((stranger.host, 5060), (place.host, place.sip_port), bytes(request))
    meeting.network.run_for(2.0)
    assert reached(meeting, VICTIM) == []


def test_an_identity_that_nobody_proved_goes_to_no_mcu(meet: Meet) -> None:
    meeting, stranger, _ = stranger_and_victim(meet)
    stranger.call(number(meeting), headers=(("P-Asserted-Identity", "<sip:ann@example.com>"),))
    stranger.answered()
    came = [each for each in reached(meeting, meeting.sim.farm.places["mcu"].host) if each.startswith(b"INVITE")]
    assert came
    assert not [each for each in came if b"P-Asserted-Identity" in each]
