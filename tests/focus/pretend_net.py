"""The pretended network of `sip.testing`, with C3P over HTTP to services that are functions. Bytes take no time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from c3p import Exchange, ExchangeFailure, Reply, Request, parse_document
from focus import Focus
from sip import Core, Event, Flow, SeededEntropy
from sip import Endpoint as SipEndpoint
from sip.testing import Agent, Network

START = 1_000.0  #: monotonic seconds

T = TypeVar("T", bound=Event)


class Node(Agent):
    """One SIP element at one address."""

    def last(self, kind: type[T]) -> T:
        """The latest event of a kind."""
        found = self.of(kind)
        assert found, f"{self.name} has no {kind.__name__}; it has {self.kinds()}"
        return found[-1]


class Net(Network):
    """Nodes, flows between them, HTTP services, and the clock."""

    def __init__(self) -> None:
        super().__init__(latency=0.0, now=START)
        self.services: dict[str, Callable[[Request], Reply | ExchangeFailure | None]] = {}
        self.exchanges: list[Exchange] = []
        self.held: list[tuple[Focus, Node, Exchange]] = []  #: exchanges whose service gave no answer yet
        self.lost: Callable[[str, bytes], bool] = lambda sender, data: False
        self.tamper: Callable[[str, bytes], bytes] = lambda sender, data: data  #: what arrives of what was sent
        self.cut = lambda sent, flow: self.lost(sent.by, sent.data)
        self.middle = lambda sent, flow: self.tamper(sent.by, sent.data)
        self.refuses = lambda destination: destination.host in self._unreachable
        self._unreachable: set[str] = set()
        self._focus_nodes: list[tuple[Focus, Node]] = []

    def node(self, name: str, host: str, endpoint: SipEndpoint, *cores: Core) -> Node:
        """Put a node on the network."""
        node = Node(self, name, host, endpoint.config, endpoint=endpoint, cores=cores)
        self.join(node)
        return node

    def watch_c3p(self, focus: Focus, node: Node) -> None:
        """Carry the C3P exchanges of a Focus."""
        self._focus_nodes.append((focus, node))

    def weather(self, seed: int, loss: float = 0.2) -> None:
        """Lose datagrams from now on."""
        self.chance, self.loss = SeededEntropy(b"weather %d" % seed), loss

    def break_off(self, flow: Flow) -> None:
        """Break a connection; both ends notice."""
        self.close(self.end_of(flow), flow)
        self.run()

    def unreachable(self, node: Agent) -> None:
        """Nobody can connect to a node any more."""
        self._unreachable.add(node.host)

    def run(self, seconds: float = 0.0, *, until: Callable[[], bool] = lambda: False) -> None:
        """Deliver until nothing moves, then let time pass."""
        super().run(seconds, until=until)

    def carry_other(self) -> bool:
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
            node.tell(focus.receive_reply(exchange.id, outcome, now=self.now))
        else:
            node.tell(focus.exchange_failed(exchange.id, outcome, now=self.now))

    def fail_held(self, reason: ExchangeFailure = ExchangeFailure.TIMEOUT) -> None:
        """The held exchanges come to nothing."""
        held, self.held = self.held, []
        for focus, node, exchange in held:
            self.answer(focus, node, exchange, reason)
        self.run()


__all__ = ["START", "Net", "Node"]
