"""A trace written as pcapng: one packet a message, a comment on each, and the names of the elements.

Frames are synthetic: the recorded bytes are wrapped in headers that hang together (sequence numbers of TCP, checksums
everywhere), so that tshark and Wireshark follow SIP, HTTP, RTP and RTCP as in a capture from a wire. What was sent over
TLS stands there in the clear, over TCP.

Blocks and options are those of draft-ietf-opsawg-pcapng. A name resolution block tells the name of a host to Wireshark;
its comment says which element speaks at which port, for ``pyc3p trace``, so that one file is all that is passed on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from pyc3p.trace import packets
from pyc3p.trace.packets import ACK, PSH, SYN
from pyc3p.trace.pcap import MAX_PACKET_BYTES, NAMES_COMMENT
from pyc3p.trace.summary import summarize
from pyc3p.trace.trace import Address, Names, Record
from pyc3p.version import VERSION

#: A file that engineers can still attach to a ticket.
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
#: TCP connections whose sequence numbers are kept. Once one is forgotten, each that follows begins with a SYN, without
#: which what comes after would pass for sent again.
MAX_CONNECTIONS: Final = 4096
#: Octets of names in one comment: an option has 16 bits for its length.
MAX_COMMENT: Final = 32_000
#: Hosts whose elements are kept apart, and elements that a host is called by.
MAX_HOSTS: Final = 4096
MAX_NAMES_OF_HOST: Final = 4

_COMMENT: Final = 1
_APPLICATION: Final = 4  #: of a section header
_NAME_OF_INTERFACE: Final = 2
_IPV4, _IPV6 = 1, 2  #: records of names


class PcapngWriter:
    """A trace reader that writes pcapng. Past ``limit`` bytes packets are counted in ``dropped``, not written.

    What cannot be written (a full disk) stops the capture and nothing else: ``failed`` has the error, and ``on_failed``
    is called with it, once.

    Signalling is in the file at once, so that a process that is killed leaves it. Media may fill nine tenths of the
    file only, so that the signalling after a long call is still there. ``names`` is written as it grows; while the file
    is open, nobody else is told by ``Names.on_added``.
    """

    def __init__(
        self,
        path: Path,
        *,
        names: Names | None = None,
        wall_clock: float = 0.0,
        limit: int = MAX_FILE_BYTES,
        on_failed: Callable[[OSError], None] | None = None,
    ) -> None:
        """``wall_clock`` is the POSIX time at which the clock of the records was 0. Raises OSError."""
        self._file: BinaryIO = path.open("wb")
        self._on_failed = on_failed
        self._wall_clock = wall_clock
        self._limit = limit
        self._identification = 0
        self._connections: dict[frozenset[Address], dict[Address, int]] = {}
        self._forgot = False
        self._hosts: dict[str, dict[str, None]] = {}  #: elements by host, as they became known
        self._names = names or Names()
        self.size = 0
        self.dropped = 0
        self.failed: OSError | None = None
        magic_and_length = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
        self._block(0x0A0D0D0A, magic_and_length + _options((_APPLICATION, f"pyc3p {VERSION}".encode())))
        interface = struct.pack("<HHI", 1, 0, MAX_PACKET_BYTES)  # Ethernet
        self._block(1, interface + _options((_NAME_OF_INTERFACE, b"pyc3p")))
        self._tell_names(self._names.dump())
        self._names.on_added = self._tell_names

    def __enter__(self) -> PcapngWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file."""
        self._names.on_added = None
        try:
            self._file.close()
        except OSError as error:
            self._fail(error)

    def __call__(self, record: Record) -> None:
        """Write one record."""
        media = record.layer in ("rtp", "rtcp")
        most = self._limit * 9 // 10 if media else self._limit
        if self.failed or self._file.closed or self.size + len(record.data) > most:
            self.dropped += 1
            return
        comment = b"" if media else self._comment(record)
        for frame in self._frames(record):
            self._packet(record.at, frame, comment)
            comment = b""
        if not media:
            self._bring()

    def _comment(self, record: Record) -> bytes:
        summary = summarize(record)
        ends = f"{self._names.label(record.source)} → {self._names.label(record.destination)}"
        secured = " (TLS)" if record.transport == "TLS" else ""
        return f"{ends}{secured}: {summary.label} {summary.detail}".rstrip().encode("utf-8", "replace")

    def _frames(self, record: Record) -> Iterator[bytes]:
        """One, unless a message is larger than a packet can be."""
        here, there = record.source, record.destination
        if record.transport == "UDP":
            yield packets.udp(here, there, record.data, identification=self._next_id())
            return
        numbers, anew = self._connection(record)
        if anew and self._forgot:
            for one, other in ((here, there), (there, here)):
                yield packets.tcp(
                    *(one, other, b""),
                    sequence=numbers[one] - 1,
                    acknowledged=0,
                    flags=SYN,
                    identification=self._next_id(),
                )
        for piece in packets.segments(record.data):
            sequence, acknowledged = numbers[here], numbers[there]
            numbers[here] = (sequence + len(piece)) & 0xFFFFFFFF
            yield packets.tcp(
                *(here, there, piece),
                sequence=sequence,
                acknowledged=acknowledged,
                flags=PSH | ACK,
                identification=self._next_id(),
            )

    def _connection(self, record: Record) -> tuple[dict[Address, int], bool]:
        """Next sequence number of each end of a connection, and whether it begins here."""
        key = frozenset((record.source, record.destination))
        numbers = self._connections.get(key)
        if numbers is not None:
            return numbers, False
        if len(self._connections) >= MAX_CONNECTIONS:
            del self._connections[next(iter(self._connections))]
            self._forgot = True
        numbers = self._connections[key] = {record.source: 1000, record.destination: 5000}
        return numbers, True

    def _next_id(self) -> int:
        self._identification += 1
        return self._identification

    # Names -----------------------------------------------------------------------------------------------------------

    def _tell_names(self, lines: str) -> None:
        """Write lines as `Names.dump` gives them, and what hosts are called now."""
        found = [line for line in lines.splitlines() if line]
        while found and not self.failed and not self._file.closed and self.size < self._limit:
            told, size = [], 0
            while found and size < MAX_COMMENT:
                told.append(found.pop(0))
                size += len(told[-1].encode()) + 1
            records = b"".join(filter(None, map(self._host_record, told)))
            comment = "\n".join((NAMES_COMMENT, *told)).encode()
            self._block(4, records + struct.pack("<HH", 0, 0) + _options((_COMMENT, comment)))
            self._bring()

    def _host_record(self, line: str) -> bytes | None:
        """The name of the host of this line, where the line changes it."""
        element, host, port = line.rsplit(" ", 2)
        if host == "-" or port == "0" or (host not in self._hosts and len(self._hosts) >= MAX_HOSTS):
            return None
        here = self._hosts.setdefault(host, {})
        if element in here or len(here) >= MAX_NAMES_OF_HOST:
            return None
        here[element] = None
        address = packets.ip_of(host)
        # Names have no blanks there; several elements at one host cannot be told apart by it.
        name = "+".join(each.replace(" ", "_") for each in here).encode()
        return _option(_IPV4 if address.version == 4 else _IPV6, address.packed + name + b"\0")

    # Blocks ----------------------------------------------------------------------------------------------------------

    def _packet(self, at: float, frame: bytes, comment: bytes) -> None:
        microseconds = round((self._wall_clock + at) * 1_000_000)
        header = struct.pack("<IIIII", 0, microseconds >> 32, microseconds & 0xFFFFFFFF, len(frame), len(frame))
        options = _options((_COMMENT, comment)) if comment else b""
        self._block(6, header + frame + bytes(-len(frame) % 4) + options)

    def _block(self, kind: int, body: bytes) -> None:
        length = struct.pack("<I", len(body) + 12)
        data = struct.pack("<I", kind) + length + body + length
        try:
            self._file.write(data)
        except OSError as error:
            self._fail(error)
        self.size += len(data)

    def _bring(self) -> None:
        """Who is killed leaves a capture that lacks the last media at most."""
        try:
            self._file.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if self.failed is None:
            self.failed = error
            if self._on_failed is not None:
                self._on_failed(error)


def _options(*options: tuple[int, bytes]) -> bytes:
    return b"".join(_option(code, value) for code, value in options) + struct.pack("<HH", 0, 0)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def write_pcapng(
    path: Path,
    records: Iterable[Record],
    *,
    names: Names | None = None,
    wall_clock: float = 0.0,
    limit: int = MAX_FILE_BYTES,
) -> int:
    """Write ``records`` to ``path``; returns how many did not fit. Raises OSError when it cannot be begun."""
    with PcapngWriter(path, names=names, wall_clock=wall_clock, limit=limit) as writer:
        for record in records:
            writer(record)
        return writer.dropped
