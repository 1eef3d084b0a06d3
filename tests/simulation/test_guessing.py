"""Who guesses passcodes and numbers by phone, and whom that keeps out: those who guess (docs/security.rst)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sip
from pyc3p.simnet import Meeting
from tests.simulation.caller import Caller
from tests.simulation.test_ways_in import OPEN, Meet, caller, hold, identified_by_nobody, number, statuses
from tests.simulation.test_ways_in_attacked import configure

RIGHT, WRONG = "2468#", "1#"


def with_passcode(meet: Meet, *, lobby: bool = False, **plan: object) -> Meeting:
    meeting = meet(**plan)
    hold(meeting, passcode="2468", admission_policy="anonymous", lobby=lobby)
    configure(meeting, identify=identified_by_nobody)
    return meeting


def calls(meeting: Meeting, phone: Caller) -> sip.SessionId:
    """A phone's call that is up, in front of the door."""
    phone.events.clear()
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(0.5)
    return phone.session


def keys(meeting: Meeting, phone: Caller, session: sip.SessionId, pressed: str) -> None:
    phone.session = session
    phone.press(pressed)
    meeting.network.run_for(0.5)


def is_let_in(meeting: Meeting, phone: Caller) -> bool:
    """Whether the right passcode lets a new call in; it is over afterwards."""
    before = list(statuses(meeting).values()).count("connected")
    session = calls(meeting, phone)
    keys(meeting, phone, session, RIGHT)
    came_in = list(statuses(meeting).values()).count("connected") > before
    phone.hang_up()
    meeting.network.run_for(0.5)
    return came_in


def guess_wrong(meeting: Meeting, phone: Caller, times: int) -> None:
    """So many wrong passcodes, three a call."""
    for first in range(0, times, 3):
        session = calls(meeting, phone)
        keys(meeting, phone, session, WRONG * min(3, times - first))
        if not phone.endpoint.is_over(session):
            phone.hang_up()
        meeting.network.run_for(2.0)


def test_many_calls_at_once_have_no_more_guesses_than_one_source_may(meet: Meet) -> None:
    meeting = with_passcode(meet)
    phone = caller(meeting)
    up = [calls(meeting, phone) for _ in range(6)]
    for session in up[:4]:
        keys(meeting, phone, session, WRONG * 2)
    for session in up[:2]:
        keys(meeting, phone, session, WRONG)
    keys(meeting, phone, up[5], RIGHT)  # the eleventh guess of this source is not heard, right or wrong
    assert set(statuses(meeting).values()) == {"pending"}
    assert is_let_in(meeting, caller(meeting, "other", "198.51.100.8"))


def test_who_presses_no_key_has_guessed_nothing(meet: Meet) -> None:
    meeting = with_passcode(meet)
    phone = caller(meeting)
    up = [calls(meeting, phone) for _ in range(8)]
    keys(meeting, phone, up[0], "#")  # nothing is no passcode
    assert is_let_in(meeting, phone)
    for phone.session in up:
        phone.hang_up()
        meeting.network.run_for(0.2)
    assert is_let_in(meeting, phone)


def test_who_knows_the_passcode_has_guessed_nothing(meet: Meet) -> None:
    meeting = with_passcode(meet)
    phone = caller(meeting)
    assert [is_let_in(meeting, phone) for _ in range(12)] == [True] * 12


def forged(where: str, victim: str) -> Iterator[bytes]:
    """INVITEs in the name of a victim, who knows of nothing."""
    for each in range(40):
        lines = (
            ("Via", f"SIP/2.0/UDP {victim}:5060;branch=z9hG4bKforged{each}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:granny@{victim}>;tag=forged{each}"),
            ("To", f"<{where}>"),
            ("Call-ID", f"forged{each}@{victim}"),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<sip:granny@{victim}>"),
            ("Content-Type", "application/sdp"),
        )
        body = f"v=0\r\no=- 1 1 IN IP4 {victim}\r\ns=-\r\nc=IN IP4 {victim}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
        yield bytes(sip.Request.build("INVITE", where.format(each), lines, body=body.encode()))


@pytest.mark.parametrize("right", [True, False])
def test_calls_in_the_name_of_somebody_use_up_none_of_his_guesses(meet: Meet, right: bool) -> None:
    meeting = with_passcode(meet)
    phone = caller(meeting, transport="TCP")
    where = number(meeting) if right else "sip:2222222{:02}@example.com"
    place = meeting.sim.farm.places["focus"]
    for datagram in forged(where, phone.host):
        meeting.network.inject((phone.host, 5060), (place.host, place.sip_port), datagram)
    meeting.network.run_for(1.0)
    assert is_let_in(meeting, phone)


