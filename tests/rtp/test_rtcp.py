"""RTCP packets."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    ApplicationDefined,
    Goodbye,
    LocalRtpError,
    MalformedPacket,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SdesChunk,
    SenderReport,
    SourceDescription,
    UnknownRtcp,
    build_compound,
    parse_rtcp,
)
from rtp.packets.rtcp import CNAME, PRIV, ntp_timestamp
from rtp.testing import rtcp_compounds


@given(rtcp_compounds())
def test_round_trip(packets: list[RtcpPacket]) -> None:
    assert parse_rtcp(build_compound(packets), strict=True) == packets


@given(st.binary(max_size=80), st.sampled_from([b"\x80\xc8", b"\x81\xc9", b"\x81\xca", b"\x81\xcb", b"\xa0\xc9", b""]))
def test_any_bytes_parse_or_are_malformed(data: bytes, head: bytes) -> None:
    for candidate in (head + data, head + bytes([0, len(data) // 4]) + data[: len(data) // 4 * 4]):
        with contextlib.suppress(MalformedPacket):
            parse_rtcp(candidate)


def test_a_sender_report_on_the_wire() -> None:
    report = SenderReport(1, 2 << 32 | 3, 4, 5, 6, (ReportBlock(7, 8, -1, 9, 10, 11, 12),))
    expected = "81c8000c 00000001 00000002 00000003 00000004 00000005 00000006 00000007 08ffffff 00000009 0000000a"
    assert bytes(report).hex() == expected.replace(" ", "") + "0000000b0000000c"
    assert report.middle_ntp == 0x00020000


def test_counters_wrap_and_losses_are_clamped() -> None:
    report = SenderReport(1, 0, 0, 2**32 + 5, 2**32 + 6, (ReportBlock(1, cumulative_lost=2**30),))
    (parsed,) = parse_rtcp(bytes(report))
    assert isinstance(parsed, SenderReport)
    assert (parsed.packet_count, parsed.octet_count, parsed.reports[0].cumulative_lost) == (5, 6, 2**23 - 1)


def test_ntp_time_counts_from_1900() -> None:
    assert ntp_timestamp(0.0) == 2_208_988_800 << 32
    assert ntp_timestamp(0.5) & 0xFFFF_FFFF == 1 << 31


# Habits of the clients of Microsoft


@pytest.mark.parametrize(
    "packet",
    [SenderReport(1, 2, 3, 4, 5), ReceiverReport(1), SourceDescription((SdesChunk(1),)), Goodbye((1,))],
)
def test_a_single_packet_is_taken_unless_strict(packet: RtcpPacket) -> None:
    assert parse_rtcp(bytes(packet)) == [packet]
    if not isinstance(packet, SenderReport | ReceiverReport):
        with pytest.raises(MalformedPacket):
            parse_rtcp(bytes(packet), strict=True)


def test_a_name_that_ends_with_nul() -> None:
    chunk = SdesChunk(1, ((CNAME, b"user@host\0"), (PRIV, b"plain text")))
    (parsed,) = parse_rtcp(bytes(SourceDescription((chunk,))))
    assert isinstance(parsed, SourceDescription)
    assert parsed.chunks[0].cname == "user@host"
    assert SdesChunk(1).cname is None


def test_an_extension_after_the_blocks_is_kept() -> None:
    extension = bytes.fromhex("0001000cdeadbeeffffffffd")
    for report in (SenderReport(1, 2, 3, 4, 5, (), extension), ReceiverReport(1, (ReportBlock(2),), extension)):
        assert parse_rtcp(bytes(report)) == [report]


def test_the_last_chunk_may_lack_its_nul() -> None:
    body = b"\x00\x00\x00\x01" + bytes([CNAME, 2]) + b"ab"
    (parsed,) = parse_rtcp(b"\x81\xca\x00\x02" + body)
    assert parsed == SourceDescription((SdesChunk(1, ((CNAME, b"ab"),)),))


def test_kinds_that_we_do_not_use_are_kept() -> None:
    data = bytes(ReceiverReport(1)) + b"\x81\xce\x00\x02" + bytes(8) + bytes(ApplicationDefined(1, b"name", b"data", 3))
    assert parse_rtcp(data)[1:] == [UnknownRtcp(206, 1, bytes(8)), ApplicationDefined(1, b"name", b"data", 3)]


def test_padding_of_the_last_packet_is_dropped() -> None:
    data = b"\xa1\xcb\x00\x02" + bytes([0, 0, 0, 1]) + bytes([0, 0, 0, 4])
    assert parse_rtcp(data) == [Goodbye((1,))]


def test_a_reason_for_leaving() -> None:
    assert parse_rtcp(bytes(Goodbye((1, 2), "bye"))) == [Goodbye((1, 2), "bye")]
    assert parse_rtcp(b"\x81\xcb\x00\x02" + bytes([0, 0, 0, 1]) + bytes(4)) == [Goodbye((1,))]


RR = "80c9000100000001"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80c900",
        "80c9000200000001",
        "80c90000",
        "81c9000100000001",
        "80c8000100000001",
        "40c9000100000001",
        "80cc000100000001",
        "80e0000100000001",
        RR + "80c9",
        RR + "81ca0000",
        RR + "81ca000200000001010900",
        RR + "81ca00020000000101096162",
        RR + "81ca00020000000161626301",
        RR + "82cb000100000001",
        RR + "81cb00020000000105616263",
        RR + "80cc000100000001",
        "a0c9000100000004" + RR,
        RR + "a0cb0000",
        RR + "a0ce000100000005",
        RR + "a0ce000100000000",
    ],
)
def test_what_breaks_the_rules_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        parse_rtcp(bytes.fromhex(data))


@pytest.mark.parametrize(
    "packet",
    [
        ReceiverReport(2**32),
        ReceiverReport(1, tuple(ReportBlock(1) for _ in range(32))),
        ReceiverReport(1, (), b"abc"),
        SenderReport(1, 2**64, 0, 0, 0),
        SourceDescription((SdesChunk(1, ((0, b"x"),)),)),
        SourceDescription((SdesChunk(1, ((1, bytes(256)),)),)),
        Goodbye((1,), "x" * 256),
        ApplicationDefined(1, b"long name"),
    ],
)
def test_what_does_not_fit_is_our_own_error(packet: RtcpPacket) -> None:
    with pytest.raises(LocalRtpError):
        bytes(packet)
