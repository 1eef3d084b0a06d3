"""One media section of a session description (RFC 8866 section 5.14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

import attrs

from rtp.errors import LimitExceeded, MalformedSdp
from rtp.sdp.codec import FIRST_DYNAMIC, STATIC, Codec
from rtp.sdp.defects import Defects
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
    unknown_lines,
)
from rtp.sdp.lines import Attribute, Connection

_KNOWN: Final = frozenset("micbka")


@attrs.frozen(kw_only=True)
class MediaDescription(AttributeLevel):
    """One ``m=`` line and what belongs to it (RFC 8866 section 5.14)."""

    kind: str  #: ``audio``, ``video``, ``message`` ...
    port: int  #: 0 when the line is rejected or switched off
    proto: str = "RTP/AVP"
    formats: tuple[str, ...] = ()  #: as printed; payload types for RTP, anything for others
    port_count: int = 1
    information: str | None = None
    connection: Connection | None = None  #: None: that of the session holds
    more_connections: tuple[Connection, ...] = ()  #: further ``c=`` lines (RFC 8866 section 5.7)
    bandwidths: tuple[str, ...] = ()
    key: str | None = attrs.field(default=None, repr=False)  #: ``k=``, never used and never sent by us
    attributes: tuple[Attribute, ...] = ()
    unknown: tuple[str, ...] = ()  #: whole lines of unknown type
    malformed: bool = False  #: the ``m=`` line cannot be read: the section only keeps its place, with port 0
    written: str | None = attrs.field(default=None, eq=False, repr=False)  #: the ``m=`` value as it came, when odd

    @classmethod
    def from_lines(cls, lines: Lines, *, report: Defects, limits: SdpLimits = DEFAULT_LIMITS) -> MediaDescription:
        """From the ``m=`` line and those that follow it; raises LimitExceeded."""
        check_order(lines, "micbka", report)
        line = lines[0][1]
        fields = _MediaLine.parse(line, limits, report)
        information, key = single(lines, "i", report), key_of(lines, report)
        connections = connections_of(lines, report)
        unknown = unknown_lines(lines, _KNOWN)
        if unknown:
            report("line does not belong into a media description", unknown[0])
        attributes = attributes_of(lines, report)
        _check_formats(attributes, report)
        return cls(
            kind=fields.kind,
            port=fields.port,
            port_count=fields.port_count,
            proto=fields.proto,
            formats=fields.formats,
            information=information,
            connection=next(iter(connections), None),
            more_connections=connections[1:],
            bandwidths=bandwidths_of(lines, report),
            key=key,
            attributes=attributes,
            unknown=unknown,
            malformed=fields.malformed,
            written=None if str(fields) == line else line,
        )

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Every ``c=`` of the section."""
        return () if self.connection is None else (self.connection, *self.more_connections)

    @property
    def rejected(self) -> bool:
        """Whether the medium is refused: port 0 (RFC 3264 section 6)."""
        return self.port == 0

    @property
    def switched_off(self) -> bool:
        """Whether it has port 0 because its writer wants it so."""
        return self.rejected and not self.malformed

    @property
    def payload_types(self) -> tuple[int, ...]:
        """The formats that are RTP payload types, in the order of preference."""
        found = []
        for item in self.formats:
            if item.isascii() and item.isdigit() and len(item) < 4 and int(item) < 128:
                found.append(int(item))
        return tuple(found)

    def rtpmap(self, payload_type: int) -> Codec | None:
        """The format of a payload type: its rtpmap, else the static meaning, else None.

        An rtpmap that gives a static number another meaning is passed over: the static one stands (RFC 3551 section 6).
        """
        for number, value in self._rtpmaps:
            if number == str(payload_type):
                try:
                    codec = Codec.from_rtpmap(value, self.fmtp(payload_type))
                except MalformedSdp:
                    continue  # the line alone is unusable, not the description
                if codec.fits_number:
                    return codec
        if payload_type >= FIRST_DYNAMIC or payload_type not in STATIC:
            return None
        return attrs.evolve(STATIC[payload_type], fmtp=self.fmtp(payload_type))

    def fmtp(self, payload_type: int) -> str | None:
        """Format parameters of a payload type; the first line when there are several."""
        return self._fmtps.get(str(payload_type))

    @cached_property
    def _rtpmaps(self) -> tuple[tuple[str, str], ...]:
        """Payload type as printed, and the whole value of the line."""
        return tuple([(value.split(None, 1)[0], value) for value in self.attributes_named("rtpmap") if value.strip()])

    @cached_property
    def _fmtps(self) -> Mapping[str, str]:
        """Format parameters by payload type as printed."""
        found: dict[str, str] = {}
        for value in self.attributes_named("fmtp"):
            number, text = (*value.split(None, 1), "", "")[:2]
            found.setdefault(number, text.strip())
        return found

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """The usable formats in order; a dynamic number without rtpmap is left out (RFC 3264 section 5.1)."""
        return self._codecs

    @cached_property
    def _codecs(self) -> tuple[Codec, ...]:
        found = [self.rtpmap(number) for number in dict.fromkeys(self.payload_types)]
        return tuple([codec for codec in found if codec is not None])

    def lines(self) -> Iterator[str]:
        """The lines as printed, without their ends."""
        lines = [f"m={self._media_line()}"]
        if self.information is not None:
            lines.append(f"i={self.information}")
        lines += [f"c={item}" for item in self.connections]
        lines += [f"b={item}" for item in self.bandwidths]
        if self.key is not None:
            lines.append(f"k={self.key}")
        lines += self.unknown
        lines += [f"a={item}" for item in self.attributes]
        return iter(lines)

    def _media_line(self) -> str:
        fields = _MediaLine(self.kind, self.port, self.port_count, self.proto, self.formats, self.malformed)
        if self.written is not None and _MediaLine.parse(self.written, None, Defects()) == fields:
            return self.written
        return str(fields)


