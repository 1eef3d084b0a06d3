"""The main job: a command of the Focus becomes a call, and the call becomes a line in the roster."""

from __future__ import annotations

import pytest

from c3p import AddUser, ConferenceKeys, Notify, Response, User
from mcu import (
    ConferenceStarted,
    Ending,
    Gateway,
    GatewayTable,
    LegAlerting,
    LegConnected,
    LegDialing,
    LegEnded,
    MediaRules,
    Srtp,
)
from rtp import Capabilities, Crypto, InlineKey, SessionDescription
from sip import SessionCancelled, SessionConfirmed, SessionEnded, Uri
from tests.mcu.harness import ALICE, AV, CONFERENCE, Code, World, guid, ringing, silent


def test_a_phone_is_called_answers_and_is_in_the_conference() -> None:
    world = World()
    assert world.start().status == 200
    phone = world.phone(7, ringing)
    reply = world.dial(7)
    assert reply.document is not None
    assert reply.document.code is Code.PENDING
    world.run(2.0)
    phone.answer()
    world.run(0.1)
    assert [event.request.method for event in phone.invites] == ["INVITE"]
    assert [type(event) for event in world.events if not isinstance(event, ConferenceStarted)] == [
        LegDialing,
        LegAlerting,
        LegConnected,
    ]
    assert world.focus.history(guid(7)) == ["dialing-out", "alerting", "connected"]
    pending, success = world.focus.responses("2")
    assert pending.code is Code.PENDING
    assert success.code is Code.SUCCESS
    assert isinstance(success.command, AddUser)
    endpoint = success.command.endpoint
    assert endpoint is not None
    assert (endpoint.entity, endpoint.status, endpoint.joining_method) == (guid(7), "connected", "dialed-out")
    assert success.command.user.roles == ("attendee",)
    assert [(media.id, media.type, media.label, media.status) for media in endpoint.media] == [
        ("1", "audio", "main-audio", "sendrecv")
    ]


def test_the_invite_is_what_a_legacy_phone_expects() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    request = phone.last.request
    assert str(request.uri) == "sip:user7@198.51.100.7"
    assert str(request.from_.uri) == AV
    assert request.from_.display_name == "Weekly talk"
    assert str(request.to.uri) == "sip:user7@198.51.100.7"
    (contact,) = request.contact
    assert str(contact) == "<sip:mcu@192.0.2.1:5060>"
    assert request.headers.get("P-Asserted-Identity") == f"<{ALICE}>"
    assert request.headers.get("Referred-By") == f"<{ALICE}>"
    assert request.headers.get("Ms-Conversation-ID")
    assert request.route == ()
    assert request.headers.get("Session-Expires") == "1800"
    assert "timer" in request.supported
    assert {"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "OPTIONS"} <= set(request.allow)
    offer = SessionDescription.parse(request.body)
    (audio,) = offer.media
    assert (audio.kind, audio.port, audio.proto, audio.formats) == ("audio", 40002, "RTP/AVP", ("0", "8", "13", "101"))
    text = request.body.decode()
    for line in ("a=rtcp:40003", "a=label:main-audio", "a=encryption:rejected", "a=sendrecv", "a=ptime:20"):
        assert line in text


def test_the_outbound_proxy_is_a_preloaded_route() -> None:
    from sip import Uri

    world = World(outbound_proxy=Uri.parse("sip:198.51.100.1:5060"))
    proxy = world.phone(1, ringing)
    world.start()
    world.dial(7)
    (event,) = proxy.invites
    assert [str(route) for route in event.request.route] == ["<sip:198.51.100.1:5060;lr>"]
    assert str(event.request.uri) == "sip:user7@198.51.100.7"


def test_isfocus_can_be_had() -> None:
    world = World(isfocus=True)
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert [str(contact) for contact in phone.last.request.contact] == ["<sip:mcu@192.0.2.1:5060>;isfocus"]


def test_connected_is_told_after_the_ack_and_before_the_success() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert any(isinstance(event, SessionConfirmed) for event in phone.seen)
    last_two = world.focus.documents[-2:]
    assert isinstance(last_two[0], Notify)
    assert isinstance(last_two[1], Response)
    assert last_two[1].code is Code.SUCCESS


def test_documents_are_full_once_and_then_minimal_with_versions_that_count() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    documents = world.focus.notifications
    assert [info.version for info in documents] == [1, 2, 3, 4]
    assert [info.state for info in documents] == ["full", "partial", "partial", "partial"]
    assert all(info.entity == CONFERENCE for info in documents)
    first = documents[0]
    assert first.conference_view is not None
    (view,) = first.conference_view.views
    assert view.entity == AV
    assert all(info.conference_view is None for info in documents[1:])
    (user,) = world.focus.roster.users.users if world.focus.roster.users is not None else ()
    assert (user.entity, user.display_text, user.roles) == ("sip:user7@198.51.100.7", "User 7", ("attendee",))
    (endpoint,) = user.endpoints
    assert endpoint.joining_info is not None
    assert endpoint.joining_info.by == ALICE
    assert endpoint.joining_info.when == "1970-01-01T00:16:40Z"


def test_the_called_address_may_differ_from_the_roster_identity() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7, uri="sip:bob@example.com", endpoint_uri="sip:user7@198.51.100.7")
    assert str(phone.last.request.uri) == "sip:user7@198.51.100.7"
    (user,) = world.focus.roster.users.users if world.focus.roster.users is not None else ()
    assert user.entity == "sip:bob@example.com"
    assert user.endpoints[0].endpoint_uri == "sip:user7@198.51.100.7"


