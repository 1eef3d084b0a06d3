"""Messages found again in the packets of a capture, however they arrived."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyc3p.trace.capture import MAX_EARLY_SEGMENTS, MAX_MESSAGE, frame, from_packets, layer_of
from pyc3p.trace.packets import FIN, RST, SYN, Packet, dissect

ONE, OTHER = ("192.0.2.1", 5060), ("192.0.2.2", 5060)
OK = b"SIP/2.0 200 OK\r\nCall-ID: c2\r\nCSeq: 1 INFO\r\nl: 4\r\n\r\nbody"


def segment(data: bytes, sequence: int = 1, flags: int = 0) -> Packet:
    return Packet(at=0.0, transport="TCP", source=ONE, destination=OTHER, data=data, sequence=sequence, flags=flags)


def found(*packets: Packet) -> list[bytes]:
    return [record.data for record in from_packets(packets)]


@given(st.lists(st.integers(1, 60), max_size=8), st.randoms(use_true_random=False))
def test_any_cut_and_any_order_gives_the_same_messages(sizes: list[int], dice) -> None:
    stream, packets, place = OK + b"\r\n\r\n" + OK, [], 0
    for size in [*sizes, len(OK * 2) + 4]:
        piece = stream[place : place + size]
        if piece:
            packets.append(segment(piece, place + 100))
        place += size
    first, rest = packets[0], packets[1:]
    dice.shuffle(rest)
    assert found(segment(b"", 99, SYN), first, *rest) == [OK, OK]


def test_sequence_numbers_wrap() -> None:
    assert found(segment(OK[:10], 2**32 - 4), segment(OK[10:], 6)) == [OK]


def test_a_new_connection_begins_anew() -> None:
    assert found(segment(OK[:10], 1), segment(b"", 500, SYN), segment(OK, 501)) == [OK]
    assert found(segment(OK[:10], 1), segment(b"", 11, RST), segment(OK, 900)) == [OK]
    assert found(segment(OK, 1), segment(b"", len(OK) + 1, FIN)) == [OK]


def test_a_gap_that_never_closes_is_given_up() -> None:
    lost = [segment(b"x", 1)] + [segment(OK, 1000 + number * len(OK)) for number in range(MAX_EARLY_SEGMENTS + 2)]
    assert len(found(*lost)) > MAX_EARLY_SEGMENTS


def test_what_is_no_message_is_passed_over() -> None:
    assert found(segment(b"GET nonsense\r\n\r\n" + OK)) == [OK]
    assert frame(b"x" * 5000) == (None, 5000)
    assert frame(b"INVITE sip:") is None
    assert frame(OK[:-1]) is None
    assert frame(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab") is None


def test_a_message_without_end_does_not_fill_the_memory() -> None:
    head = b"SIP/2.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"
    pieces = [segment(head + bytes(60_000), 1)]
    size = len(head) + 60_000
    for number in range(MAX_MESSAGE // 60_000 + 1):
        pieces.append(segment(bytes(60_000), 1 + size + number * 60_000))
    assert found(*pieces) == []


@pytest.mark.parametrize(
    ("data", "layer"),
    [
        (b"OPTIONS sip:a@b SIP/2.0\r\n", "sip"),
        (b"SIP/2.0 200 OK\r\n", "sip"),
        (b"\x80\x00" + bytes(10), "rtp"),
        (b"\x80\xc8" + bytes(6), "rtcp"),
        (b"\x80\x00" + bytes(8), None),
        (b"\x00\x01" + bytes(20), None),
        (b"", None),
    ],
)
def test_datagrams_are_told_apart(data: bytes, layer: str | None) -> None:
    assert layer_of(data) == layer


def test_ipv6_extension_headers_are_skipped_and_fragments_are_not_guessed_at() -> None:
    payload = struct.pack("!HHHH", 5060, 5061, 8 + 4, 0) + b"data"
    options = bytes([17, 0]) + bytes(6)
    hosts = bytes(15) + b"\1" + bytes(15) + b"\2"
    header = struct.pack("!IHBB", 0x6000_0000, len(options) + len(payload), 60, 64) + hosts
    packet = dissect(0.0, header + options + payload)
    assert packet is not None
    assert (packet.source, packet.data) == (("::1", 5060), b"data")
    fragment = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x2000, 64, 17, 0) + bytes(8) + payload
    assert dissect(0.0, fragment) is None
    icmp = struct.pack("!BBHHHBBH", 0x45, 0, 28, 1, 0, 64, 1, 0) + bytes(16)
    assert dissect(0.0, icmp) is None
