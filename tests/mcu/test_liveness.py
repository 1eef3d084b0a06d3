"""Silent legs: on hold, switched off, without RTCP, or switched off at the wall."""

from __future__ import annotations

import pytest

from mcu import LegEnded, LegHeld, LegResumed, McuConfig
from rtp import Direction, SessionDescription
from sip import (
    InviteReceived,
    ReinviteReceived,
    RequestReceived,
    Response,
    ResponseReceived,
    SessionRefreshed,
    UpdateReceived,
    parse_message,
)
from tests.mcu.harness import MCU_HOST, Phone, World, answering
from tests.mcu.test_media import audio_of, conference, reinvite, status_of, take_answer

NO_UPDATE = ("Allow", "INVITE, ACK, BYE, CANCEL, INFO")


def without_update(phone: Phone, event: InviteReceived) -> None:
    phone.endpoint.progress(event.session, 180, now=phone.now)
    phone.answer(headers=(NO_UPDATE,))


def ended_legs(world: World) -> list[int]:
    return [event.leg for event in world.of(LegEnded)]


def questions(phone: Phone) -> list[type]:
    return [type(event) for event in phone.seen if isinstance(event, UpdateReceived | ReinviteReceived)]


def answer_questions(phone: Phone, status: int = 200) -> None:
    """Answer what the MCU asks, as a phone does that is there."""
    taken, handle = phone.negotiation, phone.handle_event
    assert taken is not None

    def handle_event(event: object, *, now: float) -> list[object]:
        handle(event, now=now)  # type: ignore[arg-type]
        if isinstance(event, UpdateReceived | ReinviteReceived):
            body = b""
            if event.request.body and status == 200:
                body = bytes(taken.receive_offer(SessionDescription.parse(event.request.body))[0])
            kind = "application/sdp" if body else None
            phone.endpoint.respond(
                event.transaction, status, headers=(NO_UPDATE,), body=body, content_type=kind, now=now
            )
        return []

    phone.handle_event = handle_event  # type: ignore[method-assign,assignment]


def test_a_silent_phone_is_asked_each_minute_by_update() -> None:
    world, (one, _) = conference(1000, 2000)
    world.run(1.0)
    one.stream = None
    world.run(59.5)
    assert world.mcu.counters.get("silent legs asked", 0) == 0
    world.run(61.0)
    assert world.mcu.counters["silent legs asked"] == 2
    assert len([event for event in one.seen if isinstance(event, SessionRefreshed)]) == 2
    assert questions(one) == []  # the endpoint answers an UPDATE without a body by itself
    assert world.mcu.legs == 2


@pytest.mark.parametrize("status", [405, 488, 491, 500, 603])
def test_any_other_answer_keeps_a_silent_phone(status: int) -> None:
    world, _ = conference(1000)
    phone = world.phone(2, without_update)
    world.dial(2)
    answer_questions(phone, status)
    phone.stream = None
    world.run(121.0)
    assert questions(phone) == [ReinviteReceived] * 2
    assert world.mcu.legs == 2
    assert phone.session is not None
    reinvite(world, phone)  # no offer of ours is left open
    assert last_answer(phone).media[0].port != 0


def test_a_phone_without_update_gets_its_description_once_more_unchanged() -> None:
    world, (one,) = conference(1000)
    phone = world.phone(2, without_update)
    world.dial(2)
    answer_questions(phone)
    offer = phone.invites[0].request.body
    phone.stream = None
    world.run(130.0)
    assert questions(phone) == [ReinviteReceived] * 2
    asked = [event.request.body for event in phone.seen if isinstance(event, ReinviteReceived)]
    assert asked == [offer, offer]
    assert world.mcu.legs == 2
    assert not world.of(LegHeld)
    assert one.heard


def test_what_the_answer_to_the_question_changes_is_applied() -> None:
    world, _ = conference(1000)
    phone = world.phone(2, without_update)
    world.dial(2)
    assert phone.negotiation is not None
    phone.negotiation.direction = Direction.INACTIVE
    answer_questions(phone)
    phone.stream = None
    world.run(62.0)
    assert status_of(world, 2) == "on-hold"
    reinvite(world, phone, Direction.SENDRECV)
    assert status_of(world, 2) == "connected"


