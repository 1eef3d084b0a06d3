"""Judge the RTCP of one sender (RFC 3550 section 6, RFC 3711 section 3.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from rtp.errors import MalformedPacket
from rtp.packets.rtcp import (
    Goodbye,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_rtcp,
)
from rtp.packets.rtp import RtpPacket
from rtp.srtp.profile import SrtpProfile
from rtp.testing.judges.finding import Finding, Force

Timed = tuple[float, bytes]
#: Seconds between reports, on average over several, that no interval of section 6.2 and 6.3.1 goes below with the least
#: of 5 s: half of it by chance, and less by the compensation for reconsideration.
LEAST_INTERVAL: Final = 5 * 0.5 / 1.21828
_SEVERAL: Final = 5
#: Types of SR and RR.
_REPORTS: Final = (200, 201)
#: Packets by which a count may differ from what was seen: those that were on their way between port and report.
_NEARLY: Final = 5
_WORD: Final = 2**32
_INDEX: Final = 2**31


def check_reports(
    reports: Sequence[Timed],
    media: Sequence[tuple[float, RtpPacket]],
    clocks: Mapping[int, int],
    *,
    srtp: SrtpProfile | None,
    reduced_size: bool,
) -> list[Finding]:
    """Judge the RTCP of one sender beside its RTP."""
    found: list[Finding] = []
    if srtp is not None:
        return [*_indices(reports, srtp)]  # the rest of it cannot be read
    read: list[tuple[float, bytes, list[RtcpPacket]]] = []
    for at, data in reports:
        if data[1] not in _REPORTS and not reduced_size:
            clause, seen = "a compound packet begins with a report", f"a packet of type {data[1]}"
            found.append(_finding("RFC 3550 section 6.1", Force.MUST, clause, seen, data))
            continue
        try:
            read.append((at, data, parse_rtcp(data)))
        except MalformedPacket as error:
            found.append(_finding("RFC 3550 section 6.4", Force.MUST, "RTCP can be read", str(error), data))
    for _, data, packets in read:
        if not reduced_size:
            found += _compound(data, packets)
    found += _names(read)
    found += _often(read, reduced_size=reduced_size)
    found += _sender(read, media, clocks)
    found += _after_bye(read, media)
    return found


def _finding(source: str, force: Force, clause: str, seen: str, *data: bytes) -> Finding:
    return Finding(source=source, force=force, clause=clause, seen=seen, messages=data)


def _compound(data: bytes, packets: Sequence[RtcpPacket]) -> Iterator[Finding]:
    """RFC 3550 section 6.1: who it is from is in each."""
    chunks = [chunk for each in packets if isinstance(each, SourceDescription) for chunk in each.chunks]
    if not any(chunk.cname is not None for chunk in chunks):
        clause, seen = "a compound packet has SDES with CNAME", ", ".join(type(each).__name__ for each in packets)
        yield _finding("RFC 3550 section 6.1", Force.MUST, clause, seen, data)


def _names(read: Sequence[tuple[float, bytes, list[RtcpPacket]]]) -> Iterator[Finding]:
    """RFC 3550 section 6.5.1: the CNAME of a source stays."""
    names: dict[int, str] = {}
    for _, data, packets in read:
        for chunk in (chunk for each in packets if isinstance(each, SourceDescription) for chunk in each.chunks):
            if chunk.cname is None:
                continue
            before = names.setdefault(chunk.ssrc, chunk.cname)
            if before != chunk.cname:
                clause, seen = "the CNAME of a source stays the same", f"{chunk.cname!r} after {before!r}"
                yield _finding("RFC 3550 section 6.5.1", Force.SHOULD, clause, seen, data)
                return


def _often(read: Sequence[tuple[float, bytes, list[RtcpPacket]]], *, reduced_size: bool) -> Iterator[Finding]:
    """RFC 3550 section 6.2: reports have an interval of 5 s, or half as much in the beginning, give or take a half."""
    regular = [at for at, _, packets in read if not any(isinstance(each, Goodbye) for each in packets)]
    if len(regular) < _SEVERAL or reduced_size:
        return
    average = (regular[-1] - regular[0]) / (len(regular) - 1)
    if average < LEAST_INTERVAL:
        clause = "the interval of reports is 5 s on average, unless the bandwidth lets it be less"
        seen = f"{len(regular)} reports, one each {average:.3f} s"
        yield _finding("RFC 3550 section 6.2", Force.SHOULD, clause, seen, read[-1][1])


def _sender(
    read: Sequence[tuple[float, bytes, list[RtcpPacket]]],
    media: Sequence[tuple[float, RtpPacket]],
    clocks: Mapping[int, int],
) -> Iterator[Finding]:
    """RFC 3550 section 6.4.1: what a sender report says of the packets and of the clock."""
    section = "RFC 3550 section 6.4.1"
    reports: dict[int, list[tuple[float, bytes, SenderReport]]] = {}
    for at, data, packets in read:
        for each in packets:
            if isinstance(each, SenderReport):
                reports.setdefault(each.ssrc, []).append((at, data, each))
    for ssrc, sent in reports.items():
        rate = next((clocks.get(each.payload_type) for _, each in media if each.ssrc == ssrc), None)
        for (before_at, _, before), (at, data, each) in pairwise(sent):
            counted = (each.packet_count - before.packet_count) % _WORD
            seen = {one.sequence_number for when, one in media if one.ssrc == ssrc and before_at < when <= at}
            if counted > _WORD // 2:
                clause, told = "the packet count does not decrease", f"{each.packet_count} after {before.packet_count}"
                yield _finding(section, Force.SHOULD, clause, told, data)
            elif counted + _NEARLY + len(seen) // 10 < len(seen):
                clause = "the packet count is of all packets that were sent"
                yield _finding(section, Force.SHOULD, clause, f"{counted} more, of {len(seen)} that were seen", data)
            clock = _seconds(before, each, rate)
            if clock is not None and abs(clock[0] - clock[1]) > max(0.5, 0.05 * clock[1]):
                clause = "the RTP timestamp of a report is of the same instant as its NTP time"
                told = f"{clock[0]:.3f} s by the RTP clock, {clock[1]:.3f} s by NTP"
                yield _finding(section, Force.SHOULD, clause, told, data)


def _seconds(before: SenderReport, each: SenderReport, rate: int | None) -> tuple[float, float] | None:
    """Seconds between two reports by either of their clocks; None where one of them is not known."""
    if rate is None or not before.ntp_time or not each.ntp_time:
        return None
    by_ntp = (each.ntp_time - before.ntp_time) / _WORD
    by_rtp = ((each.rtp_time - before.rtp_time + _WORD // 2) % _WORD - _WORD // 2) / rate
    return by_rtp, by_ntp


def _after_bye(
    read: Sequence[tuple[float, bytes, list[RtcpPacket]]], media: Sequence[tuple[float, RtpPacket]]
) -> Iterator[Finding]:
    """RFC 3550 section 6.6: a source that said goodbye is gone."""
    for at, data, packets in read:
        gone = {ssrc for each in packets if isinstance(each, Goodbye) for ssrc in each.sources}
        late = [each for when, each in media if each.ssrc in gone and when > at + 0.1]
        if late:
            clause, seen = "nothing of a source is sent after its BYE", f"{len(late)} packets after it"
            yield _finding("RFC 3550 section 6.6", Force.SHOULD, clause, seen, data)
            return


def _indices(reports: Sequence[Timed], profile: SrtpProfile) -> Iterator[Finding]:
    """RFC 3711 section 3.4: the index of SRTCP increments by one for each packet."""
    section = "RFC 3711 section 3.4"
    end = 0 if profile.aead else profile.rtcp_tag_length
    last: dict[bytes, tuple[int, bytes]] = {}
    for _, data in reports:
        if len(data) < 12 + end:
            yield _finding(section, Force.MUST, "SRTCP has an index, and its tag", f"{len(data)} octets", data)
            continue
        place = len(data) - end - 4
        index = int.from_bytes(data[place : place + 4], "big") % _INDEX
        before = last.get(data[4:8])
        if before is not None and before[1] != data and not 0 < (index - before[0]) % _INDEX < _INDEX // 2:
            clause, seen = "the SRTCP index is incremented for each packet", f"{index} after {before[0]}"
            yield _finding(section, Force.MUST, clause, seen, before[1], data)
        last[data[4:8]] = index, data
