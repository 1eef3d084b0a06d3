"""One leg's media, mostly as two legs that talk to each other over a pretended network."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    CN,
    Capabilities,
    Codec,
    ComfortNoise,
    Crypto,
    Direction,
    Encryption,
    FrameKind,
    Goodbye,
    InlineKey,
    LocalRtpError,
    MediaAgreement,
    MediaEvent,
    MediaSilent,
    MediaStream,
    MediaStreamConfig,
    Outgoing,
    ReceiverReport,
    ReceptionReported,
    RemoteAddressLearned,
    Role,
    RtpPacket,
    SessionDescription,
    SourceDescription,
    SourceLeft,
    SourceLocked,
    SourceNamed,
    SourceTimedOut,
    SsrcCollided,
    TelephoneEvent,
    TelephoneEventEnded,
    TelephoneEventStarted,
    answer,
    negotiate,
    offer,
    parse_rtcp,
)
from rtp.stream.source_lock import sendable

A, B = ("192.0.2.1", 4000), ("192.0.2.2", 5000)
SOUND = struct.pack("<160h", *(round(8000 * math.sin(2 * math.pi * n / 16)) for n in range(160)))
DEFAULT = Capabilities()


def half() -> float:
    return 0.5


def agreements(ours: Capabilities, theirs: Capabilities) -> tuple[MediaAgreement, MediaAgreement]:
    offered = offer(ours, *A)
    answered = answer(offered, theirs, *B)
    first, second = negotiate(offered, answered).audio, negotiate(offered, answered, Role.ANSWERER).audio
    assert first
    assert second
    return first, second


def leg(agreement: MediaAgreement, ssrc: int, config: MediaStreamConfig | None = None) -> MediaStream:
    return MediaStream(
        agreement,
        ssrc=ssrc,
        sequence_number=65_530,
        timestamp=2**32 - 480,
        cname=f"{ssrc}@example.com",
        uniform=half,
        now=0.0,
        config=config,
    )


class Call:
    """Two legs; ``step`` is one frame of both."""

    def __init__(
        self,
        ours: Capabilities = DEFAULT,
        theirs: Capabilities = DEFAULT,
        config: MediaStreamConfig | None = None,
    ) -> None:
        first, second = agreements(ours, theirs)
        self.a, self.b = leg(first, 1, config), leg(second, 2, config)
        self.at_a: list[MediaEvent] = []
        self.at_b: list[MediaEvent] = []
        self.heard_by_b: list[bytes | None] = []
        self.sent_by_a: list[Outgoing] = []
        self.frame = 0
        self.source_a = A

    @property
    def now(self) -> float:
        return 0.02 * self.frame

    def step(self, sound: bytes | None = SOUND, *, keep: Callable[[Outgoing], bool] = lambda out: True) -> None:
        for stream, events in ((self.a, self.at_a), (self.b, self.at_b)):
            timeout = stream.next_timeout()
            if timeout is not None and timeout <= self.now:
                events += stream.handle_timeout(now=self.now)
        out = self.a.send_frame(sound, now=self.now) + self.a.data_to_send()
        self.sent_by_a += out
        for kind, data, destination in filter(keep, out):
            assert destination in (B, (B[0], B[1] + 1))
            source = self.source_a if kind == "rtp" else (self.source_a[0], self.source_a[1] + 1)
            self.at_b += self.b.receive(kind, data, source, now=self.now)
        for kind, data, _ in self.b.send_frame(sound, now=self.now) + self.b.data_to_send():
            source = B if kind == "rtp" else (B[0], B[1] + 1)
            self.at_a += self.a.receive(kind, data, source, now=self.now)
        self.heard_by_b.append(self.b.pop_frame(now=self.now + 0.01))
        self.a.pop_frame(now=self.now + 0.01)
        self.frame += 1

    def run(self, frames: int, sound: bytes | None = SOUND) -> None:
        for _ in range(frames):
            self.step(sound)


def loud(frames: list[bytes | None]) -> int:
    return sum(frame is not None and max(struct.unpack("<160h", frame)) > 4000 for frame in frames)


def packets_of(out: list[Outgoing]) -> list[RtpPacket]:
    return [RtpPacket.parse(data) for kind, data, _ in out if kind == "rtp"]


# Sound


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 60, 200])
def test_sound_arrives_whatever_the_length_of_packets(ptime: int) -> None:
    call = Call(theirs=Capabilities(ptime=ptime))
    call.run(100)
    delay = 3 + ptime // 10  # filling a packet here, waiting for one there
    assert loud(call.heard_by_b) >= 100 - delay
    counters = call.b.counters()
    assert (counters.lost, counters.late, counters.malformed) == (0, 0, 0)
    assert {len(packet.payload) for packet in packets_of(call.sent_by_a)} == {8 * ptime}


def test_frames_come_out_as_they_went_in() -> None:
    call = Call()
    call.run(20)
    heard = [frame for frame in call.heard_by_b if frame]
    assert set(heard) == {call.b.decode(call.a.encode(SOUND))}


def test_an_encoded_frame_can_be_shared_by_several_legs() -> None:
    call = Call()
    payload = call.a.encode(SOUND)
    (encoded,) = packets_of(call.a.send_frame(payload=payload, csrc=(7, 8), now=0.0))
    assert (encoded.payload, encoded.csrc, encoded.ssrc) == (payload, (7, 8), 1)
    (plain,) = packets_of(call.b.send_frame(SOUND, now=0.0))
    assert plain.payload == payload


def test_the_time_line_goes_on_in_silence_and_a_talkspurt_is_marked() -> None:
    stream = Call().a
    out = [packets_of(stream.send_frame(sound, now=0.0)) for sound in (SOUND, SOUND, None, None, SOUND)]
    packets = [packet for frame in out for packet in frame]
    assert [packet.marker for packet in packets] == [True, False, True]
    assert [packet.sequence_number for packet in packets] == [65_530, 65_531, 65_532]
    assert [(packet.timestamp - packets[0].timestamp) % 2**32 for packet in packets] == [0, 160, 640]


def test_lost_packets_are_concealed_and_counted() -> None:
    call = Call()
    for index in range(50):
        call.step(keep=lambda out, index=index: index % 10 != 5)  # type: ignore[misc]
    counters = call.b.counters()
    assert (counters.lost, counters.concealed) == (5, 5)
    assert loud(call.heard_by_b) >= 48


def test_comfort_noise_is_silence_for_a_mix_and_noise_for_an_ear() -> None:
    call = Call()
    call.run(5)
    for kind, data, _ in call.a.send_noise(45, now=call.now):
        call.b.receive(kind, data, A, now=call.now)
    frames = [call.b.pop(now=call.now + 0.02 * tick) for tick in range(10)]
    assert frames[-1]
    assert frames[-1].kind is FrameKind.NOISE
    assert call.b.pop_frame(now=call.now + 0.3) is None


def test_noise_on_the_static_number_is_understood_though_it_was_not_agreed() -> None:
    call = Call(theirs=Capabilities(comfort_noise=None))
    assert call.b.agreement.comfort_noise is None
    packet = RtpPacket(CN.payload_type, 1, 0, 9, bytes(ComfortNoise(50)))
    call.b.receive("rtp", bytes(packet), A, now=0.0)
    frame = call.b.pop(now=0.0)
    assert frame
    assert frame.kind is FrameKind.NOISE


def test_noise_becomes_silence_for_a_peer_that_takes_none() -> None:
    call = Call(theirs=Capabilities(comfort_noise=None))
    call.run(2)
    before = call.a.counters().sent
    assert call.a.send_noise(40, now=call.now) == []
    assert call.a.counters().sent == before


# Keys


def test_keys_arrive_and_silence_the_voice() -> None:
    call = Call()
    call.run(5)
    call.a.send_dtmf("4#", duration=0.1)
    call.run(40)
    assert [event.digit for event in call.at_b if isinstance(event, TelephoneEventStarted)] == ["4", "#"]
    ended = [event for event in call.at_b if isinstance(event, TelephoneEventEnded)]
    assert [(event.digit, event.duration) for event in ended] == [("4", 0.1), ("#", 0.1)]
    assert call.heard_by_b[8] is None
    assert loud(call.heard_by_b[-5:]) == 5
    assert call.a.counters().sent_octets == (45 - 14) * 160 + 10 * 4


@pytest.mark.parametrize("number", [101, 96])
def test_keys_are_heard_under_our_number_and_under_that_of_the_answer(number: int) -> None:
    """Who sends uses the number of the receiver's description (RFC 3264 section 5.1), but many use their own."""
    offered = offer(DEFAULT, *A)
    written = bytes(answer(offered, DEFAULT, *B)).replace(b" 101", b" 96").replace(b":101", b":96")
    agreement = negotiate(offered, SessionDescription.parse(written)).audio
    assert agreement
    assert agreement.telephone_event == 96
    stream = leg(agreement, 1)
    key = RtpPacket(number, 1, 0, 9, bytes(TelephoneEvent(5, True, 10, 800)))
    events = stream.receive("rtp", bytes(key), B, now=0.0)
    assert [event.digit for event in events if isinstance(event, TelephoneEventStarted)] == ["5"]
    stream.send_dtmf("1")
    (packet,) = packets_of(stream.send_frame(SOUND, now=0.0))
    assert packet.payload_type == 96


