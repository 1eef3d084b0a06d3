"""RTP header extensions of several elements (RFC 8285 sections 4.2 and 4.3) and ``a=extmap`` (section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from rtp.errors import LocalProtocolError, MalformedPacket, MalformedSdp

ONE_BYTE: Final = 0xBEDE
TWO_BYTE: Final = 0x1000  #: the low four bits are free for the application
_STOP: Final = 15  #: in the one-byte form everything after it is ignored


def parse_elements(profile: int | None, data: bytes) -> dict[int, bytes]:
    """The elements of an extension by local id; empty for a profile of another kind. Raises MalformedPacket."""
    if profile == ONE_BYTE:
        return _parse(data, 1)
    if profile is not None and profile & 0xFFF0 == TWO_BYTE:
        return _parse(data, 2)
    return {}


def _parse(data: bytes, header: int) -> dict[int, bytes]:
    elements: dict[int, bytes] = {}
    offset = 0
    while offset < len(data):
        if data[offset] == 0:  # padding
            offset += 1
            continue
        if header == 1:
            number, size = data[offset] >> 4, (data[offset] & 15) + 1
            if number == _STOP:
                break
        else:
            number, size = data[offset], data[offset + 1] if offset + 1 < len(data) else 256
        start = offset + header
        offset = start + size
        if offset > len(data):
            raise MalformedPacket("header extension ends inside an element")
        elements[number] = data[start:offset]
    return elements


def build_elements(elements: Mapping[int, bytes]) -> tuple[int, bytes]:
    """Profile and data of an extension, in the one-byte form where it is possible; raises LocalProtocolError."""
    small = all(0 < number < _STOP and 0 < len(data) <= 16 for number, data in elements.items())
    if not small and not all(0 < number < 256 and len(data) < 256 for number, data in elements.items()):
        raise LocalProtocolError("extension id is not 1 to 255, or an element is longer than 255 octets")
    parts = [
        (bytes([number << 4 | len(data) - 1]) if small else bytes([number, len(data)])) + data
        for number, data in elements.items()
    ]
    joined = b"".join(parts)
    return ONE_BYTE if small else TWO_BYTE, joined + bytes(-len(joined) % 4)


@attrs.frozen
class ExtensionMap:
    """One ``a=extmap`` line: ``<id>[/<direction>] <uri> [<attributes>]``."""

    number: int
    uri: str
    direction: str | None = None
    attributes: str = ""

    @classmethod
    def parse(cls, value: str) -> ExtensionMap:
        """Read one; raises MalformedSdp."""
        first, _, rest = value.strip().partition(" ")
        number, _, direction = first.partition("/")
        uri, _, attributes = rest.strip().partition(" ")
        if not (number.isascii() and number.isdigit() and len(number) < 5 and uri):
            raise MalformedSdp("extmap is not '<id> <uri>'", value)
        return cls(int(number), uri, direction or None, attributes.strip())

    def __str__(self) -> str:
        direction = f"/{self.direction}" if self.direction else ""
        attributes = f" {self.attributes}" if self.attributes else ""
        return f"{self.number}{direction} {self.uri}{attributes}"
