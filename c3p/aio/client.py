"""The side that posts C3P documents over HTTP."""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from typing import Final

import aiohttp
import attrs
from aiohttp.client import ClientRequest, ClientTimeout
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from c3p.aio.lanes import LaneFull, Lanes
from c3p.aio.server import CONTENT_TYPE
from c3p.aio.trace import TraceSink, Wire
from c3p.binding.xml import DEFAULT_LIMITS, DocumentLimits
from c3p.conference.entity_key import uri_key
from c3p.documents import parse_document
from c3p.envelope import Notify, Request, Response
from c3p.errors import C3PError
from c3p.exchange import Exchange, ExchangeFailure, Reply
from c3p.uris import focus_uri_of

_MOST_DIGITS: Final = 9  #: of Retry-After; more than thirty years is no answer


@attrs.frozen(kw_only=True)
class ClientSettings:
    """How a client waits."""

    connect_timeout: float = 5.0  #: seconds until the connection must stand (c3p.md section 6)
    keep_alive: float = 15.0  #: seconds that an idle connection is kept; shorter than servers keep theirs
    connections: int = 100  #: at once, to all peers together
    most_waiting: int = 64  #: exchanges waiting in one lane; more fail at once, so that memory stays bounded
    limits: DocumentLimits = DEFAULT_LIMITS


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
        trace: TraceSink | None = None,
        ssl_context: ssl.SSLContext | None = None,
        settings: ClientSettings | None = None,
    ) -> None:
        self._secret = secret
        self._trace = trace
        self._ssl = ssl_context
        self._settings = settings or ClientSettings()
        self._session: aiohttp.ClientSession | None = None
        self._stopped = False
        self._lanes = Lanes(most_waiting=self._settings.most_waiting)

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
        body = bytes(exchange.document)
        try:
            async with self._lanes.turn(_lane(exchange)):
                outcome = await self._attempt(exchange, body)
                if outcome is ExchangeFailure.CONNECT and exchange.idempotent:
                    outcome = await self._attempt(exchange, body)
                return outcome
        except LaneFull:
            return ExchangeFailure.CONNECT

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = _Connector(
                limit=self._settings.connections,
                keepalive_timeout=self._settings.keep_alive,
                ssl=self._ssl if self._ssl is not None else True,
            )
            connector.trace = self._trace
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding",),
            )
        return self._session

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE}
        if self._secret is not None:
            headers["Authorization"] = f"Bearer {self._secret}"
        return headers

    async def _attempt(self, exchange: Exchange, body: bytes) -> Reply | ExchangeFailure:
        if self._stopped:
            return ExchangeFailure.CONNECT
        attempt = _Attempt(body)
        token = _ATTEMPT.set(attempt)
        try:
            timeout = ClientTimeout(total=exchange.timeout, sock_connect=self._settings.connect_timeout)
            async with self._open().post(
                exchange.url, data=body, headers=self._headers(), timeout=timeout, allow_redirects=False
            ) as answer:
                return await self._receive(exchange, answer, attempt)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            # Without a connection nothing was done there; with one it may have been.
            return ExchangeFailure.TIMEOUT if attempt.connected else ExchangeFailure.CONNECT
        finally:
            _ATTEMPT.reset(token)

    async def _receive(
        self, exchange: Exchange, answer: aiohttp.ClientResponse, attempt: _Attempt
    ) -> Reply | ExchangeFailure:
        body = await self._read(answer)
        now = asyncio.get_running_loop().time()
        start = f"HTTP/1.1 {answer.status} {answer.reason or ''}".rstrip()
        attempt.wire.received(start, answer.headers.items(), body or b"", now)
        return ExchangeFailure.UNUSABLE if body is None else _understand(exchange, answer, body, self._settings.limits)

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


def _lane(exchange: Exchange) -> tuple[str, str, bool]:
    document = exchange.document
    return exchange.url, _conference(document), isinstance(document, Notify)


def _conference(document: Request | Response | Notify) -> str:
    for uri in (document.to, document.from_):
        try:
            return uri_key(focus_uri_of(uri))
        except C3PError:
            continue
    return ""


def _understand(
    exchange: Exchange, answer: aiohttp.ClientResponse, body: bytes, limits: DocumentLimits
) -> Reply | ExchangeFailure:
    document = _response_of(exchange, body, limits)
    if answer.status == 200:
        asked = isinstance(exchange.document, Request)
        usable = document is not None or not (body or asked)
        return Reply(200, document) if usable else ExchangeFailure.UNUSABLE
    if answer.status == 202:
        return Reply(202)
    if 400 <= answer.status < 600:
        return Reply(answer.status, document, _retry_after(answer))
    return ExchangeFailure.UNUSABLE


def _response_of(exchange: Exchange, body: bytes, limits: DocumentLimits) -> Response | None:
    """The response in a body, if it is one and answers what was asked."""
    try:
        document = parse_document(body, limits=limits) if body else None
    except C3PError:
        return None
    asked = exchange.document
    if not isinstance(document, Response):
        return None
    return document if not isinstance(asked, Request) or document.request_id == asked.request_id else None


def _retry_after(answer: aiohttp.ClientResponse) -> int | None:
    text = answer.headers.get("Retry-After", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
