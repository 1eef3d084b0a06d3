"""Packets of a capture file: pcap and pcapng, whoever wrote them (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).

Of a file that :mod:`pyc3p.trace.pcapng` wrote, the names of elements are read as well.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

import attrs

from pyc3p.trace import packets
from pyc3p.trace.packets import Packet
from pyc3p.trace.trace import Names

#: The largest frame that is read; jumbo frames and those of virtual cards are below.
MAX_PACKET_BYTES: Final = 256 * 1024
#: The first line of a comment that tells names of elements; the others are those of `Names.dump`.
NAMES_COMMENT: Final = "pyc3p names"

_MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
_MAGIC_NANOSECONDS: Final = 0xA1B23C4D
_LINK_ETHERNET: Final = 1
_SECTION_HEADER: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_SIMPLE_PACKET: Final = 3
_NAME_RESOLUTION: Final = 4
_ENHANCED_PACKET: Final = 6


class CaptureError(ValueError):
    """The file is not a capture that can be read."""


def read_packets(file: BinaryIO, names: Names | None = None) -> Iterator[Packet]:
    """UDP datagrams and TCP segments of a pcap or pcapng file; raises CaptureError when it is neither or is damaged.

    A file that ends within a block, as that of a killed process does, is read as far as it goes. Names of elements that
    it tells are added to ``names``.
    """
    magic = file.read(4)
    if len(magic) < 4:
        raise CaptureError("the file is empty or too short for a capture")
    (number,) = struct.unpack("<I", magic)
    frames = _read_pcapng(file, names) if number == _SECTION_HEADER else _read_pcap(file, magic)
    for at, link, frame in frames:
        packet = _unwrap(link, frame)
        dissected = packets.dissect(at, packet) if packet else None
        if dissected is not None:
            yield dissected


def is_capture(start: bytes) -> bool:
    """Whether a file that begins so is a capture."""
    if len(start) < 4:
        return False
    numbers = struct.unpack("<I", start[:4]) + struct.unpack(">I", start[:4])
    return any(number in (_MAGIC_MICROSECONDS, _MAGIC_NANOSECONDS, _SECTION_HEADER) for number in numbers)


def _read_pcap(file: BinaryIO, magic: bytes) -> Iterator[tuple[float, int, bytes]]:
    for order in "<>":
        (number,) = struct.unpack(order + "I", magic)
        if number in (_MAGIC_MICROSECONDS, _MAGIC_NANOSECONDS):
            break
    else:
        raise CaptureError("not a capture file (pcap or pcapng)")
    resolution = 1e-6 if number == _MAGIC_MICROSECONDS else 1e-9
    (link,) = struct.unpack(order + "16xI", _exactly(file, 20))
    while header := file.read(16):
        if len(header) < 16:
            return
        seconds, fraction, length, _ = struct.unpack(order + "IIII", header)
        if length > MAX_PACKET_BYTES:
            raise CaptureError(f"a packet claims {length} bytes")
        yield seconds + fraction * resolution, link & 0xFFFF, file.read(length)


@attrs.frozen
class _Interface:
    link: int
    ticks: float  #: of a timestamp in one second


def _read_pcapng(file: BinaryIO, names: Names | None) -> Iterator[tuple[float, int, bytes]]:
    order = "<"
    interfaces: list[_Interface] = []
    block: tuple[str, int, bytes] | None = _section(file)
    while block is not None:
        order, kind, body = block
        if kind == _SECTION_HEADER:
            interfaces = []
        elif kind == _INTERFACE:
            interfaces.append(_interface(order, body))
        elif kind == _NAME_RESOLUTION and names is not None:
            _learn(names, order, body)
        elif kind in (_ENHANCED_PACKET, _SIMPLE_PACKET) and interfaces:
            yield from _packet_block(order, kind, body, interfaces)
        block = _next_block(file, order)


def _section(file: BinaryIO) -> tuple[str, int, bytes]:
    """The first block, of which the type has been read; raises CaptureError."""
    length, magic = _exactly(file, 4), _exactly(file, 4)
    order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
    return order, _SECTION_HEADER, magic + _exactly(file, _block_length(order, length) - 12)


def _next_block(file: BinaryIO, order: str) -> tuple[str, int, bytes] | None:
    """The next block, in its byte order, which each section has its own of; None at the end of the file."""
    head = file.read(8)
    if len(head) < 8:
        return None
    (kind,) = struct.unpack(order + "I", head[:4])
    try:
        if kind == _SECTION_HEADER:
            file.seek(-4, 1)
            return _section(file)
        return order, kind, _exactly(file, _block_length(order, head[4:]) - 8)
    except _CutShort:
        return None


def _block_length(order: str, field: bytes) -> int:
    (length,) = struct.unpack(order + "I", field)
    if not 12 <= length <= MAX_PACKET_BYTES + 4096:
        raise CaptureError(f"a block claims {length} bytes")
    return int(length)


def _interface(order: str, body: bytes) -> _Interface:
    (link,) = struct.unpack_from(order + "H", body)
    ticks = 1e6
    for code, value in _options(order, body, 8):
        if code == 9 and len(value) == 1:  # if_tsresol
            ticks = 2.0 ** (value[0] & 0x7F) if value[0] & 0x80 else 10.0 ** value[0]
    return _Interface(link, ticks)


def _options(order: str, body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Options, or records of names: code, length and value, padded to 32 bits. ``body`` ends with its length."""
    while offset + 4 <= len(body) - 4:
        code, size = struct.unpack_from(order + "HH", body, offset)
        yield code, body[offset + 4 : offset + 4 + size]
        offset += 4 + (size + 3) // 4 * 4


def _learn(names: Names, order: str, body: bytes) -> None:
    """Take the names of elements from a comment of ours; one of somebody else is left alone."""
    for code, value in _options(order, body, 0):
        comment = value.decode("utf-8", "replace")
        if code != 1 or not comment.startswith(f"{NAMES_COMMENT}\n"):
            continue
        try:
            names.update(comment.partition("\n")[2])
        except ValueError:
            return


def _packet_block(
    order: str, kind: int, body: bytes, interfaces: list[_Interface]
) -> Iterator[tuple[float, int, bytes]]:
    if kind == _SIMPLE_PACKET:
        yield 0.0, interfaces[0].link, body[4:-4]
        return
    number, high, low, captured, _ = struct.unpack_from(order + "IIIII", body)
    if number < len(interfaces):
        interface = interfaces[number]
        yield (high << 32 | low) / interface.ticks, interface.link, body[20 : 20 + captured]


class _CutShort(CaptureError):
    """The file ends too early."""


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise _CutShort("the capture ends in the middle of a block")
    return data


def _unwrap(link: int, frame: bytes) -> bytes | None:
    """The IP packet in a frame of this link type (www.tcpdump.org/linktypes.html)."""
    if link == _LINK_ETHERNET:
        return packets.strip_ethernet(frame)
    header = {0: 4, 12: 0, 14: 0, 101: 0, 108: 4, 113: 16, 228: 0, 229: 0, 276: 20}.get(link)
    return None if header is None else frame[header:]