def test_an_endpoint_without_name_gets_a_guid() -> None:
    world = World()
    world.start()
    world.phone(7)
    user = User(entity="sip:user7@198.51.100.7")
    world.post(AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=user))
    (event,) = world.of(LegConnected)
    assert len(event.endpoint) == 38
    assert event.endpoint[15] == "4"


def test_the_phone_hangs_up() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    world.run(3.0)
    phone.hang_up()
    world.run(0.1)
    ended = world.ended()
    assert (ended.ending, ended.method) == (None, "departed")
    assert ended.connected_for is not None
    assert round(ended.connected_for, 3) == 3.0
    assert world.focus.history(guid(7))[-2:] == ["disconnected", "gone"]
    assert world.mcu.legs == 0
    assert world.mcu.next_tick() is None
    assert world.ports_open == {}


def test_ejected_while_it_rings() -> None:
    world = World()
    world.start()
    phone = world.phone(7, ringing)
    world.dial(7)
    reply = world.eject(7)
    assert reply.document is not None
    assert reply.document.code is Code.PENDING
    assert any(isinstance(event, SessionCancelled) for event in phone.seen)
    ended = world.ended()
    assert (ended.ending, ended.method) == (Ending.CANCELLED, "booted")
    assert world.focus.history(guid(7)) == ["dialing-out", "alerting", "disconnecting", "disconnected", "gone"]
    failure = world.focus.final("2")
    assert (failure.code, failure.reason) == (Code.FAILURE, "requestCancelled")
    assert world.focus.final("3").code is Code.SUCCESS
    assert isinstance(world.focus.documents[-1], Response)


def test_ejected_while_connected() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    world.eject(7)
    assert any(isinstance(event, SessionEnded) for event in phone.seen)
    ended = world.ended()
    assert (ended.ending, ended.method) == (None, "booted")
    users = world.focus.roster.users
    assert users is not None
    assert users.users == ()
    last = world.focus.notifications[-2].users
    assert last is not None
    info = last.users[0].endpoints[0].disconnection_info
    assert info is not None
    assert info.by == ALICE
    assert world.focus.final("3").code is Code.SUCCESS


def test_ejecting_somebody_who_is_not_here_fails() -> None:
    world = World()
    world.start()
    reply = world.eject(7)
    assert reply.document is not None
    assert (reply.document.code, reply.document.command_reason) == (Code.FAILURE, "userDoesntExist")


