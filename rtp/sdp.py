"""Session descriptions (RFC 8866, which replaces RFC 4566): parse, ask, print.

Parsing is lenient by default: LF line ends, an empty ``s=``, a missing ``t=`` and lines of unknown type are accepted;
``strict=True`` refuses them. What is not understood is kept and printed again in its level.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from rtp.direction import Direction
from rtp.errors import LimitExceeded, LocalRtpError, MalformedSdp
from rtp.media_description import MediaDescription
from rtp.sdp_level import (
    DEFAULT_LIMITS,
    AttributeLevel,
    Lines,
    SdpLimits,
    attributes_of,
    connection_of,
    key_of,
    single,
    split_lines,
    unknown_lines,
    values,
    whole_lines,
)
from rtp.sdp_lines import Attribute, Connection, Origin

_ABOUT: Final = frozenset("iuep")
_TIMING: Final = frozenset("trz")
_KNOWN: Final = frozenset("voscbka") | _ABOUT | _TIMING


@attrs.frozen(kw_only=True)
class SessionDescription(AttributeLevel):
    """A whole description. ``bytes(description)`` prints it with CRLF in the order that the grammar demands."""

    origin: Origin
    name: str = "session"
    connection: Connection | None = None
    bandwidths: tuple[str, ...] = ()
    timing: tuple[str, ...] = ("t=0 0",)  #: the ``t=``, ``r=`` and ``z=`` lines, whole
    key: str | None = None
    attributes: tuple[Attribute, ...] = ()
    media: tuple[MediaDescription, ...] = ()
    about: tuple[str, ...] = ()  #: the ``i=``, ``u=``, ``e=`` and ``p=`` lines, whole
    unknown: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: bytes, *, strict: bool = False, limits: SdpLimits = DEFAULT_LIMITS) -> SessionDescription:
        """Parse a body of type application/sdp. Raises MalformedSdp or LimitExceeded, nothing else."""
        session, *media = _sections(split_lines(data, strict=strict, limits=limits), limits)
        origin, name = _mandatory(session)
        timing = whole_lines(session, _TIMING)
        if strict and not (name and timing and timing[0].startswith("t=")):
            raise MalformedSdp("s= is empty or t= is missing")
        return cls(
            origin=origin,
            name=name or "-",
            connection=connection_of(session),
            bandwidths=values(session, "b"),
            timing=timing or ("t=0 0",),
            key=key_of(session),
            attributes=attributes_of(session),
            media=tuple(MediaDescription.from_lines(lines, strict=strict, limits=limits) for lines in media),
            about=whole_lines(session, _ABOUT),
            unknown=unknown_lines(session, _KNOWN),
        )

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """Where that line's media goes: its own ``c=``, else that of the session."""
        return media.connection if media.connection is not None else self.connection

    def direction_of(self, media: MediaDescription) -> Direction:
        """The stated direction: media before session, ``sendrecv`` when neither says anything."""
        return media.stated_direction or self.stated_direction or Direction.SENDRECV

    def media_of_kind(self, kind: str) -> tuple[MediaDescription, ...]:
        return tuple(item for item in self.media if item.kind == kind)

    def same_content(self, other: SessionDescription) -> bool:
        """Equal apart from the version in ``o=``, which some clients never count up."""
        edition = attrs.evolve(other.origin, session_version=self.origin.session_version)
        return self == attrs.evolve(other, origin=edition)

    def lines(self) -> Iterator[str]:
        yield from ("v=0", f"o={self.origin}", f"s={self.name}")
        yield from self.about
        if self.connection is not None:
            yield f"c={self.connection}"
        yield from (f"b={item}" for item in self.bandwidths)
        yield from self.timing
        if self.key is not None:
            yield f"k={self.key}"
        yield from self.unknown
        yield from (f"a={item}" for item in self.attributes)
        for media in self.media:
            yield from media.lines()

    def __bytes__(self) -> bytes:
        """Print; raises LocalRtpError when a value would break out of its line."""
        lines = list(self.lines())
        for line in lines:
            if "\r" in line or "\n" in line or "\0" in line:
                raise LocalRtpError(f"a value holds a line break or NUL: {line[:80]!r}")
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


def _mandatory(lines: Lines) -> tuple[Origin, str]:
    if not lines or lines[0][0] != "v" or lines[0][1].strip() != "0":
        raise MalformedSdp("does not begin with v=0")
    single(lines, "v")
    origin, name = single(lines, "o"), single(lines, "s")
    if origin is None or name is None:
        raise MalformedSdp("o= or s= is missing")
    return Origin.parse(origin), name
