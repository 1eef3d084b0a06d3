"""What session level and media level of a description share: raw lines, attributes, bandwidths (RFC 8866 section 5)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import attrs

from rtp.errors import LimitExceeded
from rtp.field_types import checks_types
from rtp.sdp.defects import Defects
from rtp.sdp.direction import Direction
from rtp.sdp.lines import Attribute, Connection
from rtp.shown import Shown


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class SdpLimits(Shown):
    """How large a description may be. Real ones have 10 to 150 lines; those with ICE and video reach 20 kB."""

    octets: int = 65_536  #: a description travels in one SIP message, whose limit is the same
    lines: int = 2_000  #: bounds the work for a body made of empty attributes
    media: int = 64  #: an answer mirrors every line, so a bounded answer needs a bounded offer
    formats: int = 128  #: there are only 128 payload types


DEFAULT_LIMITS: Final = SdpLimits()
_KNOWN: Final = frozenset("vosiuepcbtrzkam")
_NO_BLANK: Final = frozenset("voctm")
_LINE: Final = re.compile(r"([ \t]*)([A-Za-z])([ \t]*)=(.*)", re.DOTALL)
_BANDWIDTH: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]+:[0-9]+", re.ASCII)
_DIRECTIONS: Final = frozenset(Direction)
#: Attributes into whose value one blank slips after the colon (``a=ice-ufrag: 6nxO``).
_BLANK_SLIPS_IN: Final = frozenset(
    {"candidate", "crypto", "cryptoscale", "fmtp", "ice-pwd", "ice-ufrag"}
    | {"remote-candidate", "remote-candidates", "rtcp", "rtpmap"}
)

Lines = list[tuple[str, str]]  #: (type letter, value); a line without a letter is ("", the whole line)


def split_lines(data: bytes, *, limits: SdpLimits, report: Defects) -> Lines:
    """The lines of a body, CRLF or LF, in one linear pass. Raises LimitExceeded."""
    if len(data) > limits.octets:
        raise LimitExceeded(f"session description has more than {limits.octets} octets")
    if b"\0" in data:
        report("NUL in a session description")
        data = data.replace(b"\0", b"")
    text = data.decode("utf-8", "surrogateescape")
    if text.startswith("\ufeff"):
        report("byte order mark before the first line")
        text = text[1:]
    if text.count("\n") != text.count("\r\n") or text.count("\r") != text.count("\r\n"):
        report("lines do not end in CRLF")
    *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if rest:
        report("the last line has no end")
        lines.append(rest)
    if len(lines) > limits.lines:
        raise LimitExceeded(f"session description has more than {limits.lines} lines")
    found: Lines = []
    for line in lines:
        if line[1:2] == "=" and line[0] in _KNOWN and line[2:3] != " ":
            found.append((line[0], line[2:]))
        elif line.strip(" \t"):
            found.append(_line(line, report))
    if len(found) != len(lines):
        report("empty lines")
    return found


def _line(line: str, report: Defects) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        report("not a line of the form x=value", line)
        return "", line
    letter, value = match[2], match[4]
    if match[1] or match[3]:
        report("a blank beside the type of a line", line)
    if letter in _KNOWN:
        if value.startswith(" ") and letter in _NO_BLANK:
            report("a blank before the value of a line", line)
        return letter, value
    if letter.lower() in _KNOWN:
        report("the type of a line is in upper case", line)
        return letter.lower(), value
    report("unknown type of line", line)
    return letter, value


def check_order(lines: Lines, order: str, report: Defects) -> None:
    """Report lines that are not in the order of the grammar: they are printed in that order."""
    ranks = [order.index(letter) for letter, _ in lines if letter and letter in order]
    if ranks != sorted(ranks):
        report("lines are not in the order of the grammar")


def values(lines: Lines, letter: str) -> tuple[str, ...]:
    found = []
    for kind, value in lines:
        if kind == letter:
            found.append(value)
    return tuple(found)


def single(lines: Lines, letter: str, report: Defects) -> str | None:
    """The value of a line that may stand once in its level: the first. Others become lines of unknown meaning."""
    found = values(lines, letter)
    if len(found) > 1:
        report(f"{letter}= is repeated", found[1] if letter != "k" else "")
        first = lines.index((letter, found[0]))
        lines[:] = [
            ("", f"{letter}={value}") if kind == letter and index != first else (kind, value)
            for index, (kind, value) in enumerate(lines)
        ]
    return found[0] if found else None


def key_of(lines: Lines, report: Defects) -> str | None:
    """The ``k=`` line, which we only keep."""
    key = single(lines, "k", report)
    return None if key is None else key.removeprefix(" ")


def connections_of(lines: Lines, report: Defects) -> tuple[Connection, ...]:
    """Every ``c=``; a media section may have several (RFC 8866 section 5.7)."""
    return tuple([Connection.parse(value, report) for value in values(lines, "c")])


def bandwidths_of(lines: Lines, report: Defects) -> tuple[str, ...]:
    """Every ``b=``."""
    found = values(lines, "b")
    for value in found:
        if not _BANDWIDTH.fullmatch(value):
            report("b= is not '<type>:<number>'", value)
    return found


def attributes_of(lines: Lines, report: Defects) -> tuple[Attribute, ...]:
    found = []
    for text in values(lines, "a"):
        attribute = Attribute.parse(text, report)
        if attribute.name in _BLANK_SLIPS_IN and attribute.value is not None and attribute.value.startswith(" "):
            report("a blank before the value of an attribute", text)
            attribute = Attribute(attribute.name, attribute.value[1:])
        found.append(attribute)
    return tuple(found)


def whole_lines(lines: Lines, letters: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"{letter}={value}" for letter, value in lines if letter in letters)


def unknown_lines(lines: Lines, known: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"{letter}={value}" if letter else value for letter, value in lines if letter not in known)


class AttributeLevel:
    """Questions about the attributes of one level, session or media."""

    __slots__ = ()
    attributes: tuple[Attribute, ...]
    bandwidths: tuple[str, ...]

    def attribute(self, name: str) -> str | None:
        """Value of the first attribute of that name; ``""`` for a flag, None when absent."""
        for item in self.attributes:
            if item.name == name:
                return item.value or ""
        return None

    def attributes_named(self, name: str) -> tuple[str, ...]:
        """Values of all attributes of that name, in order."""
        found = []
        for item in self.attributes:
            if item.name == name:
                found.append(item.value or "")
        return tuple(found)

    def has(self, name: str) -> bool:
        """Whether there is an attribute of that name."""
        return self.attribute(name) is not None

    @property
    def stated_direction(self) -> Direction | None:
        """The direction attribute of this level, None when there is none. The last one counts."""
        found = [item.name for item in self.attributes if item.name in _DIRECTIONS]
        return Direction(found[-1]) if found else None

    def bandwidth(self, kind: str) -> int | None:
        """The number of the ``b=kind:n`` line, in that kind's unit (kbit/s for CT and AS)."""
        return self.bandwidths_of((kind,)).get(kind)

    def bandwidths_of(self, kinds: Collection[str]) -> dict[str, int]:
        """The numbers of those kinds that have a ``b=`` line; the first one of a kind counts."""
        found: dict[str, int] = {}
        for line in self.bandwidths:
            name, _, value = line.partition(":")
            if name in kinds and value.isascii() and value.isdigit() and len(value) <= 12:
                found.setdefault(name, int(value))
        return found
