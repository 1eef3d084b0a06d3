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

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from sip.config import EndpointConfig
from sip.endpoint.endpoint import Endpoint
from sip.endpoint.pump import Core
from sip.entropy import SeededEntropy
from sip.events import ConnectWanted, ResolveWanted
from sip.flow import Address, Destination, Flow, Transmit
from sip.message.parsing import parse_message
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.agent import Agent
from sip.testing.judges.passage import Passage
from sip.testing.judges.reading import read
from sip.testing.wire import Wire

#: Rounds at one instant after which the network counts as never coming to rest.
MAX_ROUNDS: Final = 10_000


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


class _Weather:
    """The chances of a network, as it has them at the moment."""

    def __init__(self, net: Network) -> None:
        self._net = net

    def copies(self) -> Sequence[float]:
        """Delays of a datagram."""
        net = self._net
        if net.chance.uniform() < net.loss:
            return ()
        number = 2 if net.chance.uniform() < net.duplication else 1
        return [net.latency + net.jitter * net.chance.uniform() for _ in range(number)]

    def pieces(self, data: bytes) -> Sequence[bytes]:
        """Streams come as they were written."""
        return (data,)

    def delay(self) -> float:
        """Streams wait for nothing."""
        return self._net.latency


class Network:
    """Carries what agents send. Time moves only in ``run``. A subclass may carry other things as well (HTTP, media)."""

    def __init__(
        self,
        seed: int = 0,
        *,
        loss: float = 0.0,
        duplication: float = 0.0,
        jitter: float = 0.0,
        latency: float = 0.01,
        now: float = 0.0,
        trusted: tuple[str, ...] = ("192.0.2.0/24",),
    ) -> None:
        """Probabilities are of one datagram; ``jitter`` and ``latency`` are seconds; time begins at ``now``.

        Agents trust the networks ``trusted``: by default each other, and ``outside``. Without them they treat each
        other as strangers (`EndpointConfig.trusted_networks`).
        """
        self.seed = seed
        self.trusted = trusted
        self.loss, self.duplication, self.jitter, self.latency = loss, duplication, jitter, latency
        self.names: dict[str, list[Destination]] = {}  #: what look-ups find
        self.log: list[Sent] = []
        self._carried: list[tuple[Sent, Flow]] = []  # all that was sent, whatever became of the log
        self._got: dict[int, float] = {}  # when what has its place there has arrived
        self.drop: Callable[[bytes], bool] = lambda data: False  #: which datagrams get lost, beside chance
        self.cut: Callable[[Sent, Flow], bool] = lambda sent, flow: False  #: what gets lost on whatever transport
        self.refuses: Callable[[Destination], bool] = lambda destination: False  #: which connections fail
        #: a man in the middle: what arrives of a message that an agent sent on a flow
        self.middle: Callable[[Sent, Flow], bytes] = lambda sent, flow: sent.data
        #: whether an element that breaks ends the test, or has an `InternalFault` among its events
        self.faults_raise = True
        self.chance = SeededEntropy(b"network %d" % seed)
        self._agents: dict[str, Agent] = {}
        self.wire: Wire[Agent] = Wire(_Weather(self), now=now)

    @property
    def now(self) -> float:
        """Virtual seconds, from wherever they began."""
        return self.wire.clock.now

    def agent(
        self, name: str, settings: EndpointConfig | None = None, *, core: bool = True, wall_clock: float = 0.0
    ) -> Agent:
        """Add an agent at the next address of 192.0.2.0/24; ``core`` False leaves it without core."""
        host = f"192.0.2.{len(self._agents) + 1}"
        agent = self._agents[host] = Agent(self, name, host, settings or EndpointConfig(), wall_clock=wall_clock)
        if core:
            agent.add_core()
        return agent

    def place(self, name: str, host: str, endpoint: Endpoint, *cores: Core) -> Agent:
        """Add an agent that runs an endpoint made elsewhere, and the cores that are registered with it."""
        agent = Agent(self, name, host, endpoint.config, endpoint=endpoint, cores=cores)
        self.join(agent)
        return agent

    def join(self, agent: Agent) -> None:
        """Add an agent that was made elsewhere."""
        self._agents[agent.host] = agent

    def leave(self, agent: Agent) -> None:
        """Take an agent off the network: nothing reaches it, and it does nothing any more."""
        del self._agents[agent.host]

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Everybody, in the order of coming."""
        return tuple(self._agents.values())

    # Flows

    def flow(self, transport: str, local: Address, remote: Address) -> Flow:
        """Return the flow between two addresses."""
        return self.wire.flow(transport, local, remote)

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
        ours, _ = self.pair(agent, peer, there.transport, remote)
        agent.take(agent.endpoint.flow_opened(want.id, ours, now=self.now))

    def pair(self, agent: Agent, peer: Agent, transport: str, remote: Address | None = None) -> tuple[Flow, Flow]:
        """Return both ends of a new connection."""
        local = Address(agent.host, 40000 + len(self.wire.flows))
        return self.wire.open(agent, peer, transport, local, remote or Address(peer.host, 5060))

    def connections(self, agent: Agent) -> list[Flow]:
        """Return the open connections of an agent, at its own end."""
        return [theirs for peer, theirs in self.wire.far_ends.values() if peer is agent]

    def end_of(self, flow: Flow) -> Agent:
        """Return the agent at the near end of an open connection."""
        return self.wire.near_end(flow)

    def far_end(self, flow: Flow) -> tuple[Agent, Flow]:
        """Return the agent at the far end of an open connection, and the flow as seen from there."""
        return self.wire.far_ends[flow.id]

    def resolve(self, agent: Agent, want: ResolveWanted) -> None:
        """Answer a question for addresses."""
        found = self.names.get(want.host)
        if found is None:
            agent.take(agent.endpoint.flow_failed(want.id, "no such name", now=self.now))
        else:
            agent.take(agent.endpoint.resolved(want.id, found, now=self.now))

    def close(self, agent: Agent, flow: Flow) -> None:
        """Close a connection, seen from an agent; both sides are told."""
        _, (peer, theirs) = self.wire.close(flow)
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
        flow = transmit.flow
        sent = Sent(self.now, agent.name, str(flow.remote), transmit.data)
        place = len(self._carried)
        self.log.append(sent)
        self._carried.append((sent, flow))
        data = self.middle(sent, flow)
        if self.cut(sent, flow):
            return
        if flow.transport != "UDP":
            self.wire.send_stream(flow, data, lambda peer, theirs, data: self._arrived(peer, theirs, data, place))
            return
        peer = self._agents.get(flow.remote.host)
        if peer is not None and not self.drop(data):
            self.wire.send_datagram(flow, data, lambda theirs, data: self._arrived(peer, theirs, data, place))

    def _arrived(self, agent: Agent, flow: Flow, data: bytes, place: int) -> None:
        if not agent.deaf:
            self._got.setdefault(place, self.now)
            agent.take(agent.endpoint.receive_data(data, flow=flow, now=self.now))

    def inject(self, agent: Agent, data: bytes, flow: Flow | None = None) -> None:
        """Hand bytes to an agent, by default as a datagram from ``outside``."""
        agent.take(agent.endpoint.receive_data(data, flow=flow or self.outside(agent), now=self.now))
        self.flush()

    def run(self, seconds: float = 1.0, *, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, until something holds."""
        clock = self.wire.clock
        end = clock.now + seconds
        while not until():
            self.flush()
            arrival = clock.next_at()
            if (arrival is None or arrival > clock.now) and self.carry_other():
                continue
            due = [at for agent in self._agents.values() if (at := agent.next_timeout()) is not None]
            due += [at for at in (arrival, self.next_other()) if at is not None]
            if not due or min(due) > end:
                clock.move_to(end)
                return
            clock.move_to(min(due))
            self._deliver()
            self._fire()
            self.do_other()

    def settle(self) -> None:
        """Carry everything that is on its way at this instant, and what follows from it. No timer fires."""
        for _ in range(MAX_ROUNDS):
            self.flush()
            if not self._deliver() and not self.carry_other():
                return
        raise AssertionError(f"the network does not come to rest\n{self.ladder()}")

    def carry_other(self) -> bool:
        """Carry what is not SIP, once no SIP is due at this instant; return whether there was any."""
        return False

    def next_other(self) -> float | None:
        """Return when something is due that is not SIP."""
        return None

    def do_other(self) -> None:
        """Do it, where it is due."""

    def _deliver(self) -> bool:
        clock, moved = self.wire.clock, False
        while clock.step(clock.now):
            moved = True
        return moved

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

    def messages(self, by: str) -> list[Request | Response]:
        """Return everything that the agent of a name sent, keep-alives apart."""
        return [parse_message(each.data) for each in self.log if each.by == by and each.data.strip()]

    def requests(self, method: str, by: Agent | None = None) -> list[Request]:
        """Return the requests of a method that were sent."""
        found = [parse_message(each.data) for each in self._matching(f"{method} sip", by)]
        return [message for message in found if isinstance(message, Request) and message.method == method]

    def responses(self, status: int, by: Agent | None = None) -> list[Response]:
        """Return the responses with a status that were sent."""
        found = [parse_message(each.data) for each in self._matching(f"SIP/2.0 {status}", by)]
        return [message for message in found if isinstance(message, Response)]

    def passages(self) -> list[Passage]:
        """Return everything that agents sent and that can be read, as judges take it: see `check_traffic`."""
        found = []
        for place, (sent, flow) in enumerate(self._carried):
            message = read(lambda sent=sent: parse_message(sent.data))  # type: ignore[misc]
            peer = self._agents.get(flow.remote.host)
            if message is not None:
                found.append(
                    Passage(
                        at=sent.at,
                        sender=sent.by,
                        receiver=peer.name if peer is not None else flow.remote.host,
                        message=message,
                        transport=flow.transport,
                        arrived=place in self._got,
                        arrived_at=self._got.get(place),
                    )
                )
        return found

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
