"""Encrypted legs: what is offered to whom, whose keys are used for how long, and that sound gets through."""

from __future__ import annotations

import attrs
import pytest

from mcu import Gateway, GatewayTable, LegEnded, MediaRules, MediaTarget, MediaTerms, MixerSettings, Srtp
from mcu.legs.targets import Targets
from rtp import (
    Capabilities,
    Crypto,
    Direction,
    Encryption,
    InlineKey,
    NegotiationError,
    OfferAnswerSession,
    RtpPacket,
    SessionDescription,
)
from sip import InviteReceived, ResponseReceived, SessionFailed, Uri
from tests.mcu.harness import Phone, World, refusing
from tests.mcu.test_dial_in import announce, answered, call, refused
from tests.mcu.test_media import after_g711, reinvite, take_answer

SUITE, SHORT = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
EVERYBODY = MixerSettings(gate=0, max_contributors=10)


def line(fill: int, suite: str = SUITE, tag: int = 1) -> Crypto:
    return Crypto(tag, suite, (InlineKey(bytes([fill]) * 30),))


#: What deployed phones do: nothing of SRTP; keys beside RTP/AVP for either; RTP/SAVP or nothing.
KINDS = {
    "plain": Capabilities(announce_encryption=False, label=None),
    "either": Capabilities(announce_encryption=False, label=None, encryption=Encryption.OPTIONAL, crypto=(line(7),)),
    "secure": Capabilities(announce_encryption=False, label=None, encryption=Encryption.REQUIRED, crypto=(line(7),)),
}


def picky(phone: Phone, event: InviteReceived) -> None:
    """Refuses what it cannot do, as phones do."""
    offered = SessionDescription.parse(event.request.body)
    wants_profile = phone.capabilities.encryption is Encryption.REQUIRED
    try:
        if wants_profile and offered.media[0].proto != "RTP/SAVP":
            raise NegotiationError("only RTP/SAVP")
        body = phone.description()
    except NegotiationError:
        phone.refuse(488)
    else:
        phone.ring()
        phone.answer(body)


def conference(rules: MediaRules, *kinds: str, **settings: object) -> tuple[World, list[Phone]]:
    """Phones of these kinds, called by an MCU that goes by these rules; phone n says n thousand."""
    world = World(mixer=EVERYBODY, media_policy=rules, **settings)
    world.start()
    phones = []
    for number, kind in enumerate(kinds, 1):
        phone = world.phone(number, picky, level=1000 * number)
        phone.capabilities = KINDS[kind]
        phones.append(phone)
        world.dial(number)
    world.run(1.0)
    return world, phones


def offers(phone: Phone) -> list[SessionDescription]:
    return [SessionDescription.parse(invite.request.body) for invite in phone.invites]


def profiles(phone: Phone) -> list[tuple[str, bool]]:
    return [(each.media[0].proto, each.media[0].has("crypto")) for each in offers(phone)]


def keys_offered(phone: Phone) -> list[str]:
    return [str(attribute) for each in offers(phone) for attribute in each.media[0].attributes_named("crypto")]


def is_secure(phone: Phone) -> bool:
    assert phone.negotiation is not None
    agreement = phone.negotiation.agreement
    assert agreement is not None
    assert agreement.audio is not None
    return agreement.audio.secure


AVP, EITHER, SAVP = ("RTP/AVP", False), ("RTP/AVP", True), ("RTP/SAVP", True)


@pytest.mark.parametrize(
    ("srtp", "kind", "tried", "secure"),
    [
        (Srtp.OFF, "plain", [AVP], False),
        (Srtp.OFF, "either", [AVP], False),
        (Srtp.OFF, "secure", [AVP], None),
        (Srtp.OPTIONAL, "plain", [EITHER], False),
        (Srtp.OPTIONAL, "either", [EITHER], True),
        (Srtp.OPTIONAL, "secure", [EITHER, SAVP], True),
        (Srtp.REQUIRED, "plain", [SAVP], None),
        (Srtp.REQUIRED, "either", [SAVP], True),
        (Srtp.REQUIRED, "secure", [SAVP], True),
    ],
)
def test_each_kind_of_phone_is_offered_what_the_setting_says_and_heard_where_both_can(
    srtp: Srtp, kind: str, tried: list[tuple[str, bool]], secure: bool | None
) -> None:
    rules = MediaRules(offer=srtp, over_plain=True)
    world, (phone, other) = conference(rules, kind, "either")
    assert profiles(phone) == tried
    assert len(set(keys_offered(phone) + keys_offered(other))) == len(keys_offered(phone) + keys_offered(other))
    if secure is None:
        assert world.ended().status == 488
        return
    assert is_secure(phone) is secure
    assert phone.last_sample == after_g711(after_g711(2000))
    assert other.last_sample == after_g711(after_g711(1000))


