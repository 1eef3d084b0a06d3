"""One TCP or TLS connection, as an asyncio protocol that knows its flow."""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol, cast

import attrs

from sip.aio.tls import peer_identity, peer_users, proves
from sip.aio.tls_listener import failure_text, is_client_hello
from sip.flow import Address, Flow


class StreamOwner(Protocol):
    """Who looks after connections."""

    def connection_opened(self, connection: Connection) -> bool:
        """A connection is there; False when it is one too many."""
        ...

    def connection_received(self, connection: Connection, data: bytes) -> None:
        """Some bytes of the stream came."""
        ...

    def connection_began_tls(self, connection: Connection) -> None:
        """Somebody speaks TLS where none is expected; the connection is closed after this."""
        ...

    def connection_closed(self, connection: Connection) -> None:
        """It is gone; called only for connections that were let in."""
        ...

    def connection_writable(self, connection: Connection, writable: bool) -> None:
        """It takes no more for now, or takes data again."""
        ...

    def new_flow(self, transport: str, local: Address, remote: Address, identity: tuple[str, ...] = ()) -> Flow:
        """A flow with a number of its own."""
        ...


class Connection(asyncio.Protocol):
    """A byte stream, accepted or opened by us."""

    flow: Flow

    def __init__(self, owner: StreamOwner, *, accepted: bool, write_buffer: int, must_prove: str | None = None) -> None:
        self._owner = owner
        self.accepted = accepted
        self._write_buffer = write_buffer
        self._must_prove = must_prove  # the domain that the peer's certificate has to stand for
        self._let_in = False
        self.refusal: str | None = None  #: why the connection was not let in
        self.unproven = False  #: because the peer's certificate names somebody else
        self.tls_failure: str | None = None  #: why the peer ended its TLS
        self._transport: asyncio.Transport | None = None
        self.silent = True  #: nothing was received yet
        self.awaited = False  #: somebody waits for the rest of a message
        self.unread = bytearray()  #: received, but not handled yet (`sip.aio.turn`)
        self.waits = False  #: stands in line there
        self.ended = False  #: closed

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS session, None on a plain connection."""
        return cast("ssl.SSLObject | None", self._extra("ssl_object"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learn the addresses and introduce the connection."""
        self._transport = cast(asyncio.Transport, transport)
        local, remote = self._extra("sockname"), self._extra("peername")
        if not isinstance(local, tuple) or not isinstance(remote, tuple):
            self._refuse("the peer closed the connection at once")
            return
        if self._must_prove is not None and not self._proved(self._must_prove):
            self.unproven = True
            self._refuse(f"the certificate does not stand for {self._must_prove}")
            return
        name = "TCP" if self.tls is None else "TLS"
        identity = () if self.tls is None else peer_identity(self.tls)
        self.flow = self._owner.new_flow(name, Address(*local[:2]), Address(*remote[:2]), identity)
        if self.tls is not None:
            self.flow = attrs.evolve(self.flow, peer_users=peer_users(self.tls))
        self._transport.set_write_buffer_limits(high=self._write_buffer)
        self._let_in = self._owner.connection_opened(self)
        if not self._let_in:
            self._refuse("too many connections")

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on."""
        first, self.silent = self.silent, False
        if first and self._let_in and self.accepted and self.tls is None and is_client_hello(data):
            self._owner.connection_began_tls(self)
            self.abort()
        elif self._let_in:
            self._owner.connection_received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that it is gone."""
        self.tls_failure = failure_text(exc) if isinstance(exc, ssl.SSLError) else None
        if self._let_in:
            self._let_in = False
            self._owner.connection_closed(self)

    def pause_writing(self) -> None:
        """Too much is waiting to leave."""
        self._owner.connection_writable(self, False)

    def resume_writing(self) -> None:
        """Enough of it has left."""
        self._owner.connection_writable(self, True)

    def write(self, data: bytes) -> None:
        """Send bytes, unless the connection is closing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Let the peer wait."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on after `pause_reading`."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Send what is waiting, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _proved(self, name: str) -> bool:
        certificate = None if self.tls is None else self.tls.getpeercert()
        return bool(certificate) and proves(cast("dict[str, object]", certificate), name)

    def _refuse(self, reason: str) -> None:
        self.refusal = reason
        self.abort()

    def _extra(self, name: str) -> object:
        return None if self._transport is None else self._transport.get_extra_info(name)
