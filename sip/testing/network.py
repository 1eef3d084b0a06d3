"""A pretend network with virtual time: endpoints, latency, loss, duplication and reordering from a seed.

For tests of anything built on `sip.Endpoint`, this package's own included::

    net = Network(seed=7, loss=0.2)
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda event: bob.endpoint.accept(event.session, now=net.now))
    alice.invite(bob.uri())
    net.run(40)
    assert alice.one(SessionAnswered)

A core of your own lives on an agent too::

    server = net.agent("server", core=False)
    registrar = server.run_core(Registrar(server.endpoint, RegistrarConfig(domains=("example.com",)), entropy=...))
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

import attrs

from sip.config import EndpointConfig, Listen
from sip.endpoint import Endpoint
from sip.entropy import SeededEntropy
from sip.events import ConnectWanted, Event, ResolveWanted
from sip.flow import Address, Destination, Flow, Transmit
from sip.ids import RequestId, SessionId
from sip.parsing import parse_message
from sip.pump import Core
from sip.request import Request
from sip.response import Response
from sip.routing import Claim

__all__ = ["METHODS", "Agent", "Network", "raw_request"]

E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Core)

#: Methods that the core of an agent takes.
METHODS: Final = (
    *("INVITE", "INFO", "MESSAGE", "UPDATE", "SUBSCRIBE", "REFER", "SERVICE"),
    *("REGISTER", "PUBLISH"),
)


class Agent:
    """One endpoint with one core called ``ua``, which remembers its events and reacts to them as told."""

    def __init__(self, net: Network, name: str, host: str, settings: EndpointConfig) -> None:
        self.net = net
        self.name = name
        self.host = host
        listen = (Listen("UDP", host, 5060), Listen("TCP", host, 5060))
        self._config = attrs.evolve(settings, listen=listen)
        self.endpoint = Endpoint(self._config, entropy=SeededEntropy(name.encode()))
        self.events: list[Event] = []
        self.deaf = False  #: takes nothing in
        self._reactions: list[Callable[[Event], object]] = []
        self._cores: dict[str, Core] = {}

    def add_core(
        self,
        *,
        owner: str = "ua",
        claim: Claim = Claim.ELEMENT,
        methods: Collection[str] = METHODS,
        supported: Collection[str] = (),
        accept: Collection[str] = (),
        events: Collection[str] = (),
        transparent: bool = False,
    ) -> None:
        """Register a core that claims everything."""
        self.endpoint.add_core(
            owner,
            lambda request, flow: True,
            claim=claim,
            methods=methods,
            supported=supported,
            accept=accept,
            events=events,
            transparent=transparent,
        )

    def run_core(self, core: C) -> C:
        """Run a core that registered with the endpoint: what is for it goes to it, what it reports is remembered."""
        self._cores[core.owner] = core
        return core

    def forget(self) -> None:
        """Restart: a new endpoint, with the usual core alone, that knows nothing of before."""
        self.endpoint = Endpoint(self._config, entropy=SeededEntropy(b"again " + self.name.encode()))
        self._cores.clear()
        self.add_core()

    def uri(self, transport: str = "udp") -> str:
        """Return the URI that reaches this agent."""
        return f"sip:{self.name}@{self.host}:5060;transport={transport}"

    @property
    def idle(self) -> bool:
        """Whether the endpoint keeps nothing: no transaction, dialog, session, subscription or timer."""
        return not any(self.endpoint.sizes.values()) and self.endpoint.next_timeout() is None

    # Doing

    def invite(
        self,
        target: str,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"v=0 offer",
        content_type: str | None = "application/sdp",
        session_expires: int | None = None,
    ) -> SessionId:
        """Call somebody."""
        return self.endpoint.invite(
            "ua",
            target,
            from_=f"<sip:{self.name}@example.com>",
            to="<sip:callee@example.com>",
            headers=headers,
            body=body,
            content_type=content_type if body else None,
            session_expires=session_expires,
            now=self.net.now,
        )

    def ask(self, target: str, method: str = "MESSAGE", *, headers: Iterable[tuple[str, object]] = ()) -> RequestId:
        """Send a request outside of dialogs."""
        return self.endpoint.request(
            "ua",
            method,
            target,
            from_=f"<sip:{self.name}@example.com>",
            to="<sip:callee@example.com>",
            headers=headers,
            now=self.net.now,
        )

    # Looking

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        """Return the only event of a kind."""
        found = self.of(kind)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} {kind.__name__} among {self.events}\n{self.net.ladder()}")
        return found[0]

    def one_after_settling(self, kind: type[E]) -> E:
        """Return the only event of a kind, with what commands have caused."""
        self.take(self.endpoint.take_events())
        return self.one(kind)

    def kinds(self) -> list[str]:
        """Return the names of the events so far."""
        return [type(event).__name__ for event in self.events]

    def on(self, kind: type[E], reaction: Callable[[E], object]) -> None:
        """Do something whenever an event of a kind comes."""
        self._reactions.append(lambda event: reaction(event) if isinstance(event, kind) else None)

    def take(self, events: Iterable[Event]) -> None:
        """Note events, answer questions to the driver, feed the cores, react."""
        waiting = list(events)
        while waiting:
            for event in waiting:
                self._take_one(event)
            waiting = self.endpoint.take_events()
            for core in self._cores.values():
                self._note(core.take_events())

    def _take_one(self, event: Event) -> None:
        if isinstance(event, ConnectWanted):
            self.net.connect(self, event)
        elif isinstance(event, ResolveWanted):
            self.net.resolve(self, event)
        elif (core := self._cores.get(event.owner)) is not None:
            self._note(core.handle_event(event, now=self.net.now))
        else:
            self._note([event])

    def _note(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            for reaction in self._reactions:
                reaction(event)

    # Time

    def next_timeout(self) -> float | None:
        """Return when the endpoint or a core wants to be called."""
        due = [self.endpoint.next_timeout(), *[core.next_timeout() for core in self._cores.values()]]
        return min((at for at in due if at is not None), default=None)

    def handle_timeout(self) -> None:
        """Do what is due."""
        now = self.net.now
        for core in self._cores.values():
            at = core.next_timeout()
            if at is not None and at <= now:
                self._note(core.handle_timeout(now=now))
        self.take(self.endpoint.handle_timeout(now=now))


@attrs.frozen
class Sent:
    """One message that an agent sent."""

    at: float
    by: str
    to: str
    data: bytes

    @property
    def head(self) -> str:
        """Its first line."""
        return self.data.split(b"\r\n", 1)[0].decode("utf-8", "replace")


class Network:
    """Carries what agents send. Time moves only in ``run``."""

    def __init__(
        self,
        seed: int = 0,
        *,
        loss: float = 0.0,
        duplication: float = 0.0,
        jitter: float = 0.0,
        latency: float = 0.01,
    ) -> None:
        """Probabilities are of one datagram; ``jitter`` and ``latency`` are seconds."""
        self.now = 0.0
        self.seed = seed
        self.loss, self.duplication, self.jitter, self.latency = loss, duplication, jitter, latency
        self.names: dict[str, list[Destination]] = {}  #: what look-ups find
        self.log: list[Sent] = []
        self.drop: Callable[[bytes], bool] = lambda data: False  #: which datagrams get lost, beside chance
        self.refuses: Callable[[Destination], bool] = lambda destination: False  #: which connections fail
        self._chance = SeededEntropy(b"network %d" % seed)
        self._agents: dict[str, Agent] = {}
        self._queue: list[tuple[float, int, Agent, Flow, bytes]] = []
        self._flows: dict[tuple[str, Address, Address], Flow] = {}
        self._connections: dict[int, tuple[Agent, Flow]] = {}
        self._sequence = 0

    def agent(self, name: str, settings: EndpointConfig | None = None, *, core: bool = True) -> Agent:
        """Add an agent at the next address of 192.0.2.0/24; ``core`` False leaves it without core."""
        host = f"192.0.2.{len(self._agents) + 1}"
        agent = self._agents[host] = Agent(self, name, host, settings or EndpointConfig())
        if core:
            agent.add_core()
        return agent

    # Flows

    def flow(self, transport: str, local: Address, remote: Address) -> Flow:
        """Return the flow between two addresses."""
        flow = self._flows.get((transport, local, remote))
        if flow is None:
            flow = Flow(len(self._flows) + 1, transport, local, remote)
            self._flows[transport, local, remote] = flow
        return flow

    def outside(self, agent: Agent, transport: str = "UDP") -> Flow:
        """Return a flow on which an agent hears 192.0.2.99, where no agent is."""
        port = 5060 if transport == "UDP" else 40999
        return self.flow(transport, Address(agent.host, 5060), Address("192.0.2.99", port))

    def connect(self, agent: Agent, want: ConnectWanted) -> None:
        """Answer a question for a flow."""
        there = want.destination
        remote = Address(there.host, there.port)
        if there.transport == "UDP":
            flow = self.flow("UDP", Address(agent.host, 5060), remote)
            agent.take(agent.endpoint.flow_opened(want.id, flow, now=self.now))
            return
        peer = self._agents.get(there.host)
        if peer is None or self.refuses(there):
            agent.take(agent.endpoint.flow_failed(want.id, "refused", now=self.now))
            return
        local = Address(agent.host, 40000 + len(self._flows))
        ours, theirs = self.flow(there.transport, local, remote), self.flow(there.transport, remote, local)
        self._connections[ours.id] = (peer, theirs)
        self._connections[theirs.id] = (agent, ours)
        agent.take(agent.endpoint.flow_opened(want.id, ours, now=self.now))

    def resolve(self, agent: Agent, want: ResolveWanted) -> None:
        """Answer a question for addresses."""
        found = self.names.get(want.host)
        if found is None:
            agent.take(agent.endpoint.flow_failed(want.id, "no such name", now=self.now))
        else:
            agent.take(agent.endpoint.resolved(want.id, found, now=self.now))

    def close(self, agent: Agent, flow: Flow) -> None:
        """Close a connection, seen from an agent; both sides are told."""
        peer, theirs = self._connections.pop(flow.id)
        self._connections.pop(theirs.id, None)
        agent.take(agent.endpoint.flow_closed(flow, now=self.now))
        peer.take(peer.endpoint.flow_closed(theirs, now=self.now))

    # Carrying

    def flush(self) -> None:
        """Put on the wire what agents want to send."""
        for agent in self._agents.values():
            agent.take(agent.endpoint.take_events())
            for transmit in agent.endpoint.data_to_send():
                self._send(agent, transmit)

    def _send(self, agent: Agent, transmit: Transmit) -> None:
        flow, data = transmit.flow, transmit.data
        self.log.append(Sent(self.now, agent.name, str(flow.remote), data))
        if flow.transport == "UDP":
            peer = self._agents.get(flow.remote.host)
            if peer is None or self.drop(data) or self._chance.uniform() < self.loss:
                return
            theirs = self.flow("UDP", flow.remote, flow.local)
            for _ in range(2 if self._chance.uniform() < self.duplication else 1):
                self._enqueue(peer, theirs, data, self.latency + self.jitter * self._chance.uniform())
        elif flow.id in self._connections:
            peer, theirs = self._connections[flow.id]
            self._enqueue(peer, theirs, data, self.latency)

    def _enqueue(self, peer: Agent, flow: Flow, data: bytes, delay: float) -> None:
        self._sequence += 1
        heapq.heappush(self._queue, (self.now + delay, self._sequence, peer, flow, data))

    def inject(self, agent: Agent, data: bytes, flow: Flow | None = None) -> None:
        """Hand bytes to an agent, by default as a datagram from ``outside``."""
        agent.take(agent.endpoint.receive_data(data, flow=flow or self.outside(agent), now=self.now))
        self.flush()

    def run(self, seconds: float = 1.0, *, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, until something holds."""
        end = self.now + seconds
        while not until():
            self.flush()
            due = [at for agent in self._agents.values() if (at := agent.next_timeout()) is not None]
            if self._queue:
                due.append(self._queue[0][0])
            if not due or min(due) > end:
                self.now = end
                return
            self.now = max(self.now, min(due))
            self._deliver()
            self._fire()

    def _deliver(self) -> None:
        while self._queue and self._queue[0][0] <= self.now:
            _, _, peer, flow, data = heapq.heappop(self._queue)
            if not peer.deaf and (flow.transport == "UDP" or flow.id in self._connections):
                peer.take(peer.endpoint.receive_data(data, flow=flow, now=self.now))

    def _fire(self) -> None:
        for agent in self._agents.values():
            at = agent.next_timeout()
            if at is not None and at <= self.now:
                agent.handle_timeout()

    # Looking

    def sent(self, text: str, by: Agent | None = None) -> list[float]:
        """Return when messages with ``text`` in their first line were sent."""
        return [round(each.at, 6) for each in self._matching(text, by)]

    def _matching(self, text: str, by: Agent | None) -> list[Sent]:
        return [each for each in self.log if text in each.head and (by is None or by.name == each.by)]

    def requests(self, method: str, by: Agent | None = None) -> list[Request]:
        """Return the requests of a method that were sent."""
        found = [parse_message(each.data) for each in self._matching(f"{method} sip", by)]
        return [message for message in found if isinstance(message, Request) and message.method == method]

    def responses(self, status: int, by: Agent | None = None) -> list[Response]:
        """Return the responses with a status that were sent."""
        found = [parse_message(each.data) for each in self._matching(f"SIP/2.0 {status}", by)]
        return [message for message in found if isinstance(message, Response)]

    def heads(self) -> list[str]:
        """Return the methods and statuses that were sent, in order."""
        heads = [each.head for each in self.log]
        return [head.split(" ")[1] if head.startswith("SIP/2.0") else head.split(" ")[0] for head in heads]

    def ladder(self) -> str:
        """Return everything that was sent, one line each, with the seed."""
        lines = [f"{each.at:9.3f} {each.by} -> {each.to}: {each.head}" for each in self.log]
        return "\n".join([f"seed {self.seed}", *lines])


def raw_request(
    method: str,
    uri: str = "sip:bob@192.0.2.1",
    *,
    via: str = "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKone;rport",
    from_: str = "<sip:carol@192.0.2.99>;tag=c1",
    to: str | None = "<sip:bob@192.0.2.1>",
    call_id: str = "call-1",
    cseq: str | None = None,
    extra: Iterable[str] = ("Contact: <sip:carol@192.0.2.99>",),
    body: bytes = b"",
) -> bytes:
    """Return a request of somebody at 192.0.2.99, written without this library."""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: {via}",
        "Max-Forwards: 70",
        f"From: {from_}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq or f'1 {method}'}",
        *extra,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