@pytest.mark.parametrize("status", [408, 481])
def test_408_and_481_end_the_leg(status: int) -> None:
    world, _ = conference(1000)
    phone = world.phone(2, without_update)
    world.dial(2)
    answer_questions(phone, status)
    phone.stream = None
    world.run(61.0)
    (event,) = world.of(LegEnded)
    assert isinstance(event, LegEnded)
    assert (event.leg, event.method, event.reason) == (2, "failed", "no media")


@pytest.mark.parametrize("script", [answering, without_update])
@pytest.mark.parametrize("direction", [None, Direction.SENDONLY, Direction.INACTIVE])
def test_a_phone_that_was_killed_is_gone_within_100_s(script: object, direction: Direction | None) -> None:
    world, _ = conference(1000)
    phone = world.phone(2, script, level=2000)  # type: ignore[arg-type]
    world.dial(2)
    world.run(5.0)
    if direction is not None:
        reinvite(world, phone, direction)
    world.pull_plug(phone)
    world.run(99.9)
    (event,) = world.of(LegEnded)
    assert isinstance(event, LegEnded)
    assert (event.leg, event.method, event.reason) == (2, "failed", "no media")
    world.run(40.0)
    assert world.mcu.legs == 1
    assert len(world.of(LegEnded)) == 1


def test_a_question_that_only_gets_provisional_answers_has_an_end() -> None:
    world, _ = conference(1000)
    phone = world.phone(2, without_update)
    world.dial(2)
    handle = phone.handle_event

    def ringing_for_ever(event: object, *, now: float) -> list[object]:
        handle(event, now=now)  # type: ignore[arg-type]
        return []

    phone.handle_event = ringing_for_ever  # type: ignore[method-assign,assignment]
    phone.stream = None
    world.run(99.0)
    assert ended_legs(world) == [2]


def test_packets_and_reports_are_asked_for_nothing() -> None:
    world, (one, two) = conference(1000, 2000)
    two.talking = False  # RTCP alone
    world.run(100.0)
    assert questions(one) == questions(two) == []
    assert world.mcu.legs == 2


def test_who_gives_a_sign_of_life_by_sip_need_not_be_asked() -> None:
    world, (one, _) = conference(1000, 2000)
    one.stream = None
    for _ in range(5):
        world.run(20.0)
        assert one.session is not None
        one.endpoint.request_in_session(one.session, "INFO", now=world.now)
    assert questions(one) == []


def test_a_held_phone_may_be_silent_for_as_long_as_it_answers() -> None:
    world, (one, _) = conference(1000, 2000)
    reinvite(world, one, Direction.INACTIVE)
    answer_questions(one)
    one.stream = None
    world.run(200.0)
    assert world.mcu.legs == 2


def test_the_question_is_a_setting() -> None:
    world, (one, _) = conference(1000, 2000, dead_media=None)
    world.pull_plug(one)
    world.run(150.0)
    assert world.mcu.legs == 2
    world, (one, _) = conference(1000, 2000, dead_media=10.0)
    world.pull_plug(one)
    world.run(47.0)
    assert world.mcu.legs == 1
    config = McuConfig.__attrs_attrs__
    assert {each.name for each in config} >= {"dead_media", "dead_media_answer"}


# Audio that was switched off -----------------------------------------------------------------------------------------


def bodies(phone: Phone) -> tuple[bytes, bytes]:
    """The last description of a phone, and the same with its audio switched off."""
    assert phone.negotiation is not None
    body = bytes(phone.negotiation.make_offer())
    phone.negotiation.roll_back()
    line = next(line for line in body.splitlines() if line.startswith(b"m=audio"))
    return body, body.replace(line, b"m=audio 0 " + line.split(b" ", 2)[2])


def last_answer(phone: Phone) -> SessionDescription:
    (*_, event) = [event for event in phone.seen if isinstance(event, ResponseReceived)]
    assert event.response.status == 200
    return SessionDescription.parse(event.response.body)