def test_a_number_of_ours_keeps_its_meaning_whatever_the_answer_calls_so() -> None:
    first, _ = agreements(Capabilities(telephone_event=Codec(96, "telephone-event")), DEFAULT)
    stream = leg(attrs.evolve(first, receive_codecs={8: Codec(8, "PCMA"), 101: Codec(101, "PCMU")}), 1)
    assert stream.receive("rtp", bytes(RtpPacket(101, 1, 0, 9, bytes(160))), B, now=0.0)
    assert stream.counters().unknown_format == 0


def test_keys_between_packets_of_another_length() -> None:
    call = Call(theirs=Capabilities(ptime=30))
    call.run(6)
    call.a.send_dtmf("1")
    call.run(30)
    assert [event.digit for event in call.at_b if isinstance(event, TelephoneEventEnded)] == ["1"]


def test_keys_whose_ends_are_lost_end_by_time() -> None:
    call = Call()
    call.run(5)
    call.a.send_dtmf("9", duration=0.06)
    for index in range(20):
        call.step(keep=lambda out, index=index: index == 0 or index > 5)  # type: ignore[misc]
    (ended,) = [event for event in call.at_b if isinstance(event, TelephoneEventEnded)]
    assert (ended.digit, ended.end_seen) == ("9", False)


def test_keys_need_a_peer_that_takes_them() -> None:
    call = Call(theirs=Capabilities(telephone_event=None))
    with pytest.raises(LocalRtpError):
        call.a.send_dtmf("1")


