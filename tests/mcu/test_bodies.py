"""Calls whose SDP comes wrapped, beside other parts, or on the second media line."""

from __future__ import annotations

import pytest

from mcu import Ending, LegConnected, LocalError, MediaRules, Srtp
from rtp import CODINGS, Capabilities, Crypto, Encryption, InlineKey, SessionDescription
from sip import Headers, InviteReceived, Multipart, Part, ResponseReceived
from tests.mcu.harness import Phone, World, answering

ISUP = Part(
    b"\x01\x00", Headers([("Content-Type", "application/isup"), ("Content-Disposition", "signal;handling=optional")])
)
SDP = "application/sdp"


def wrapped(description: bytes, kind: str = "mixed") -> Multipart:
    return Multipart((ISUP, Part.of(SDP, description)), "b1", f"multipart/{kind}")


def statuses(phone: Phone) -> list[int]:
    return [event.response.status for event in phone.seen if isinstance(event, ResponseReceived)]


def heard(phone: Phone, sample: int) -> bool:
    law = CODINGS["PCMU"]
    twice = sample.to_bytes(2, "little", signed=True)
    once = law.decode(law.encode(twice))
    return phone.last_sample == int.from_bytes(law.decode(law.encode(once)), "little", signed=True)


@pytest.mark.parametrize("kind", ["mixed", "related", "alternative"])
def test_an_answer_in_a_multipart_connects(kind: str) -> None:
    def script(phone: Phone, event: InviteReceived) -> None:
        body = wrapped(phone.description(), kind)
        phone.answer(bytes(body), content_type=str(body.content_type))

    world = World()
    world.start()
    phone = world.phone(1, script, level=1000)
    other = world.phone(2, level=2000)
    world.dial(1)
    world.dial(2)
    world.run(1.0)
    assert len([event for event in world.events if isinstance(event, LegConnected)]) == 2
    assert heard(phone, 2000)
    assert heard(other, 1000)


def test_an_answer_in_a_wrapped_provisional_answer_is_enough() -> None:
    def script(phone: Phone, event: InviteReceived) -> None:
        body = wrapped(phone.description())
        kind = str(body.content_type)
        phone.endpoint.progress(event.session, 183, body=bytes(body), content_type=kind, now=phone.now)
        phone.answer(b"", content_type=None)

    world = World()
    world.start()
    world.phone(1, script)
    world.dial(1)
    world.run(0.5)
    assert any(isinstance(event, LegConnected) for event in world.events)


def test_a_new_offer_in_a_multipart_is_answered() -> None:
    world = World()
    world.start()
    phone = world.phone(1)
    world.dial(1)
    assert phone.session is not None
    assert phone.negotiation is not None
    for command in (phone.endpoint.reinvite, phone.endpoint.update):
        body = wrapped(bytes(phone.negotiation.make_offer()))
        command(phone.session, body=bytes(body), content_type=str(body.content_type), now=world.now)
        world.run(0.1)
        answered = phone.seen[-1]
        assert isinstance(answered, ResponseReceived)
        assert answered.response.status == 200
        phone.negotiation.receive_answer(SessionDescription.parse(answered.response.body))


def test_an_offer_beside_a_part_that_must_be_understood_is_415_and_the_call_goes_on() -> None:
    world = World()
    world.start()
    phone = world.phone(1)
    world.dial(1)
    assert phone.session is not None
    assert phone.negotiation is not None
    needed = Part.of("application/isup", b"\x01")
    body = Multipart((Part.of(SDP, bytes(phone.negotiation.make_offer())), needed), "b1")
    phone.endpoint.reinvite(phone.session, body=bytes(body), content_type=str(body.content_type), now=world.now)
    world.run(0.5)
    assert statuses(phone) == [415]
    refused = next(event for event in phone.seen if isinstance(event, ResponseReceived))
    assert SDP in refused.response.headers.get("Accept", "").split(", ")
    assert phone.stream is not None