def test_the_passcode_of_one_conference_is_guessed_from_everywhere_together(meet: Meet) -> None:
    meeting = with_passcode(meet, lobby=True)
    for each in range(50):  # three a call, each call takes four seconds, and some hundred are heard of a conference
        guess_wrong(meeting, caller(meeting, f"eve{each}", f"203.0.113.{each + 1}"), 3)
    late, last = caller(meeting, "late", "198.51.100.8"), caller(meeting, "last", "198.51.100.6")
    session, guessing = calls(meeting, late), calls(meeting, last)
    keys(meeting, last, guessing, WRONG * 2)  # one comes again every six seconds
    keys(meeting, late, session, RIGHT)
    assert set(statuses(meeting).values()) == {"pending"}
    last.hang_up()
    keys(meeting, late, session, "#")  # the lobby is open to everybody
    assert not late.endpoint.is_over(session)
    meeting.network.run_for(100.0)  # longer than anybody may take for a passcode
    assert list(statuses(meeting).values()) == ["pending"]
    configure(meeting, identify=lambda request, flow: str(request.from_.uri))
    known = caller(meeting, "known", "198.51.100.9")  # and users whom the server knows need no passcode
    known.call(number(meeting), user="sip:bob@example.com")
    known.answered()


def test_what_was_guessed_outlasts_the_mcu_at_which_it_was(meet: Meet) -> None:
    """The Focus tells the next one. A conference may have another each time it is begun."""
    meeting = with_passcode(meet)
    phone = caller(meeting)
    guess_wrong(meeting, phone, 10)
    assert not is_let_in(meeting, phone)
    meeting.sim.restart("mcu", with_state=False)
    meeting.network.run_for(15.0)  # until it is known again
    assert not is_let_in(meeting, phone)
    assert is_let_in(meeting, caller(meeting, "other", "198.51.100.8"))
    meeting.network.run_for(180.0)  # three come again
    assert is_let_in(meeting, phone)


def test_each_wrong_passcode_is_told_to_who_runs_the_server_and_to_nobody_else(meet: Meet) -> None:
    meeting = with_passcode(meet)
    guess_wrong(meeting, caller(meeting), 2)
    refused = meeting.host("focus").of(sip.CredentialsRefused)
    assert [(each.source, each.reason) for each in refused] == [("198.51.100.7", "wrong passcode")] * 2
    told = meeting.network.recording
    assert any(b"wrong-passcodes" in each.data for each in told.of_layer("http"))
    assert not [each for each in told.of_layer("sip") if b"wrong-passcodes" in each.data]


# Numbers -------------------------------------------------------------------------------------------------------------


def tried(phone: Caller, uri: str) -> int | None:
    phone.events.clear()
    phone.call(uri)
    phone.until(lambda: bool(phone.of(sip.SessionFailed) or phone.of(sip.SessionRedirected)), "a refusal")
    return 302 if phone.of(sip.SessionRedirected) else phone.refused()[0]


@pytest.mark.parametrize(("transport", "then"), [("TCP", 503), ("UDP", 302)])
def test_numbers_cannot_be_tried_one_after_the_other(meet: Meet, transport: str, then: int) -> None:
    meeting = meet(factory=OPEN)
    configure(meeting, identify=identified_by_nobody)
    phone = caller(meeting, transport=transport)
    answers = [tried(phone, f"sip:2222222{each:02}@example.com") for each in range(12)]
    assert answers == [404] * 10 + [then] * 2
    assert tried(phone, number(meeting)) == then  # the right one is not told from the wrong ones
    meeting.network.run_for(100.0)
    phone.events.clear()
    phone.call(number(meeting))
    phone.answered()


def test_whom_others_name_as_the_source_of_wrong_numbers_is_led_to_a_connection(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    configure(meeting, identify=identified_by_nobody)
    phone = caller(meeting)
    place = meeting.sim.farm.places["focus"]
    for datagram in forged("sip:2222222{:02}@example.com", phone.host):
        meeting.network.inject((phone.host, 5060), (place.host, place.sip_port), datagram)
    meeting.network.run_for(40.0)
    assert tried(phone, number(meeting)) == 302
    (elsewhere,) = phone.of(sip.SessionRedirected)
    assert [str(each.uri) for each in elsewhere.response.contact] == [f"{number(meeting)};transport=tcp"]  # type: ignore[union-attr]