# RTCP


def test_reports_go_both_ways_and_measure() -> None:
    call = Call()
    call.run(600)
    assert call.b.remote_cname == "1@example.com"
    assert SourceNamed(ssrc=2, cname="2@example.com") in call.at_a
    assert sum(isinstance(event, ReceptionReported) for event in call.at_a) >= 2
    assert call.a.counters().round_trip == pytest.approx(0.0, abs=0.03)
    assert 2 <= sum(out.kind == "rtcp" for out in call.sent_by_a) <= 5


def test_multiplexed_rtcp_leaves_by_the_rtp_port() -> None:
    call = Call(Capabilities(rtcp_mux=True), Capabilities(rtcp_mux=True))
    call.run(5)
    assert {out.kind for out in call.sent_by_a} == {"rtp"}
    assert call.b.remote_cname == "1@example.com"


def test_bye_lets_another_source_in() -> None:
    call = Call()
    call.run(10)
    call.a.bye(reason="over", now=call.now)
    (out,) = call.a.data_to_send()
    assert isinstance(parse_rtcp(out.data)[-1], Goodbye)
    assert call.b.receive(out.kind, out.data, (A[0], A[1] + 1), now=call.now)[-1] == SourceLeft(ssrc=1, reason="over")
    assert call.b.remote_ssrc is None
    assert call.b.counters().received == 10
    packet = RtpPacket(0, 9, 9, 77, bytes(160))
    assert call.b.receive("rtp", bytes(packet), A, now=call.now) == [SourceLocked(ssrc=77, source=A)]


