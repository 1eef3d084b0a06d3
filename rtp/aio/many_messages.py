"""Many datagrams of one socket with one call: ``recvmmsg`` and ``sendmmsg`` of Linux, elsewhere one after the other.

With one socket for all legs the calls of the system are most of what a datagram costs; these take a third of that.
An address is a handle here, which can be compared and looked up: to make text of it for each datagram costs as much as
to receive it.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from collections.abc import Hashable, Sequence
from typing import Any, Final, Protocol

TransportAddress = tuple[str, int]

MOST: Final = 256  #: datagrams in one call
#: Octets of one datagram that are received; what is longer is no packet of sound, and is passed over.
LONGEST: Final = 2_048
_NAME: Final = 28  #: octets of an address of IPv6


class Messages(Protocol):
    """The datagrams of one socket that does not block."""

    too_long: int  #: datagrams that were passed over

    def handle(self, address: TransportAddress) -> Hashable:
        """What stands for an address; raises OSError for one that the socket cannot send to."""

    def address(self, handle: Hashable) -> TransportAddress:
        """The address."""

    def receive(self) -> list[tuple[bytes, Hashable]]:
        """What is there, at most `MOST`, and from whom."""

    def send(self, batch: Sequence[tuple[bytes, Hashable]]) -> int:
        """Send datagrams, at most `MOST`, each to an address; how many could not leave."""


class OneByOne:
    """As `Messages`, with the calls that every system has."""

    def __init__(self, opened: socket.socket) -> None:
        self.too_long = 0
        self._socket = opened

    def handle(self, address: TransportAddress) -> Hashable:
        return address

    def address(self, handle: Hashable) -> TransportAddress:
        assert isinstance(handle, tuple)
        return handle

    def receive(self) -> list[tuple[bytes, Hashable]]:
        found: list[tuple[bytes, Hashable]] = []
        for _ in range(MOST):
            try:
                data, address = self._socket.recvfrom(LONGEST + 1)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an ICMP error of an earlier datagram; it is used up by this read
                continue
            if len(data) > LONGEST:
                self.too_long += 1
            else:
                found.append((data, address[:2]))
        return found

    def send(self, batch: Sequence[tuple[bytes, Hashable]]) -> int:
        lost = 0
        for data, handle in batch:
            try:
                self._socket.sendto(data, self.address(handle))
            except OSError:
                lost += 1
        return lost


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


class _Slots:
    """Room for `MOST` datagrams with their addresses, and the structures that tell the system where it is."""

    def __init__(self, name_length: int) -> None:
        data, names, room = (bytearray(MOST * size) for size in (LONGEST, _NAME, ctypes.sizeof(_Message)))
        self.vectors, self.messages = (_Vector * MOST)(), (_Message * MOST).from_buffer(room)
        data_at, names_at = (ctypes.addressof(ctypes.c_char.from_buffer(each)) for each in (data, names))
        for each in range(MOST):
            self.vectors[each].base = data_at + each * LONGEST
            self.vectors[each].length = LONGEST
            header = self.messages[each].header
            header.name, header.name_length = names_at + each * _NAME, name_length
            header.vectors, header.vector_count = ctypes.addressof(self.vectors) + each * ctypes.sizeof(_Vector), 1
        self.data, self.names = memoryview(data), memoryview(names)  # which keeps them where they are
        words = memoryview(room).cast("I")
        step = ctypes.sizeof(_Message) // 4
        self.lengths = words[_Message.length.offset // 4 :: step]
        self.flags = words[_Header.flags.offset // 4 :: step]


class ManyAtOnce:
    """As `Messages`, with ``recvmmsg`` and ``sendmmsg``."""

    def __init__(self, opened: socket.socket) -> None:
        self.too_long = 0
        self._number, self._family = opened.fileno(), opened.family
        self._name_length = 16 if opened.family == socket.AF_INET else _NAME
        self._in, self._out = _Slots(self._name_length), _Slots(self._name_length)
        self._sizes = [LONGEST] * MOST  #: of the datagrams that stand in the slots to be sent
        library = ctypes.CDLL(None, use_errno=True)
        self._receive, self._send = library.recvmmsg, library.sendmmsg

    def handle(self, address: TransportAddress) -> Hashable:
        host, port = address
        family = struct.pack("=H", self._family)
        if self._family == socket.AF_INET:
            return family + struct.pack("!H", port) + socket.inet_pton(socket.AF_INET, host) + bytes(8)
        return family + struct.pack("!HI", port, 0) + socket.inet_pton(socket.AF_INET6, host) + bytes(4)

    def address(self, handle: Hashable) -> TransportAddress:
        assert isinstance(handle, bytes)
        (port,) = struct.unpack_from("!H", handle, 2)
        packed = handle[4:8] if self._family == socket.AF_INET else handle[8:24]
        return socket.inet_ntop(self._family, packed), port

    def receive(self) -> list[tuple[bytes, Hashable]]:
        slots, size = self._in, self._name_length
        count = self._receive(self._number, slots.messages, MOST, socket.MSG_DONTWAIT, None)
        if count <= 0:
            return []
        data, names = slots.data, slots.names
        found: list[tuple[bytes, Hashable]] = []
        flags = slots.flags[:count].tolist()
        for each, length in enumerate(slots.lengths[:count].tolist()):
            start, name = each * LONGEST, each * _NAME
            if flags[each] & socket.MSG_TRUNC:
                self.too_long += 1
                continue
            found.append((data[start : start + length].tobytes(), names[name : name + size].tobytes()))
        return found

    def send(self, batch: Sequence[tuple[bytes, Any]]) -> int:
        slots, size, sizes = self._out, self._name_length, self._sizes
        data, names, vectors = slots.data, slots.names, slots.vectors
        for each, (packet, handle) in enumerate(batch):
            length, start, name = len(packet), each * LONGEST, each * _NAME
            data[start : start + length] = packet
            names[name : name + size] = handle
            if length != sizes[each]:
                vectors[each].length = sizes[each] = length
        done = lost = 0
        first, step = ctypes.addressof(slots.messages), ctypes.sizeof(_Message)
        while done < len(batch):
            sent = self._send(self._number, ctypes.c_void_p(first + done * step), len(batch) - done, 0)
            if sent > 0:
                done += sent
            elif ctypes.get_errno() in (errno.EAGAIN, errno.ENOBUFS):
                return lost + len(batch) - done  # the buffer is full, and late sound is no sound
            else:  # the one that is next: an ICMP error of an earlier datagram, or an address that nothing leads to
                done, lost = done + 1, lost + 1
        return lost


def messages(opened: socket.socket) -> Messages:
    """The best way here; the socket must not block."""
    try:
        return ManyAtOnce(opened)
    except (OSError, AttributeError, TypeError):  # no such calls, or no C library to ask
        return OneByOne(opened)
