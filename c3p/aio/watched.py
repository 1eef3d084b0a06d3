"""An HTTP server on which connections without a request do not stay."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import web


class WatchedServer(web.Server):
    """Closes connections whose next head does not come in time, and the oldest of too many strangers.

    aiohttp waits for a head as long as it takes. Who holds connections without a word would so take every file
    descriptor of the process. Who has shown a secret is no stranger, and never closed for the sake of others.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        header_timeout: float,
        keep_alive: float,
        most_strangers: int,
        access_log: None,
        auto_decompress: bool,
        logger: logging.Logger,
        on_gone: Callable[[str], None] | None = None,
    ) -> None:
        """Times are seconds: ``header_timeout`` to a whole head, ``keep_alive`` between two requests.

        ``on_gone`` is called with the name of who has proved itself on a connection, when that is over.
        """
        super().__init__(
            handler,
            access_log=access_log,
            auto_decompress=auto_decompress,
            keepalive_timeout=keep_alive,
            logger=logger,
        )
        self._header_timeout, self._keep_alive = header_timeout, keep_alive
        self._most_strangers = most_strangers
        self._transports: dict[web.RequestHandler, asyncio.BaseTransport] = {}
        self._strangers: OrderedDict[asyncio.BaseTransport, None] = OrderedDict()
        self._deadlines: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        self._proved: dict[asyncio.BaseTransport, str] = {}
        self._on_gone = on_gone

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """A stranger: it has little time, and perhaps another has to go for it."""
        super().connection_made(handler, transport)
        self._transports[handler] = transport
        self._strangers[transport] = None
        if len(self._strangers) > self._most_strangers:
            oldest, _ = self._strangers.popitem(last=False)
            _abort(oldest)
        self._expect(transport, self._header_timeout)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Forget it."""
        super().connection_lost(handler, exc)
        transport = self._transports.pop(handler)
        self._expect_nothing(transport)
        self._strangers.pop(transport, None)
        peer = self._proved.pop(transport, None)
        if peer is not None and self._on_gone is not None:
            self._on_gone(peer)

    def proved(self, transport: asyncio.BaseTransport | None, peer: str) -> None:
        """The peer on this connection is one of ours."""
        if transport is not None:
            self._strangers.pop(transport, None)
            self._proved[transport] = peer

    @contextmanager
    def request_on(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """While a request is answered nothing is expected; after it the next one, some time."""
        if transport is None:  # closed already
            yield
            return
        self._expect_nothing(transport)
        try:
            yield
        finally:
            if not transport.is_closing():
                self._expect(transport, self._keep_alive + self._header_timeout)

    def _expect(self, transport: asyncio.BaseTransport, seconds: float) -> None:
        self._deadlines[transport] = asyncio.get_running_loop().call_later(seconds, _abort, transport)

    def _expect_nothing(self, transport: asyncio.BaseTransport) -> None:
        deadline = self._deadlines.pop(transport, None)
        if deadline is not None:
            deadline.cancel()


def _abort(transport: asyncio.BaseTransport) -> None:
    cast(asyncio.Transport, transport).abort()  # those of other loops inherit from nothing
