"""C3P over HTTP in a simulated network: real documents as bytes, in order, with the faults that a test asks for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import attrs

import c3p
from c3p import Exchange, ExchangeFailure, Reply
from pyc3p.element import C3PMachine, Document
from pyc3p.simnet.conditions import HttpFault
from pyc3p.simnet.passing import Passing

if TYPE_CHECKING:
    from pyc3p.simnet.host import SimHost
    from pyc3p.simnet.network import SimNetwork

#: Seconds after which a connection that nobody accepts is given up.
CONNECT_TIMEOUT = 5.0


@attrs.define(eq=False)
class _Posting:
    """One exchange on its way."""

    client: SimHost
    machine: C3PMachine
    exchange: Exchange
    url: SplitResult
    document: bytes  #: as it is posted
    over: bool = False
    again: bool = True  #: whether a connect failure may still be tried again


class SimWeb:
    """Carries exchanges: at most one in flight for each sender, URL and addressee, as over one connection."""

    def __init__(self, network: SimNetwork) -> None:
        self._network = network
        self._queues: dict[tuple[str, str, str], deque[_Posting]] = {}
        self._sockets: dict[tuple[str, str], tuple[str, int]] = {}
        self.faults: dict[str, HttpFault] = {}  #: by name of the element that is asked

    def post(self, client: SimHost, machine: C3PMachine, exchange: Exchange) -> None:
        """Carry an exchange; its outcome goes back to ``machine``."""
        key = (client.name, exchange.url, exchange.document.to)
        queue = self._queues.setdefault(key, deque())
        queue.append(_Posting(client, machine, exchange, urlsplit(exchange.url), bytes(exchange.document)))
        if len(queue) == 1:
            self._start(key)

    def _start(self, key: tuple[str, str, str]) -> None:
        posting = self._queues[key][0]
        network = self._network
        url = posting.url
        server = network.host_at(url.hostname or "")
        network.clock.after(posting.exchange.timeout, lambda: self._fail(key, posting, ExchangeFailure.TIMEOUT))
        if posting.client.off:
            return
        if server is None or url.path not in server.element.services or self._fault(server) is HttpFault.REFUSED:
            delay = 2 * network.dice.delay() if server is not None else CONNECT_TIMEOUT
            network.clock.after(delay, lambda: self._not_connected(key, posting))
            return
        self._record(posting, server, _request(posting), outward=True)
        network.clock.after(network.dice.delay(), lambda: self._arrive(key, posting, server, url.path))

    def _not_connected(self, key: tuple[str, str, str], posting: _Posting) -> None:
        if posting.exchange.idempotent and posting.again:
            posting.again = False
            self._start(key)
        else:
            self._fail(key, posting, ExchangeFailure.CONNECT)

    def _arrive(self, key: tuple[str, str, str], posting: _Posting, server: SimHost, path: str) -> None:
        fault = self._fault(server)
        if fault is HttpFault.SILENT:
            return
        now = self._network.now
        document = self._carried(posting.client.name, server.name, posting.document)
        if document is None or isinstance(document, c3p.ConferenceInfo):
            reply = Reply(400)  # as `c3p.aio` answers it
        else:
            reply = server.element.receive_c3p(path, document, peer=posting.client.name, now=now)
        server.element.hold_reply(lambda reply: self._answered(key, posting, server, reply, fault), reply)
        server.run([])

    def _answered(
        self, key: tuple[str, str, str], posting: _Posting, server: SimHost, reply: Reply, fault: HttpFault | None
    ) -> None:
        if fault is HttpFault.ANSWER_LOST:
            return
        body = bytes(reply.document) if reply.document is not None else b""
        self._record(posting, server, _answer(reply, body), outward=False)
        act: Callable[[], None] = lambda: self._answer(key, posting, server, reply, body)  # noqa: E731
        if fault is HttpFault.GARBAGE:
            act = lambda: self._fail(key, posting, ExchangeFailure.UNUSABLE)  # noqa: E731
        self._network.clock.after(self._network.dice.delay(), act)

    def _answer(self, key: tuple[str, str, str], posting: _Posting, server: SimHost, reply: Reply, body: bytes) -> None:
        if reply.document is None:
            self._finish(key, posting, reply)
            return
        document, asked = self._carried(server.name, posting.client.name, body), posting.exchange.document
        if isinstance(document, c3p.Response) and (
            not isinstance(asked, c3p.Request) or document.request_id == asked.request_id
        ):
            self._finish(key, posting, attrs.evolve(reply, document=document))
        elif reply.status == 200:
            self._finish(key, posting, ExchangeFailure.UNUSABLE)
        else:
            self._finish(key, posting, attrs.evolve(reply, document=None))

    def _carried(self, sender: str, receiver: str, data: bytes) -> Document | c3p.ConferenceInfo | None:
        """What is read at the other end; None when that is no document."""
        data = self._network.middle(Passing("http", sender, receiver, None, data))
        try:
            return c3p.parse_document(data)
        except c3p.C3PError:
            return None

    def _fail(self, key: tuple[str, str, str], posting: _Posting, reason: ExchangeFailure) -> None:
        self._finish(key, posting, reason)

    def _finish(self, key: tuple[str, str, str], posting: _Posting, outcome: Reply | ExchangeFailure) -> None:
        if posting.over:
            return
        posting.over = True
        queue = self._queues[key]
        queue.popleft()
        if queue:
            self._start(key)
        client = posting.client
        told = client.element.c3p_answered(posting.machine, posting.exchange.id, outcome, now=self._network.now)
        client.run(told)

    def _fault(self, server: SimHost) -> HttpFault | None:
        return self.faults.get(server.name)

    def _record(self, posting: _Posting, server: SimHost, data: bytes, *, outward: bool) -> None:
        there, pair = (server.host, posting.url.port or 80), (posting.client.name, server.name)
        socket = self._sockets.get(pair)
        if socket is None:
            socket = self._sockets[pair] = (posting.client.host, 50_000 + len(self._sockets))
            self._network.trace.names.add(posting.client.name, socket)
            self._network.trace.names.add(server.name, there)
        ends = (socket, there)
        source, destination = ends if outward else ends[::-1]
        self._network.trace.record(
            layer="http", transport="TCP", source=source, destination=destination, data=data, at=self._network.now
        )


def _request(posting: _Posting) -> bytes:
    url, body = posting.url, posting.document
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: {c3p.CCCP_TYPE}; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _answer(reply: Reply, body: bytes) -> bytes:
    reason = {200: "OK", 202: "Accepted", 503: "Service Unavailable"}.get(reply.status, "")
    kind = f"Content-Type: {c3p.CCCP_TYPE}; charset=utf-8\r\n" if body else ""
    return f"HTTP/1.1 {reply.status} {reason}\r\n{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body