#: What may stand beside a line of audio that is switched off.
BESIDE = (b"", b"m=video 5000 RTP/AVP 34\r\n", b"m=image 5000 udptl t38\r\n", b"m=video 0 RTP/AVP 34\r\n")


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize("beside", BESIDE)
def test_audio_that_is_switched_off_gets_nothing_and_comes_back(beside: bytes, update: bool) -> None:
    world, (one, two) = conference(1000, 2000)
    answer_questions(one)
    world.run(0.5)
    whole, off = bodies(one)
    if update:
        assert one.session is not None
        one.endpoint.update(one.session, body=off + beside, content_type="application/sdp", now=world.now)
        world.run(0.1)
    else:
        reinvite(world, one, body=off + beside)
    assert {line.port for line in last_answer(one).media} == {0}
    assert len(last_answer(one).media) == (2 if beside else 1)
    assert (status_of(world, 1), audio_of(world, 1)[0]) == ("on-hold", "inactive")
    heard, reports = len(one.heard), len(one.reports)
    one.talking = False
    world.run(130.0)
    assert world.mcu.legs == 2
    assert len(one.heard) == heard
    assert len(one.reports) == reports
    assert two.last_sample == 0
    one.talking = True
    reinvite(world, one, body=whole)
    assert last_answer(one).media[0].port != 0
    assert len(world.of(LegResumed)) == 1
    world.run(0.5)
    assert len(one.heard) >= heard + 20
    assert one.last_sample != 0
    assert two.last_sample != 0


@pytest.mark.parametrize("how", ["a=sendonly", "a=inactive", "c=IN IP4 0.0.0.0", "b=AS:0", "b=TIAS:0"])
@pytest.mark.parametrize("update", [False, True])
def test_a_hold_in_any_form_gets_nothing(how: str, update: bool) -> None:
    world, (one, two) = conference(1000, 2000)
    answer_questions(one)
    world.run(0.5)
    whole, _ = bodies(one)
    kind = how[:2].encode()
    lines = whole.splitlines()
    if kind == b"a=":
        lines = [how.encode() if line == b"a=sendrecv" else line for line in lines]
    else:
        lines = [line for line in lines if line[:2] != kind]
        at = next(index for index, line in enumerate(lines) if line[:2] in (b"t=", b"b="))
        lines.insert(at, how.encode())
    body = b"\r\n".join(lines) + b"\r\n"
    assert one.session is not None
    if update:
        one.endpoint.update(one.session, body=body, content_type="application/sdp", now=world.now)
        world.run(0.1)
    else:
        reinvite(world, one, body=body)
    assert last_answer(one).media[0].port != 0
    assert status_of(world, 1) == "on-hold"
    heard = len(one.heard)
    one.talking = False
    world.run(65.0)
    assert len(one.heard) == heard
    assert world.mcu.legs == 2
    assert two.last_sample == 0
    one.talking = True
    reinvite(world, one, body=whole)
    world.run(0.5)
    assert one.last_sample != 0


def test_keys_and_sound_of_a_held_phone_change_nothing() -> None:
    world, (one, two) = conference(1000, 2000)
    reinvite(world, one, Direction.SENDONLY)
    take_answer(one)
    world.run(0.5)
    assert two.last_sample == 0
    assert not [event for event in one.seen if isinstance(event, RequestReceived)]


def test_a_trunk_that_asks_for_the_address_alone_is_answered() -> None:
    world, (one,) = conference(1000)
    data = (
        f"OPTIONS sip:{MCU_HOST} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK1;rport\r\n"
        f"From: <sip:trunk@198.51.100.1>;tag=1\r\nTo: <sip:{MCU_HOST}>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    world.inject(world.mcu_agent, data, world.flow_from(one))
    (answer,) = [parse_message(each.data) for each in world.log if each.by == "mcu" and b"ping" in each.data]
    assert isinstance(answer, Response)
    assert answer.status == 200
    assert "INVITE" in answer.allow
    assert answer.headers.get("Accept")
