"""Offers and answers over the life of a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    Capabilities,
    Codec,
    Crypto,
    Direction,
    Encryption,
    EncryptionMismatch,
    InlineKey,
    LocalRtpError,
    NegotiationError,
    NoCommonCodec,
    OfferAnswerSession,
    OfferState,
    SessionDescription,
)
from rtp.sdp.offer_answer_session import TRANSITIONS, OfferInput


def sides() -> tuple[OfferAnswerSession, OfferAnswerSession]:
    ours = OfferAnswerSession(Capabilities(), address="192.0.2.1", port=4000, session_id=1)
    theirs = OfferAnswerSession(Capabilities(one_codec=False), address="192.0.2.2", port=5000, session_id=2)
    return ours, theirs


def call(ours: OfferAnswerSession, theirs: OfferAnswerSession, direction: Direction | None = None) -> None:
    answered, _ = theirs.receive_offer(ours.make_offer(direction=direction))
    ours.receive_answer(answered)


def direction_of(session: OfferAnswerSession) -> Direction:
    assert session.agreement is not None
    assert session.agreement.audio is not None
    return session.agreement.audio.direction


def test_hold_and_resume() -> None:
    ours, theirs = sides()
    call(ours, theirs)
    assert direction_of(ours) is direction_of(theirs) is Direction.SENDRECV
    call(theirs, ours, Direction.SENDONLY)
    assert (direction_of(theirs), direction_of(ours)) == (Direction.SENDONLY, Direction.RECVONLY)
    call(theirs, ours, Direction.SENDRECV)
    assert direction_of(ours) is direction_of(theirs) is Direction.SENDRECV
    assert ours.local is not None
    assert (ours.local.origin.session_id, ours.local.origin.session_version) == (1, 3)


def test_an_unchanged_offer_keeps_its_version() -> None:
    ours, theirs = sides()
    call(ours, theirs)
    call(ours, theirs)
    assert ours.local is not None
    assert ours.local.origin.session_version == 1


def test_a_refused_offer_changes_nothing() -> None:
    ours, theirs = sides()
    call(ours, theirs)
    before = ours.local, ours.remote, ours.agreement
    ours.make_offer(direction=Direction.SENDONLY)
    ours.roll_back()
    assert (ours.local, ours.remote, ours.agreement, ours.state) == (*before, OfferState.STABLE)


def test_an_answer_that_cannot_be_used_leaves_the_offer_open() -> None:
    ours, theirs = sides()
    offered = ours.make_offer()
    bad = SessionDescription.parse(bytes(offered).replace(b"m=audio 4000", b"m=audio 0"))
    with pytest.raises(NoCommonCodec):
        ours.receive_answer(bad)
    assert ours.state is OfferState.LOCAL_OFFER
    answered, _ = theirs.receive_offer(offered)
    assert ours.receive_answer(answered).audio is not None


def test_an_offer_that_cannot_be_answered_leaves_the_session_alone() -> None:
    ours, theirs = sides()
    call(ours, theirs)
    before = theirs.agreement
    bad = SessionDescription.parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nm=audio 9 RTP/AVP 18\n")
    with pytest.raises(NoCommonCodec):
        theirs.receive_offer(bad)
    assert theirs.agreement is before


def test_numbers_keep_their_meaning_in_new_offers() -> None:
    phone = Capabilities(
        codecs=(Codec(8, "PCMA"),), comfort_noise=None, telephone_event=Codec(96, "telephone-event"), one_codec=False
    )
    ours, _ = sides()
    theirs = OfferAnswerSession(phone, address="192.0.2.2", port=5000)
    call(theirs, ours)
    again = ours.make_offer().media[0]
    assert again.rtpmap(96) == Codec(96, "telephone-event", fmtp="0-16")
    assert "101" not in again.formats


def test_a_number_that_means_something_else_is_not_offered_again() -> None:
    class_a = Capabilities(codecs=(Codec(0, "PCMU"), Codec(101, "PCMA")), comfort_noise=None, telephone_event=None)
    own = Capabilities(codecs=(Codec(0, "PCMU"), Codec(8, "PCMA")), one_codec=False)
    ours = OfferAnswerSession(own, address="192.0.2.1", port=4000)
    theirs = OfferAnswerSession(class_a, address="192.0.2.2", port=5000)
    call(theirs, ours)
    assert ours.make_offer().media[0].formats == ("0", "101", "13")


def test_encryption_is_not_switched_off_in_a_running_call() -> None:
    key = (Crypto(1, "AES_CM_128_HMAC_SHA1_80", (InlineKey(bytes(30)),)),)
    own = Capabilities(encryption=Encryption.OPTIONAL, crypto=key)
    ours = OfferAnswerSession(own, address="192.0.2.1", port=4000)
    secure = OfferAnswerSession(own, address="192.0.2.2", port=5000)
    call(secure, ours)
    before = ours.agreement
    plain = OfferAnswerSession(Capabilities(), address="192.0.2.2", port=5000)
    with pytest.raises(EncryptionMismatch):
        ours.receive_offer(plain.make_offer())
    plain.roll_back()
    answered, _ = plain.receive_offer(ours.make_offer())
    with pytest.raises(EncryptionMismatch):
        ours.receive_answer(answered)
    assert ours.agreement is before


#: Lines of other kinds, and whether they are live does not matter.
OTHERS = ("video 5000 RTP/AVP 34", "video 0 RTP/AVP 34", "image 5002 udptl t38", "application 5004 TCP/BFCP *")


@given(st.lists(st.sampled_from(OTHERS), max_size=3), st.integers(0, 3), st.booleans())
def test_an_offer_that_ends_the_sound_is_answered_in_kind(others: list[str], place: int, up: bool) -> None:
    ours = OfferAnswerSession(Capabilities(), address="192.0.2.1", port=4000)
    if up:
        call(OfferAnswerSession(Capabilities(), address="192.0.2.2", port=5000), ours)
    lines = list(others)
    lines.insert(place, "audio 0 RTP/AVP 0")
    body = "v=0\r\no=- 1 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    offered = SessionDescription.parse((body + "".join(f"m={line}\r\n" for line in lines)).encode())
    if up or all(" 0 " in line for line in lines):
        answered, agreement = ours.receive_offer(offered)
        assert [(line.kind, line.port) for line in answered.media] == [(line.split()[0], 0) for line in lines]
        assert agreement.audio is None
    else:
        with pytest.raises(NoCommonCodec):
            ours.receive_offer(offered)


def test_an_offer_that_moves_the_sound_to_what_we_do_not_do_is_refused() -> None:
    ours = OfferAnswerSession(Capabilities(), address="192.0.2.1", port=4000)
    call(OfferAnswerSession(Capabilities(), address="192.0.2.2", port=5000), ours)
    before = ours.agreement
    for line in ("m=audio 4000 RTP/AVP 99", "m=audio 4000 RTP/SAVP 0", "m=audio x RTP/AVP 0", "m=image 5000 udptl t38"):
        first = "" if "image" in line else "m=audio 0 RTP/AVP 0\r\n"
        body = f"v=0\r\no=- 1 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n{first}{line}\r\n"
        with pytest.raises(NegotiationError):
            ours.receive_offer(SessionDescription.parse(body.encode()))
        assert ours.agreement is before


@given(st.lists(st.sampled_from(OfferInput), max_size=6))
def test_inputs_outside_the_table_are_refused_and_change_nothing(inputs: list[OfferInput]) -> None:
    ours, theirs = sides()
    their_offer = theirs.make_offer()
    for given_input in inputs:
        before = ours.state
        allowed = (before, given_input) in TRANSITIONS
        try:
            if given_input is OfferInput.SEND_OFFER:
                ours.make_offer()
            elif given_input is OfferInput.RECEIVE_OFFER:
                ours.receive_offer(their_offer)
            elif given_input is OfferInput.RECEIVE_ANSWER:
                ours.receive_answer(their_offer)
            else:
                ours.roll_back()
        except LocalRtpError:
            assert not allowed
            assert ours.state is before
        else:
            assert ours.state is TRANSITIONS[before, given_input]


def secure_sides(phone: Capabilities) -> tuple[OfferAnswerSession, OfferAnswerSession]:
    key = (Crypto(1, "AES_CM_128_HMAC_SHA1_80", (InlineKey(bytes(30)),)),)
    own = Capabilities(encryption=Encryption.OPTIONAL, crypto=key)
    ours = OfferAnswerSession(own, address="192.0.2.1", port=4000)
    return ours, OfferAnswerSession(phone, address="192.0.2.2", port=5000)


PHONE_KEY = (Crypto(4, "AES_CM_128_HMAC_SHA1_80", (InlineKey(bytes([7]) * 30),)),)


def test_new_offers_keep_the_profile_of_a_phone_that_knows_only_the_standards() -> None:
    phone = Capabilities(encryption=Encryption.REQUIRED, crypto=PHONE_KEY, announce_encryption=False)
    ours, theirs = secure_sides(phone)
    call(theirs, ours)
    made = ours.make_offer()
    assert (made.media[0].proto, made.media[0].has("crypto")) == ("RTP/SAVP", True)
    answered, _ = theirs.receive_offer(made)
    audio = ours.receive_answer(answered).audio
    assert audio is not None
    assert audio.secure


def test_a_plain_call_stays_plain_and_its_new_offers_take_the_plain_line() -> None:
    phone = Capabilities(announce_encryption=False)
    ours, theirs = secure_sides(phone)
    call(theirs, ours)
    assert not ours.make_offer().media[0].has("crypto")
    ours.roll_back()
    key = "inline:" + "A" * 40
    again = SessionDescription.parse(
        b"v=0\no=- 0 2 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\nt=0 0\nm=audio 5002 RTP/SAVP 0\n"
        + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {key}\n".encode()
        + b"m=audio 5000 RTP/AVP 0\n"
    )
    answered, agreement = ours.receive_offer(again)
    assert [media.port for media in answered.media] == [0, 4000]
    assert agreement.audio is not None
    assert (agreement.audio.index, agreement.audio.secure) == (1, False)


def test_an_offer_can_be_repeated_unchanged() -> None:
    session = OfferAnswerSession(Capabilities(), address="192.0.2.1", port=4000)
    with pytest.raises(LocalRtpError):
        session.repeat_offer()
    peer = OfferAnswerSession(Capabilities(), address="192.0.2.2", port=5000)
    made = session.make_offer()
    session.receive_answer(peer.receive_offer(made)[0])
    assert session.repeat_offer() == made
    assert session.state is OfferState.LOCAL_OFFER
    with pytest.raises(LocalRtpError):
        session.repeat_offer()
    session.receive_answer(peer.receive_offer(made)[0])
    assert session.state is OfferState.STABLE
    session.repeat_offer()
    session.roll_back()
    assert session.local == made