def test_a_body_that_need_not_be_understood_is_no_offer_and_no_415() -> None:
    world = World()
    world.start()
    phone = world.phone(1)
    world.dial(1)
    assert phone.session is not None
    optional = [("Content-Disposition", "render;handling=optional")]
    phone.endpoint.request_in_session(
        phone.session, "INFO", headers=optional, body=b"x", content_type="application/foo", now=world.now
    )
    world.run(0.1)
    phone.endpoint.update(phone.session, headers=optional, body=b"x", content_type="application/foo", now=world.now)
    world.run(0.1)
    assert statuses(phone) == [200, 200]
    last = phone.seen[-1]
    assert isinstance(last, ResponseReceived)
    assert last.response.body == b""


@pytest.mark.parametrize("content_type", ["multipart/mixed", "multipart/mixed;boundary=none", "application/foo"])
def test_an_answer_that_holds_no_description_ends_the_leg(content_type: str) -> None:
    world = World()
    world.start()
    phone = world.phone(1, lambda phone, event: phone.answer(b"x", content_type=content_type))
    world.dial(1)
    world.run(0.5)
    assert world.ended().ending is Ending.NO_MEDIA
    assert phone.stream is None


# Several media lines -------------------------------------------------------------------------------------------------

SECURE = "m=audio 4002 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n"
DTLS = "m=audio 4004 UDP/TLS/RTP/SAVPF 0\r\na=setup:actpass\r\n"


@pytest.mark.parametrize("before", [SECURE, DTLS, DTLS + SECURE])
def test_a_new_offer_with_lines_that_cannot_be_used_goes_on_with_the_one_that_can(before: str) -> None:
    world = World()
    world.start()
    phone = world.phone(1, level=1000)
    other = world.phone(2, level=2000)
    world.dial(1)
    world.dial(2)
    assert phone.session is not None
    body = (
        "v=0\r\no=- 9 9 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
        f"{before}m=audio 4000 RTP/AVP 0\r\n"
    )
    phone.endpoint.reinvite(phone.session, body=body.encode(), content_type=SDP, now=world.now)
    world.run(0.1)
    answered = phone.seen[-1]
    assert isinstance(answered, ResponseReceived)
    assert answered.response.status == 200
    ports = [media.port for media in SessionDescription.parse(answered.response.body).media]
    assert ports[-1] != 0
    assert set(ports[:-1]) == {0}
    world.run(1.0)
    assert heard(phone, 2000)
    assert heard(other, 1000)


def test_an_encrypted_leg_is_heard_and_hears_in_the_same_room_as_a_plain_one() -> None:
    def keyed(phone: Phone, event: InviteReceived) -> None:
        own = Capabilities(encryption=Encryption.REQUIRED, announce_encryption=False, label=None)
        phone.capabilities = own.with_fresh_keys(lambda size: bytes([7]) * size)
        answering(phone, event)

    world = World(media_policy=MediaRules(offer=Srtp.OPTIONAL, over_plain=True))
    world.start()
    plain, secure = world.phone(1, level=1000), world.phone(2, keyed, level=2000)
    world.dial(1)
    world.dial(2)
    world.run(1.0)
    assert len([event for event in world.events if isinstance(event, LegConnected)]) == 2
    assert secure.stream is not None
    assert secure.stream.agreement.secure
    assert heard(plain, 2000)


def test_an_mcu_without_a_known_crypto_suite_is_not_made() -> None:
    unknown = Crypto(1, "SOMETHING_ELSE", (InlineKey(bytes(30)),))
    with pytest.raises(LocalError, match="SOMETHING_ELSE"):
        World(capabilities=Capabilities(crypto=(unknown,)))


def test_an_mcu_that_is_told_in_its_capabilities_to_encrypt_says_where_that_is_told() -> None:
    with pytest.raises(LocalError, match="media_policy"):
        World(capabilities=Capabilities(encryption=Encryption.OPTIONAL))