def test_a_leg_that_never_spoke_leaves_without_a_word() -> None:
    stream = Call().a
    stream.bye(now=0.1)
    assert stream.data_to_send() == []


def test_a_source_that_falls_silent_times_out() -> None:
    call = Call()
    call.run(10)
    events = []
    while call.b.next_timeout() is not None and call.b.next_timeout() < 70.0:  # type: ignore[operator]
        events += call.b.handle_timeout(now=call.b.next_timeout() or 0.0)
    assert SourceTimedOut(ssrc=1) in events
    (silent,) = [event for event in events if isinstance(event, MediaSilent)]
    assert silent.since == pytest.approx(0.18)
    assert call.b.remote_ssrc is None


def test_rtcp_alone_keeps_a_call_alive() -> None:
    call = Call()
    call.run(10)
    report = bytes(ReceiverReport(1)) + bytes(SourceDescription())
    call.b.receive("rtcp", report, (A[0], A[1] + 1), now=50.0)
    assert not any(isinstance(event, MediaSilent) for event in call.b.handle_timeout(now=61.0))
    assert any(isinstance(event, MediaSilent) for event in call.b.handle_timeout(now=110.0))
    assert not any(isinstance(event, MediaSilent) for event in call.b.handle_timeout(now=120.0))
    assert call.b.last_heard == 50.0


# What else arrives


def test_other_datagrams_are_counted() -> None:
    stream = Call().b
    stun = bytes.fromhex("000100002112a442") + bytes(12)
    for kind, data in [
        ("rtp", stun),
        ("rtcp", stun),
        ("rtp", b"\x16" + bytes(30)),
        ("rtp", b"garbage"),
        ("rtp", b""),
        ("rtcp", b"\x80\x00" + bytes(20)),
        ("rtp", b"\x8f\x00" + bytes(10)),
        ("rtcp", b"\x80\xc8\x00\x09"),
        ("rtp", b"\x80\x12" + bytes(20)),
        ("rtp", bytes(RtpPacket(101, 1, 1, 9, b"ab"))),
        ("rtp", bytes(RtpPacket(0, 2, 1, 9, b""))),
        ("rtp", b"\x80\x00" + bytes(3000)),
    ]:
        assert all(isinstance(event, SourceLocked) for event in stream.receive(kind, data, A, now=0.0))
    counters = stream.counters()
    assert (counters.foreign, counters.malformed, counters.unknown_format) == (3, 6, 3)


def test_a_format_that_was_agreed_but_cannot_be_decoded() -> None:
    first, _ = agreements(Capabilities(), Capabilities())
    stream = leg(attrs.evolve(first, receive_codecs={18: Codec(18, "G729")}), 1)
    stream.receive("rtp", bytes(RtpPacket(18, 1, 1, 9, bytes(20))), B, now=0.0)
    assert stream.counters().unknown_format == 1


