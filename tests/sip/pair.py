"""Endpoints on a pretend network with virtual time: latency, loss, duplication and reordering from a seed."""

import heapq
from collections.abc import Callable
from typing import Any

from sip import (
    Address,
    Claim,
    ConnectWanted,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    Listen,
    ResolveWanted,
    SeededEntropy,
    Transmit,
    parse_message,
)
from sip.flow import Destination

#: Methods that the test cores take.
METHODS = (
    *("INVITE", "INFO", "MESSAGE", "UPDATE", "SUBSCRIBE", "REFER", "SERVICE"),
    *("REGISTER", "PUBLISH"),
)


class Agent:
    """One endpoint with one core, which remembers its events and reacts to them as told."""

    def __init__(self, net: "Network", name: str, host: str, **config: Any) -> None:
        self.net = net
        self.name = name
        self.host = host
        listen = (Listen("UDP", host, 5060), Listen("TCP", host, 5060))
        self.endpoint = Endpoint(EndpointConfig(listen=listen, **config), entropy=SeededEntropy(name.encode()))
        self.events: list[Event] = []
        self.reactions: list[Callable[[Event], None]] = []
        self.deaf = False

    def add_core(self, **options: Any) -> None:
        options.setdefault("claim", Claim.ELEMENT)
        options.setdefault("methods", METHODS)
        self.endpoint.add_core("ua", lambda request, flow: True, **options)

    def uri(self, transport: str = "udp") -> str:
        return f"sip:{self.name}@{self.host}:5060;transport={transport}"

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type) -> Any:
        found = self.of(kind)
        assert len(found) == 1, (kind, self.events)
        return found[0]

    def on(self, kind: type, reaction: Callable[[Any], None]) -> None:
        self.reactions.append(lambda event: reaction(event) if isinstance(event, kind) else None)

    def take(self, events: list[Event]) -> None:
        waiting = list(events)
        while waiting:
            for event in waiting:
                self._take_one(event)
            waiting = self.endpoint.take_events()

    def _take_one(self, event: Event) -> None:
        if isinstance(event, ConnectWanted):
            self.net.connect(self, event)
        elif isinstance(event, ResolveWanted):
            self.net.resolve(self, event)
        else:
            self.events.append(event)
            for reaction in self.reactions:
                reaction(event)


