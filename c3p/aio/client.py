"""The side that posts C3P documents over HTTP."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

import aiohttp
import attrs
from aiohttp.client import ClientRequest, ClientTimeout
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from c3p.aio.trace import TraceSink, Wire
from c3p.carriage.client import HttpPost, failure_of, lane_of, may_repeat, outcome_of, post_of
from c3p.carriage.http import HttpAnswer
from c3p.carriage.lanes import LaneFull, Lanes
from c3p.carriage.settings import ClientSettings
from c3p.exchange import Exchange, ExchangeFailure, Reply

#: Finds the TLS name of a principal, or its secret; None where there is none.
Lookup = Callable[[str], str | None]


@attrs.define
class _Attempt:
    """What is being posted, for the connector to record once the connection is known."""

    body: bytes
    wire: Wire = attrs.field(factory=lambda: Wire(None, None))
    connected: bool = False


_ATTEMPT: Final[ContextVar[_Attempt]] = ContextVar("c3p_attempt")


class _Connector(aiohttp.TCPConnector):
    """Records each request when its connection is known, before it is written."""

    trace: TraceSink | None = None

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        attempt = _ATTEMPT.get()
        attempt.connected = True
        attempt.wire = Wire(self.trace, connection.transport)
        now = asyncio.get_running_loop().time()
        attempt.wire.sent(f"POST {req.url.raw_path_qs} HTTP/1.1", req.headers.items(), attempt.body, now)
        return connection


class C3pClient:
    """Posts exchanges, in order and one at a time for each URL and conference; notifications have their own lane."""

    def __init__(
        self,
        *,
        secret: str | None = None,
        secrets: Mapping[str, str] | Lookup | None = None,
        trace: TraceSink | None = None,
        ssl_context: ssl.SSLContext | Callable[[str], ssl.SSLContext | None] | None = None,
        server_names: Mapping[str, str] | Lookup | None = None,
        https_only: bool = False,
        on_tls_failure: Callable[[str, Exception], None] | None = None,
        settings: ClientSettings | None = None,
        reached_at: Mapping[str, str] | None = None,
        local_host: str | None = None,
    ) -> None:
        """``secret`` is shown to everybody, ``secrets`` holds one for each principal (``Exchange.peer``).

        With ``secrets`` and without TLS, nothing is sent to a principal that has none there. ``ssl_context`` may be
        one for each principal, or change. ``server_names`` says which name the certificate of a principal must have,
        over HTTPS; for others it is the host of the URL. ``on_tls_failure`` is called with the URL and what TLS says.
        ``https_only`` sends nothing to other URLs, whoever named them. ``reached_at`` says where hosts are reached
        from here, if not at their address. ``local_host`` is the address that connections come from; the system chooses
        unless it is given.
        """
        self._secret = secret
        self._secrets = _lookup(secrets)
        self._names = _lookup(server_names)
        self._trace = trace
        self._ssl = ssl_context
        self._https_only = https_only
        self._on_tls_failure = on_tls_failure
        self._settings = settings or ClientSettings()
        self._reached_at = reached_at or {}
        self._local_addr = None if local_host is None else (local_host, 0)
        self._session: aiohttp.ClientSession | None = None
        self._stopped = False
        self._lanes: Lanes[asyncio.Future[None]] = Lanes(most_waiting=self._settings.most_waiting)

    async def start(self) -> None:
        """Make ready, also again after :meth:`stop`; the first :meth:`post` does so by itself."""
        self._stopped = False
        self._open()

    async def stop(self) -> None:
        """Close all connections; exchanges in flight, and those that wait or come later, end as failures."""
        self._stopped = True
        session, self._session = self._session, None
        if session:
            await session.close()

    async def post(self, exchange: Exchange) -> Reply | ExchangeFailure:
        """Carry out one exchange; it ends in what is returned here.

        A connect failure is tried once more when the exchange is idempotent. Raises LocalProtocolError, before
        anything is sent, when the document cannot be serialised.
        """
        secure = exchange.url.lower().startswith("https:")
        if self._https_only and not secure:
            return ExchangeFailure.CONNECT
        secret = self._secret
        if self._secrets is not None:
            secret = self._secrets(exchange.peer)
            if secret is None and not secure:
                return ExchangeFailure.CONNECT
        post = post_of(exchange, secret=secret)
        try:
            async with self._turn(lane_of(exchange)):
                outcome = await self._attempt(exchange, post)
                if may_repeat(exchange, outcome):
                    outcome = await self._attempt(exchange, post)
                return outcome
        except LaneFull:
            return ExchangeFailure.CONNECT

    @asynccontextmanager
    async def _turn(self, lane: tuple[str, str, bool]) -> AsyncIterator[None]:
        """Wait for one's turn in a lane. Raises LaneFull."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        at_once = self._lanes.enter(lane, turn)
        try:
            if not at_once:
                await turn
            yield
        finally:
            following = self._lanes.leave(lane, turn)
            if following is not None and not following.done():
                following.set_result(None)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = _Connector(
                limit=self._settings.connections,
                keepalive_timeout=self._settings.keep_alive,
                local_addr=self._local_addr,
            )
            connector.trace = self._trace
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding",),
            )
        return self._session

    def _where(self, url: str) -> URL:
        there = URL(url)
        host = self._reached_at.get(there.host or "")
        return there if host is None else there.with_host(host)

    def _context_for(self, peer: str) -> ssl.SSLContext | None:
        return self._ssl(peer) if callable(self._ssl) else self._ssl

    async def _attempt(self, exchange: Exchange, post: HttpPost) -> Reply | ExchangeFailure:
        if self._stopped:
            return ExchangeFailure.CONNECT
        attempt = _Attempt(post.body)
        token = _ATTEMPT.set(attempt)
        try:
            timeout = ClientTimeout(total=exchange.timeout, sock_connect=self._settings.connect_timeout)
            async with self._open().post(
                self._where(post.url),
                data=post.body,
                headers=dict(post.fields),
                timeout=timeout,
                allow_redirects=False,
                ssl=self._context_for(exchange.peer) or True,
                server_hostname=self._names(exchange.peer) if self._names is not None else None,
            ) as answer:
                return await self._receive(exchange, answer, attempt)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = _tls_failure(error)
            if failure is not None and self._on_tls_failure is not None:
                self._on_tls_failure(post.url, failure)
            return failure_of(connected=attempt.connected and failure is None)
        finally:
            _ATTEMPT.reset(token)

    async def _receive(
        self, exchange: Exchange, answer: aiohttp.ClientResponse, attempt: _Attempt
    ) -> Reply | ExchangeFailure:
        body = await self._read(answer)
        now = asyncio.get_running_loop().time()
        start = f"HTTP/1.1 {answer.status} {answer.reason or ''}".rstrip()
        attempt.wire.received(start, answer.headers.items(), body or b"", now)
        if body is None:
            return ExchangeFailure.UNUSABLE
        given = HttpAnswer(status=answer.status, fields=tuple(answer.headers.items()), body=body)
        return outcome_of(exchange, given, limits=self._settings.limits)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes | None:
        """The body, None when it is larger than a document may be."""
        parts: list[bytes] = []
        size = 0
        async for part in answer.content.iter_any():
            size += len(part)
            if size > self._settings.limits.size:
                answer.close()
                return None
            parts.append(part)
        return b"".join(parts)


def _lookup(known: Mapping[str, str] | Lookup | None) -> Lookup | None:
    return known.get if isinstance(known, Mapping) else known


def _tls_failure(error: BaseException | None) -> ssl.SSLError | ssl.CertificateError | None:
    """What TLS took the connection down for, which it does before anybody looks at the request."""
    while error is not None and not isinstance(error, ssl.SSLError | ssl.CertificateError):
        error = error.__cause__ or error.__context__
    return error
