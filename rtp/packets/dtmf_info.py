"""Keys in the body of a SIP INFO: ``application/dtmf-relay`` and ``application/dtmf``.

No standard defines the two; they came with the gateways of one vendor and are what many phones send when they are set
to "INFO". The first is lines of ``Name=value`` with ``Signal`` and ``Duration`` (milliseconds), the second the key
alone; both forms are read under either name, since some phones mix them up.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from rtp.errors import MalformedPacket
from rtp.packets.telephone_event import DIGITS, FLASH

#: Media types, in lower case.
DTMF_TYPES: Final = ("application/dtmf-relay", "application/dtmf")
_MAX_BODY: Final = 256  #: octets; two short lines need 30
_DEFAULT_DURATION: Final = 0.25  #: s, what the gateways play where none is told
_LONGEST: Final = 60.0  #: s
_LINE: Final = re.compile(r"\s*+([A-Za-z]++)\s*+[=:]\s*+(.*)", re.DOTALL)
_FLASH: Final = frozenset(("!", "flash", "hf", str(FLASH)))


@attrs.frozen
class DtmfInfo:
    """One key of an INFO."""

    event: int  #: 0-15, 16 flash, as in RFC 4733
    duration: float = _DEFAULT_DURATION  #: s

    @property
    def digit(self) -> str | None:
        """The key, None for a flash."""
        return DIGITS[self.event] if self.event < len(DIGITS) else None

    @classmethod
    def parse(cls, body: bytes) -> DtmfInfo:
        """Read a body of either type; raises MalformedPacket."""
        if len(body) > _MAX_BODY:
            raise MalformedPacket(f"keys in {len(body)} octets")
        signal, duration = None, _DEFAULT_DURATION
        for line in re.split(r"[\r\n]+", body.decode("latin-1").strip("\r\n\0\t ")):
            match = _LINE.fullmatch(line)
            if match is None:
                signal = signal or line
            elif match[1].lower() == "signal":
                signal = match[2]
            elif match[1].lower() == "duration":
                duration = _duration(match[2])
        return cls(_event(signal or ""), duration)


def _event(text: str) -> int:
    key = text.strip().strip('"').strip()
    if key.lower() in _FLASH:
        return FLASH
    if len(key) == 1 and key.upper() in DIGITS:
        return DIGITS.index(key.upper())
    if key.isascii() and key.isdigit() and len(key) == 2 and int(key) < len(DIGITS):
        return int(key)
    raise MalformedPacket(f"no key: {key[:20]!r}")


def _duration(text: str) -> float:
    number = text.strip()
    if not (number.isascii() and number.isdigit() and len(number) <= 5):
        return _DEFAULT_DURATION
    return min(int(number) / 1000, _LONGEST)
