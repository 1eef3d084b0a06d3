"""The payload of a telephone event (RFC 4733 section 2.3). The machines that send and receive are in ``dtmf``."""

from __future__ import annotations

import struct
from typing import Final

import attrs

from rtp.errors import LocalProtocolError, MalformedPacket

DIGITS: Final = "0123456789*#ABCD"  #: the character of each event number (RFC 4733 section 3.2)
FLASH: Final = 16  #: hook flash
_PAYLOAD: Final = struct.Struct("!BBH")


@attrs.frozen
class TelephoneEvent:
    """One report of an event that goes on or ends."""

    event: int  #: 0-15 for DTMF, 16 flash
    end: bool = False
    volume: int = 10  #: 0-63, power in dBm0 with the sign dropped
    duration: int = 0  #: since the start, in RTP timestamp units, not milliseconds
    reserved: bool = attrs.field(default=False, repr=False)  #: the R bit, ignored (section 2.3.3)

    @classmethod
    def parse(cls, payload: bytes) -> TelephoneEvent:
        """Parse the first event of a payload; further events in it are not used. Raises MalformedPacket."""
        if len(payload) < 4:
            raise MalformedPacket(f"telephone event of {len(payload)} octets")
        event, flags, duration = _PAYLOAD.unpack_from(payload)
        return cls(event, flags > 0x7F, flags & 0x3F, duration, bool(flags & 0x40))

    @property
    def digit(self) -> str | None:
        """The key of a DTMF event, None for any other."""
        return DIGITS[self.event] if self.event < len(DIGITS) else None

    def __bytes__(self) -> bytes:
        """As on the wire; raises LocalProtocolError for numbers that do not fit."""
        if not (0 <= self.event <= 255 and 0 <= self.volume <= 63 and 0 <= self.duration <= 0xFFFF):
            raise LocalProtocolError(f"telephone event out of range: {self}")
        return _PAYLOAD.pack(self.event, self.end << 7 | self.reserved << 6 | self.volume, self.duration)


def event_of(digit: str) -> int:
    """The event number of a key ``0``-``9``, ``*``, ``#``, ``A``-``D``; raises LocalProtocolError."""
    number = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
    if number < 0:
        raise LocalProtocolError(f"no telephone event for {digit!r}")
    return number
