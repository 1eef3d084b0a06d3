"""Takes TLS connections: looks at the first octet before a handshake, so that who speaks no TLS is told apart.

The context is asked for at each connection. So certificates are changed without closing anything: connections that
stand keep what they were made with.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final

#: Content type of a TLS record that begins a handshake (RFC 8446 section 5.1). No SIP or HTTP message begins so.
_HANDSHAKE: Final = 0x16
#: Handshakes that one address may have under way; a site behind one NAT that comes back all at once waits its turn.
_MOST_OF_A_SOURCE: Final = 32
#: Handshakes under way in all, each some 50 kB.
_MOST: Final = 512
#: Seconds without accepting when the process has no file descriptor left, as asyncio waits.
_PAUSE: Final = 1.0


def is_client_hello(data: bytes) -> bool:
    """Whether a stream begins with TLS."""
    return data[:1] == bytes((_HANDSHAKE,))


def failure_text(error: BaseException) -> str:
    """What went wrong in a handshake, in the words of OpenSSL without its source files."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(getattr(error, "verify_message", None) or error.args[-1])  # str() of it is that of a tuple
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return str(error) or type(error).__name__


class TlsListener:
    """One listening socket. ``protocol`` makes the protocol of each connection that has proved its TLS."""

    def __init__(
        self,
        protocol: Callable[[], asyncio.BaseProtocol],
        context: Callable[[], ssl.SSLContext],
        *,
        timeout: float,
        on_plain: Callable[[str], None],
        on_failure: Callable[[str, str], None],
    ) -> None:
        """``timeout`` is seconds for a handshake, the silence before it included.

        ``on_plain`` is called with the address of who does not speak TLS, ``on_failure`` with that of whose handshake
        failed, and why.
        """
        self._protocol, self._context, self._timeout = protocol, context, timeout
        self._on_plain, self._on_failure = on_plain, on_failure
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._greeted: set[asyncio.Task[None]] = set()
        self._of_source: Counter[str] = Counter()

    @property
    def port(self) -> int:
        """The port that it really has."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError, and leaves nothing open then."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, number, _, address = found[0]
        listening = socket.socket(family, kind, number)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.setblocking(False)
            listening.bind(address)
            listening.listen(256)
        except BaseException:
            listening.close()
            raise
        self._socket = listening
        self._accepting = loop.create_task(self._accept(listening))

    async def close(self) -> None:
        """Take no more; connections that stand are their protocols' to close."""
        tasks = [*self._greeted, *([self._accepting] if self._accepting is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
        self._accepting = self._socket = None

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connected, address = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_PAUSE)
                continue
            source = str(address[0])
            if len(self._greeted) >= _MOST or self._of_source[source] >= _MOST_OF_A_SOURCE:
                connected.close()
                continue
            connected.setblocking(False)
            self._of_source[source] += 1
            task = loop.create_task(self._greet(connected, source))
            self._greeted.add(task)
            task.add_done_callback(lambda done, source=source: self._done(done, source))  # type: ignore[misc]

    def _done(self, task: asyncio.Task[None], source: str) -> None:
        self._greeted.discard(task)
        self._of_source[source] -= 1
        if self._of_source[source] <= 0:
            del self._of_source[source]

    async def _greet(self, connected: socket.socket, source: str) -> None:
        """Shake hands, or say why not; the socket is the transport's from then on."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                first = await _peek(connected)
                if not is_client_hello(first):
                    connected.close()
                    if first:
                        self._on_plain(source)
                    return
                await loop.connect_accepted_socket(
                    self._protocol, connected, ssl=self._context(), ssl_handshake_timeout=self._timeout
                )
        except TimeoutError:
            connected.close()
        except OSError as error:
            connected.close()
            if isinstance(error, ssl.SSLError):  # others hung up, which says nothing
                self._on_failure(source, failure_text(error))
        except BaseException:
            connected.close()
            raise


async def _peek(connected: socket.socket) -> bytes:
    """The first octet of a connection, left where it is; nothing when it was closed."""
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            return connected.recv(1, socket.MSG_PEEK)
        readable = loop.create_future()
        loop.add_reader(connected.fileno(), _wake, readable)
        try:
            await readable
        finally:
            loop.remove_reader(connected.fileno())


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
