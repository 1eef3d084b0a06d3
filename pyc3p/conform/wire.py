"""Sockets of the tester: datagrams and connections, one list of what came, and a record of everything.

No loop and no threads: a case sends, and then waits for what it wants to see. Whatever comes meanwhile is kept in its
order of arrival.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import attrs

from pyc3p.trace.trace import Record
from sip import Address, Keepalive, RemoteProtocolError, Request, Response, StreamParser, parse_message

#: Octets of one read; more than any datagram.
_READ: Final = 65_536
#: Seconds to connect, and for a handshake.
_CONNECT: Final = 5.0
#: Records of one case: what a target sends without end is not kept without end.
MAX_RECORDS: Final = 5000


@attrs.frozen(kw_only=True, eq=False)
class Arrival:
    """One message that came."""

    at: float  #: monotonic seconds
    message: Request | Response | None  #: None where nobody can read it
    data: bytes = attrs.field(repr=False)  #: as it came; of a connection, as it was read
    line: Line = attrs.field(repr=False)
    source: Address
    problem: str = ""  #: why it cannot be read


class Wire:
    """All sockets of one case."""

    def __init__(self, pace: Pace, *, local: str) -> None:
        """``local`` is the address of this machine that the target sees."""
        self.local = local
        self.records: list[Record] = []
        self._pace = pace
        self._lines: list[Line] = []

    def record(
        self, transport: str, source: Address, destination: Address, data: bytes, at: float, *, layer: str = "sip"
    ) -> None:
        """Note what went over the network."""
        if len(self.records) < MAX_RECORDS:
            here, there = (source.host, source.port), (destination.host, destination.port)
            self.records.append(
                Record(at=at, layer=layer, transport=transport, source=here, destination=there, data=data)
            )

    def turn(self) -> None:
        """Wait until one more message may be sent."""
        self._pace.turn()

    def add(self, line: Line) -> None:
        """Listen there from now on."""
        self._lines.append(line)

    def wait(self, until: float) -> None:
        """Take in what comes, once; return at ``until`` (monotonic seconds) at the latest."""
        lines = [line for line in self._lines if not line.closed]
        buffered = [line for line in lines if line.has_buffered()]
        for line in buffered:
            line.read()
        if buffered:
            return
        left = max(until - time.monotonic(), 0.0)
        if not lines:
            time.sleep(left)
            return
        ready, _, _ = select.select([line.socket for line in lines], [], [], left)
        for line in lines:
            if line.socket in ready:
                line.read()

    def close(self) -> None:
        """Close everything."""
        for line in self._lines:
            line.close()


class Pace:
    """Not more messages a second than were asked for."""

    def __init__(self, rate: float) -> None:
        """``rate`` in messages a second."""
        self._interval = 1.0 / rate
        self._next = 0.0

    def turn(self) -> None:
        """Wait until the next one may go."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(self._next, now) + self._interval


class Line(ABC):
    """One socket of ours: a port for datagrams, a connection, or a listener that makes connections."""

    def __init__(self, wire: Wire, taken: socket.socket, transport: str, on_arrival: Callable[[Arrival], None]) -> None:
        self.socket = taken
        self.transport = transport
        self.closed = False
        self._wire, self._arrived = wire, on_arrival
        wire.add(self)

    @property
    def local(self) -> Address:
        """Our end."""
        host, port = self.socket.getsockname()[:2]
        return Address(host, port)

    def has_buffered(self) -> bool:
        """Whether something can be read that the system does not know of."""
        return False

    @abstractmethod
    def read(self) -> bool:
        """Take in what is there; whether there was anything."""

    @abstractmethod
    def send(self, data: bytes, to: Address) -> float:
        """Send; return when that was, in monotonic seconds. What cannot be sent is lost, as on a network."""

    def close(self) -> None:
        """Close it."""
        self.closed = True
        with contextlib.suppress(OSError):
            self.socket.close()


