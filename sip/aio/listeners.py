"""Listeners for TCP and TLS of one transport."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial

from sip.aio.settings import TransportSettings
from sip.aio.stream import Connection, StreamOwner
from sip.aio.tls_faults import TlsFaultKind
from sip.aio.tls_listener import TlsListener
from sip.config import Listen

#: Told of connections that never got so far as to be one: what, from where, at which port of ours, and why.
FaultTold = Callable[[TlsFaultKind, str, int, str], None]


class ListenFailed(OSError):
    """A listener could not be opened; ``__cause__`` is what the system said."""

    def __init__(self, listen: Listen, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.listen = listen


class StreamListeners:
    """Opened one by one, closed together. ``context`` is asked for at each TLS connection."""

    def __init__(
        self,
        owner: StreamOwner,
        *,
        settings: TransportSettings,
        context: Callable[[], ssl.SSLContext | None],
        on_fault: FaultTold,
    ) -> None:
        self._owner, self._settings = owner, settings
        self._server_context, self._on_fault = context, on_fault
        self._plain: list[asyncio.Server] = []
        self._tls: list[TlsListener] = []

    async def open(self, listen: Listen) -> int:
        """Listen; returns the port. Raises OSError, ValueError for TLS without context."""
        protocol = partial(Connection, self._owner, accepted=True, write_buffer=self._settings.write_buffer)
        if listen.transport == "TLS":
            return await self._open_tls(listen, protocol)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, listen.host, listen.port, backlog=100)  # one turn of the loop
        self._plain.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _open_tls(self, listen: Listen, protocol: Callable[[], Connection]) -> int:
        if self._server_context() is None:
            raise ValueError("a TLS listener needs TlsContexts(server=...)")
        listener = TlsListener(
            protocol,
            self._context,
            timeout=self._settings.connect_timeout,
            on_plain=lambda host: self._on_fault(TlsFaultKind.PLAIN_ON_TLS_PORT, host, listener.port, ""),
            on_failure=lambda host, why: self._on_fault(TlsFaultKind.CLIENT, host, listener.port, why),
        )
        await listener.start(listen.host, listen.port)
        self._tls.append(listener)
        return listener.port

    def _context(self) -> ssl.SSLContext:
        context = self._server_context()
        assert context is not None  # it was there when the listener was opened, and is only replaced by another
        return context

    async def close(self) -> None:
        """Take no more connections."""
        for server in self._plain:
            server.close()
        for listener in self._tls:
            await listener.close()
        self._plain.clear()
        self._tls.clear()
