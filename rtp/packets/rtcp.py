"""RTCP packets (RFC 3550 section 6): parse a compound packet, print each kind.

Clients of Microsoft send single packets where the RFC wants a compound, end SDES items with NUL and put extensions
after the report blocks; all of that is accepted, none of it is sent.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import ClassVar, Final

import attrs

from rtp.errors import LocalProtocolError, MalformedPacket

_HEADER: Final = struct.Struct("!BBH")
_BLOCK: Final = struct.Struct("!IB3sIIII")
_SENDER: Final = struct.Struct("!IQIII")
_WORD: Final = struct.Struct("!I")
NTP_EPOCH: Final = 2_208_988_800  #: seconds from 1900 to 1970
_MAX_ITEM: Final = 255  #: octets in an SDES item or a BYE reason
_MAX_COUNT: Final = 31  #: five bits
#: First packets that are taken; the last two only from clients that send them alone.
_MAY_BEGIN: Final = frozenset({200, 201, 202, 203})
_MUST_BEGIN: Final = frozenset({200, 201})


def ntp_timestamp(wall_clock: float) -> int:
    """The 64-bit NTP time of a Unix time in seconds."""
    return round((wall_clock + NTP_EPOCH) * 2**32) & 0xFFFF_FFFF_FFFF_FFFF


@attrs.frozen
class ReportBlock:
    """What one receiver saw of one source."""

    ssrc: int
    fraction_lost: int = 0  #: 256ths since the last report
    cumulative_lost: int = 0  #: packets, negative when there were duplicates
    highest_sequence: int = 0  #: extended
    jitter: int = 0  #: RTP timestamp units
    last_sr: int = 0  #: middle 32 bits of the NTP time of the last SR, 0 when there was none
    delay_since_last_sr: int = 0  #: 1/65536 s

    @classmethod
    def parse_from(cls, data: bytes, offset: int) -> ReportBlock:
        """Read one block, all of which is there."""
        ssrc, fraction, lost, highest, jitter, last_sr, delay = _BLOCK.unpack_from(data, offset)
        return cls(ssrc, fraction, int.from_bytes(lost, "big", signed=True), highest, jitter, last_sr, delay)

    def __bytes__(self) -> bytes:
        lost = max(-(2**23), min(2**23 - 1, self.cumulative_lost)).to_bytes(3, "big", signed=True)
        return _BLOCK.pack(
            self.ssrc,
            self.fraction_lost,
            lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )


@attrs.frozen
class SenderReport:
    """SR (section 6.4.1)."""

    packet_type: ClassVar[int] = 200
    ssrc: int
    ntp_time: int  #: 64 bits
    rtp_time: int  #: the same instant on the RTP clock
    packet_count: int
    octet_count: int  #: of payload
    reports: tuple[ReportBlock, ...] = ()
    extension: bytes = b""  #: profile-specific, after the blocks

    @property
    def middle_ntp(self) -> int:
        """What a receiver echoes as LSR."""
        return self.ntp_time >> 16 & 0xFFFF_FFFF

    @classmethod
    def parse_body(cls, count: int, body: bytes) -> SenderReport:
        """Read one; raises MalformedPacket for one that is too short."""
        if len(body) < 24 + 24 * count:
            raise MalformedPacket("sender report is too short")
        ssrc, ntp_time, rtp_time, packets, octets = _SENDER.unpack_from(body)
        reports, extension = _blocks(body, 24, count), body[24 + 24 * count :]
        return cls(ssrc, ntp_time, rtp_time, packets, octets, reports, extension)

    def __bytes__(self) -> bytes:
        fields = (self.ssrc, self.ntp_time, self.rtp_time, self.packet_count & 0xFFFF_FFFF)
        sender = _pack(_SENDER, *fields, self.octet_count & 0xFFFF_FFFF)
        return _packet(self.packet_type, len(self.reports), sender + _join(self.reports) + self.extension)


@attrs.frozen
class ReceiverReport:
    """RR (section 6.4.2)."""

    packet_type: ClassVar[int] = 201
    ssrc: int
    reports: tuple[ReportBlock, ...] = ()
    extension: bytes = b""

    @classmethod
    def parse_body(cls, count: int, body: bytes) -> ReceiverReport:
        """Read one; raises MalformedPacket for one that is too short."""
        if len(body) < 4 + 24 * count:
            raise MalformedPacket("receiver report is too short")
        return cls(_WORD.unpack_from(body)[0], _blocks(body, 4, count), body[4 + 24 * count :])

    def __bytes__(self) -> bytes:
        body = _pack(_WORD, self.ssrc) + _join(self.reports) + self.extension
        return _packet(self.packet_type, len(self.reports), body)


CNAME: Final = 1  #: SDES item types (section 12.2)
NAME: Final = 2
TOOL: Final = 6
NOTE: Final = 7
PRIV: Final = 8


@attrs.frozen
class SdesChunk:
    """What is said about one source: (item type, text as octets)."""

    ssrc: int
    items: tuple[tuple[int, bytes], ...] = ()

    @property
    def cname(self) -> str | None:
        """The canonical name; a trailing NUL of some clients is dropped."""
        found = next((text for kind, text in self.items if kind == CNAME), None)
        return None if found is None else found.rstrip(b"\0").decode("utf-8", "replace")

    def __bytes__(self) -> bytes:
        """As on the wire; raises LocalProtocolError for an item that does not fit."""
        if any(not 0 < kind < 256 or len(text) > _MAX_ITEM for kind, text in self.items):
            raise LocalProtocolError("SDES item has type 0 or more than 255 octets")
        items = b"".join(bytes([kind, len(text)]) + text for kind, text in self.items)
        # At least one NUL ends the chunk, and more fill its last word (section 6.5).
        return _pack(_WORD, self.ssrc) + items + bytes(4 - len(items) % 4)


@attrs.frozen
class SourceDescription:
    """SDES (section 6.5)."""

    packet_type: ClassVar[int] = 202
    chunks: tuple[SdesChunk, ...] = ()

    @classmethod
    def parse_body(cls, count: int, body: bytes) -> SourceDescription:
        """Read what follows the header."""
        chunks, offset = [], 0
        for _ in range(count):
            chunk, offset = _sdes_chunk(body, offset)
            chunks.append(chunk)
        return cls(tuple(chunks))

    def __bytes__(self) -> bytes:
        return _packet(self.packet_type, len(self.chunks), _join(self.chunks))


@attrs.frozen
class Goodbye:
    """BYE (section 6.6)."""

    packet_type: ClassVar[int] = 203
    sources: tuple[int, ...] = ()
    reason: str | None = None

    @classmethod
    def parse_body(cls, count: int, body: bytes) -> Goodbye:
        """Read one; raises MalformedPacket for one that is too short."""
        if len(body) < 4 * count:
            raise MalformedPacket("BYE is too short")
        rest = body[4 * count :]
        if rest and 1 + rest[0] > len(rest):
            raise MalformedPacket("BYE ends inside its reason")
        reason = rest[1 : 1 + rest[0]].rstrip(b"\0").decode("utf-8", "replace") if rest and rest[0] else None
        return cls(struct.unpack_from(f"!{count}I", body), reason)

    def __bytes__(self) -> bytes:
        """As on the wire; raises LocalProtocolError for a reason of more than 255 octets."""
        text = b"" if not self.reason else self.reason.encode()
        if len(text) > _MAX_ITEM:
            raise LocalProtocolError("BYE reason has more than 255 octets")
        tail = bytes([len(text)]) + text if text else b""
        return _packet(self.packet_type, len(self.sources), _sources(self.sources) + _fill(tail))


@attrs.frozen
class ApplicationDefined:
    """APP (section 6.7)."""

    packet_type: ClassVar[int] = 204
    ssrc: int
    name: bytes  #: four octets
    data: bytes = b""
    subtype: int = 0

    @classmethod
    def parse_body(cls, count: int, body: bytes) -> ApplicationDefined:
        """Read one; raises MalformedPacket for one that is too short."""
        if len(body) < 8:
            raise MalformedPacket("APP is too short")
        return cls(_WORD.unpack_from(body)[0], body[4:8], body[8:], count)

    def __bytes__(self) -> bytes:
        """As on the wire; raises LocalProtocolError for a name that has not four octets."""
        if len(self.name) != 4:
            raise LocalProtocolError("the name of an APP packet has four octets")
        return _packet(self.packet_type, self.subtype, _pack(_WORD, self.ssrc) + self.name + self.data)


@attrs.frozen
class UnknownRtcp:
    """Any other kind, kept as it came: feedback (205, 206), extended reports (207) and whatever follows."""

    packet_type: int
    count: int
    body: bytes

    def __bytes__(self) -> bytes:
        return _packet(self.packet_type, self.count, self.body)


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | ApplicationDefined | UnknownRtcp

_KINDS: Final[dict[int, type[SenderReport | ReceiverReport | SourceDescription | Goodbye | ApplicationDefined]]] = {
    kind.packet_type: kind for kind in (SenderReport, ReceiverReport, SourceDescription, Goodbye, ApplicationDefined)
}


def parse_rtcp(data: bytes, *, strict: bool = False) -> list[RtcpPacket]:
    """The packets of one datagram; raises MalformedPacket. ``strict`` wants SR or RR first (appendix A.2)."""
    if len(data) < 4:
        raise MalformedPacket(f"RTCP packet of {len(data)} octets")
    if data[1] not in (_MUST_BEGIN if strict else _MAY_BEGIN):
        raise MalformedPacket(f"RTCP packet begins with type {data[1]}")
    packets: list[RtcpPacket] = []
    offset = 0
    while offset < len(data):
        packet, offset = _parse_one(data, offset)
        packets.append(packet)
    return packets


def build_compound(packets: Iterable[RtcpPacket]) -> bytes:
    """One datagram from several packets, which the caller has put in order (section 6.1)."""
    return b"".join(bytes(packet) for packet in packets)


def _parse_one(data: bytes, offset: int) -> tuple[RtcpPacket, int]:
    if offset + 4 > len(data):
        raise MalformedPacket("RTCP packet ends inside a header")
    first, kind, words = _HEADER.unpack_from(data, offset)
    end = offset + 4 + 4 * words
    if first >> 6 != 2 or end > len(data):
        raise MalformedPacket(f"RTCP version {first >> 6}, length {4 + 4 * words} of {len(data) - offset}")
    body = data[offset + 4 : end]
    if first & 0x20:
        body = _without_padding(body, last=end == len(data))
    count = first & 0x1F
    known = _KINDS.get(kind)
    return (UnknownRtcp(kind, count, body) if known is None else known.parse_body(count, body)), end


def _without_padding(body: bytes, *, last: bool) -> bytes:
    padding = body[-1] if body else 0
    if not last or not 1 <= padding <= len(body):
        raise MalformedPacket("RTCP padding before the last packet, or longer than it")
    return body[:-padding]


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    return tuple(ReportBlock.parse_from(body, start + 24 * index) for index in range(count))


def _sdes_chunk(body: bytes, offset: int) -> tuple[SdesChunk, int]:
    if offset + 4 > len(body):
        raise MalformedPacket("SDES ends before a chunk")
    ssrc = _WORD.unpack_from(body, offset)[0]
    start = offset
    offset += 4
    items: list[tuple[int, bytes]] = []
    while offset < len(body) and body[offset]:
        if offset + 2 > len(body) or offset + 2 + body[offset + 1] > len(body):
            raise MalformedPacket("SDES ends inside an item")
        end = offset + 2 + body[offset + 1]
        items.append((body[offset], body[offset + 2 : end]))
        offset = end
    # The end is the word after the NUL; a last chunk without NUL is let pass.
    return SdesChunk(ssrc, tuple(items)), start + ((offset - start) // 4 + 1) * 4


def _join(parts: Iterable[ReportBlock | SdesChunk]) -> bytes:
    return b"".join(bytes(part) for part in parts)


def _sources(sources: tuple[int, ...]) -> bytes:
    return b"".join(_pack(_WORD, ssrc) for ssrc in sources)


def _fill(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _pack(layout: struct.Struct, *fields: int) -> bytes:
    try:
        return layout.pack(*fields)
    except struct.error as error:
        raise LocalProtocolError(f"RTCP field out of range: {error}") from None


def _packet(kind: int, count: int, body: bytes) -> bytes:
    if not 0 <= count <= _MAX_COUNT or len(body) % 4 or len(body) > 4 * 0xFFFF:
        raise LocalProtocolError("RTCP packet with more than 31 items, or a body that is not made of words")
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body