class Datagrams(Line):
    """A UDP port."""

    def __init__(self, wire: Wire, on_arrival: Callable[[Arrival], None]) -> None:
        family = socket.AF_INET6 if ":" in wire.local else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.bind((wire.local, 0))
        made.setblocking(False)
        super().__init__(wire, made, "UDP", on_arrival)
        self._here = self.local

    def read(self) -> bool:
        """Take in what is there."""
        seen = False
        with contextlib.suppress(OSError):  # nothing more; or nobody was at the port that was sent to
            while True:
                data, (host, port, *_) = self.socket.recvfrom(_READ)
                seen = True
                self._take(data, Address(host, port))
        return seen

    def _take(self, data: bytes, source: Address) -> None:
        at = time.monotonic()
        self._wire.record("UDP", source, self._here, data, at)
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive
        message, problem = _read(data)
        self._arrived(Arrival(at=at, message=message, data=data, line=self, source=source, problem=problem))

    def send(self, data: bytes, to: Address) -> float:
        """One datagram."""
        self._wire.turn()
        at = time.monotonic()
        self._wire.record("UDP", self._here, to, data, at)
        with contextlib.suppress(OSError):
            self.socket.sendto(data, (to.host, to.port))
        return at


class Stream(Line):
    """A connection over TCP or TLS."""

    def __init__(
        self, wire: Wire, made: socket.socket, transport: str, on_arrival: Callable[[Arrival], None], remote: Address
    ) -> None:
        made.setblocking(False)
        super().__init__(wire, made, transport, on_arrival)
        self.remote = remote
        self._here = self.local
        self._parser = StreamParser(lenient_length=True)
        self.pongs = 0  #: line breaks that came

    @classmethod
    def connect(
        cls,
        wire: Wire,
        transport: str,
        remote: Address,
        on_arrival: Callable[[Arrival], None],
        tls: ssl.SSLContext | None,
    ) -> Stream:
        """Open one; raises OSError."""
        made = socket.create_connection((remote.host, remote.port), timeout=_CONNECT, source_address=(wire.local, 0))
        if tls is not None:
            made = tls.wrap_socket(made, server_hostname=remote.host)
        return cls(wire, made, transport, on_arrival, remote)

    def has_buffered(self) -> bool:
        """TLS may hold what it has read already."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def read(self) -> bool:
        """Take in what is there; an end is an end."""
        try:
            data = self.socket.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return True
        self._take(data)
        return True

    def _take(self, data: bytes) -> None:
        at, piece = time.monotonic(), data
        while True:
            try:
                items = self._parser.receive_data(piece)
            except RemoteProtocolError as error:
                self._wire.record(self.transport, self.remote, self._here, data, at)
                self._arrived(
                    Arrival(at=at, message=None, data=data, line=self, source=self.remote, problem=str(error))
                )
                if self._parser.closed:
                    self.close()
                    return
                items = []
            piece = b""
            for item in items:
                if isinstance(item, Keepalive):
                    self.pongs += 1
                    continue
                text = bytes(item)
                self._wire.record(self.transport, self.remote, self._here, text, at)
                self._arrived(Arrival(at=at, message=item, data=text, line=self, source=self.remote))
            if not self._parser.unread:
                return

    def send(self, data: bytes, to: Address) -> float:
        """Some octets; ``to`` is where the connection leads."""
        self._wire.turn()
        at = time.monotonic()
        self._wire.record(self.transport, self._here, self.remote, data, at)
        with contextlib.suppress(OSError):
            self.socket.settimeout(_CONNECT)
            self.socket.sendall(data)
        with contextlib.suppress(OSError):
            self.socket.setblocking(False)
        return at


class Listener(Line):
    """Where the target may connect to."""

    def __init__(self, wire: Wire, on_arrival: Callable[[Arrival], None]) -> None:
        family = socket.AF_INET6 if ":" in wire.local else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.bind((wire.local, 0))
        made.listen()
        made.setblocking(False)
        super().__init__(wire, made, "TCP", on_arrival)

    def read(self) -> bool:
        """Take connections."""
        with contextlib.suppress(OSError):
            made, (host, port, *_) = self.socket.accept()
            Stream(self._wire, made, "TCP", self._arrived, Address(host, port))
            return True
        return False

    def send(self, data: bytes, to: Address) -> float:
        """Nothing is sent from where others connect to."""
        return time.monotonic()


def _read(data: bytes) -> tuple[Request | Response | None, str]:
    try:
        return parse_message(data), ""
    except RemoteProtocolError as error:
        return None, str(error)
