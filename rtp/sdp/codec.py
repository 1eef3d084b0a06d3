"""A payload format with its number: ``a=rtpmap`` plus ``a=fmtp`` (RFC 8866 section 6.6, RFC 3551 section 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import attrs

from rtp.errors import MalformedSdp

_CLOCKLESS: Final = {"TELEPHONE-EVENT": "8000"}
#: Payload type, name, clock, and whatever follows.
_RTPMAP: Final = re.compile(r"([0-9]{1,7})\s++([^/]+)(?:/([0-9]{0,7})(?:/(.*))?)?", re.DOTALL)
_CHANNELS: Final = re.compile(r"[0-9]{1,7}")
FIRST_DYNAMIC: Final = 96  #: payload types from here on mean nothing without rtpmap (RFC 3551 section 3)


@attrs.frozen
class Codec:
    """One payload format: number, encoding name, RTP clock in Hz, channels, format parameters."""

    payload_type: int
    encoding: str
    clock_rate: int = 8000
    channels: int = 1
    fmtp: str | None = None

    @cached_property
    def key(self) -> tuple[str, int, int]:
        """What makes two formats the same whatever their number: name (case folded), clock, channels."""
        return self.encoding.upper(), self.clock_rate, self.channels

    @classmethod
    def from_rtpmap(cls, value: str, fmtp: str | None = None) -> Codec:
        """Parse ``<pt> <encoding>/<clock>[/<channels>]``; raises MalformedSdp.

        A telephone event may lack its clock: phones leave it out, and mean 8000 Hz.
        """
        match = _RTPMAP.fullmatch(value.strip())
        number, name, clock, channels = match.groups() if match is not None else ("", "", "", "")
        if not clock and channels is None:
            clock = _CLOCKLESS.get(name.upper(), "")
        if not clock or not 0 < int(clock) <= 1_000_000 or int(number) > 127:
            raise MalformedSdp("rtpmap is not '<pt> <encoding>/<clock>'", value)
        # For video and text the third part may be missing or strange; one channel is the rule then.
        several = channels is not None and _CHANNELS.fullmatch(channels) is not None and int(channels) <= 255
        return cls(int(number), name, int(clock), (int(channels) if several else 1) or 1, fmtp)

    @property
    def fits_number(self) -> bool:
        """Whether the number may bear this format: not when it is the number of another one (RFC 3551 section 6)."""
        fixed = STATIC.get(self.payload_type)
        return fixed is None or fixed.key == self.key or self.payload_type in _RESERVED

    @property
    def rtpmap(self) -> str:
        """The value of the ``a=rtpmap`` attribute."""
        channels = f"/{self.channels}" if self.channels != 1 else ""
        return f"{self.payload_type} {self.encoding}/{self.clock_rate}{channels}"


PCMU: Final = Codec(0, "PCMU")
PCMA: Final = Codec(8, "PCMA")
G722: Final = Codec(9, "G722")  #: 16 kHz audio with an 8 kHz RTP clock, an old mistake that is kept (RFC 3551 4.5.2)
CN: Final = Codec(13, "CN")
TELEPHONE_EVENT: Final = Codec(101, "telephone-event", fmtp="0-16")

#: Payload types that need no rtpmap (RFC 3551 tables 4 and 5).
STATIC: Final[Mapping[int, Codec]] = {
    codec.payload_type: codec
    for codec in (
        PCMU,
        Codec(3, "GSM"),
        Codec(4, "G723"),
        Codec(5, "DVI4"),
        Codec(6, "DVI4", 16000),
        Codec(7, "LPC"),
        PCMA,
        G722,
        Codec(10, "L16", 44100, 2),
        Codec(11, "L16", 44100),
        Codec(12, "QCELP"),
        CN,
        Codec(14, "MPA", 90000),
        Codec(15, "G728"),
        Codec(16, "DVI4", 11025),
        Codec(17, "DVI4", 22050),
        Codec(18, "G729"),
        Codec(19, "CN"),  # before RFC 3389 took 13
        Codec(25, "CelB", 90000),
        Codec(26, "JPEG", 90000),
        Codec(28, "nv", 90000),
        Codec(31, "H261", 90000),
        Codec(32, "MPV", 90000),
        Codec(33, "MP2T", 90000),
        Codec(34, "H263", 90000),
    )
}

#: Of those, the ones that RFC 3551 gives to nothing: what an rtpmap says of them is true.
_RESERVED: Final = frozenset({19})

#: Names of formats that ride beside a voice codec and are no voice codec themselves.
AUXILIARY: Final = frozenset({"CN", "TELEPHONE-EVENT", "RED", "TONE"})
