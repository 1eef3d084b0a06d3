"""The side that takes C3P documents over HTTP."""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Final

import attrs
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from c3p.aio.trace import TraceSink, Wire
from c3p.aio.watched import WatchedServer
from c3p.binding.xml import DEFAULT_LIMITS, DocumentLimits
from c3p.documents import parse_document
from c3p.envelope import Notify, Request, Response
from c3p.errors import C3PError, MalformedDocument
from c3p.exchange import Reply
from c3p.media_types import CCCP_TYPE

#: Carries out a document that an authenticated peer has posted.
Handler = Callable[[Request | Response | Notify, str], Reply]

CONTENT_TYPE: Final = f"{CCCP_TYPE}; charset=utf-8"
_LOGGER: Final = logging.getLogger("c3p.aio")
#: HTTP that a peer breaks is answered, not logged, so that nobody can fill a log; lower the level to see it.
_WIRE_LOGGER: Final = logging.getLogger("c3p.aio.wire")
_WIRE_LOGGER.setLevel(logging.CRITICAL)
_BEARER: Final = "bearer"


@attrs.frozen(kw_only=True)
class ServerSettings:
    """What a server allows its peers."""

    limits: DocumentLimits = DEFAULT_LIMITS
    body_timeout: float = 10.0  #: seconds for the body of one request; peers are servers nearby
    header_timeout: float = 10.0  #: seconds from the connection, or the end of what it was idle for, to a whole head
    keep_alive: float = 75.0  #: seconds that an idle connection stays open; longer than clients keep theirs
    most_strangers: int = 128  #: connections that have not shown a secret yet; one more closes the oldest of them
    stop_timeout: float = 2.0  #: seconds that requests in progress have when the server stops
    most_requests: int = 256  #: requests in progress at once; more are answered 503, so that memory stays bounded
    busy_retry_after: int = 1  #: seconds, sent with that 503