@given(st.lists(st.tuples(st.sampled_from(["rtp", "rtcp"]), st.binary(max_size=60)), max_size=10))
def test_nothing_that_arrives_raises(datagrams: list[tuple[str, bytes]]) -> None:
    call = Call()
    call.run(2)
    for kind, data in datagrams:
        for candidate in (data, b"\x80\x00" + data, b"\x80\x65" + data, b"\x81\xc8\x00\x06" + data, b"\x80\xcb" + data):
            call.b.receive(kind, candidate, A, now=call.now)
    call.run(2)


def test_rtcp_of_strangers_is_refused() -> None:
    call = Call()
    call.run(5)
    assert call.b.receive("rtcp", bytes(Goodbye((1,))), ("203.0.113.9", 4001), now=call.now) == []
    assert (call.b.remote_ssrc, call.b.counters().refused) == (1, 1)


# Sources and addresses


def test_we_send_to_where_the_packets_come_from() -> None:
    call = Call()
    call.source_a = ("203.0.113.5", 33_000)
    call.run(3)
    assert call.b.destination == ("203.0.113.5", 33_000)
    assert RemoteAddressLearned(address=("203.0.113.5", 33_000), previous=A) in call.at_b
    (out,) = call.b.send_frame(SOUND, now=call.now)
    assert out.destination == ("203.0.113.5", 33_000)


def test_an_unexpected_address_must_prove_itself_with_two_packets() -> None:
    stream = Call().b
    stranger = ("203.0.113.5", 1)
    assert stream.receive("rtp", bytes(RtpPacket(0, 1, 0, 9, bytes(160))), stranger, now=0.0) == []
    assert stream.receive("rtp", bytes(RtpPacket(0, 5, 0, 9, bytes(160))), stranger, now=0.0) == []
    assert stream.receive("rtp", bytes(RtpPacket(0, 6, 0, 9, bytes(160))), stranger, now=0.0) != []


def test_the_signalled_address_wins_over_one_that_was_faster() -> None:
    call = Call()
    stranger = ("203.0.113.5", 1)
    for number in range(3):
        call.b.receive("rtp", bytes(RtpPacket(0, number, 160 * number, 9, bytes(160))), stranger, now=0.0)
    assert call.b.destination == stranger
    call.run(1)
    assert (call.b.destination, call.b.remote_ssrc) == (A, 1)


def test_other_sources_are_refused_while_one_is_heard() -> None:
    call = Call()
    for number in range(20):
        call.step()
        intruder = RtpPacket(0, number, 160 * number, 666, b"\x00" * 160)
        call.b.receive("rtp", bytes(intruder), ("203.0.113.9", 9), now=call.now)
    assert call.b.remote_ssrc == 1
    assert call.b.counters().refused == 20
    assert call.b.destination == A


def test_a_source_that_was_replaced_at_the_same_address_is_followed_at_its_second_packet() -> None:
    call = Call()
    call.run(10)
    for number in range(40):
        packet = RtpPacket(0, number, 160 * number, 99, bytes(160))
        call.at_b += call.b.receive("rtp", bytes(packet), A, now=call.now + 0.02 * number)
        assert call.b.remote_ssrc == (99 if number else 1)
    assert call.b.counters().refused == 0


def test_following_can_be_switched_off() -> None:
    config = MediaStreamConfig(source=attrs.evolve(MediaStreamConfig().source, follow=False))
    call = Call(config=config)
    call.source_a = ("192.0.2.1", 33_000)
    call.run(20)
    assert call.b.destination == A
    assert loud(call.heard_by_b) >= 16


def test_our_own_ssrc_from_elsewhere_is_a_collision() -> None:
    stream = Call().b
    echo = bytes(RtpPacket(0, 1, 0, 2, bytes(160)))
    assert stream.receive("rtp", echo, A, now=0.0) == [SsrcCollided(ssrc=2)]
    assert stream.receive("rtp", echo, A, now=0.0) == []
    assert stream.counters().looped == 2
    stream.send_frame(SOUND, now=0.0)
    stream.restart(ssrc=3, sequence_number=5, timestamp=6, now=0.1)
    (bye,) = stream.data_to_send()
    assert parse_rtcp(bye.data)[-1] == Goodbye((2,))
    (packet,) = packets_of(stream.send_frame(SOUND, now=0.1))
    assert (packet.ssrc, packet.sequence_number, packet.timestamp, stream.ssrc) == (3, 5, 6, 3)


