"""Session descriptions (RFC 8866, which replaces RFC 4566): parse, ask, print.

Parsing is lenient by default: whatever breaks the grammar without making the description useless is taken, kept for
printing and noted in ``defects``; ``strict=True`` refuses it. What is not understood is printed again in its level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from rtp.errors import LimitExceeded, LocalProtocolError, MalformedSdp
from rtp.sdp.defects import Defects, SdpDefect
from rtp.sdp.direction import Direction
from rtp.sdp.level import (
    DEFAULT_LIMITS,
    AttributeLevel,
    Lines,
    SdpLimits,
    attributes_of,
    bandwidths_of,
    check_order,
    connections_of,
    key_of,
    single,
    split_lines,
    unknown_lines,
    values,
    whole_lines,
)
from rtp.sdp.lines import Attribute, Connection, Origin
from rtp.sdp.media_description import MediaDescription

_ABOUT: Final = frozenset("iuep")
_TIMING: Final = frozenset("trz")
_KNOWN: Final = frozenset("voscbka") | _ABOUT | _TIMING
_TIME: Final = re.compile(r"[0-9]+ [0-9]+", re.ASCII)
_NO_ORIGIN: Final = Origin(0, 0, "0.0.0.0")  #: of a description that does not say who wrote it


@attrs.frozen(kw_only=True)
class SessionDescription(AttributeLevel):
    """A whole description. ``bytes(description)`` prints it with CRLF in the order that the grammar demands."""

    origin: Origin
    name: str = "session"
    connection: Connection | None = None
    more_connections: tuple[Connection, ...] = ()  #: further ``c=`` lines, for which the grammar has no place
    bandwidths: tuple[str, ...] = ()
    timing: tuple[str, ...] = ("t=0 0",)  #: the ``t=``, ``r=`` and ``z=`` lines, whole
    key: str | None = attrs.field(default=None, repr=False)
    attributes: tuple[Attribute, ...] = ()
    media: tuple[MediaDescription, ...] = ()
    about: tuple[str, ...] = ()  #: the ``i=``, ``u=``, ``e=`` and ``p=`` lines, whole
    unknown: tuple[str, ...] = ()
    defects: tuple[SdpDefect, ...] = attrs.field(default=(), eq=False)  #: what was tolerated when it was read

    @classmethod
    def parse(cls, data: bytes, *, strict: bool = False, limits: SdpLimits = DEFAULT_LIMITS) -> SessionDescription:
        """Parse a body of type application/sdp.

        Raises MalformedSdp when nothing usable remains (``strict``: at the first defect), LimitExceeded, nothing else.
        """
        report = Defects(strict=strict)
        session, *sections = _sections(split_lines(data, limits=limits, report=report), limits)
        _check_version(session, bool(sections), report)
        check_order(session, "vosiuepcbtka", report)
        media = tuple(MediaDescription.from_lines(lines, report=report, limits=limits) for lines in sections)
        if media and all(each.malformed for each in media):
            raise MalformedSdp("no m= line can be used", media[0].written or "")
        origin, name, key = single(session, "o", report), single(session, "s", report), key_of(session, report)
        if origin is None:
            report("o= is missing")
        if not name:
            report("s= is empty or missing")
        connections = connections_of(session, report)
        if len(connections) > 1:
            report("c= is repeated", str(connections[1]))
        about = whole_lines(session, _ABOUT)
        if sum(line.startswith("i=") for line in about) > 1 or sum(line.startswith("u=") for line in about) > 1:
            report("i= or u= is repeated")
        return cls(
            origin=_NO_ORIGIN if origin is None else Origin.parse(origin, report),
            name=name or "-",
            connection=next(iter(connections), None),
            more_connections=connections[1:],
            bandwidths=bandwidths_of(session, report),
            timing=_timing_of(session, report),
            key=key,
            attributes=attributes_of(session, report),
            media=media,
            about=about,
            unknown=unknown_lines(session, _KNOWN),
            defects=report.found,
        )

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Every ``c=`` of the session level."""
        return () if self.connection is None else (self.connection, *self.more_connections)

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """Where that line's media goes: its own ``c=``, else that of the session; of several the first usable one."""
        found = media.connections or self.connections
        for each in found:
            if each.usable:
                return each
        return found[0] if found else None

    def direction_of(self, media: MediaDescription) -> Direction:
        """The stated direction: media before session, ``sendrecv`` when neither says anything."""
        return media.stated_direction or self.stated_direction or Direction.SENDRECV

    def media_of_kind(self, kind: str) -> tuple[MediaDescription, ...]:
        """All media of that kind, such as ``audio``."""
        return tuple(item for item in self.media if item.kind == kind)

    @property
    def switched_off(self) -> bool:
        """Whether every line has port 0 because its writer wants it so."""
        return all(media.switched_off for media in self.media)

    @property
    def silent(self) -> bool:
        """Whether its writer wants no sound: no line is live that could bear any, and audio has port 0 on purpose."""
        audio = [media for media in self.media if media.kind.lower() == "audio"]
        return self.switched_off if not audio else all(media.switched_off for media in audio)

    def same_content(self, other: SessionDescription) -> bool:
        """Equal apart from the version in ``o=``, which some clients never count up."""
        edition = attrs.evolve(other.origin, session_version=self.origin.session_version)
        return self == attrs.evolve(other, origin=edition)

    def lines(self) -> Iterator[str]:
        """The lines as printed, without their ends."""
        lines = ["v=0", f"o={self.origin}", f"s={self.name}", *self.about]
        lines += [f"c={item}" for item in self.connections]
        lines += [f"b={item}" for item in self.bandwidths]
        lines += self.timing
        if self.key is not None:
            lines.append(f"k={self.key}")
        lines += self.unknown
        lines += [f"a={item}" for item in self.attributes]
        for media in self.media:
            lines += media.lines()
        return iter(lines)

    def __bytes__(self) -> bytes:
        """Print; raises LocalProtocolError when a value would break out of its line."""
        lines = list(self.lines())
        for line in lines:
            if "\r" in line or "\n" in line or "\0" in line:
                raise LocalProtocolError(f"a value holds a line break or NUL: {line[:80]!r}")
        return ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        return bytes(self).decode("utf-8", "replace")


def _sections(lines: Lines, limits: SdpLimits) -> list[Lines]:
    """The lines of the session level, then those of each media level."""
    sections: list[Lines] = [[]]
    for line in lines:
        if line[0] == "m":
            if len(sections) > limits.media:
                raise LimitExceeded(f"session description has more than {limits.media} media lines")
            sections.append([])
        sections[-1].append(line)
    return sections


def _check_version(lines: Lines, described: bool, report: Defects) -> None:
    """``v=0`` comes first. Raises MalformedSdp for another version, and for what is no description at all."""
    version = single(lines, "v", report)
    stated = None if version is None else version.strip()
    if stated is not None and stated.isascii() and stated.isdigit() and stated.strip("0"):
        raise MalformedSdp("another version than v=0", f"v={stated}")
    if stated is None or not stated.isdigit():
        if not described:
            raise MalformedSdp("neither v=0 nor a media line")
        report("v= is missing" if stated is None else "v= is no number", stated or "")
    elif lines[0][0] != "v":
        report("does not begin with v=0")


def _timing_of(lines: Lines, report: Defects) -> tuple[str, ...]:
    timing = whole_lines(lines, _TIMING)
    if not (timing and timing[0].startswith("t=")):
        report("t= is missing")
    for value in values(lines, "t"):
        if not _TIME.fullmatch(value):
            report("t= is not two numbers", value)
    return timing or ("t=0 0",)
