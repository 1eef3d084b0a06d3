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

    Lane = tuple[SimHost, str, str]  #: what is posted in order: who posts, URL, addressee

#: Seconds after which a connection that nobody accepts is given up.
CONNECT_TIMEOUT = 5.0
#: Seconds for which a connection is kept after it was used, as `c3p.aio` keeps it.
KEPT = 15.0
#: Seconds after which what did not pass is sent again.
RETRY = 1.0


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
        self._queues: dict[Lane, deque[_Posting]] = {}
        self._sockets: dict[tuple[str, str], tuple[str, int]] = {}
        self._used: dict[tuple[str, str], float] = {}  #: when a connection between two elements was used last
        self.faults: dict[str, HttpFault] = {}  #: by name of the element that is asked

    def post(self, client: SimHost, machine: C3PMachine, exchange: Exchange) -> None:
        """Carry an exchange; its outcome goes back to ``machine``."""
        key = (client, exchange.url, exchange.document.to)
        queue = self._queues.setdefault(key, deque())
        queue.append(_Posting(client, machine, exchange, urlsplit(exchange.url), bytes(exchange.document)))
        if len(queue) == 1:
            self._start(key)

    def _start(self, key: Lane) -> None:
        posting = self._queues[key][0]
        network = self._network
        network.clock.after(posting.exchange.timeout, lambda: self._finish(key, posting, ExchangeFailure.TIMEOUT))
        self._attempt(key, posting)

    def _attempt(self, key: Lane, posting: _Posting) -> None:
        network, url, client = self._network, posting.url, posting.client
        if client.off or posting.over:
            return
        server = network.host_at(url.hostname or "")
        if server is None or self._cut_off(client, server):
            network.clock.after(CONNECT_TIMEOUT, lambda: self._not_connected(key, posting))
            return
        delay = network.links.dice(client.name, server.name).delay
        if url.path not in server.element.services or self._fault(server) is HttpFault.REFUSED:
            network.clock.after(2 * delay(), lambda: self._not_connected(key, posting))
            return
        self._record(posting, server, _request(posting), outward=True)
        self._used[client.name, server.name] = network.now
        self._pass(client, server, posting, lambda: self._arrive(key, posting, server, url.path))

    def _cut_off(self, client: SimHost, server: SimHost) -> bool:
        """Whether a connection cannot be had: one that is kept is used before anybody notices that nothing passes."""
        used, links = self._used.get((client.name, server.name)), self._network.links
        if used is not None and self._network.now < used + KEPT:
            return False
        return links.is_cut(client.name, server.name) or links.is_cut(server.name, client.name)

    def _pass(self, sender: SimHost, receiver: SimHost, posting: _Posting, act: Callable[[], None]) -> None:
        """Do ``act`` when bytes arrive: after the cut, if the connection still is there then."""
        links, clock = self._network.links, self._network.clock

        def try_it() -> None:
            if not links.is_cut(sender.name, receiver.name):
                act()
            elif not posting.over:
                clock.after(RETRY, try_it)

        clock.at(clock.now + links.dice(sender.name, receiver.name).delay(), try_it)

    def _not_connected(self, key: Lane, posting: _Posting) -> None:
        if posting.over:
            return  # what timed out meanwhile is not begun again
        if posting.exchange.idempotent and posting.again:
            posting.again = False
            self._attempt(key, posting)
        else:
            self._finish(key, posting, ExchangeFailure.CONNECT)

    def _arrive(self, key: Lane, posting: _Posting, server: SimHost, path: str) -> None:
        network, fault, client = self._network, self._fault(server), posting.client
        if server.off:  # the connection broke before an answer: it may have been done, says who posted
            network.clock.after(
                network.links.dice(server.name, client.name).delay(),
                lambda: self._finish(key, posting, ExchangeFailure.TIMEOUT),
            )
            return
        if fault is HttpFault.SILENT:
            return
        document = self._carried(client.name, server.name, posting.document)
        if document is None or isinstance(document, c3p.ConferenceInfo):
            reply = Reply(400)  # as `c3p.aio` answers it
        else:
            reply = server.element.receive_c3p(path, document, peer=client.name, now=network.now)
        server.element.hold_reply(lambda reply: self._answered(key, posting, server, reply, fault), reply)
        server.run([])

    def _answered(self, key: Lane, posting: _Posting, server: SimHost, reply: Reply, fault: HttpFault | None) -> None:
        if fault is HttpFault.ANSWER_LOST:
            return
        body = bytes(reply.document) if reply.document is not None else b""
        self._record(posting, server, _answer(reply, body), outward=False)
        act: Callable[[], None] = lambda: self._answer(key, posting, server, reply, body)  # noqa: E731
        if fault is HttpFault.GARBAGE:
            act = lambda: self._finish(key, posting, ExchangeFailure.UNUSABLE)  # noqa: E731
        self._pass(server, posting.client, posting, act)

    def _answer(self, key: Lane, posting: _Posting, server: SimHost, reply: Reply, body: bytes) -> None:
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

    def _finish(self, key: Lane, posting: _Posting, outcome: Reply | ExchangeFailure) -> None:
        if posting.over:
            return
        posting.over = True
        queue = self._queues[key]
        queue.popleft()
        if queue:
            self._start(key)
        client = posting.client
        if client.off:
            return
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