def test_an_echo_does_not_make_us_change_for_ever() -> None:
    call = Call()
    collisions = 0
    for frame in range(200):
        call.frame = frame
        for out in call.a.send_frame(SOUND, now=call.now):
            events = call.a.receive("rtp", out.data, B, now=call.now)
            for _ in (event for event in events if isinstance(event, SsrcCollided)):
                collisions += 1
                call.a.restart(ssrc=100 + collisions, sequence_number=0, timestamp=0, now=call.now)
    assert collisions == 1
    assert call.a.counters().looped == 200


def test_colliding_addresses_are_remembered_within_bounds() -> None:
    stream = Call().b
    echo = bytes(RtpPacket(0, 1, 0, 2, bytes(160)))
    for port in range(1, 100):
        assert stream.receive("rtp", echo, ("203.0.113.9", port), now=0.0) == [SsrcCollided(ssrc=2)]
    assert stream.receive("rtp", echo, ("203.0.113.9", 99), now=49.0) == []
    assert stream.receive("rtp", echo, ("203.0.113.9", 99), now=100.0) == [SsrcCollided(ssrc=2)]
    assert stream.receive("rtp", echo, ("203.0.113.9", 1), now=100.0) == [SsrcCollided(ssrc=2)]


def test_echoes_can_be_heard_on_request() -> None:
    stream = leg(agreements(Capabilities(), Capabilities())[1], 2, MediaStreamConfig(accept_own_ssrc=True))
    for number in range(5):
        stream.receive("rtp", bytes(RtpPacket(0, number, 160 * number, 2, b"\x00" * 160)), A, now=0.02 * number)
    assert stream.remote_ssrc == 2


def test_only_numeric_addresses_are_sent_to() -> None:
    assert sendable(("192.0.2.1", 5)) == ("192.0.2.1", 5)
    assert sendable(("media.example.com", 5)) is None
    assert sendable(None) is None


# Hold and new agreements


def test_a_peer_on_hold_gets_nothing_and_may_be_silent() -> None:
    call = Call()
    call.run(5)
    held = attrs.evolve(call.b.agreement, direction=Direction.RECVONLY, held=True)
    call.b.update(held, now=call.now)
    assert not call.b.sending
    assert call.b.send_frame(SOUND, now=call.now) == []
    assert call.b.send_noise(40, now=call.now) == []
    assert not any(isinstance(event, MediaSilent) for event in call.b.handle_timeout(now=500.0))


def test_what_a_peer_sends_while_we_do_not_listen_is_not_heard() -> None:
    call = Call()
    call.run(5)
    call.b.update(attrs.evolve(call.b.agreement, direction=Direction.SENDONLY), now=call.now)
    assert not call.b.receiving
    call.run(10)
    assert call.heard_by_b[-10:] == [None] * 10
    assert call.b.counters().received == 15


def test_hold_by_the_unspecified_address_and_back() -> None:
    call = Call()
    call.run(5)
    before = call.b.agreement
    call.b.update(attrs.evolve(before, remote_rtp=None, remote_rtcp=None, direction=Direction.RECVONLY), now=call.now)
    assert (call.b.destination, call.b.sending) == (None, False)
    call.b.bye(now=call.now)
    assert call.b.data_to_send() == []
    call.b.update(before, now=call.now)
    (packet,) = packets_of(call.b.send_frame(SOUND, now=call.now))
    assert packet.marker