def test_a_phone_that_refuses_keys_and_profile_is_called_plainly_in_the_end() -> None:
    rules = MediaRules(offer=Srtp.OPTIONAL, over_plain=True)
    world = World(mixer=EVERYBODY, media_policy=rules)
    world.start()

    def stumbling(phone: Phone, event: InviteReceived) -> None:
        if b"crypto" in event.request.body:
            phone.refuse(488)
        else:
            phone.answer()

    phone = world.phone(1, stumbling)
    world.dial(1)
    assert profiles(phone) == [EITHER, SAVP, AVP]
    assert world.mcu.legs == 1


@pytest.mark.parametrize("status", [486, 603, 480, 606])
def test_no_other_refusal_makes_another_call(status: int) -> None:
    world = World(media_policy=MediaRules(offer=Srtp.OPTIONAL, over_plain=True))
    world.start()
    phone = world.phone(1, refusing(status))
    world.dial(1)
    assert len(phone.invites) == 1
    assert world.ended().status == status


# Signalling ----------------------------------------------------------------------------------------------------------


def test_keys_are_never_offered_over_plain_signalling_unless_told() -> None:
    _, (phone,) = conference(MediaRules(offer=Srtp.OPTIONAL), "either")
    assert profiles(phone) == [AVP]
    assert not is_secure(phone)


def test_a_call_that_must_be_encrypted_is_not_made_over_plain_signalling() -> None:
    world = World(media_policy=MediaRules(offer=Srtp.REQUIRED))
    world.start()
    phone = world.phone(1)
    reply = world.dial(1)
    assert reply.document is not None
    assert reply.document.command_reason == "dialOutMedia"
    assert phone.invites == []
    assert world.mcu.legs == 0


@pytest.mark.parametrize(
    ("target", "proxy", "offered"),
    [
        ("sip:bob@example.com", None, False),
        ("sips:bob@example.com", None, True),
        ("sip:bob@example.com;transport=tls", None, True),
        ("sip:bob@example.com;transport=tls", "sip:192.0.2.9", False),
        ("sip:bob@example.com", "sip:192.0.2.9;transport=tcp", False),
        ("sip:bob@example.com", "sip:192.0.2.9;transport=TLS", True),
        ("sips:bob@example.com", "sip:192.0.2.9;transport=tcp", True),  # sent by TLS all the same (RFC 3261 26.2)
    ],
)
def test_what_counts_as_encrypted_signalling(target: str, proxy: str | None, offered: bool) -> None:
    config = attrs.evolve(
        World().mcu.config,
        media_policy=MediaRules(offer=Srtp.REQUIRED),
        outbound_proxy=Uri.parse(proxy) if proxy else None,
    )
    attempt = Targets(config, config.media_policy.terms).attempt(Uri.parse(target))
    assert attempt is not None
    assert attempt.forms == ((Encryption.REQUIRED,) if offered else ())


def test_a_redirection_from_a_target_with_keys_to_one_without_takes_none_along() -> None:
    rules = MediaRules(targets={"198.51.100.1": MediaRules(offer=Srtp.OPTIONAL, over_plain=True)})
    world = World(media_policy=rules)
    world.start()
    first = world.phone(1, refusing(302, ("Contact", "<sip:user2@198.51.100.2>")))
    second = world.phone(2)
    world.dial(1)
    world.run(0.5)
    assert profiles(first) == [EITHER]
    assert profiles(second) == [AVP]
    assert world.mcu.legs == 1