@attrs.frozen
class _MediaLine:
    """The value of ``m=``."""

    kind: str
    port: int
    port_count: int
    proto: str
    formats: tuple[str, ...]
    malformed: bool = False

    @classmethod
    def parse(cls, line: str, limits: SdpLimits | None, report: Defects) -> _MediaLine:
        """Read one. What cannot be read is the line of a medium that is switched off. Raises LimitExceeded."""
        fields = line.split()
        kind, ports, proto = (*fields, "", "", "")[:3]
        formats = tuple(fields[3:])
        if limits is not None and len(formats) > limits.formats:
            raise LimitExceeded(f"m= has more than {limits.formats} formats")
        text, slash, count_text = ports.partition("/")
        port = _decimal(text)
        if len(fields) < 3 or port is None or port > 65_535:
            report("m= has fewer than three fields" if len(fields) < 3 else "m= has no valid port", line)
            return cls(kind, 0, 1, proto, formats, malformed=True)
        if " ".join(fields) != line:
            report("odd blanks in m=", line)
        count = _decimal(count_text) if slash else 1
        if not count:
            report("m= has no valid number of ports", line)
        if not formats:
            report("m= has no format", line)
        if ("RTP/" in proto.upper() and proto != proto.upper()) or kind != kind.lower():
            report("m= is in the wrong case", line)
        # One client answers "m=audio 0 TCP/RTP/AVP" without any format.
        return cls(kind, port, count or 1, proto, formats, malformed=not formats and port != 0)

    def __str__(self) -> str:
        ports = str(self.port) if self.port_count == 1 else f"{self.port}/{self.port_count}"
        return " ".join([self.kind, ports, self.proto, *self.formats])


def _decimal(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _check_formats(attributes: tuple[Attribute, ...], report: Defects) -> None:
    """Report what ``rtpmap`` will not or hardly understand."""
    for item in attributes:
        if item.name != "rtpmap":
            continue
        try:
            codec = Codec.from_rtpmap(item.value or "")
        except MalformedSdp:
            report("rtpmap is not '<pt> <encoding>/<clock>'", str(item))
        else:
            if not codec.fits_number:
                report(f"rtpmap contradicts the meaning of payload type {codec.payload_type}", str(item))
            if "/" not in (item.value or ""):
                report(f"rtpmap of {codec.encoding} has no clock", str(item))
