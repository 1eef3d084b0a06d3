"""One media section of a session description (RFC 8866 section 5.14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from rtp.codec import FIRST_DYNAMIC, STATIC, Codec
from rtp.errors import LimitExceeded, MalformedSdp
from rtp.sdp_level import (
    DEFAULT_LIMITS,
    AttributeLevel,
    Lines,
    SdpLimits,
    attributes_of,
    connection_of,
    key_of,
    single,
    unknown_lines,
    values,
)
from rtp.sdp_lines import Attribute, Connection

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
    bandwidths: tuple[str, ...] = ()
    key: str | None = None  #: ``k=``, never used and never sent by us
    attributes: tuple[Attribute, ...] = ()
    unknown: tuple[str, ...] = ()  #: whole lines of unknown type

    @classmethod
    def from_lines(cls, lines: Lines, *, strict: bool = False, limits: SdpLimits = DEFAULT_LIMITS) -> MediaDescription:
        """From the ``m=`` line and those that follow it; raises MalformedSdp or LimitExceeded."""
        line = lines[0][1]
        kind, ports, proto, formats = _media_line(line, limits)
        port, slash, count = ports.partition("/")
        # One client answers "m=audio 0 TCP/RTP/AVP" without any format.
        if not formats and (strict or port != "0"):
            raise MalformedSdp("m= has no format", line)
        unknown = unknown_lines(lines, _KNOWN)
        if strict and unknown:
            raise MalformedSdp("line does not belong into a media description", unknown[0])
        return cls(
            kind=kind,
            port=_port(port, line),
            port_count=_port(count, line) if slash else 1,
            proto=proto,
            formats=formats,
            information=single(lines, "i"),
            connection=connection_of(lines),
            bandwidths=values(lines, "b"),
            key=key_of(lines),
            attributes=attributes_of(lines),
            unknown=unknown,
        )

    @property
    def rejected(self) -> bool:
        return self.port == 0

    @property
    def payload_types(self) -> tuple[int, ...]:
        """The formats that are RTP payload types, in the order of preference."""
        numbers = (int(item) for item in self.formats if item.isascii() and item.isdigit() and len(item) < 4)
        return tuple(number for number in numbers if number < 128)

    def rtpmap(self, payload_type: int) -> Codec | None:
        """The format of a payload type: its rtpmap, else the static meaning, else None."""
        for value in self.attributes_named("rtpmap"):
            if value.strip().partition(" ")[0] == str(payload_type):
                try:
                    return Codec.from_rtpmap(value, self.fmtp(payload_type))
                except MalformedSdp:
                    continue  # the line alone is unusable, not the description
        if payload_type >= FIRST_DYNAMIC or payload_type not in STATIC:
            return None
        return attrs.evolve(STATIC[payload_type], fmtp=self.fmtp(payload_type))

    def fmtp(self, payload_type: int) -> str | None:
        """Format parameters of a payload type; the first line when there are several."""
        for value in self.attributes_named("fmtp"):
            number, _, text = value.strip().partition(" ")
            if number == str(payload_type):
                return text.strip()
        return None

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """The usable formats in order; a dynamic number without rtpmap is left out (RFC 3264 section 5.1)."""
        found = (self.rtpmap(number) for number in dict.fromkeys(self.payload_types))
        return tuple(codec for codec in found if codec is not None)

    def lines(self) -> Iterator[str]:
        ports = str(self.port) if self.port_count == 1 else f"{self.port}/{self.port_count}"
        yield " ".join([f"m={self.kind}", ports, self.proto, *self.formats])
        if self.information is not None:
            yield f"i={self.information}"
        if self.connection is not None:
            yield f"c={self.connection}"
        yield from (f"b={item}" for item in self.bandwidths)
        if self.key is not None:
            yield f"k={self.key}"
        yield from self.unknown
        yield from (f"a={item}" for item in self.attributes)


def _media_line(line: str, limits: SdpLimits) -> tuple[str, str, str, tuple[str, ...]]:
    fields = line.split()
    if len(fields) < 3:
        raise MalformedSdp("m= has fewer than three fields", line)
    if len(fields) - 3 > limits.formats:
        raise LimitExceeded(f"m= has more than {limits.formats} formats")
    return fields[0], fields[1], fields[2], tuple(fields[3:])


def _port(text: str, line: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or int(text) > 65_535:
        raise MalformedSdp("m= has no valid port", line)
    return int(text)