# Who calls in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("srtp", "kind", "secure"),
    [
        (Srtp.OFF, "plain", False),
        (Srtp.OFF, "either", False),
        (Srtp.OFF, "secure", None),
        (Srtp.OPTIONAL, "plain", False),
        (Srtp.OPTIONAL, "either", True),
        (Srtp.OPTIONAL, "secure", True),
        (Srtp.REQUIRED, "plain", None),
        (Srtp.REQUIRED, "either", True),
        (Srtp.REQUIRED, "secure", True),
    ],
)
def test_who_calls_in_is_taken_as_the_setting_says(srtp: Srtp, kind: str, secure: bool | None) -> None:
    world = World(mixer=EVERYBODY, media_policy=MediaRules(accept=srtp))
    world.start()
    where = announce(world, 1)
    phone = world.phone(1, level=1000)
    phone.capabilities = KINDS[kind]
    call(world, phone, where, 1)
    if secure is None:
        assert refused(phone)[0] == 488
        (event,) = [event for event in phone.seen if isinstance(event, SessionFailed)]
        assert event.response is not None
        assert event.response.headers.get("Warning") == '308 192.0.2.1:5060 "Encryption Levels not compatible"'
        return
    other = world.phone(2, level=2000)
    world.dial(2)
    assert phone.negotiation is not None
    agreement = phone.negotiation.receive_answer(SessionDescription.parse(answered(phone).response.body)).audio
    assert agreement is not None
    assert agreement.secure is secure
    phone.stream = phone.make_stream(agreement)
    world.run(0.5)
    assert phone.last_sample == after_g711(after_g711(2000))
    assert other.last_sample == after_g711(after_g711(1000))


@pytest.mark.parametrize(
    ("rules", "profile"),
    [
        (MediaRules(accept=Srtp.OPTIONAL), AVP),
        (MediaRules(accept=Srtp.OPTIONAL, over_plain=True), EITHER),
        (MediaRules(accept=Srtp.REQUIRED, over_plain=True), SAVP),
        (MediaRules(accept=Srtp.REQUIRED), None),
    ],
)
def test_who_calls_in_without_an_offer_over_plain_signalling_is_offered_no_keys(
    rules: MediaRules, profile: tuple[str, bool] | None
) -> None:
    world = World(media_policy=rules)
    world.start()
    where = announce(world, 1)
    phone = world.phone(1)
    call(world, phone, where, 1, body=b"")
    if profile is None:
        assert refused(phone)[0] == 488
        return
    (media,) = SessionDescription.parse(answered(phone).response.body).media
    assert (media.proto, media.has("crypto")) == profile


# Keys of a running call ----------------------------------------------------------------------------------------------


def our_key(phone: Phone) -> str:
    (event,) = [event for event in phone.seen if isinstance(event, ResponseReceived)][-1:]
    return SessionDescription.parse(event.response.body).media[0].attribute("crypto") or ""


def deafen(phone: Phone) -> None:
    """What it hears does not matter: it does not look at the answers to its offers."""
    phone.receive_media = lambda kind, data, source, now: None  # type: ignore[method-assign]


def offer_of(phone: Phone, *, host: str, port: int, crypto: Crypto) -> bytes:
    own = attrs.evolve(phone.capabilities, crypto=(crypto,), encryption=Encryption.REQUIRED)
    return bytes(OfferAnswerSession(own, address=host, port=port).make_offer())


def test_keys_stay_while_address_port_and_suite_stay_and_change_with_each() -> None:
    suites = Capabilities(crypto=(line(0), line(0, SHORT, 2)))
    rules = MediaRules(offer=Srtp.REQUIRED, over_plain=True)
    world, (phone, _) = conference(rules, "secure", "secure", capabilities=suites)
    deafen(phone)
    host = phone.address.host
    seen = []
    for at, port, crypto in [
        (host, 4000, line(7)),
        (host, 4000, line(7, tag=3)),
        (host, 4000, line(8)),  # the phone's own key is the phone's business
        (host, 4002, line(8)),
        ("0.0.0.0", 4002, line(8)),  # on hold, as it was done once
        (host, 4002, line(8)),
        ("198.51.100.77", 4002, line(9)),
        ("198.51.100.77", 4002, line(9, SHORT)),
        ("198.51.100.77", 4002, line(9)),
    ]:
        reinvite(world, phone, body=offer_of(phone, host=at, port=port, crypto=crypto))
        seen.append(our_key(phone).split("inline:")[1])
    first = keys_offered(phone)[0].split("inline:")[1]
    assert [key == before for key, before in zip(seen, [first, *seen], strict=False)] == [
        True,
        True,
        True,
        False,
        True,
        True,
        False,
        False,
        False,
    ]
    assert len({first, *seen}) == 5