class Network:
    """Carries what agents send. Time moves only in ``run``."""

    def __init__(
        self, seed: int = 0, *, loss: float = 0.0, duplication: float = 0.0, jitter: float = 0.0, latency: float = 0.01
    ) -> None:
        self.now = 0.0
        self.chance = SeededEntropy(b"network %d" % seed)
        self.loss, self.duplication, self.jitter, self.latency = loss, duplication, jitter, latency
        self.agents: dict[str, Agent] = {}
        self.names: dict[str, list[Destination]] = {}
        self.log: list[tuple[float, str, str, str, bytes]] = []
        self.drop: Callable[[bytes], bool] = lambda data: False
        self.refuse_tcp = False
        self._queue: list[tuple[float, int, Agent, Flow, bytes]] = []
        self._flows: dict[tuple[str, Address, Address], Flow] = {}
        self._pairs: dict[int, tuple[Agent, Flow]] = {}
        self._sequence = 0

    def agent(self, name: str, *, core: bool = True, **config: Any) -> Agent:
        agent = self.agents[f"192.0.2.{len(self.agents) + 1}"] = Agent(
            self, name, f"192.0.2.{len(self.agents) + 1}", **config
        )
        if core:
            agent.add_core()
        return agent

    # Flows

    def _new_flow(self, transport: str, local: Address, remote: Address) -> Flow:
        flow = self._flows.get((transport, local, remote))
        if flow is None:
            flow = Flow(len(self._flows) + 1, transport, local, remote)
            self._flows[transport, local, remote] = flow
        return flow

    def udp_flow(self, local: Agent, remote: Address) -> Flow:
        return self._new_flow("UDP", Address(local.host, 5060), remote)

    def connect(self, agent: Agent, want: ConnectWanted) -> None:
        there = want.destination
        remote = Address(there.host, there.port)
        if there.transport == "UDP":
            agent.take(agent.endpoint.flow_opened(want.id, self.udp_flow(agent, remote), now=self.now))
            return
        peer = self.agents.get(there.host)
        if peer is None or self.refuse_tcp:
            agent.take(agent.endpoint.flow_failed(want.id, "refused", now=self.now))
            return
        local = Address(agent.host, 40000 + len(self._flows))
        ours, theirs = self._new_flow(there.transport, local, remote), self._new_flow(there.transport, remote, local)
        self._pairs[ours.id] = (peer, theirs)
        self._pairs[theirs.id] = (agent, ours)
        agent.take(agent.endpoint.flow_opened(want.id, ours, now=self.now))

    def resolve(self, agent: Agent, want: ResolveWanted) -> None:
        found = self.names.get(want.host)
        if found is None:
            agent.take(agent.endpoint.flow_failed(want.id, "no such name", now=self.now))
        else:
            agent.take(agent.endpoint.resolved(want.id, found, now=self.now))

    def close(self, flow: Flow, agent: Agent) -> None:
        """Close a connection on both sides."""
        peer, theirs = self._pairs.pop(flow.id)
        self._pairs.pop(theirs.id, None)
        agent.take(agent.endpoint.flow_closed(flow, now=self.now))
        peer.take(peer.endpoint.flow_closed(theirs, now=self.now))

    # Carrying

    def flush(self) -> None:
        for agent in self.agents.values():
            agent.take(agent.endpoint.take_events())
            for transmit in agent.endpoint.data_to_send():
                self._send(agent, transmit)

    def _send(self, agent: Agent, transmit: Transmit) -> None:
        flow, data = transmit.flow, transmit.data
        head = data.split(b"\r\n", 1)[0].decode("utf-8", "replace")
        self.log.append((self.now, agent.name, str(flow.remote), head, data))
        if flow.transport == "UDP":
            peer = self.agents.get(flow.remote.host)
            if peer is None or self.drop(data) or self.chance.uniform() < self.loss:
                return
            theirs = self.udp_flow(peer, flow.local)
            copies = 2 if self.chance.uniform() < self.duplication else 1
            for _ in range(copies):
                self._enqueue(peer, theirs, data, self.latency + self.jitter * self.chance.uniform())
        elif flow.id in self._pairs:
            peer, theirs = self._pairs[flow.id]
            self._enqueue(peer, theirs, data, self.latency)

    def _enqueue(self, peer: Agent, flow: Flow, data: bytes, delay: float) -> None:
        self._sequence += 1
        heapq.heappush(self._queue, (self.now + delay, self._sequence, peer, flow, data))

    def inject(self, agent: Agent, data: bytes, flow: Flow) -> None:
        """Hand bytes to an agent as if they came from the network."""
        agent.take(agent.endpoint.receive_data(data, flow=flow, now=self.now))
        self.flush()

    def run(self, seconds: float = 1.0, *, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass."""
        end = self.now + seconds
        while not until():
            self.flush()
            due = [at for agent in self.agents.values() if (at := agent.endpoint.next_timeout()) is not None]
            if self._queue:
                due.append(self._queue[0][0])
            if not due or min(due) > end:
                self.now = end
                return
            self.now = max(self.now, min(due))
            while self._queue and self._queue[0][0] <= self.now:
                _, _, peer, flow, data = heapq.heappop(self._queue)
                if not peer.deaf and (flow.transport == "UDP" or flow.id in self._pairs):
                    peer.take(peer.endpoint.receive_data(data, flow=flow, now=self.now))
            for agent in self.agents.values():
                at = agent.endpoint.next_timeout()
                if at is not None and at <= self.now:
                    agent.take(agent.endpoint.handle_timeout(now=self.now))

    # Looking

    def sent(self, start: str, by: Agent | None = None) -> list[float]:
        """Return when messages whose first line contains ``start`` were sent."""
        return [at for at, name, _, head, _ in self.log if start in head and (by is None or by.name == name)]

    def messages(self, start: str, by: Agent | None = None) -> list[Any]:
        """Return those messages, parsed."""
        return [
            parse_message(data)
            for _, name, _, head, data in self.log
            if start in head and (by is None or by.name == name)
        ]

    def ladder(self) -> str:
        return "\n".join(f"{at:8.3f} {name} -> {to}: {head}" for at, name, to, head, _ in self.log)


def idle(agent: Agent) -> bool:
    """Whether an endpoint keeps nothing: no transaction, dialog, session, subscription or timer."""
    endpoint = agent.endpoint
    return endpoint.sizes == dict.fromkeys(endpoint.sizes, 0) and endpoint.next_timeout() is None
