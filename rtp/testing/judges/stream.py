"""Judge the packets that one sender sent to one receiver: RTP, and RTCP beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import attrs

from rtp.errors import LocalProtocolError, MalformedPacket
from rtp.packets.demux import DatagramKind, classify
from rtp.packets.rtp import RtpPacket
from rtp.packets.telephone_event import TelephoneEvent
from rtp.sdp.codec import STATIC, Codec
from rtp.srtp.profile import PROFILES
from rtp.testing.judges.finding import Finding, Force
from rtp.testing.judges.reports import check_reports
from rtp.testing.judges.steps import check_steps

_HALF: Final = 2**15
_WORD: Final = 2**32
#: RFC 3550 appendix A.1: beyond these a source counts as having begun anew.
MAX_DROPOUT: Final = 3000
MAX_MISORDER: Final = 100
#: Seconds of a stream after which its clock can be told from the packets being late.
_LONG_ENOUGH: Final = 2.0
#: By how much a clock may be wrong: more is no drift, but another rate, or a clock that stood still.
_DRIFT: Final = 0.05
_LATE: Final = 0.5
_DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
#: With which nothing is sent but RTCP.
_MUTE: Final = ("recvonly", "inactive")


@attrs.frozen
class MediaPacket:
    """A datagram of a media port, and when it was sent: seconds of any clock."""

    at: float
    data: bytes = attrs.field(repr=False)


Parsed = tuple[MediaPacket, RtpPacket]


def check_stream(
    packets: Iterable[MediaPacket],
    *,
    formats: Mapping[int, Codec] | None = None,
    srtp: str | None = None,
    reduced_size: bool = False,
    complete: bool = False,
    direction: str | None = None,
) -> list[Finding]:
    """Judge what one sender sent to one receiver, in the order of sending.

    ``formats`` are those of the session description that the sender has from the receiver, by payload type; without
    them the static ones give the clocks. ``srtp`` names the profile of what is encrypted, as for `SrtpContext`. With
    ``reduced_size`` RTCP need not be compound (RFC 5506). ``complete`` says that nothing is missing, so that each gap
    is the sender's. ``direction`` is what the sender has said of the stream all the time that the packets are of: with
    ``recvonly`` and ``inactive`` it sends RTCP alone. Raises LocalProtocolError for a profile or a direction that is
    none, and nothing whatever the packets hold.
    """
    if direction is not None and direction not in _DIRECTIONS:
        raise LocalProtocolError(f"direction must be one of {', '.join(_DIRECTIONS)}, not {direction!r}")
    if srtp is not None and srtp not in PROFILES:
        raise LocalProtocolError(f"not an SRTP profile: {srtp!r}")
    profile = None if srtp is None else PROFILES[srtp]
    everything = list(packets)
    media, found = _parsed(each for each in everything if classify(each.data) is DatagramKind.RTP)
    reports = [each for each in everything if classify(each.data) is DatagramKind.RTCP]
    sources: dict[int, list[Parsed]] = {}
    for each in media:
        sources.setdefault(each[1].ssrc, []).append(each)
    clocks = {number: codec.clock_rate for number, codec in {**STATIC, **(formats or {})}.items()}
    events = {number for number, codec in (formats or {}).items() if codec.encoding.lower() == "telephone-event"}
    for source in sources.values():
        found += _numbers(source, complete=complete)
        found += _used_again(source, encrypted=srtp is not None)
        clocked = list(_clock(source, clocks, events))
        steps = [(packet.at, each, packet) for packet, each in source if each.payload_type not in events]
        found += clocked or check_steps(steps, {**STATIC, **(formats or {})}, encrypted=srtp is not None)
        if srtp is None:
            found += _events(source, events)
    if formats:
        found += _agreed(media, formats)
    if direction in _MUTE and media:
        clause = "nothing but RTCP is sent on a stream that is recvonly or inactive"
        seen = f"{len(media)} packets while it is {direction}"
        found.append(_finding("RFC 3264 section 5.1", Force.SHOULD, clause, seen, media[0][0]))
    sent = [(packet.at, each) for packet, each in media]
    at_reports = [(each.at, each.data) for each in reports]
    found += check_reports(at_reports, sent, clocks, srtp=profile, reduced_size=reduced_size)
    return found


def _parsed(packets: Iterable[MediaPacket]) -> tuple[list[Parsed], list[Finding]]:
    media: list[Parsed] = []
    broken: list[Finding] = []
    for each in packets:
        try:
            media.append((each, RtpPacket.parse(each.data)))
        except MalformedPacket as error:
            broken.append(_finding("RFC 3550 section 5.1", Force.MUST, "the header holds together", str(error), each))
    return media, broken


def _finding(source: str, force: Force, clause: str, seen: str, *shown: MediaPacket) -> Finding:
    return Finding(source=source, force=force, clause=clause, seen=seen, messages=shown)


def _ahead(here: int, there: int) -> int:
    """How many numbers ``there`` is behind ``here``; negative where it is before it."""
    return (there - here + _HALF) % (2 * _HALF) - _HALF


def _numbers(source: Sequence[Parsed], *, complete: bool) -> Iterator[Finding]:
    """RFC 3550 section 5.1: the sequence number increments by one for each packet."""
    section = "RFC 3550 section 5.1"
    for (_, before), (packet, each) in pairwise(source):
        step = _ahead(before.sequence_number, each.sequence_number)
        if step > MAX_DROPOUT or step < -MAX_MISORDER or (complete and step not in (0, 1)):
            clause = "the sequence number increments by one for each packet"
            seen = f"{each.sequence_number} after {before.sequence_number}"
            yield _finding(section, Force.SHOULD, clause, seen, packet)
            return


def _used_again(source: Sequence[Parsed], *, encrypted: bool) -> Iterator[Finding]:
    """One number is one packet; with SRTP a second one would be encrypted with the same key stream."""
    known: dict[int, MediaPacket] = {}
    highest = source[0][1].sequence_number
    for packet, each in source:
        index = highest + _ahead(highest % (2 * _HALF), each.sequence_number)
        highest = max(highest, index)
        before = known.setdefault(index, packet)
        if before.data == packet.data:
            continue
        if encrypted:
            section, clause = "RFC 3711 section 9.1", "a packet index is used once with a key"
        else:
            section, clause = "RFC 3550 section 5.1", "a sequence number is of one packet"
        seen = f"another packet with {each.sequence_number}"
        yield _finding(section, Force.MUST if encrypted else Force.SHOULD, clause, seen, before, packet)
        return


def _clock(source: Sequence[Parsed], clocks: Mapping[int, int], events: set[int]) -> Iterator[Finding]:
    """RFC 3550 section 5.1: the timestamp is of a clock that runs evenly, also while nothing is sent."""
    section = "RFC 3550 section 5.1"
    timed = [one for one in source if one[1].payload_type in clocks and one[1].payload_type not in events]
    start: Parsed | None = None
    elapsed = 0
    for before, each in pairwise(timed):
        start = start or before
        step = _ahead(before[1].sequence_number, each[1].sequence_number)
        if not 0 < step <= MAX_DROPOUT or each[1].payload_type != before[1].payload_type:
            start, elapsed = None, 0
            continue
        moved = (each[1].timestamp - before[1].timestamp + _WORD // 2) % _WORD - _WORD // 2
        if moved < 0:
            clause, seen = "the timestamp increases", f"{each[1].timestamp} after {before[1].timestamp}"
            yield _finding(section, Force.MUST, clause, seen, before[0], each[0])
            return
        elapsed += moved
        waited, said = each[0].at - start[0].at, elapsed / clocks[each[1].payload_type]
        if waited >= _LONG_ENOUGH and abs(said - waited) > max(_LATE, _DRIFT * waited):
            clause = "the timestamp is of a clock that increments linearly in time"
            seen = f"{said:.3f} s by the timestamps in {waited:.3f} s"
            yield _finding(section, Force.MUST, clause, seen, start[0], each[0])
            return


def _events(source: Sequence[Parsed], events: set[int]) -> Iterator[Finding]:
    """RFC 4733 sections 2.5.1.2 and 2.5.1.3: all packets of an event have its timestamp, and its duration grows."""
    last: dict[int, tuple[MediaPacket, TelephoneEvent]] = {}
    for packet, each in source:
        if each.payload_type not in events:
            continue
        try:
            event = TelephoneEvent.parse(each.payload)
        except MalformedPacket as error:
            clause = "the payload is a telephone event"
            yield _finding("RFC 4733 section 2.3", Force.MUST, clause, str(error), packet)
            continue
        before = last.get(each.timestamp)
        if before is not None and before[1].event != event.event:
            clause, seen = "an event has a timestamp of its own", f"{event.event} with that of {before[1].event}"
            yield _finding("RFC 4733 section 2.5.1.2", Force.SHOULD, clause, seen, before[0], packet)
        elif before is not None and event.duration < before[1].duration:
            clause, seen = "the duration of an event grows", f"{event.duration} after {before[1].duration}"
            yield _finding("RFC 4733 section 2.5.1.2", Force.SHOULD, clause, seen, before[0], packet)
        last[each.timestamp] = packet, event


def _agreed(media: Sequence[Parsed], formats: Mapping[int, Codec]) -> Iterator[Finding]:
    """RFC 3264 sections 6.1 and 7: what is sent is a format of the other side's description."""
    strange = {each.payload_type: packet for packet, each in reversed(media) if each.payload_type not in formats}
    for number, packet in sorted(strange.items()):
        clause, seen = "a format is sent that the other side has described", f"payload type {number}"
        yield _finding("RFC 3264 section 7", Force.MUST, clause, seen, packet)