def test_a_new_address_is_used_and_the_numbering_goes_on() -> None:
    call = Call()
    call.run(5)
    moved = attrs.evolve(call.b.agreement, remote_rtp=("192.0.2.3", 6000), remote_rtcp=("192.0.2.3", 6001))
    call.b.update(moved, now=call.now)
    (out,) = call.b.send_frame(SOUND, now=call.now)
    assert out.destination == ("192.0.2.3", 6000)
    assert RtpPacket.parse(out.data).sequence_number == (65_530 + 5) & 0xFFFF


def test_the_codec_can_change() -> None:
    call = Call()
    call.run(10)
    pcma = Codec(8, "PCMA")
    call.a.update(attrs.evolve(call.a.agreement, codec=pcma), now=call.now)
    call.b.update(attrs.evolve(call.b.agreement, receive_codecs={0: Codec(0, "PCMU"), 8: pcma}), now=call.now)
    call.run(10)
    assert packets_of(call.sent_by_a)[-1].payload_type == 8
    assert loud(call.heard_by_b[-10:]) == 10


@pytest.mark.parametrize("codec", [Codec(18, "G729"), Codec(0, "PCMU", 16000)])
def test_a_codec_that_we_lack_changes_nothing(codec: Codec) -> None:
    call = Call()
    before = call.a.agreement
    with pytest.raises(LocalRtpError):
        call.a.update(attrs.evolve(before, codec=codec), now=0.0)
    assert call.a.agreement is before
    call.run(10)
    assert loud(call.heard_by_b) >= 7


# Encryption


def crypto(fill: int, suite: str = "AES_CM_128_HMAC_SHA1_80", mki: int | None = None) -> tuple[Crypto, ...]:
    length = {"AEAD_AES_256_GCM": 44}.get(suite, 30)
    return (Crypto(1, suite, (InlineKey(bytes([fill]) * length, None, mki, 0 if mki is None else 2),)),)


def secure_call(suite: str = "AES_CM_128_HMAC_SHA1_80", mki: int | None = None) -> Call:
    ours = Capabilities(encryption=Encryption.REQUIRED, crypto=crypto(1, suite, mki))
    return Call(ours, Capabilities(encryption=Encryption.OPTIONAL, crypto=crypto(2, suite)))


@pytest.mark.parametrize("mki", [None, 7])
@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_256_GCM"])
def test_an_encrypted_call(suite: str, mki: int | None) -> None:
    call = secure_call(suite, mki)
    call.run(50)
    assert loud(call.heard_by_b) >= 46
    assert call.b.remote_cname == "1@example.com"
    assert call.b.counters().unauthenticated == 0
    assert call.a.encode(SOUND) not in call.sent_by_a[-1].data


def test_plain_and_forged_packets_never_reach_an_encrypted_call() -> None:
    call = secure_call()
    call.run(10)
    plain = bytes(RtpPacket(0, 65_535, 0, 1, bytes(160)))
    replay = call.sent_by_a[0].data
    for kind, data in (
        ("rtp", plain),
        ("rtp", replay),
        ("rtcp", bytes(Goodbye((1,))) + bytes(12)),
        ("rtp", plain[:13]),
    ):
        source = A if kind == "rtp" else (A[0], A[1] + 1)
        assert call.b.receive(kind, data, source, now=call.now) == []
    assert call.b.remote_ssrc == 1
    assert call.b.counters().unauthenticated == 2
    assert call.b.counters().malformed == 2


def test_keys_that_stay_keep_their_state_and_new_ones_are_used() -> None:
    call = secure_call()
    call.run(10)
    call.a.update(call.a.agreement, now=call.now)
    call.b.update(call.b.agreement, now=call.now)
    call.run(10)
    fresh = crypto(9)[0]
    call.a.update(attrs.evolve(call.a.agreement, local_crypto=fresh), now=call.now)
    call.b.update(attrs.evolve(call.b.agreement, remote_crypto=fresh), now=call.now)
    call.run(10)
    assert loud(call.heard_by_b) >= 26
    assert call.b.counters().unauthenticated == 0
