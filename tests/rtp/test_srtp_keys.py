"""Keys that change, or stay, while packets flow."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    AuthenticationFailed,
    Capabilities,
    Crypto,
    Encryption,
    InlineKey,
    LocalRtpError,
    MediaStream,
    OfferAnswerSession,
    ReplayedPacket,
    RtpPacket,
    SessionDescription,
    SrtpContext,
)
from rtp.srtp.keys import MAX_KEYS, OVERLAP, ReceivingKeys, SendingKeys

SUITE, SHORT = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
RTCP = bytes.fromhex("81c8000bcafebabe") + bytes(16)


def crypto(fill: int, *, tag: int = 1, suite: str = SUITE, mki: int | None = None) -> Crypto:
    return Crypto(tag, suite, (InlineKey(fill.to_bytes(2, "big") * 15, None, mki, 0 if mki is None else 1),))


def rtp(number: int, ssrc: int = 1) -> bytes:
    return bytes(RtpPacket(0, number & 0xFFFF, 160 * number & 0xFFFF_FFFF, ssrc, b"sound"))


def found(keys: SendingKeys, line: Crypto) -> SrtpContext:
    context = keys.find(line)
    assert context is not None
    return context


def srtcp_index(packet: bytes, mki: int = 0) -> int:
    end = len(packet) - 10 - mki
    return int.from_bytes(packet[end - 4 : end], "big") & 0x7FFF_FFFF


@pytest.mark.parametrize(
    "again",
    [crypto(1), crypto(1, tag=7), crypto(1, mki=3), crypto(1, suite=SHORT), crypto(1, suite=SHORT, mki=9, tag=2)],
)
def test_a_key_that_stays_goes_on_counting(again: Crypto) -> None:
    sending, receiving = SendingKeys(), ReceivingKeys()
    receiving.use(crypto(1))
    for number in (65_534, 65_535, 65_536):
        assert receiving.unprotect(found(sending, crypto(1)).protect(rtp(number))) == rtp(number)
    assert srtcp_index(found(sending, crypto(1)).protect_rtcp(RTCP)) == 0
    replay = found(sending, again).protect(rtp(65_537))
    receiving.use(again)
    assert receiving.unprotect(replay) == rtp(65_537)
    with pytest.raises(ReplayedPacket):
        receiving.unprotect(replay)
    packet = found(sending, again).protect_rtcp(RTCP)
    assert srtcp_index(packet, again.keys[0].mki_length) == 1
    assert receiving.unprotect(packet, rtcp=True) == RTCP


def test_a_key_that_comes_back_goes_on_counting() -> None:
    sending, receiving = SendingKeys(), ReceivingKeys()
    for index, line in enumerate([crypto(1), crypto(2), crypto(1, tag=5)]):
        receiving.use(line)
        for number in range(65_530 + 10 * index, 65_540 + 10 * index):
            assert receiving.unprotect(found(sending, line).protect(rtp(number))) == rtp(number)
        assert srtcp_index(found(sending, line).protect_rtcp(RTCP)) == (0, 0, 1)[index]


def test_a_new_key_begins_with_a_roll_over_counter_of_0() -> None:
    sending = SendingKeys()
    found(sending, crypto(1)).protect(rtp(65_535))
    found(sending, crypto(1)).protect(rtp(65_536))
    packet = found(sending, crypto(2)).protect(rtp(65_537))
    master = crypto(2).master()
    assert SrtpContext(SUITE, *master).unprotect(packet) == rtp(65_537)


@pytest.mark.parametrize("roll_over_counter", [0, 1])
def test_a_peer_may_go_on_or_begin_anew_under_a_new_key(roll_over_counter: int) -> None:
    receiving = ReceivingKeys()
    receiving.use(crypto(1))
    peer = SrtpContext(SUITE, *crypto(1).master())
    for number in (65_535, 65_536):
        receiving.unprotect(peer.protect(rtp(number)))
    receiving.use(crypto(2))
    peer = SrtpContext(SUITE, *crypto(2).master(), roll_over_counter=roll_over_counter)
    for number in range(65_537, 65_540):
        assert receiving.unprotect(peer.protect(rtp(number))) == rtp(number)


def test_a_peer_whose_first_packets_are_lost_up_to_the_wrap_is_understood() -> None:
    receiving, peer = ReceivingKeys(), SrtpContext(SUITE, *crypto(1).master())
    receiving.use(crypto(1))
    peer.protect(rtp(65_535))
    for number in (65_536, 65_537):
        assert receiving.unprotect(peer.protect(rtp(number))) == rtp(number)


def test_packets_on_their_way_when_the_key_changed_are_heard_and_then_no_longer() -> None:
    sending, receiving = SendingKeys(), ReceivingKeys()
    old, new = found(sending, crypto(1)), found(sending, crypto(2))
    receiving.use(crypto(1))
    receiving.unprotect(old.protect(rtp(0)))
    late = [old.protect(rtp(number)) for number in (1, 2)]
    too_late = old.protect(rtp(3, ssrc=2))
    receiving.use(crypto(2))
    assert receiving.unprotect(late[0]) == rtp(1)
    with pytest.raises(ReplayedPacket):
        receiving.unprotect(late[0])
    assert receiving.unprotect(new.protect(rtp(4))) == rtp(4)
    assert receiving.unprotect(late[1]) == rtp(2)
    for number in range(5, 4 + OVERLAP):
        receiving.unprotect(new.protect(rtp(number)))
    with pytest.raises(AuthenticationFailed):
        receiving.unprotect(too_late)


def test_keys_are_limited_and_none_that_was_sent_with_is_forgotten() -> None:
    sending, receiving = SendingKeys(), ReceivingKeys()
    for fill in range(MAX_KEYS):
        found(sending, crypto(fill)).protect_rtcp(RTCP)
        receiving.use(crypto(fill))
    with pytest.raises(LocalRtpError):
        sending.find(crypto(MAX_KEYS))
    assert srtcp_index(found(sending, crypto(0, tag=9)).protect_rtcp(RTCP)) == 1
    for fill in range(3 * MAX_KEYS):
        receiving.use(crypto(fill))
    assert len(receiving._contexts) == MAX_KEYS


def test_plain_streams_have_no_keys() -> None:
    receiving = ReceivingKeys()
    receiving.use(None)
    assert SendingKeys().find(None) is None
    assert (receiving.secure, receiving.unprotect(b"x")) == (False, b"x")


def test_fresh_keys_are_of_one_call_only() -> None:
    octets = iter(range(1, 100))
    plain = Capabilities(crypto=(crypto(1),))
    assert plain.with_fresh_keys(bytes) is plain
    both = Capabilities(encryption=Encryption.OPTIONAL, crypto=(crypto(1, tag=4, mki=2), crypto(1, suite=SHORT)))
    made = both.with_fresh_keys(lambda size: bytes([next(octets)]) * size).crypto
    assert [(line.tag, line.suite, line.keys[0].mki) for line in made] == [(4, SUITE, 2), (1, SHORT, None)]
    assert [line.keys[0].key_and_salt[0] for line in made] == [1, 2]
    (usual,) = Capabilities(encryption=Encryption.REQUIRED).with_fresh_keys(lambda size: bytes(size)).crypto
    assert usual.usable
    with pytest.raises(LocalRtpError):
        Crypto.fresh(1, "unknown", bytes)


# Whole calls


A, B = ("192.0.2.1", 4000), ("192.0.2.2", 5000)


class Side:
    """Offers, answers and the stream of one end."""

    def __init__(self, address: tuple[str, int], fill: int) -> None:
        self.address, self.fill = address, fill
        self.negotiation = OfferAnswerSession(self._capabilities(), address=address[0], port=address[1])
        self.stream: MediaStream | None = None
        self.rtp: list[bytes] = []  #: that was sent, encrypted
        self.rtcp: list[bytes] = []
        self.keys: list[bytes] = []  #: under which each of ``rtcp`` was sent

    def _capabilities(self, suite: str = SUITE) -> Capabilities:
        return Capabilities(encryption=Encryption.REQUIRED, crypto=(crypto(self.fill, suite=suite),))

    def rekey(self, suite: str) -> None:
        self.fill += 2
        self.negotiation.capabilities = self._capabilities(suite)

    def retag(self, tag: int) -> None:
        (line,) = self.negotiation.capabilities.crypto
        crypto_lines = (attrs.evolve(line, tag=tag),)
        self.negotiation.capabilities = attrs.evolve(self.negotiation.capabilities, crypto=crypto_lines)

    def apply(self, now: float) -> None:
        agreement = self.negotiation.agreement
        assert agreement is not None
        assert agreement.audio is not None
        if self.stream is None:
            self.stream = MediaStream(
                agreement.audio,
                ssrc=self.fill,
                sequence_number=65_500,
                timestamp=0,
                cname="c",
                uniform=lambda: 0.5,
                now=now,
            )
        else:
            self.stream.update(agreement.audio, now=now)

    def send(self, now: float) -> list[tuple[str, bytes]]:
        stream = self.stream
        assert stream is not None
        due = stream.next_timeout()
        if due is not None and due <= now:
            stream.handle_timeout(now=now)
        out = [(kind, data) for kind, data, _ in stream.send_frame(bytes(320), now=now) + stream.data_to_send()]
        line = stream.agreement.local_crypto
        assert line is not None
        for kind, data in out:
            if kind == "rtcp":
                self.rtcp.append(data)
                self.keys.append(line.keys[0].key_and_salt)
        return out

    def receive(self, packets: list[tuple[str, bytes]], source: tuple[str, int], now: float) -> None:
        assert self.stream is not None
        for kind, data in packets:
            self.stream.receive(kind, data, (source[0], source[1] + (kind == "rtcp")), now=now)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["talk", "same", "tag", "key of the offerer", "key of the answerer", "both keys"]),
        st.booleans(),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=8,
)


@given(STEPS)
def test_whatever_keys_change_in_a_call_everything_is_heard_and_no_index_is_used_twice(
    steps: list[tuple[str, bool, int]],
) -> None:
    sides = Side(A, 1), Side(B, 2)
    now = 0.0

    def offer_from(offerer: Side, answerer: Side) -> None:
        description = SessionDescription.parse(bytes(offerer.negotiation.make_offer()))
        answered, _ = answerer.negotiation.receive_offer(description)
        answerer.apply(now)
        exchange()  # the answer is on its way
        offerer.negotiation.receive_answer(SessionDescription.parse(bytes(answered)))
        offerer.apply(now)

    def exchange() -> None:
        nonlocal now
        if any(side.stream is None for side in sides):
            return
        now += 0.02
        first, second = (side.send(now) for side in sides)
        sides[1].receive(first, A, now)
        sides[0].receive(second, B, now)

    offer_from(*sides)
    for _ in range(60):
        exchange()
    for what, turned, frames in steps:
        offerer, answerer = reversed(sides) if turned else sides
        if what in ("key of the offerer", "both keys"):
            offerer.rekey(SUITE)
        if what in ("key of the answerer", "both keys"):
            answerer.rekey(SUITE)
        if what == "tag":
            offerer.retag(frames + 1)
        if what != "talk":
            offer_from(offerer, answerer)
        for _ in range(frames):
            exchange()
        now += 3.0  # so that reports are due
    exchange()
    for side in sides:
        assert side.stream is not None
        assert len(set(zip(side.keys, map(srtcp_index, side.rtcp), strict=True))) == len(side.rtcp)
    # Packets under a key that the offerer has not been told of yet cannot be read (RFC 4568 section 7.1.4).
    early = {id(side): 0 for side in sides}
    for what, turned, _ in steps:
        if what in ("key of the answerer", "both keys"):
            early[id(sides[1] if turned else sides[0])] += 2
    for side in sides:
        assert side.stream is not None
        assert side.stream.counters().unauthenticated <= early[id(side)]
