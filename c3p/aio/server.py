"""The side that takes C3P documents over HTTP."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from c3p.aio.trace import TraceSink, Wire
from c3p.aio.watched import WatchedServer
from c3p.carriage.http import HttpAnswer, HttpHead
from c3p.carriage.principals import certificate_principal, proven_principal
from c3p.carriage.server import BROKEN_OFF, FAULT, TOO_LARGE, TOO_SLOW, admit, answer_with, posted
from c3p.carriage.settings import ServerSettings
from c3p.envelope import Notify, Request, Response
from c3p.exchange import Reply

#: Carries out a document that an authenticated peer has posted; its answer may take a while.
Handler = Callable[[Request | Response | Notify, str], Reply | Awaitable[Reply]]
#: Opens a listener for connections that the protocols are made for; raises OSError.
Listen = Callable[[Callable[[], asyncio.BaseProtocol], str, int], Awaitable["Listener"]]


class Listener(Protocol):
    """Something that takes connections, with TLS perhaps."""

    @property
    def port(self) -> int:
        """The port that it really has."""
        ...

    async def close(self) -> None:
        """Take no more."""
        ...


#: What answers say of their server: strangers need not know versions.
SERVER: Final = "pyc3p"
_LOGGER: Final = logging.getLogger("c3p.aio")
#: HTTP that a peer breaks is answered, not logged, so that nobody can fill a log; lower the level to see it.
_WIRE_LOGGER: Final = logging.getLogger("c3p.aio.wire")
_WIRE_LOGGER.setLevel(logging.CRITICAL)


class _Ended(Exception):
    """The request ends here, with this answer."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class C3pServer:
    """Authenticates peers, parses what they post and gives it to the handler of the path.

    ``secrets`` maps each bearer secret to the principal that has it; with TLS that asks for client certificates, the
    subjectAltName of the peer's certificate is the principal: ``certificate_names`` maps the names that count to
    principals, without it the first name is it. Who is neither is answered 401.
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
        listen: Listen | None = None,
        certificate_names: Mapping[str, str] | None = None,
        settings: ServerSettings | None = None,
        on_stranger: Callable[[str, str], None] | None = None,
        on_gone: Callable[[str], None] | None = None,
    ) -> None:
        """``listen`` opens the listener in place of one with ``ssl_context``.

        ``on_stranger`` is called with address and path of each request that nobody answers for (401), ``on_gone`` with
        the principal of each connection that ends while this listens: it may be idle, or its process may be gone.
        """
        self._host = host
        self._port = port
        self._routes = dict(routes)
        self._secrets = dict(secrets)
        self._names = certificate_names
        self._trace = trace
        self._ssl = ssl_context
        self._listen = listen
        self._listener: Listener | None = None
        self._settings = settings or ServerSettings()
        self._on_stranger, self._on_gone = on_stranger, on_gone
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
            on_gone=self._gone,
        )
        runner = web.ServerRunner(self._watched, shutdown_timeout=self._settings.stop_timeout)
        await runner.setup()
        try:
            await self._open(runner)
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner

    async def _open(self, runner: web.ServerRunner) -> None:
        if self._listen is None:
            await web.TCPSite(runner, self._host, self._port, ssl_context=self._ssl).start()
            self._port = int(runner.addresses[0][1])
            return
        assert runner.server is not None
        self._listener = await self._listen(runner.server, self._host, self._port)
        self._port = self._listener.port

    async def stop(self) -> None:
        """Close the listener and all connections; does nothing when not started."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()
        runner, self._runner = self._runner, None
        if runner:
            await runner.cleanup()

    def _gone(self, peer: str) -> None:
        if self._on_gone is not None and self._runner is not None:
            self._on_gone(peer)

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
            answer = await self._carry_out(handler, peer, body)
        except _Ended as ended:
            answer = ended.answer
        except Exception:
            # A fault of ours must not take the server down, nor tell the peer what it was.
            _LOGGER.exception("the handler of %s failed", request.path)
            answer = FAULT
        finally:
            self._in_progress -= 1
        response = web.Response(status=answer.status, body=answer.body, headers=CIMultiDict(answer.fields))
        response.headers.setdefault("Server", SERVER)
        _record_answer(wire, response, clock())
        return response

    def _admit(self, request: web.BaseRequest) -> tuple[Handler, str]:
        """Handler and principal of a request whose head is in order, before its body is read."""
        head = HttpHead(method=request.method, path=request.path, fields=tuple(request.headers.items()))
        peer = proven_principal(head.fields, self._secrets, self._certified(request)) or ""
        if peer:
            self._watched.proved(request.transport, peer)
        elif self._on_stranger is not None:
            self._on_stranger(request.remote or "", request.path)
        others = self._in_progress - 1
        refusal = admit(head, peer=peer, paths=self._routes, in_progress=others, settings=self._settings)
        if refusal is not None:
            raise _Ended(refusal)
        return self._routes[request.path], peer

    async def _carry_out(self, handler: Handler, peer: str, body: bytes) -> HttpAnswer:
        document = posted(body, settings=self._settings)
        if isinstance(document, HttpAnswer):
            return document
        reply = handler(document, peer)
        return answer_with(reply if isinstance(reply, Reply) else await reply)

    async def _read(self, request: web.BaseRequest) -> bytes:
        """The body, at most as large as a document may be."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_timeout):
                async for part in request.content.iter_any():
                    size += len(part)
                    if size > self._settings.limits.size:
                        raise _Ended(TOO_LARGE)
                    parts.append(part)
        except TimeoutError:
            raise _Ended(TOO_SLOW) from None
        except (ConnectionError, web.RequestPayloadError, HttpProcessingError):
            raise _Ended(BROKEN_OFF) from None
        return b"".join(parts)

    def _certified(self, request: web.BaseRequest) -> str | None:
        """Principal of a certificate that TLS has verified."""
        certificate = request.transport.get_extra_info("peercert") if request.transport else None
        names = certificate.get("subjectAltName", ()) if certificate else ()
        return certificate_principal((str(name) for _, name in names), self._names)


def _request_line(request: web.BaseRequest) -> str:
    return f"{request.method} {request.raw_path} HTTP/{request.version.major}.{request.version.minor}"


def _record_answer(wire: Wire, response: web.Response, at: float) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    headers = [*response.headers.items(), ("Content-Length", str(len(body)))]
    wire.sent(f"HTTP/1.1 {response.status} {response.reason}", headers, body, at)
