"""The RTP packet (RFC 3550 section 5.1)."""

from __future__ import annotations

import struct
from typing import Final

import attrs

from rtp.errors import LocalProtocolError, MalformedPacket

_FIXED: Final = struct.Struct("!BBHII")
_EXTENSION: Final = struct.Struct("!HH")
_MAX_CSRC: Final = 15  #: four bits


@attrs.define(slots=True)
class RtpPacket:
    """One packet. Immutable by convention; fields are in wire units."""

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrc: tuple[int, ...] = ()
    extension_profile: int | None = None  #: None: no header extension
    extension: bytes = b""  #: a multiple of four octets
    padding: int = 0  #: octets of padding, the count included

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Parse one datagram; raises MalformedPacket (RFC 3550 appendix A.1)."""
        try:
            first, second, sequence_number, timestamp, ssrc = _FIXED.unpack_from(data)
        except struct.error:
            raise MalformedPacket(f"RTP packet of {len(data)} octets") from None
        if first == 0x80:  # nothing optional: nearly every packet
            return cls(second & 0x7F, sequence_number, timestamp, ssrc, data[12:], second > 0x7F)
        if first >> 6 != 2:
            raise MalformedPacket(f"RTP version {first >> 6}")
        return cls._parse_options(data, first, second, (sequence_number, timestamp, ssrc))

    @classmethod
    def _parse_options(cls, data: bytes, first: int, second: int, rest: tuple[int, int, int]) -> RtpPacket:
        size, offset = len(data), 12 + 4 * (first & 15)
        profile, extension, padding = None, b"", 0
        if offset > size:
            raise MalformedPacket("RTP packet ends inside the CSRC list")
        csrc = struct.unpack_from(f"!{first & 15}I", data, 12)
        if first & 0x10:
            profile, extension, offset = _parse_extension(data, offset)
        if first & 0x20:
            padding = data[-1]
            if not 1 <= padding <= size - offset:
                raise MalformedPacket(f"RTP padding of {padding} octets in {size - offset}")
        payload = data[offset : size - padding]
        return cls(second & 0x7F, *rest, payload, second > 0x7F, csrc, profile, extension, padding)

    def __bytes__(self) -> bytes:
        """Serialise; raises LocalProtocolError when a field does not fit its place."""
        second = self.payload_type
        try:
            if self.csrc or self.padding or self.extension_profile is not None or second > 127:
                return self._serialise_options()
            if self.marker:
                second |= 0x80
            fixed = _FIXED.pack(0x80, second, self.sequence_number, self.timestamp, self.ssrc)
            return fixed + self.payload  # nothing optional: nearly every packet
        except struct.error as error:
            raise LocalProtocolError(f"RTP field out of range: {error}") from None

    def _serialise_options(self) -> bytes:
        if len(self.csrc) > _MAX_CSRC or not 0 <= self.payload_type <= 127 or not 0 <= self.padding <= 255:
            raise LocalProtocolError("RTP packet with too many CSRC, a payload type above 127, or too much padding")
        has_extension = self.extension_profile is not None
        first = 0x80 | bool(self.padding) << 5 | has_extension << 4 | len(self.csrc)
        second = self.marker << 7 | self.payload_type
        fixed = _FIXED.pack(first, second, self.sequence_number, self.timestamp, self.ssrc)
        parts = [fixed, struct.pack(f"!{len(self.csrc)}I", *self.csrc)]
        if self.extension_profile is not None:
            if len(self.extension) % 4:
                raise LocalProtocolError("RTP header extension is not a multiple of four octets")
            parts += [_EXTENSION.pack(self.extension_profile, len(self.extension) // 4), self.extension]
        parts.append(self.payload)
        if self.padding:
            parts.append(bytes(self.padding - 1) + bytes([self.padding]))
        return b"".join(parts)


def _parse_extension(data: bytes, offset: int) -> tuple[int, bytes, int]:
    start = offset + 4
    if start > len(data):
        raise MalformedPacket("RTP packet ends inside the extension header")
    profile, words = _EXTENSION.unpack_from(data, offset)
    end = start + 4 * words
    if end > len(data):
        raise MalformedPacket("RTP packet ends inside the header extension")
    return profile, data[start:end], end
