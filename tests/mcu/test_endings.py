"""Every row of the table in docs/wire-flow.rst, from the far end's answer to roster, response and event."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from c3p import AddUser, ConferenceKeys, Endpoint, ExchangeFailure, Media, Response, User
from mcu import DialOutRules, Ending, LegConnected, LegDialing, LegEnded, LegId, MediaPortWanted
from sip import EndCause, InviteReceived, SessionEnded, Uri
from tests.mcu.harness import CONFERENCE, Code, Phone, World, diagnostics_of, guid, refusing, ringing, silent

ROWS = [
    (486, "busy", "otherFailure", "dialOutBusy", "0", True),
    (600, "busy", "otherFailure", "dialOutBusy", "0", True),
    (408, "failed", "timeout", "dialOutTimeout", "7003", False),
    (480, "failed", "timeout", "dialOutTimeout", "7003", False),
    (603, "failed", "otherFailure", "dialOutDeclined", "0", False),
    (403, "failed", "otherFailure", "dialOutDeclined", "0", False),
    (433, "failed", "otherFailure", "dialOutDeclined", "0", False),
    (401, "failed", "otherFailure", "dialOutDeclined", "0", False),
    (407, "failed", "otherFailure", "dialOutDeclined", "0", False),
    (607, "failed", "otherFailure", "dialOutDeclined", "0", False),
    (404, "failed", "otherFailure", "dialOutNotFound", "0", False),
    (410, "failed", "otherFailure", "dialOutNotFound", "0", False),
    (484, "failed", "otherFailure", "dialOutNotFound", "0", False),
    (485, "failed", "otherFailure", "dialOutNotFound", "0", False),
    (604, "failed", "otherFailure", "dialOutNotFound", "0", False),
    (415, "failed", "otherFailure", "dialOutMedia", "7004", False),
    (488, "failed", "otherFailure", "dialOutMedia", "7008", False),
    (606, "failed", "otherFailure", "dialOutMedia", "7008", False),
    (500, "failed", "otherFailure", "dialOutFailed", "0", True),
    (502, "failed", "otherFailure", "dialOutFailed", "0", True),
    (503, "failed", "serverBusy", "dialOutFailed", "0", True),
]


@pytest.mark.parametrize(("status", "method", "reason", "command_reason", "error_id", "retry_safe"), ROWS)
def test_a_refusal(status: int, method: str, reason: str, command_reason: str, error_id: str, retry_safe: bool) -> None:
    world = World()
    world.start()
    world.phone(7, refusing(status, ("ms-diagnostics", '1003;source="phone";reason="as it is"')))
    world.dial(7)
    failure = world.focus.final("2")
    assert failure.code is Code.FAILURE
    assert (failure.reason, failure.command_reason) == (reason, command_reason)
    text = diagnostics_of(failure) or ""
    number, _, rest = text.partition(";")
    assert number == error_id
    assert f'sip-status="{status}"' in rest
    assert "far-end=\"1003;source='phone';reason='as it is'\"" in rest
    assert f'retry-safe="{str(retry_safe).lower()}"' in rest
    ended = world.ended()
    assert (ended.method, ended.status, ended.retry_safe) == (method, status, retry_safe)
    assert ended.diagnostics == '1003;source="phone";reason="as it is"'
    assert world.focus.history(guid(7)) == ["dialing-out", "disconnected", "gone"]
    last = world.focus.notifications[-2].users
    assert last is not None
    assert last.users[0].endpoints[0].disconnection_method == method
    assert world.mcu.legs == 0
    assert world.ports_open == {}


@pytest.mark.parametrize(
    ("body", "content_type", "error_id"),
    [
        (b"", None, "7004"),
        (b"hello", "text/plain", "7004"),
        (b"hello", "application/sdp", "7008"),
        (b"v=0\r\no=- 0 0 IN IP4 198.51.100.7\r\ns=x\r\nt=0 0\r\n", "application/sdp", "7010"),
        (
            b"v=0\r\no=- 0 0 IN IP4 198.51.100.7\r\ns=x\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
            b"m=audio 4000 RTP/AVP 18\r\n",
            "application/sdp",
            "7010",
        ),
        # What a C3P client without audio answers to a plain offer.
        (
            b"v=0\r\no=- 0 0 IN IP4 198.51.100.7\r\ns=x\r\nc=IN IP4 (null)\r\nt=0 0\r\nm=audio 0 TCP/RTP/AVP 0\r\n",
            "application/sdp",
            None,
        ),
    ],
)
def test_an_answer_without_usable_media_is_acknowledged_and_ended(
    body: bytes, content_type: str | None, error_id: str | None
) -> None:
    world = World()
    world.start()
    phone = world.phone(7, lambda phone, event: phone.answer(body, content_type=content_type))
    world.dial(7)
    (over,) = [event for event in phone.seen if isinstance(event, SessionEnded)]
    assert over.cause is EndCause.BYE_RECEIVED
    failure = world.focus.final("2")
    assert (failure.reason, failure.command_reason) == ("otherFailure", "dialOutMedia")
    assert error_id is None or (diagnostics_of(failure) or "").startswith(error_id)
    assert world.of(LegConnected) == []
    assert world.ended().ending is Ending.NO_MEDIA
    assert world.focus.history(guid(7)) == ["dialing-out", "disconnected", "gone"]


@pytest.mark.parametrize(
    ("name", "value"), [("Contact", "garbage"), ("Session-Expires", "soon"), ("Record-Route", "<mailto:a@b>")]
)
def test_an_answer_that_cannot_be_used_is_acknowledged_and_ends_the_dial_out(name: str, value: str) -> None:
    world = World()
    world.start()
    phone = world.phone(7, lambda phone, event: phone.answer(headers=[(name, value)]))
    world.dial(7)
    (over,) = [event for event in phone.seen if isinstance(event, SessionEnded)]
    assert over.cause is EndCause.BYE_RECEIVED
    failure = world.focus.final("2")
    assert (failure.reason, failure.command_reason) == ("otherFailure", "dialOutFailed")
    assert name in (diagnostics_of(failure) or "")
    ended = world.ended()
    assert (ended.ending, ended.status, ended.retry_safe) == (Ending.LOST, 200, False)
    assert world.mcu.legs == 0
    assert world.ports_open == {}


def test_a_conference_that_ends_cancels_what_rings_and_ends_what_is_up() -> None:
    from c3p import ConferenceKeys, DeleteConference
    from tests.mcu.harness import CONFERENCE

    world = World()
    world.start()
    world.phone(7)
    world.phone(8, ringing)
    world.dial(7)
    world.dial(8)
    reply = world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    assert reply.document is not None
    assert reply.document.code is Code.SUCCESS
    world.run(1.0)
    assert world.mcu.conferences == ()
    assert world.mcu.legs == 0
    failure = world.focus.final("3")
    assert (failure.code, failure.reason) == (Code.FAILURE, "requestCancelled")
    methods = [event.method for event in world.events if isinstance(event, LegEnded)]
    assert methods == ["booted", "booted"]
    assert world.dial(9).status == 404
    assert world.ports_open == {}


# Before anything is sent ---------------------------------------------------------------------------------------------


def test_no_port_can_be_opened() -> None:
    world = World()
    world.start()
    world.ports = "fail"
    phone = world.phone(7)
    world.dial(7)
    assert phone.invites == []
    ended = world.ended()
    assert (ended.ending, ended.reason, ended.retry_safe) == (Ending.NO_PORT, "no port is free", True)
    assert world.focus.final("2").reason == "serverBusy"


def test_a_port_that_is_not_opened_in_five_seconds_fails_the_leg_and_is_given_back_when_it_comes() -> None:
    world = World()
    world.start()
    world.ports = "later"
    world.phone(7)
    world.dial(7)
    world.run(5.1)
    assert world.ended().ending is Ending.NO_PORT
    events = world.mcu.media_opened(
        LegId(1), rtp=("192.0.2.1", 4), rtcp=("192.0.2.1", 5), advertised="192.0.2.1", now=world.now
    )
    assert [type(event).__name__ for event in events] == ["MediaPortReleased"]
    assert world.mcu.media_failed(LegId(1), "again", now=world.now) == []
    assert not any(isinstance(event, MediaPortWanted) for event in events)


# Refused at once -----------------------------------------------------------------------------------------------------


def refusal(world: World, number: int = 7, **more: object) -> tuple[str | None, str | None, str]:
    world.phone(number)
    reply = world.dial(number, **more)  # type: ignore[arg-type]
    response = reply.document
    assert response is not None
    assert response.code is Code.FAILURE
    assert world.phones[f"198.51.100.{number}"].invites == []
    return response.reason, response.command_reason, (diagnostics_of(response) or "").partition(";")[0]


def test_an_attendee_may_not_dial_out() -> None:
    world = World()
    world.start()
    assert refusal(world, originator_role="attendee") == ("unauthorized", "otherFailure", "3015")
    assert refusal(world, originator_role=None) == ("unauthorized", "otherFailure", "3015")
    assert world.focus.history(guid(7)) == []


def test_the_same_endpoint_twice_is_refused() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    assert refusal(world, 8, endpoint=guid(7).lower()) == ("otherFailure", "otherFailure", "7007")


def test_what_cannot_be_called_is_refused() -> None:
    world = World()
    world.start()
    assert refusal(world, endpoint_uri="http://example.com/") == ("otherFailure", "dialOutNotFound", "3002")
    assert refusal(world, endpoint_uri="nonsense") == ("otherFailure", "dialOutNotFound", "3002")
    assert refusal(world, endpoint_uri="tel:+4930123456") == ("otherFailure", "dialOutNotFound", "3002")
    assert refusal(world, media=(Media(id="1", type="video"),)) == ("otherFailure", "dialOutMedia", "7005")
    assert refusal(world, role="owner") == ("requestMalformed", "invalidRole", "3016")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (Endpoint(entity=guid(7), joining_method="Dialed-In"), ("requestMalformed", "otherFailure", "3007")),
        (Endpoint(entity=guid(7), joining_method="focus-owner"), ("requestMalformed", "otherFailure", "3007")),
        (
            Endpoint(entity=guid(7), joining_method="dialed-out", media=(Media(type="audio", ingress_filter="Block"),)),
            ("requestMalformed", "otherFailure", "3007"),
        ),
        (
            Endpoint(entity=guid(7), joining_method="dialed-out", media=(Media(type="audio", status="muted"),)),
            ("requestMalformed", "otherFailure", "3007"),
        ),
        (Endpoint(entity="{" + "7" * 300, joining_method="dialed-out"), ("requestMalformed", "otherFailure", "3009")),
    ],
    ids=["method", "other method", "filter", "status", "name"],
)
def test_a_word_that_is_not_known_is_not_taken_for_a_default(
    endpoint: Endpoint, expected: tuple[str, str, str]
) -> None:
    world = World()
    world.start()
    world.phone(7)
    user = User(entity="sip:user7@198.51.100.7", endpoints=(endpoint,))
    response = world.post(AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=user)).document
    assert response is not None
    diagnosed = (diagnostics_of(response) or "").partition(";")[0]
    assert (response.reason, response.command_reason, diagnosed) == expected
    assert world.mcu.legs == 0


def test_a_dial_out_without_endpoint_gets_one_from_the_mcu() -> None:
    world = World()
    world.start()
    world.phone(7)
    user = User(entity="sip:user7@198.51.100.7")
    world.post(AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=user))
    users = world.focus.roster.users
    assert users is not None
    (endpoint,) = users.users[0].endpoints
    assert endpoint.status == "connected"
    assert re.fullmatch(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", endpoint.entity)


def test_caps_are_server_busy() -> None:
    world = World(max_legs=1)
    world.start()
    world.phone(7)
    world.dial(7)
    assert refusal(world, 8) == ("serverBusy", "otherFailure", "7000")
    world = World(max_conference_legs=0)
    world.start()
    assert refusal(world, 8) == ("serverBusy", "otherFailure", "7000")


def test_domains_of_the_policy_hold() -> None:
    world = World(DialOutRules(domains=frozenset({"example.com"})))
    world.start()
    assert refusal(world) == ("unauthorized", "dialOutDeclined", "3014")


# Redirection ---------------------------------------------------------------------------------------------------------


def moved(*numbers: int) -> tuple[str, str]:
    return "Contact", ", ".join(f"<sip:user@198.51.100.{number}>;q=0.{9 - n}" for n, number in enumerate(numbers))


def test_a_redirection_is_followed() -> None:
    world = World()
    world.start()
    world.phone(7, refusing(302, moved(8)))
    target = world.phone(8)
    world.dial(7)
    assert len(target.invites) == 1
    assert [event.target for event in world.events if isinstance(event, LegDialing)] == [
        "sip:user7@198.51.100.7",
        "sip:user@198.51.100.8",
    ]
    assert world.focus.final("2").code is Code.SUCCESS
    assert world.focus.history(guid(7))[-1] == "connected"


def test_each_target_passes_the_policy_again() -> None:
    world = World(DialOutRules(domains=frozenset({"198.51.100.7"})))
    world.start()
    world.phone(7, refusing(302, moved(8)))
    target = world.phone(8)
    world.dial(7)
    assert target.invites == []
    assert world.ended().ending is Ending.DECLINED
    assert world.ended().status == 302


def test_when_one_target_fails_the_next_is_called() -> None:
    world = World()
    world.start()
    world.phone(7, refusing(302, moved(8, 9)))
    world.phone(8, refusing(404))
    last = world.phone(9)
    world.dial(7)
    assert len(last.invites) == 1
    assert world.focus.final("2").code is Code.SUCCESS


def test_a_busy_target_is_the_answer() -> None:
    world = World()
    world.start()
    world.phone(7, refusing(302, moved(8, 9)))
    world.phone(8, refusing(600))
    last = world.phone(9)
    world.dial(7)
    assert last.invites == []
    assert world.ended().ending is Ending.BUSY


def test_a_loop_of_redirections_ends_after_five() -> None:
    world = World()
    world.start()
    phones = [world.phone(number, refusing(302, moved(7 + (number - 6) % 2))) for number in (7, 8)]
    world.dial(7)
    assert sum(len(phone.invites) for phone in phones) == 6
    assert world.ended().ending is Ending.DECLINED


# Telephone numbers ---------------------------------------------------------------------------------------------------


def test_a_number_is_called_through_its_gateway() -> None:
    from mcu import Gateway, GatewayTable

    gateway = Gateway(
        prefix="+49", domain="198.51.100.9", strip=3, prepend="0", caller="sip:+4930999@trunk.example.com"
    )
    world = World(gateways=GatewayTable((gateway,)))
    world.start()
    trunk = world.phone(9)
    world.dial(7, endpoint_uri="tel:+49-30-123456")
    request = trunk.last.request
    assert str(request.uri) == "sip:030123456@198.51.100.9;user=phone"
    assert str(request.from_.uri) == "sip:+4930999@trunk.example.com"
    assert world.focus.final("2").code is Code.SUCCESS


# A Focus that is away ------------------------------------------------------------------------------------------------


def test_the_outcome_is_told_when_the_focus_is_back() -> None:
    world = World()
    world.start()
    world.phone(7, refusing(486))
    world.focus.reply = ExchangeFailure.CONNECT
    world.dial(7)
    world.run(5.0)
    lost = len(world.focus.exchanges)
    assert lost >= 3
    from c3p import Reply

    world.focus.reply = Reply(200)
    world.run(8.0)
    told = world.focus.exchanges[lost:]
    assert any(getattr(each.document, "request_id", None) == "2" for each in told)


@pytest.mark.parametrize("words", [b"Occup\xe9", b"Bu\x01sy", "Bu\ufffesy".encode()])
def test_words_of_a_phone_that_xml_cannot_carry_are_reported_all_the_same(words: bytes) -> None:
    world = World()
    world.start()
    phone = world.phone(7, silent)
    world.dial(7)
    request = phone.last.request
    refusal = request.response(486, to_tag="x", headers=(("ms-diagnostics", "0;reason=x"),))
    data = bytes(refusal).replace(b"Busy Here", words).replace(b"reason=x", b'reason="' + words + b'"')
    world.inject(world.mcu_agent, data, world.flow_from(phone))
    world.settle()
    failure = world.focus.final("2")
    assert failure.command_reason == "dialOutBusy"
    assert "\ufffd" in (diagnostics_of(failure) or "")
    assert world.focus.history(guid(7)) == ["dialing-out", "disconnected", "gone"]


def test_an_asserted_identity_that_xml_cannot_carry_is_shown_as_far_as_it_goes() -> None:
    world = World(outbound_proxy=Uri.parse("sip:198.51.100.7"))
    world.start()
    phone = world.phone(7, silent)
    world.dial(7)
    phone.answer(headers=[("P-Asserted-Identity", '"Andr\udce9" <sip:andre@example.com>')])
    world.settle()
    users = world.focus.roster.users
    assert users is not None
    assert users.users[0].endpoints[0].asserted_identity == '"Andr\ufffd" <sip:andre@example.com>'


# Ejected while it rings ----------------------------------------------------------------------------------------------


def _answered(phone: Phone) -> None:
    phone.answer()


def _refused(status: int) -> Callable[[Phone], None]:
    return lambda phone: phone.refuse(status, *((("Contact", "<sip:x@198.51.100.8>"),) if status == 302 else ()))


@pytest.mark.parametrize("script", [silent, ringing])
@pytest.mark.parametrize(
    "crossing",
    [lambda phone: None, _answered, *(_refused(status) for status in (302, 401, 404, 480, 486, 487, 500, 503, 603))],
    ids=["nothing", "200", "302", "401", "404", "480", "486", "487", "500", "503", "603"],
)
def test_ejecting_who_is_being_called_succeeds_whatever_the_phone_says_in_that_moment(
    crossing: Callable[[Phone], None], script: Callable[[Phone, InviteReceived], None]
) -> None:
    world = World()
    world.start()
    phone = world.phone(7, script)
    world.dial(7)
    phone.now = world.now
    crossing(phone)  # on its way while the CANCEL is
    reply = world.eject(7)
    assert reply.document is not None
    assert reply.document.code is Code.PENDING
    world.run(40.0)
    ejection, call = world.focus.final("3"), world.focus.final("2")
    assert ejection.code is Code.SUCCESS
    assert (call.code, call.reason) == (Code.FAILURE, "requestCancelled")
    finals = [each for each in world.focus.documents if isinstance(each, Response) and each.final]
    assert finals == [ejection, call]
    ended = world.ended()
    assert (ended.ending, ended.method) == (Ending.CANCELLED, "booted")
    assert world.focus.roster.users is not None
    assert world.focus.roster.users.users == ()
    assert (world.mcu.legs, world.ports_open) == (0, {})
    assert not any(isinstance(event, LegConnected) for event in world.events)
    assert world.dial(7, endpoint=guid(9)).status == 200


def test_ejecting_before_the_port_is_open_calls_nobody() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.ports = "wait"
    world.dial(7)
    world.eject(7)
    world.run(10.0)
    assert phone.invites == []
    assert world.focus.final("3").code is Code.SUCCESS
    assert world.focus.final("2").reason == "requestCancelled"