def test_nobody_answers_for_a_minute() -> None:
    world = World()
    world.start()
    phone = world.phone(7, ringing)
    world.dial(7)
    world.run(59.9)
    assert world.of(LegEnded) == []
    world.run(0.2)
    assert any(isinstance(event, SessionCancelled) for event in phone.seen)
    assert world.ended().ending is Ending.UNANSWERED
    failure = world.focus.final("2")
    assert (failure.reason, failure.command_reason) == ("timeout", "dialOutTimeout")


def test_a_200_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    world = World()
    world.start()
    phone = world.phone(7, ringing)
    world.dial(7)
    world.lost = {"CANCEL sip"}
    world.eject(7)
    phone.answer()
    world.lost = set()
    world.run(2.0)
    assert any(isinstance(event, SessionConfirmed) for event in phone.seen)
    assert any(isinstance(event, SessionEnded) for event in phone.seen)
    assert world.ended().ending is Ending.CANCELLED
    assert world.of(LegConnected) == []
    assert world.mcu.legs == 0


def test_an_unreachable_host_is_safe_to_try_again() -> None:
    world = World()
    world.start()
    world.dial(9)
    world.run(1.0)
    ended = world.ended()
    assert ended.ending is Ending.UNREACHABLE
    assert ended.retry_safe
    assert world.focus.final("2").command_reason == "dialOutFailed"


def test_a_phone_that_says_nothing_at_all_is_given_up_after_the_ring_time() -> None:
    world = World()
    world.start()
    world.phone(7, silent)
    world.dial(7)
    world.run(100.0)
    assert world.ended().ending is Ending.UNANSWERED


def test_two_legs_of_one_user_leave_one_after_the_other() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    world.phone(8)
    world.dial(8, uri="sip:user7@198.51.100.7", endpoint_uri="sip:user8@198.51.100.8")
    (user,) = world.focus.roster.users.users if world.focus.roster.users is not None else ()
    assert [endpoint.entity for endpoint in user.endpoints] == [guid(7), guid(8)]
    phone.hang_up()
    world.run(0.1)
    (user,) = world.focus.roster.users.users if world.focus.roster.users is not None else ()
    assert [endpoint.entity for endpoint in user.endpoints] == [guid(8)]


@pytest.mark.parametrize(
    ("settings", "address", "reported"),
    [
        ({"outbound_proxy": Uri.parse("sip:198.51.100.7")}, None, True),
        ({"gateways": GatewayTable((Gateway(prefix="+", domain="198.51.100.7"),))}, "tel:+15550100", True),
        ({}, None, False),  # the phone itself says it
    ],
)
def test_the_asserted_identity_of_who_answered_is_reported_when_somebody_vouches_for_it(
    settings: dict[str, object], address: str | None, reported: bool
) -> None:
    world = World(**settings)
    world.start()
    name = '"Bob"<sip:bob@example.com>'
    world.phone(7, lambda phone, event: phone.answer(headers=[("P-Asserted-Identity", name)]))
    world.dial(7, endpoint_uri=address)
    (user,) = world.focus.roster.users.users if world.focus.roster.users is not None else ()
    assert user.endpoints[0].asserted_identity == (name if reported else None)


def test_each_leg_is_offered_keys_of_its_own() -> None:
    crypto = (Crypto(1, "AES_CM_128_HMAC_SHA1_80", (InlineKey(bytes(30)),)),)
    rules = MediaRules(offer=Srtp.OPTIONAL, over_plain=True)
    world = World(capabilities=Capabilities(crypto=crypto), media_policy=rules)
    world.start()
    phones = [world.phone(number) for number in (1, 2)]
    for number in (1, 2):
        world.dial(number)
    offers = [SessionDescription.parse(phone.invites[0].request.body) for phone in phones]
    keys = [offered.media[0].attribute("crypto") for offered in offers]
    assert None not in keys
    assert len({*keys, f"{crypto[0]}"}) == 3
