"""A pretend network: nodes, flows between them, HTTP services as calls, and the clock."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import TypeVar

from c3p import (
    Exchange,
    ExchangeFailure,
    Reply,
    Request,
    parse_document,
)
from focus import (
    Focus,
)
from sip import (
    Address,
    ConnectWanted,
    Destination,
    Event,
    Flow,
    InternalFault,
    Pump,
    ResolveWanted,
    parse_message,
)
from sip import Endpoint as SipEndpoint
from sip import Request as SipRequest
from sip import Response as SipResponse

START = 1_000.0  #: monotonic seconds

T = TypeVar("T", bound=Event)


class Node:
    """One SIP element at one address."""

    def __init__(self, net: Net, name: str, host: str, endpoint: SipEndpoint, *cores: object) -> None:
        self.net, self.name, self.host = net, name, host
        self.endpoint = endpoint
        self.pump = Pump(endpoint, cores)  # type: ignore[arg-type]
        self.events: list[Event] = []
        self.flows: dict[Destination, Flow] = {}

    def take(self, events: list[Event]) -> None:
        """Answer what the endpoint asks; keep the rest."""
        for event in events:
            if isinstance(event, ResolveWanted):
                # There is no DNS here: everybody must be reachable without.
                self.net.settle(self, self.endpoint.flow_failed(event.id, "no such name", now=self.net.now))
            elif isinstance(event, ConnectWanted):
                self.net.connect(self, event)
            elif isinstance(event, InternalFault):
                raise event.exception
            else:
                self.events.append(event)

    def of(self, kind: type[T]) -> list[T]:
        """The events of one kind, so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[T]) -> T:
        """The latest event of a kind."""
        found = self.of(kind)
        assert found, f"{self.name} has no {kind.__name__}; it has {[type(one).__name__ for one in self.events]}"
        return found[-1]


