"""Capture files: a trace written as pcap, and packets read back from pcap and pcapng.

Written frames are synthetic: the recorded bytes are wrapped in headers that hang together (TCP with handshake and
sequence numbers, checksums everywhere), so that tshark and Wireshark follow SIP, HTTP, RTP and RTCP as in a capture
from a wire.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import attrs

from pyc3p.trace import packets
from pyc3p.trace.packets import ACK, PSH, SYN, Packet
from pyc3p.trace.trace import Address, Record

#: A file that engineers can still attach to a ticket.
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
#: A capture that is read into memory record by record; longer ones are cut with `editcap`.
MAX_PACKET_BYTES: Final = 256 * 1024
MAX_CONNECTIONS: Final = 4096

_MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
_MAGIC_NANOSECONDS: Final = 0xA1B23C4D
_LINK_ETHERNET: Final = 1
_SECTION_HEADER: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_SIMPLE_PACKET: Final = 3
_ENHANCED_PACKET: Final = 6


class CaptureError(ValueError):
    """The file is not a capture that can be read."""


@attrs.define
class _Connection:
    """Next sequence number of each end of a synthetic TCP connection."""

    next_sequence: dict[Address, int]


class PcapWriter:
    """A trace reader that writes pcap. Past ``limit`` bytes packets are counted in ``dropped``, not written.

    What cannot be written (a full disk) stops the capture and nothing else: ``failed`` has the error, and ``on_failed``
    is called with it, once.

    Media may fill nine tenths of the file only, so that the signalling after a long call is still there.
    """

    def __init__(
        self,
        path: Path,
        *,
        wall_clock: float = 0.0,
        limit: int = MAX_FILE_BYTES,
        on_failed: Callable[[OSError], None] | None = None,
    ) -> None:
        self._file: BinaryIO = path.open("wb")
        self._on_failed = on_failed
        self._wall_clock = wall_clock
        self._limit = limit
        self._identification = 0
        self._connections: dict[frozenset[Address], _Connection] = {}
        self.size = 0
        self.dropped = 0
        self.failed: OSError | None = None
        self._write(struct.pack("<IHHiIII", _MAGIC_MICROSECONDS, 2, 4, 0, 0, MAX_PACKET_BYTES, _LINK_ETHERNET))

    def __enter__(self) -> PcapWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file."""
        try:
            self._file.close()
        except OSError as error:
            self._fail(error)

    def flush(self) -> None:
        """Bring what was written to the file."""
        self._file.flush()

    def __call__(self, record: Record) -> None:
        """Write one record."""
        media = record.layer in ("rtp", "rtcp")
        if (
            self.failed
            or self._file.closed
            or self.size + len(record.data) > (self._limit * 9 // 10 if media else self._limit)
        ):
            self.dropped += 1
            return
        if record.transport == "UDP":
            self._frame(record.at, packets.udp(record.source, record.destination, record.data, **self._next_id()))
        else:
            self._stream(record)

    def _stream(self, record: Record) -> None:
        connection = self._connection(record)
        for piece in packets.segments(record.data):
            self._segment(connection, record.at, record.source, record.destination, PSH | ACK, piece)

    def _connection(self, record: Record) -> _Connection:
        key = frozenset((record.source, record.destination))
        connection = self._connections.get(key)
        if connection is None:
            if len(self._connections) >= MAX_CONNECTIONS:
                del self._connections[next(iter(self._connections))]
            connection = self._connections[key] = _Connection({record.source: 1000, record.destination: 5000})
            self._handshake(connection, record)
        return connection

    def _handshake(self, connection: _Connection, record: Record) -> None:
        caller, callee = record.source, record.destination
        self._segment(connection, record.at, caller, callee, SYN)
        self._segment(connection, record.at, callee, caller, SYN | ACK)
        self._segment(connection, record.at, caller, callee, ACK)

    def _segment(
        self,
        connection: _Connection,
        at: float,
        source: Address,
        destination: Address,
        flags: int,
        data: bytes = b"",
    ) -> None:
        numbers = connection.next_sequence
        sequence = numbers[source]
        acknowledged = numbers[destination] if flags & ACK else 0
        numbers[source] = (sequence + len(data) + (1 if flags & SYN else 0)) & 0xFFFFFFFF
        self._frame(
            at,
            packets.tcp(
                source,
                destination,
                data,
                sequence=sequence,
                acknowledged=acknowledged,
                flags=flags,
                **self._next_id(),
            ),
        )

    def _next_id(self) -> dict[str, int]:
        self._identification += 1
        return {"identification": self._identification}

    def _frame(self, at: float, frame: bytes) -> None:
        seconds, microseconds = divmod(round((self._wall_clock + at) * 1_000_000), 1_000_000)
        self._write(struct.pack("<IIII", seconds & 0xFFFFFFFF, microseconds, len(frame), len(frame)) + frame)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            self._fail(error)
        self.size += len(data)

    def _fail(self, error: OSError) -> None:
        if self.failed is None:
            self.failed = error
            if self._on_failed is not None:
                self._on_failed(error)


def write_pcap(path: Path, records: Iterable[Record], *, wall_clock: float = 0.0, limit: int = MAX_FILE_BYTES) -> int:
    """Write ``records`` to ``path``; returns how many did not fit."""
    with PcapWriter(path, wall_clock=wall_clock, limit=limit) as writer:
        for record in records:
            writer(record)
        return writer.dropped


def read_packets(file: BinaryIO) -> Iterator[Packet]:
    """UDP datagrams and TCP segments of a pcap or pcapng file; raises CaptureError when it is neither or is damaged."""
    magic = file.read(4)
    if len(magic) < 4:
        raise CaptureError("the file is empty or too short for a capture")
    (number,) = struct.unpack("<I", magic)
    frames = _read_pcapng(file) if number == _SECTION_HEADER else _read_pcap(file, magic)
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
    resolution: float  #: seconds of one tick of a timestamp


def _read_pcapng(file: BinaryIO) -> Iterator[tuple[float, int, bytes]]:
    order = "<"
    kind_bytes = struct.pack("<I", _SECTION_HEADER)
    interfaces: list[_Interface] = []
    while len(kind_bytes) == 4:
        length_bytes = _exactly(file, 4)
        (kind,) = struct.unpack(order + "I", kind_bytes)
        prefix = b""
        if kind == _SECTION_HEADER:
            prefix = _exactly(file, 4)
            order = "<" if prefix == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        (length,) = struct.unpack(order + "I", length_bytes)
        if not 12 <= length <= MAX_PACKET_BYTES + 4096:
            raise CaptureError(f"a block claims {length} bytes")
        body = prefix + _exactly(file, length - 8 - len(prefix))
        if kind == _INTERFACE:
            interfaces.append(_interface(order, body))
        elif kind in (_ENHANCED_PACKET, _SIMPLE_PACKET) and interfaces:
            yield from _packet_block(order, kind, body, interfaces)
        kind_bytes = file.read(4)


def _interface(order: str, body: bytes) -> _Interface:
    (link,) = struct.unpack_from(order + "H", body)
    resolution, offset = 1e-6, 8
    while offset + 4 <= len(body) - 4:
        code, size = struct.unpack_from(order + "HH", body, offset)
        if code == 9 and size == 1:  # if_tsresol
            exponent = body[offset + 4]
            resolution = 2.0 ** -(exponent & 0x7F) if exponent & 0x80 else 10.0**-exponent
        offset += 4 + (size + 3) // 4 * 4
    return _Interface(link, resolution)


def _packet_block(
    order: str, kind: int, body: bytes, interfaces: list[_Interface]
) -> Iterator[tuple[float, int, bytes]]:
    if kind == _SIMPLE_PACKET:
        yield 0.0, interfaces[0].link, body[4:-4]
        return
    number, high, low, captured, _ = struct.unpack_from(order + "IIIII", body)
    if number < len(interfaces):
        interface = interfaces[number]
        yield (high << 32 | low) * interface.resolution, interface.link, body[20 : 20 + captured]


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise CaptureError("the capture ends in the middle of a block")
    return data


def _unwrap(link: int, frame: bytes) -> bytes | None:
    """The IP packet in a frame of this link type (www.tcpdump.org/linktypes.html)."""
    if link == _LINK_ETHERNET:
        return packets.strip_ethernet(frame)
    header = {0: 4, 12: 0, 14: 0, 101: 0, 108: 4, 113: 16, 228: 0, 229: 0, 276: 20}.get(link)
    return None if header is None else frame[header:]