class _Refused(Exception):
    """The request ends here, with this reply."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class C3pServer:
    """Authenticates peers, parses what they post and gives it to the handler of the path.

    ``secrets`` maps each bearer secret to the principal that has it; with TLS that asks for client certificates, the
    subjectAltName of the peer's certificate is the principal. Who is neither is answered 401.
    """

    def __init__(
        self,
        host: str,
        port: int,
        routes: Mapping[str, Handler],
        secrets: Mapping[str, str],
        *,
        trace: TraceSink | None = None,
        ssl_context: ssl.SSLContext | None = None,
        settings: ServerSettings | None = None,
        on_stranger: Callable[[str, str], None] | None = None,
    ) -> None:
        """``on_stranger`` is called with address and path of each request that nobody answers for (401)."""
        self._host = host
        self._port = port
        self._routes = dict(routes)
        self._secrets = {secret.encode(): principal for secret, principal in secrets.items()}
        self._trace = trace
        self._ssl = ssl_context
        self._settings = settings or ServerSettings()
        self._on_stranger = on_stranger
        self._runner: web.ServerRunner | None = None
        self._watched: WatchedServer
        self._in_progress = 0

    @property
    def port(self) -> int:
        """Port that the server listens on; when it was asked for port 0, known after :meth:`start`."""
        return self._port

    async def start(self) -> None:
        """Listen. Raises OSError when that is not possible, with nothing left open."""
        self._watched = WatchedServer(
            self._answer,
            header_timeout=self._settings.header_timeout,
            keep_alive=self._settings.keep_alive,
            most_strangers=self._settings.most_strangers,
            access_log=None,
            auto_decompress=False,
            logger=_WIRE_LOGGER,
        )
        runner = web.ServerRunner(self._watched, shutdown_timeout=self._settings.stop_timeout)
        await runner.setup()
        try:
            site = web.TCPSite(
                runner,
                self._host,
                self._port,
                ssl_context=self._ssl,
            )
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the listener and all connections; does nothing when not started."""
        runner, self._runner = self._runner, None
        if runner:
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        with self._watched.request_on(request.transport):
            return await self._answered(request)

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        wire = Wire(self._trace, request.transport)
        clock = asyncio.get_running_loop().time
        body = b""
        self._in_progress += 1
        try:
            try:
                handler, peer = self._admit(request)
                body = await self._read(request)
            finally:
                wire.received(_request_line(request), request.headers.items(), body, clock())
            response = _answer_with(handler(self._parse(body), peer))
        except _Refused as refused:
            response = web.Response(status=refused.status, headers=refused.headers)
        except Exception:
            # A fault of ours must not take the server down, nor tell the peer what it was.
            _LOGGER.exception("the handler of %s failed", request.path)
            response = web.Response(status=500)
        finally:
            self._in_progress -= 1
        _record_answer(wire, response, clock())
        return response

    def _admit(self, request: web.BaseRequest) -> tuple[Handler, str]:
        """Handler and principal of a request whose head is in order, before its body is read."""
        peer = self._principal(request)
        if peer is None:
            if self._on_stranger is not None:
                self._on_stranger(request.remote or "", request.path)
            raise _Refused(401, WWW_Authenticate="Bearer")
        self._watched.proved(request.transport)
        if self._in_progress > self._settings.most_requests:
            raise _Refused(503, Retry_After=str(self._settings.busy_retry_after))
        handler = self._routes.get(request.path)
        if handler is None:
            raise _Refused(404)
        if request.method != "POST":
            raise _Refused(405, Allow="POST")
        if request.content_type != CCCP_TYPE or request.headers.get("Content-Encoding", "identity") != "identity":
            raise _Refused(415)
        return handler, peer

    async def _read(self, request: web.BaseRequest) -> bytes:
        """The body, at most as large as a document may be."""
        most = self._settings.limits.size
        if request.content_length is not None and request.content_length > most:
            raise _Refused(413)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_timeout):
                async for part in request.content.iter_any():
                    size += len(part)
                    if size > most:
                        raise _Refused(413)
                    parts.append(part)
        except TimeoutError:
            raise _Refused(408) from None
        except (ConnectionError, web.RequestPayloadError, HttpProcessingError):
            raise _Refused(400) from None
        return b"".join(parts)

    def _parse(self, body: bytes) -> Request | Response | Notify:
        try:
            document = parse_document(body, limits=self._settings.limits)
        except C3PError as error:
            raise _Refused(error.status_hint if isinstance(error, MalformedDocument) else 400) from error
        if not isinstance(document, Request | Response | Notify):
            raise _Refused(400)
        return document

    def _principal(self, request: web.BaseRequest) -> str | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == _BEARER:
            return self._owner(secret.strip().encode("utf-8", "surrogateescape"))
        return _certificate_principal(request)

    def _owner(self, secret: bytes) -> str | None:
        """Principal that has the secret. Every secret is compared, each in constant time."""
        owner = None
        for known, principal in self._secrets.items():
            if hmac.compare_digest(known, secret):
                owner = principal
        return owner


def _certificate_principal(request: web.BaseRequest) -> str | None:
    """First name in the subjectAltName of a certificate that TLS has verified."""
    certificate = request.transport.get_extra_info("peercert") if request.transport else None
    names = certificate.get("subjectAltName", ()) if certificate else ()
    return str(names[0][1]) if names else None


def _request_line(request: web.BaseRequest) -> str:
    return f"{request.method} {request.raw_path} HTTP/{request.version.major}.{request.version.minor}"


def _answer_with(reply: Reply) -> web.Response:
    document = bytes(reply.document) if reply.document else b""
    headers = {"Content-Type": CONTENT_TYPE} if document else {}
    if reply.retry_after is not None:
        headers["Retry-After"] = str(reply.retry_after)
    return web.Response(status=reply.status, body=document, headers=headers)


def _record_answer(wire: Wire, response: web.Response, at: float) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    headers = [*response.headers.items(), ("Content-Length", str(len(body)))]
    wire.sent(f"HTTP/1.1 {response.status} {response.reason}", headers, body, at)
