"""Records made again from the packets of a capture: streams put in order, messages framed, layers told apart.

Only what a ladder shows is looked for: SIP over UDP and TCP, HTTP/1.1, RTP and RTCP (RFC 3550, told apart as in
RFC 5761 section 4). Retransmitted segments are dropped; a gap that never closes makes the stream start again after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from pyc3p.trace.packets import FIN, RST, SYN, Packet
from pyc3p.trace.pcap import CaptureError, is_capture, read_packets
from pyc3p.trace.trace import Address, Names, Record, load_record

#: Longest message looked for in a stream; what is larger is no signalling.
MAX_MESSAGE: Final = 1024 * 1024
#: Segments kept while an earlier one is missing.
MAX_EARLY_SEGMENTS: Final = 256
MAX_STREAMS: Final = 4096
_KEEPALIVES: Final = (b"\r\n\r\n", b"\r\n", b"\0")

#: Also of a version that nobody knows: what cannot be read is to be seen all the same.
_SIP_START: Final = re.compile(
    rb"(?i:sip)/\d\.\d \d{3} |[A-Z]{2,20} [a-z][a-z0-9+.-]{0,20}:[^\r\n]{0,2000} (?i:sip)/\d\.\d\r?\n"
)
_HTTP_START: Final = re.compile(rb"HTTP/1\.[01] \d{3}|[A-Z]{2,10} [^ \r\n]{1,4000} HTTP/1\.[01]\r?\n")
_LENGTH: Final = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$")
_CHUNKED: Final = re.compile(rb"(?im)^transfer-encoding[ \t]*:[^\r\n]*\bchunked")


def read_records(path: Path, names: Names | None = None) -> list[Record]:
    """The records of a pcap, pcapng or trace file; raises CaptureError when it is none of them, else OSError.

    Names of elements that a capture of ours tells are added to ``names``.
    """
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if is_capture(start):
            return list(from_packets(read_packets(file, names)))
        lines = file.read().decode("utf-8", "replace").splitlines()
    try:
        return [load_record(line) for line in lines if line.strip()]
    except ValueError as error:
        raise CaptureError("it is neither a capture (pcap, pcapng) nor a trace file") from error


def began(path: Path) -> float | None:
    """The POSIX time of the first packet, from which the times of `read_records` count; None of a trace file.

    A trace file has only the clock of the machines in it. Raises as `read_records` does.
    """
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        first = next(read_packets(file), None) if is_capture(start) else None
    return None if first is None else first.at


def from_packets(packets: Iterable[Packet]) -> Iterator[Record]:
    """Records in the order of the packets that completed them, times counted from the first packet."""
    streams: dict[tuple[Address, Address], _Stream] = {}
    start: float | None = None
    for packet in packets:
        start = packet.at if start is None else start
        if packet.transport == "UDP":
            layer = layer_of(packet.data)
            if layer is not None:
                yield _record(packet, layer, packet.data, start)
            continue
        key = (packet.source, packet.destination)
        if key not in streams and len(streams) >= MAX_STREAMS:
            del streams[next(iter(streams))]
        stream = streams.setdefault(key, _Stream())
        for layer, message in stream.receive(packet):
            yield _record(packet, layer, message, start)
        if packet.flags & RST:
            streams.pop(key, None)


def layer_of(data: bytes) -> str | None:
    """What a datagram holds: "sip", "rtp", "rtcp" or None."""
    if _SIP_START.match(data):
        return "sip"
    if len(data) < 8 or data[0] >> 6 != 2:
        return None
    if 192 <= data[1] <= 223:
        return "rtcp"
    return "rtp" if len(data) >= 12 else None


def _record(packet: Packet, layer: str, data: bytes, start: float) -> Record:
    return Record(
        at=packet.at - start,
        layer=layer,
        transport=packet.transport,
        source=packet.source,
        destination=packet.destination,
        data=data,
    )


@attrs.define
class _Stream:
    """One direction of a TCP connection."""

    next_sequence: int | None = None
    early: dict[int, bytes] = attrs.Factory(dict)
    buffer: bytearray = attrs.Factory(bytearray)

    def receive(self, packet: Packet) -> Iterator[tuple[str, bytes]]:
        """Take one segment, give the messages that it completes."""
        if packet.flags & SYN:
            self.next_sequence = (packet.sequence + 1) & 0xFFFFFFFF
            self.early.clear()
            self.buffer.clear()
            return
        if packet.data and not packet.flags & RST:
            self._place(packet.sequence, packet.data)
        if packet.flags & (FIN | RST):
            self.early.clear()
        yield from self._messages()

    def _place(self, sequence: int, data: bytes) -> None:
        if self.next_sequence is None:
            self.next_sequence = sequence
        self.early[sequence] = data
        if len(self.early) > MAX_EARLY_SEGMENTS:  # the gap will not close
            missing = self.next_sequence
            self.next_sequence = min(self.early, key=lambda place: (place - missing) & 0xFFFFFFFF)
            self.buffer.clear()
        while (piece := self._take()) is not None:
            self.buffer += piece
            self.next_sequence = (self.next_sequence + len(piece)) & 0xFFFFFFFF

    def _take(self) -> bytes | None:
        """The next bytes of the stream, None while they are missing; segments seen before go away."""
        expected = self.next_sequence or 0
        for place, data in list(self.early.items()):
            behind = (expected - place) & 0xFFFFFFFF
            if behind >= 0x80000000:
                continue
            del self.early[place]
            if behind < len(data):
                return data[behind:]
        return None

    def _messages(self) -> Iterator[tuple[str, bytes]]:
        while self.buffer:
            framed = frame(self.buffer)
            if framed is None:
                if len(self.buffer) > MAX_MESSAGE:
                    self.buffer.clear()
                return
            layer, length = framed
            message = bytes(self.buffer[:length])
            del self.buffer[:length]
            if layer is not None:
                yield layer, message


def frame(data: bytes | bytearray) -> tuple[str | None, int] | None:
    """Layer and length of the message at the start of a stream; layer None: bytes to skip; None: more is needed."""
    for keepalive in _KEEPALIVES:
        if data.startswith(keepalive):
            return None, len(keepalive)
    layer = "sip" if _SIP_START.match(data) else "http" if _HTTP_START.match(data) else None
    end = _head_end(data)
    if layer is None:
        return _skip(data, end)
    if end is None:
        return None
    head = bytes(data[:end])
    if layer == "http" and _CHUNKED.search(head):
        last = data.find(b"0\r\n\r\n", end)
        return None if last < 0 else (layer, last + 5)
    length = _LENGTH.search(head)
    total = end + (int(length[1]) if length else 0)
    return (layer, total) if total <= len(data) else None


def _head_end(data: bytes | bytearray) -> int | None:
    place = data.find(b"\r\n\r\n")
    return None if place < 0 else place + 4


def _skip(data: bytes | bytearray, end: int | None) -> tuple[None, int] | None:
    """Start lines may come in pieces: only a whole line, or a long one, is given up."""
    if end is not None:
        return None, end
    return (None, len(data)) if len(data) > 4096 or b"\n" in data[:4096] else None
