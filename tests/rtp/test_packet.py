"""The RTP packet."""

from __future__ import annotations

import contextlib

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import LocalRtpError, MalformedPacket, RtpPacket
from rtp.testing import rtp_packets

HEADER = bytes.fromhex("8000000100000002cafebabe")


@given(rtp_packets())
def test_round_trip(packet: RtpPacket) -> None:
    assert RtpPacket.parse(bytes(packet)) == packet


@given(st.binary(max_size=100))
def test_any_bytes_parse_or_are_malformed(data: bytes) -> None:
    for candidate in (data, b"\x80" + data, b"\xbf" + data):
        with contextlib.suppress(MalformedPacket):
            packet = RtpPacket.parse(candidate)
            assert len(bytes(packet)) == len(candidate)


def test_the_fields_of_a_plain_packet() -> None:
    packet = RtpPacket.parse(bytes.fromhex("80880005000003e8deadbeef") + b"\xd5" * 160)
    assert (packet.payload_type, packet.marker, packet.sequence_number) == (8, True, 5)
    assert (packet.timestamp, packet.ssrc, packet.csrc) == (1000, 0xDEADBEEF, ())
    assert packet.payload == b"\xd5" * 160


def test_fifteen_contributors() -> None:
    packet = RtpPacket(0, 1, 2, 3, b"x", csrc=tuple(range(15)))
    assert RtpPacket.parse(bytes(packet)).csrc == tuple(range(15))
    with pytest.raises(LocalRtpError):
        bytes(attrs.evolve(packet, csrc=tuple(range(16))))


def test_an_extension_of_no_length() -> None:
    data = b"\x90" + HEADER[1:] + bytes.fromhex("bede0000") + b"payload"
    packet = RtpPacket.parse(data)
    assert (packet.extension_profile, packet.extension, packet.payload) == (0xBEDE, b"", b"payload")
    assert bytes(packet) == data


def test_padding_up_to_the_whole_payload() -> None:
    packet = RtpPacket.parse(b"\xa0" + HEADER[1:] + bytes(3) + b"\x04")
    assert (packet.payload, packet.padding) == (b"", 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEADER[:11],
        b"\x40" + HEADER[1:],
        b"\xc0" + HEADER[1:],
        b"\x81" + HEADER[1:],
        b"\x90" + HEADER[1:] + b"\xbe\xde\0",
        b"\x90" + HEADER[1:] + b"\xbe\xde\0\x01abc",
        b"\xa0" + HEADER[1:] + b"\0",
        b"\xa0" + HEADER[1:] + b"\x02",
        b"\xa0" + HEADER[1:],
    ],
)
def test_what_breaks_the_header_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        RtpPacket.parse(data)


@pytest.mark.parametrize(
    "packet",
    [
        RtpPacket(128, 0, 0, 0),
        RtpPacket(0, 65536, 0, 0),
        RtpPacket(0, 0, -1, 0),
        RtpPacket(0, 0, 0, 2**32),
        RtpPacket(0, 0, 0, 0, padding=256),
        RtpPacket(0, 0, 0, 0, csrc=(2**32,)),
        RtpPacket(0, 0, 0, 0, extension_profile=1, extension=b"abc"),
    ],
)
def test_what_does_not_fit_is_our_own_error(packet: RtpPacket) -> None:
    with pytest.raises(LocalRtpError):
        bytes(packet)
