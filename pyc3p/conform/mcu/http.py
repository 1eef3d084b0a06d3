"""HTTP on the sockets of a case: documents that are posted, and a place where the target posts its own.

No library: a case must be able to send what none would, and to see exactly what came.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final

import attrs

from pyc3p.conform.wire import Line, Wire
from sip import Address

#: Octets of a message that are read: a whole conference of hundreds has a few hundred thousand.
MOST_OCTETS: Final = 8_000_000
_READ: Final = 65_536
_CONNECT: Final = 5.0
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})([^\r\n]*)\r\n")
_REQUEST: Final = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")


@attrs.frozen(kw_only=True)
class HttpMessage:
    """A request or a response, whole."""

    start: bytes
    fields: tuple[tuple[str, str], ...]
    body: bytes = attrs.field(repr=False)
    at: float = 0.0  #: monotonic seconds

    def field(self, name: str) -> str:
        """The value of a field, empty when it is missing."""
        return next((value for each, value in self.fields if each.lower() == name.lower()), "")

    @property
    def status(self) -> int:
        """Of a response; 0 of what is none."""
        found = _STATUS.match(self.start)
        return int(found[1]) if found is not None else 0

    @property
    def method(self) -> str:
        """Of a request; empty of what is none."""
        found = _REQUEST.match(self.start)
        return found[1].decode() if found is not None else ""


class Reading:
    """Octets of a connection, taken apart into messages."""

    def __init__(self, *, responses: bool) -> None:
        self._data = b""
        self._responses = responses
        self.closed = False  #: whether the other side has ended

    def take(self, data: bytes) -> list[HttpMessage]:
        """What is whole now; raises ValueError for what is no HTTP."""
        self._data += data
        if len(self._data) > MOST_OCTETS:
            raise ValueError("more than anybody wants to read")
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> HttpMessage | None:
        head, separator, rest = self._data.partition(b"\r\n\r\n")
        if not separator:
            return None
        start, _, lines = (head + b"\r\n").partition(b"\r\n")
        start += b"\r\n"
        if (_STATUS if self._responses else _REQUEST).match(start) is None:
            raise ValueError(f"no HTTP: {start[:60]!r}")
        pairs = [line.decode("latin-1").partition(":") for line in lines.split(b"\r\n") if line]
        fields = tuple((name.strip(), value.strip()) for name, _, value in pairs)
        message = HttpMessage(start=start, fields=fields, body=b"", at=time.monotonic())
        status = message.status
        if self._responses and status < 200:
            self._data = rest  # 100 Continue
            return self._next()
        if self._responses and status in (204, 304):
            self._data = rest
            return message
        if message.field("Transfer-Encoding").lower() == "chunked":
            return self._chunked(message, rest)
        length = message.field("Content-Length")
        if length:
            if not length.isdigit():
                raise ValueError(f"Content-Length: {length}")
            if len(rest) < int(length):
                return None
            self._data = rest[int(length) :]
            return attrs.evolve(message, body=rest[: int(length)])
        if not self._responses:
            self._data = rest
            return message
        if not self.closed:
            return None
        self._data = b""
        return attrs.evolve(message, body=rest)

    def _chunked(self, message: HttpMessage, rest: bytes) -> HttpMessage | None:
        body = b""
        while True:
            size, separator, after = rest.partition(b"\r\n")
            if not separator:
                return None
            number = int(size.partition(b";")[0].strip() or b"x", 16)
            if len(after) < number + 2:
                return None
            body, rest = body + after[:number], after[number + 2 :]
            if not number:
                self._data = rest
                return attrs.evolve(message, body=body)


class HttpConnection(Line):
    """A connection of ours to the target: one request, one response."""

    def __init__(self, wire: Wire, made: socket.socket, remote: Address) -> None:
        made.setblocking(False)
        super().__init__(wire, made, "TCP", lambda arrival: None)
        self.remote, self._here = remote, self.local
        self._reading = Reading(responses=True)
        self.answered: HttpMessage | None = None
        self.problem = ""  #: why there will be no answer

    @classmethod
    def connect(cls, wire: Wire, remote: Address, tls: ssl.SSLContext | None, host: str) -> HttpConnection:
        """Open one; raises OSError."""
        made = socket.create_connection((remote.host, remote.port), timeout=_CONNECT, source_address=(wire.local, 0))
        if tls is not None:
            made = tls.wrap_socket(made, server_hostname=host)
        return cls(wire, made, remote)

    def has_buffered(self) -> bool:
        """TLS may hold what it has read already."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def read(self) -> bool:
        """Take in what is there."""
        try:
            data = self.socket.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            data, self.problem = b"", str(error)
        if data:
            self._wire.record("TCP", self.remote, self._here, data, time.monotonic(), layer="http")
        else:
            self._reading.closed = True
        try:
            for message in self._reading.take(data):
                self.answered = self.answered or message
        except ValueError as error:
            self.problem = str(error)
            self.close()
            return True
        if not data:
            self.problem = self.problem or "the connection was closed without an answer"
            self.close()
        return True

    def send(self, data: bytes, to: Address) -> float:
        """Some octets; ``to`` is where the connection leads."""
        self._wire.turn()
        at = time.monotonic()
        self._wire.record("TCP", self._here, self.remote, data, at, layer="http")
        with contextlib.suppress(OSError):
            self.socket.settimeout(_CONNECT)
            self.socket.sendall(data)
        with contextlib.suppress(OSError):
            self.socket.setblocking(False)
        return at


class HttpListener(Line):
    """Where the target posts to. ``answer`` gives what is answered, None for silence."""

    def __init__(self, wire: Wire, answer: Callable[[HttpMessage], bytes | None]) -> None:
        family = socket.AF_INET6 if ":" in wire.local else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.bind((wire.local, 0))
        made.listen()
        made.setblocking(False)
        super().__init__(wire, made, "TCP", lambda arrival: None)
        self._answer = answer
        self.callers: list[Address] = []  #: who has connected

    def read(self) -> bool:
        """Take connections."""
        with contextlib.suppress(OSError):
            made, (host, port, *_) = self.socket.accept()
            caller = Address(host, port)
            self.callers.append(caller)
            _Served(self._wire, made, caller, self._answer)
            return True
        return False

    def send(self, data: bytes, to: Address) -> float:
        """Nothing is sent from where others connect to."""
        return time.monotonic()


class _Served(Line):
    """A connection of the target to us."""

    def __init__(
        self, wire: Wire, made: socket.socket, remote: Address, answer: Callable[[HttpMessage], bytes | None]
    ) -> None:
        made.setblocking(False)
        super().__init__(wire, made, "TCP", lambda arrival: None)
        self._remote, self._here, self._answer = remote, self.local, answer
        self._reading = Reading(responses=False)

    def read(self) -> bool:
        """Take in what is there, and answer what is whole."""
        try:
            data = self.socket.recv(_READ)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return True
        self._wire.record("TCP", self._remote, self._here, data, time.monotonic(), layer="http")
        try:
            for message in self._reading.take(data):
                answered = self._answer(message)
                if answered is not None:
                    self.send(answered, self._remote)
        except ValueError:
            self.close()
        return True

    def send(self, data: bytes, to: Address) -> float:
        """Some octets; what cannot be sent is lost."""
        at = time.monotonic()
        self._wire.record("TCP", self._here, self._remote, data, at, layer="http")
        with contextlib.suppress(OSError):
            self.socket.settimeout(_CONNECT)
            self.socket.sendall(data)
        with contextlib.suppress(OSError):
            self.socket.setblocking(False)
        return at
