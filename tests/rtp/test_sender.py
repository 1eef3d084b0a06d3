"""Numbering of an outgoing stream, and its packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import LocalRtpError, RtpPacket, RtpSender
from rtp.codecs.g711 import ULAW
from rtp.stream.packetizer import Packetizer
from rtp.testing import ssrcs


def new(sequence_number: int = 65_535, timestamp: int = 2**32 - 160) -> RtpSender:
    return RtpSender(ssrc=7, sequence_number=sequence_number, timestamp=timestamp)


def test_numbers_wrap() -> None:
    sender = new()
    first = RtpPacket.parse(sender.packet(b"a", 0, now=0.0, marker=True))
    sender.advance(160)
    second = RtpPacket.parse(sender.packet(b"b", 8, now=0.02, csrc=(1, 2)))
    assert first == RtpPacket(0, 65_535, 2**32 - 160, 7, b"a", marker=True)
    assert second == RtpPacket(8, 0, 0, 7, b"b", csrc=(1, 2))


def test_counts() -> None:
    sender = new()
    sender.packet(b"abc", 0, now=0.0)
    sender.packet(b"event", 101, now=0.0, timestamp=5, counted=False)
    assert (sender.packets, sender.octets) == (2, 3)


def test_the_time_of_an_instant() -> None:
    sender = new(timestamp=2**32 - 100)
    assert sender.rtp_time(now=5.0) == 2**32 - 100
    sender.packet(b"", 0, now=5.0)
    sender.packet(b"", 0, now=9.0, timestamp=77)
    assert sender.rtp_time(now=6.0) == 7900


@pytest.mark.parametrize("ssrc", [0, -1, 2**32])
def test_an_ssrc_is_32_bits_and_not_zero(ssrc: int) -> None:
    with pytest.raises(LocalRtpError):
        RtpSender(ssrc=ssrc, sequence_number=0, timestamp=0)


def test_what_does_not_fit_is_our_own_error() -> None:
    for payload_type, csrc in ((128, ()), (0, tuple(range(16)))):
        with pytest.raises(LocalRtpError):
            new().packet(b"", payload_type, now=0.0, csrc=csrc)


@given(ssrcs(), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF), st.binary(max_size=20))
def test_every_packet_is_a_packet(ssrc: int, sequence_number: int, timestamp: int, payload: bytes) -> None:
    sender = RtpSender(ssrc=ssrc, sequence_number=sequence_number, timestamp=timestamp)
    expected = RtpPacket(0, sequence_number, timestamp, ssrc, payload)
    assert RtpPacket.parse(sender.packet(payload, 0, now=0.0)) == expected


# Packets of other lengths than frames


@pytest.mark.parametrize("length", [80, 160, 240, 320, 480, 1600])
def test_sound_is_cut_into_packets_without_a_gap(length: int) -> None:
    sender = new(timestamp=1000)
    packetizer = Packetizer(sender, ULAW, frame=160, packet=length)
    sound = bytes(index % 251 for index in range(160 * 30))
    packets = [
        RtpPacket.parse(data)
        for frame in range(30)
        for data in packetizer.sound(sound[160 * frame : 160 * frame + 160], 0, now=0.0)
    ]
    assert b"".join(packet.payload for packet in packets) == sound
    assert [packet.timestamp for packet in packets] == list(range(1000, 1000 + 4800, length))
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)


def test_a_rest_leaves_when_silence_begins() -> None:
    packetizer = Packetizer(new(timestamp=0), ULAW, frame=160, packet=240)
    assert packetizer.sound(b"a" * 160, 0, now=0.0) == []
    (rest,) = packetizer.flush(0, now=0.0)
    packetizer.pause()
    assert packetizer.flush(0, now=0.0) == []
    packetizer.sound(b"b" * 160, 0, now=0.0)
    (later,) = packetizer.sound(b"b" * 160, 0, now=0.0)
    assert RtpPacket.parse(rest).timestamp == 0
    assert (RtpPacket.parse(later).timestamp, RtpPacket.parse(later).marker) == (320, True)


def test_a_rest_that_is_dropped_takes_its_time_all_the_same() -> None:
    sender = new(timestamp=0)
    packetizer = Packetizer(sender, ULAW, frame=160, packet=240)
    packetizer.sound(b"a" * 160, 0, now=0.0)
    packetizer.discard()
    assert sender.timestamp == 160


def test_noise_takes_the_place_of_a_frame() -> None:
    sender = new(timestamp=0)
    packetizer = Packetizer(sender, ULAW, frame=160, packet=160)
    packetizer.sound(b"a" * 160, 0, now=0.0)
    noise = RtpPacket.parse(packetizer.noise(b"\x28", 13, now=0.0))
    (sound,) = packetizer.sound(b"a" * 160, 0, now=0.0)
    assert (noise.payload_type, noise.timestamp, noise.payload, noise.marker) == (13, 160, b"\x28", False)
    assert (RtpPacket.parse(sound).timestamp, RtpPacket.parse(sound).marker) == (320, True)
