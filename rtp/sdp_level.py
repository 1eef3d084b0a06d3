"""What session level and media level of a description share: raw lines, attributes, bandwidths (RFC 8866 section 5)."""

from __future__ import annotations

from typing import Final

import attrs

from rtp.direction import Direction
from rtp.errors import LimitExceeded, MalformedSdp
from rtp.sdp_lines import Attribute, Connection


@attrs.frozen(kw_only=True)
class SdpLimits:
    """How large a description may be. Real ones have 10 to 150 lines; those with ICE and video reach 20 kB."""

    octets: int = 65_536  #: a description travels in one SIP message, whose limit is the same
    lines: int = 2_000  #: bounds the work for a body made of empty attributes
    media: int = 64  #: an answer mirrors every line, so a bounded answer needs a bounded offer
    formats: int = 128  #: there are only 128 payload types


DEFAULT_LIMITS: Final = SdpLimits()
_KNOWN: Final = frozenset("vosiuepcbtrzkam")
_DIRECTIONS: Final = frozenset(Direction)
#: Attributes into whose value one blank slips after the colon (``a=ice-ufrag: 6nxO``).
_BLANK_SLIPS_IN: Final = frozenset(
    {"candidate", "crypto", "cryptoscale", "fmtp", "ice-pwd", "ice-ufrag"}
    | {"remote-candidate", "remote-candidates", "rtcp", "rtpmap"}
)

Lines = list[tuple[str, str]]  #: (type letter, value)


def split_lines(data: bytes, *, strict: bool, limits: SdpLimits) -> Lines:
    """The lines of a body, CRLF or LF, in one linear pass."""
    if len(data) > limits.octets:
        raise LimitExceeded(f"session description has more than {limits.octets} octets")
    if b"\0" in data:
        raise MalformedSdp("NUL in a session description")
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > limits.lines:
        raise LimitExceeded(f"session description has more than {limits.lines} lines")
    return [_line(line, strict) for line in lines if line.strip()]


def _line(line: str, strict: bool) -> tuple[str, str]:
    if line[1:2] != "=" or "\r" in line:
        raise MalformedSdp("not a line of the form x=value", line)
    letter, value = line[0], line[2:]
    if letter not in _KNOWN and (strict or not letter.isalpha()):
        raise MalformedSdp("unknown type of line", line)
    return letter, value


def values(lines: Lines, letter: str) -> tuple[str, ...]:
    return tuple(value for found, value in lines if found == letter)


def single(lines: Lines, letter: str) -> str | None:
    """The value of a line that may stand once in its level."""
    found = values(lines, letter)
    if len(found) > 1:
        raise MalformedSdp(f"{letter}= is repeated", found[1])
    return found[0] if found else None


def key_of(lines: Lines) -> str | None:
    """The ``k=`` line, which we only keep."""
    key = single(lines, "k")
    return None if key is None else key.removeprefix(" ")


def connection_of(lines: Lines) -> Connection | None:
    """The first ``c=``: more than one in a media section is layered multicast (RFC 8866 section 5.7)."""
    found = values(lines, "c")
    return Connection.parse(found[0]) if found else None


def attributes_of(lines: Lines) -> tuple[Attribute, ...]:
    return tuple(_attribute(value) for value in values(lines, "a"))


def _attribute(text: str) -> Attribute:
    attribute = Attribute.parse(text)
    if attribute.name in _BLANK_SLIPS_IN and attribute.value is not None and attribute.value.startswith(" "):
        return Attribute(attribute.name, attribute.value[1:])
    return attribute


def whole_lines(lines: Lines, letters: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"{letter}={value}" for letter, value in lines if letter in letters)


def unknown_lines(lines: Lines, known: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"{letter}={value}" for letter, value in lines if letter not in known)


class AttributeLevel:
    """Questions about the attributes of one level, session or media."""

    __slots__ = ()
    attributes: tuple[Attribute, ...]
    bandwidths: tuple[str, ...]

    def attribute(self, name: str) -> str | None:
        """Value of the first attribute of that name; ``""`` for a flag, None when absent."""
        return next((item.value or "" for item in self.attributes if item.name == name), None)

    def attributes_named(self, name: str) -> tuple[str, ...]:
        """Values of all attributes of that name, in order."""
        return tuple(item.value or "" for item in self.attributes if item.name == name)

    def has(self, name: str) -> bool:
        return any(item.name == name for item in self.attributes)

    @property
    def stated_direction(self) -> Direction | None:
        """The direction attribute of this level, None when there is none. The last one counts."""
        found = [item.name for item in self.attributes if item.name in _DIRECTIONS]
        return Direction(found[-1]) if found else None

    def bandwidth(self, kind: str) -> int | None:
        """The number of the ``b=kind:n`` line, in that kind's unit (kbit/s for CT and AS)."""
        for line in self.bandwidths:
            name, _, value = line.partition(":")
            if name == kind and value.isascii() and value.isdigit() and len(value) <= 12:
                return int(value)
        return None