def test_a_phone_that_moves_without_end_breaks_nothing() -> None:
    rules = MediaRules(offer=Srtp.REQUIRED, over_plain=True)
    world, (phone,) = conference(rules, "secure")
    deafen(phone)
    for number in range(40):
        reinvite(world, phone, body=offer_of(phone, host=phone.address.host, port=4002 + 2 * number, crypto=line(7)))
    assert world.mcu.legs == 1
    assert [event.response.status for event in phone.seen if isinstance(event, ResponseReceived)] == [200] * 40


def test_hold_and_resume_of_an_encrypted_call() -> None:
    rules = MediaRules(offer=Srtp.OPTIONAL, over_plain=True)
    world, (one, two) = conference(rules, "secure", "plain")
    for direction in (Direction.SENDONLY, Direction.SENDRECV):
        reinvite(world, one, direction)
        take_answer(one)
        world.run(0.5)
    assert one.last_sample == after_g711(after_g711(2000))
    assert two.last_sample == after_g711(after_g711(1000))


def test_an_encrypted_call_does_not_become_plain() -> None:
    rules = MediaRules(offer=Srtp.OPTIONAL, over_plain=True)
    world, (phone,) = conference(rules, "either")
    plain = OfferAnswerSession(KINDS["plain"], address=phone.address.host, port=4000)
    reinvite(world, phone, body=bytes(plain.make_offer()))
    assert [event.response.status for event in phone.seen if isinstance(event, ResponseReceived)] == [488]
    assert is_secure(phone)


# Who gets sound before anything came from there ----------------------------------------------------------------------


def silent_phone(rules: MediaRules, uri: str | None = None, **settings: object) -> tuple[World, Phone]:
    world = World(media_policy=rules, **settings)
    world.start()
    phone = world.phone(1)
    phone.make_stream = lambda audio: None  # type: ignore[method-assign,assignment,return-value]
    packets: list[float] = []
    phone.receive_media = lambda kind, data, source, now: packets.append(now) if kind == "rtp" else None  # type: ignore[method-assign]
    phone.times = packets  # type: ignore[attr-defined]
    world.dial(1, uri=uri)
    return world, phone


@pytest.mark.parametrize(
    ("rules", "uri", "everything"),
    [
        (MediaRules(), None, False),
        (MediaRules(known_domains=frozenset({"198.51.100.1"})), None, True),
        (MediaRules(known_domains=frozenset({"198.51.100.1"})), "sip:user1@198.51.100.1:5060", False),
        (MediaRules(known_domains=frozenset({"example.com"})), None, False),
        (MediaRules(targets={"198.51.100.1": MediaRules(known=True)}), None, True),
        (MediaRules(), "tel:+4912345", True),
    ],
)
def test_a_target_that_is_not_known_gets_one_packet_a_second_until_it_speaks(
    rules: MediaRules, uri: str | None, everything: bool
) -> None:
    gateways = GatewayTable([Gateway(prefix="+49", domain="198.51.100.1")])
    world, phone = silent_phone(rules, uri, gateways=gateways)
    world.run(3.0)
    times: list[float] = phone.times  # type: ignore[attr-defined]
    assert 148 <= len(times) <= 151
    times.clear()
    world.run(10.0)
    assert 499 <= len(times) <= 501 if everything else 9 <= len(times) <= 11
    times.clear()
    packets = [bytes(RtpPacket(0, number, 160 * number, 9, b"\xff" * 160)) for number in (1, 2)]
    leg = next(iter(world.ports_open.values()))
    world.mcu.receive_media([(leg, "rtp", data, ("198.51.100.1", 4000), world.now) for data in packets])
    world.run(10.0)
    assert 499 <= len(times) <= 501
    assert not world.of(LegEnded)


def test_the_policy_is_asked_for_every_address_and_told_what_is_known_of_it() -> None:
    asked: list[MediaTarget] = []

    class Rules:
        def terms(self, target: MediaTarget) -> MediaTerms:
            asked.append(target)
            return MediaTerms()

    world = World(media_policy=Rules())
    world.start()
    world.phone(1, refusing(302, ("Contact", "<sip:other@198.51.100.2>")))
    world.phone(2)
    world.dial(1)
    assert [(each.outgoing, each.domain, each.user, each.gateway) for each in asked] == [
        (True, "198.51.100.1", "user1", False),
        (True, "198.51.100.2", "other", False),
    ]
