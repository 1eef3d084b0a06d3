"""What goes over HTTP, as bytes for a trace. Credentials are masked, their length kept."""

from __future__ import annotations

from asyncio import BaseTransport
from collections.abc import Iterable
from typing import Final, Protocol

Address = tuple[str, int]

_SECRET_HEADERS: Final = ("authorization", "proxy-authorization")


class TraceSink(Protocol):
    """Takes one record for each HTTP request and each HTTP answer."""

    def record(
        self, *, layer: str, transport: str, source: Address, destination: Address, data: bytes, at: float
    ) -> None:
        """``at`` is monotonic seconds."""
        ...


class Wire:
    """One side of one HTTP connection, seen from its sink."""

    def __init__(self, sink: TraceSink | None, transport: BaseTransport | None) -> None:
        self._sink = sink
        self._transport = "TLS" if transport and transport.get_extra_info("sslcontext") else "TCP"
        self._local = _address(transport, "sockname")
        self._remote = _address(transport, "peername")

    def sent(self, start: str, headers: Iterable[tuple[str, str]], body: bytes, at: float) -> None:
        """Record a message that this side sends."""
        self._record(self._local, self._remote, start, headers, body, at)

    def received(self, start: str, headers: Iterable[tuple[str, str]], body: bytes, at: float) -> None:
        """Record a message that this side has received."""
        self._record(self._remote, self._local, start, headers, body, at)

    def _record(
        self,
        source: Address,
        destination: Address,
        start: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        at: float,
    ) -> None:
        if self._sink:
            data = message_bytes(start, headers, body)
            self._sink.record(
                layer="http", transport=self._transport, source=source, destination=destination, data=data, at=at
            )


def _address(transport: BaseTransport | None, name: str) -> Address:
    known = transport.get_extra_info(name) if transport else None
    return (str(known[0]), int(known[1])) if known else ("", 0)


def message_bytes(start: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """An HTTP message as it is on the wire, apart from credentials."""
    lines = [start, *(f"{name}: {_masked(name, value)}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


def _masked(name: str, value: str) -> str:
    if name.lower() not in _SECRET_HEADERS:
        return value
    scheme, blank, credentials = value.partition(" ")
    # Letters, for the value is a token68 (RFC 9110 section 11.2): who reads the capture can still parse it.
    return f"{scheme} {'A' * len(credentials)}" if blank else "A" * len(value)
