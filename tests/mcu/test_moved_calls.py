"""``refer-to-uri``: a call of two is moved into the conference (c3p 7.4)."""

from __future__ import annotations

import pytest

from c3p import AddUser, ConferenceKeys, Endpoint, Media, User
from mcu import DialOutRules
from sip import Replaces, Uri
from tests.mcu.harness import CONFERENCE, Phone, World, guid, refusing
from tests.mcu.test_media import mute

MOVED = "sip:user1@198.51.100.1?Replaces=call-7%40198.51.100.9%3Bto-tag%3Dt1%3Bfrom-tag%3Df1"


def refer(world: World, uri: str | None, media: tuple[Media, ...] = ()) -> str:
    """Have somebody called whose call is elsewhere; what the command is answered."""
    endpoint = Endpoint(entity=guid(1), joining_method="dialed-out", refer_to_uri=uri, media=media)
    user = User(entity="sip:user1@example.com", endpoints=(endpoint,))
    reply = world.post(AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=user))
    assert reply.document is not None
    return str(reply.document.reason or reply.document.code.value)


def invite_to(phone: Phone) -> tuple[str, Replaces | None]:
    request = phone.last.request
    text = request.headers.get("Replaces")
    return str(request.uri), None if text is None else Replaces.parse(text)


def test_the_phone_is_called_with_the_dialog_that_the_call_replaces() -> None:
    world = World()
    world.start()
    phone = world.phone(1)
    assert refer(world, MOVED) == "pending"
    world.run(0.5)
    uri, replaces = invite_to(phone)
    assert uri == "sip:user1@198.51.100.1"
    assert replaces == Replaces("call-7@198.51.100.9", "t1", "f1")
    users = world.focus.roster.users
    assert users is not None
    assert [(user.entity, user.endpoints[0].status) for user in users.users] == [("sip:user1@example.com", "connected")]


def test_without_a_dialog_it_is_an_address_as_any_other() -> None:
    world = World()
    world.start()
    phone = world.phone(1)
    assert refer(world, "sip:user1@198.51.100.1") == "pending"
    world.run(0.5)
    assert invite_to(phone) == ("sip:user1@198.51.100.1", None)


def test_whom_it_may_name_the_policy_says() -> None:
    world = World(policy=DialOutRules(domains=frozenset({"example.com"})))
    world.start()
    phone = world.phone(1)
    assert refer(world, MOVED) == "unauthorized"
    assert phone.invites == []


@pytest.mark.parametrize(
    ("uri", "answer"),
    [
        ("sip:user1@198.51.100.1?Subject=hello", "requestMalformed"),
        (MOVED + "&Route=%3Csip:203.0.113.9%3E", "requestMalformed"),
        ("sip:user1@198.51.100.1?Replaces=nothing", "requestMalformed"),
        ("mailto:user1@example.com", "otherFailure"),
        ("not an address", "otherFailure"),
    ],
)
def test_nothing_else_gets_into_the_invite(uri: str, answer: str) -> None:
    world = World()
    world.start()
    assert refer(world, uri) == answer
    world.run(0.5)
    assert world.mcu.legs == 0


def test_the_address_of_a_redirection_is_not_asked_to_replace_anything() -> None:
    world = World()
    world.start()
    first = world.phone(1, refusing(302, ("Contact", "<sip:user2@198.51.100.2>")))
    second = world.phone(2)
    refer(world, MOVED)
    world.run(0.5)
    assert invite_to(first)[1] is not None
    assert invite_to(second) == ("sip:user2@198.51.100.2", None)
    assert Uri.parse(MOVED).headers


# Video --------------------------------------------------------------------------------------------------------------


def test_video_that_is_wished_for_is_left_out_and_the_filters_of_the_sound_stay() -> None:
    world = World()
    world.start()
    phone = world.phone(1)
    wished = (
        Media(id="2", type="video", label="main-video", ingress_filter="block"),
        Media(id="1", type="audio", label="main-audio", ingress_filter="block"),
    )
    assert refer(world, "sip:user1@198.51.100.1", wished) == "pending"
    world.run(0.5)
    assert b"m=video" not in phone.last.request.body
    users = world.focus.roster.users
    assert users is not None
    (media,) = users.users[0].endpoints[0].media
    assert (media.id, media.type, media.ingress_filter) == ("1", "audio", "block")


def test_an_offer_with_video_is_answered_with_port_0_for_it_and_the_filters_stay() -> None:
    world = World()
    world.start()
    phone = world.phone(1, level=1000)
    other = world.phone(2)
    world.dial(1)
    world.dial(2)
    world.run(0.2)
    assert mute(world, 1) is None
    assert phone.negotiation is not None
    assert phone.session is not None
    body = bytes(phone.negotiation.make_offer()) + b"m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    phone.endpoint.reinvite(phone.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.5)
    answer = next(event.response for event in reversed(phone.seen) if type(event).__name__ == "ResponseReceived")  # type: ignore[attr-defined]
    assert answer.status == 200
    assert b"\r\nm=video 0 RTP/AVP 96" in answer.body
    world.run(0.5)
    assert other.last_sample == 0