class Net:
    """Nodes, flows between them, HTTP services, and the clock."""

    def __init__(self) -> None:
        self.now = START
        self.nodes: list[Node] = []
        self.services: dict[str, Callable[[Request], Reply | ExchangeFailure | None]] = {}
        self.peers: dict[int, tuple[Node, Flow]] = {}  #: flow id -> who gets the bytes, and over which flow
        self.wire: list[tuple[str, bytes]] = []  #: (sender, bytes), everything that was ever sent
        self.exchanges: list[Exchange] = []
        self.held: list[tuple[Focus, Node, Exchange]] = []  #: exchanges whose service gave no answer yet
        self.weather: Random | None = None  #: decides which datagrams are lost
        self.udp_loss = 0.2
        self.lost: Callable[[str, bytes], bool] = lambda sender, data: False
        self.tamper: Callable[[str, bytes], bytes] = lambda sender, data: data  #: what arrives of what was sent
        self._ids = itertools.count(1)
        self._unreachable: set[str] = set()
        self._transmits: deque[tuple[Node, Flow, bytes]] = deque()
        self._focus_nodes: list[tuple[Focus, Node]] = []

    def add(self, node: Node) -> Node:
        """Put a node on the network."""
        self.nodes.append(node)
        return node

    def watch_c3p(self, focus: Focus, node: Node) -> None:
        """Carry the C3P exchanges of a Focus."""
        self._focus_nodes.append((focus, node))

    def connect(self, node: Node, event: ConnectWanted) -> None:
        """Open a flow to whoever has the address."""
        destination = event.destination
        target = next((one for one in self.nodes if one.host == destination.host), None)
        if destination.host in self._unreachable:
            target = None
        if target is None:
            self.settle(node, node.endpoint.flow_failed(event.id, "refused", now=self.now))
            return
        flow, _ = self.pair(node, target, destination.transport)
        self.settle(node, node.endpoint.flow_opened(event.id, flow, now=self.now))

    def pair(self, one: Node, other: Node, transport: str) -> tuple[Flow, Flow]:
        """Both ends of a new connection, or of a pair of UDP sockets."""
        port = 5060 if transport == "UDP" else 40_000 + next(self._ids)
        here, there = Address(one.host, port), Address(other.host, 5060)
        flow = Flow(next(self._ids), transport, here, there)
        back = Flow(next(self._ids), transport, there, here)
        self.peers[flow.id], self.peers[back.id] = (other, back), (one, flow)
        return flow, back

    def close(self, flow: Flow) -> None:
        """Break a connection; both ends notice."""
        peer, back = self.peers.pop(flow.id)
        owner, _ = self.peers.pop(back.id)
        for node, end in ((peer, back), (owner, flow)):
            self.settle(node, node.endpoint.flow_closed(end, now=self.now))
        self.run()

    def peers_of(self, node: Node) -> list[Flow]:
        """The open flows from a node, at its own end."""
        return [back for peer, back in self.peers.values() if peer is node]

    def unreachable(self, node: Node) -> None:
        """Nobody can connect to a node any more."""
        self._unreachable.add(node.host)

    def settle(self, node: Node, events: list[Event]) -> None:
        """Feed events to the cores of a node."""
        node.take(node.pump.settle(events, now=self.now))

    def run(self) -> None:
        """Deliver until nothing moves; no time passes."""
        for _ in range(10_000):
            if not (self._deliver_sip() or self._deliver_c3p()):
                return
        raise AssertionError("the network never comes to rest")

    def _deliver_sip(self) -> bool:
        moved = False
        for node in self.nodes:
            self.settle(node, [])
            for out in node.pump.data_to_send():
                self._transmits.append((node, out.flow, out.data))
        while self._transmits:
            sender, flow, data = self._transmits.popleft()
            moved = True
            self.wire.append((sender.name, data))
            peer = self.peers.get(flow.id)
            if peer is None or self.lost(sender.name, data):
                continue
            if flow.transport == "UDP" and self.weather is not None and self.weather.random() < self.udp_loss:
                continue
            receiver, back = peer
            receiver.take(receiver.pump.receive_data(self.tamper(sender.name, data), flow=back, now=self.now))
        return moved

    def _deliver_c3p(self) -> bool:
        moved = False
        for focus, node in self._focus_nodes:
            for exchange in focus.c3p_to_send():
                moved = True
                self.exchanges.append(exchange)
                self._exchange(focus, node, exchange)
        return moved

    def _exchange(self, focus: Focus, node: Node, exchange: Exchange) -> None:
        service = self.services.get(exchange.url)
        document = parse_document(bytes(exchange.document))
        assert isinstance(document, Request)
        outcome = service(document) if service is not None else ExchangeFailure.CONNECT
        if outcome is None:
            self.held.append((focus, node, exchange))
        else:
            self.answer(focus, node, exchange, outcome)

    def answer(self, focus: Focus, node: Node, exchange: Exchange, outcome: Reply | ExchangeFailure) -> None:
        """Give a Focus the outcome of an exchange."""
        if isinstance(outcome, Reply):
            node.take(focus.receive_reply(exchange.id, outcome, now=self.now))
        else:
            node.take(focus.exchange_failed(exchange.id, outcome, now=self.now))

    def fail_held(self, reason: ExchangeFailure = ExchangeFailure.TIMEOUT) -> None:
        """The held exchanges come to nothing."""
        held, self.held = self.held, []
        for focus, node, exchange in held:
            self.answer(focus, node, exchange, reason)
        self.run()

    def pass_time(self, seconds: float) -> None:
        """Let time pass; whatever is due in between happens when it is due."""
        end = self.now + seconds
        self.run()
        for _ in range(100_000):
            due = min((at for node in self.nodes if (at := node.pump.next_timeout()) is not None), default=math.inf)
            if due > end:
                break
            self.now = max(self.now, due)
            for node in self.nodes:
                node.take(node.pump.handle_timeout(now=self.now))
            self.run()
        else:
            raise AssertionError("timers never come to rest")
        self.now = end

    def sent(self, sender: str) -> Iterator[SipRequest | SipResponse]:
        """Every message that a node sent, in order."""
        for name, data in self.wire:
            if name == sender and data.strip():
                yield parse_message(data)
