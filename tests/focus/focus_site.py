"""A Focus, a Focus Factory, clients and scripted MCUs on a pretend network: virtual time, no sockets.

SIP bytes really go through the endpoints of both sides; C3P over HTTP is delivered as calls.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import TypeVar

import attrs

from c3p import (
    MCU_HTTP_URI,
    MCU_ID,
    MCU_SERVER_URI,
    AddConference,
    AddUser,
    Code,
    Command,
    ConferenceInfo,
    ConferenceView,
    ConnectionInfo,
    Endpoint,
    EntityState,
    EntityView,
    Exchange,
    ExchangeFailure,
    GetConference,
    JoiningMethod,
    Media,
    Notify,
    Reply,
    Request,
    Response,
    State,
    Status,
    User,
    Users,
    mcu_uri,
    parse_document,
)
from focus import (
    Client,
    ClientConfig,
    ConferenceCreated,
    FactoryConfig,
    Focus,
    FocusConfig,
    FocusFactory,
    Joined,
    MemoryStore,
)
from sip import (
    Address,
    ConnectWanted,
    Destination,
    EndpointConfig,
    Event,
    Flow,
    Listen,
    Pump,
    ResolveWanted,
    SeededEntropy,
    SipError,
    StreamParser,
    Uri,
    parse_message,
)
from sip import Endpoint as SipEndpoint
from sip import Request as SipRequest
from sip import Response as SipResponse

FACTORY_URL = "http://factory.example.com:444/LiveServer/MCUFactory"
CALLBACK_URL = "http://focus.example.com:444/LiveServer/Focus"
RECORDS_URL = "http://records.example.com:444/LiveServer/FocusFactory"
DOMAIN = "example.com"
FOCUS_HOST = "192.0.2.1"
START = 1_000.0  #: monotonic seconds
WALL_CLOCK = 1_767_225_600.0 - START

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
            receiver.take(receiver.pump.receive_data(data, flow=back, now=self.now))
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


class FakeMcu:
    """An A/V MCU made of C3P documents: the test says what happens to its calls."""

    def __init__(self, site: Site, mcu_id: str = "av1", mcu_type: str = "audio-video") -> None:
        self.site, self.mcu_id, self.mcu_type = site, mcu_id, mcu_type
        self.url = f"http://{mcu_id}.example.com:444/LiveServer/{mcu_type}"
        self.requests: list[Request] = []
        self.version = 0
        self.conference = ""
        self.users: dict[str, User] = {}
        self.dialled: dict[str, Request] = {}  #: user -> the addUser that had it called
        self.answers: dict[type[Command], Callable[[Request], Reply | ExchangeFailure | None]] = {}
        site.net.services[self.url] = self.receive

    @property
    def uri(self) -> str:
        """The MCU-Conference-URI."""
        return mcu_uri(self.conference, self.mcu_type)

    def commands(self, kind: type[Command]) -> list[Request]:
        """The requests of one kind that reached the MCU."""
        return [one for one in self.requests if isinstance(one.command, kind)]

    def receive(self, request: Request) -> Reply | ExchangeFailure | None:
        """Take a request of the Focus."""
        self.requests.append(request)
        scripted = self.answers.get(type(request.command))
        if scripted is not None:
            return scripted(request)
        if isinstance(request.command, AddConference):
            assert request.command.conference_info is not None
            self.conference = request.command.conference_info.entity
            return Reply(200, request.respond(Code.SUCCESS, command=AddConference(conference_info=self.document())))
        if isinstance(request.command, GetConference):
            return Reply(200, request.respond(Code.SUCCESS, command=GetConference(conference_info=self.document())))
        if isinstance(request.command, AddUser):
            self.dialled[request.command.user.entity] = request
            return Reply(200, request.respond(Code.PENDING))
        return Reply(200, request.respond(Code.SUCCESS))

    def document(self, state: State = State.FULL, users: tuple[User, ...] | None = None) -> ConferenceInfo:
        """This MCU's part, or a change of it."""
        listed = tuple(self.users.values()) if users is None else users
        view = EntityView(entity=self.uri, state=State.FULL, entity_state=EntityState(locked=False))
        return ConferenceInfo(
            entity=self.conference,
            state=state,
            version=self.version,
            users=Users(state=state, users=listed),
            conference_view=ConferenceView(state=state, views=(view,)) if state is State.FULL else None,
        )

    def notify(self, *users: User, peer: str | None = None, skip: int = 0) -> Reply:
        """Report changed users to the Focus."""
        self.version += 1 + skip
        info = self.document(State.PARTIAL, users)
        return self.post(
            Notify(notification_id=self.version, from_=self.uri, to=self.conference, conference_info=info), peer
        )

    def post(self, document: Notify | Response, peer: str | None = None) -> Reply:
        """Post something to the callback URL of the Focus."""
        parsed = parse_document(bytes(document))
        site = self.site
        reply = site.focus.receive_c3p(parsed, peer=peer or self.mcu_id, now=site.net.now)
        site.net.run()
        return reply

    def call(self, user: str, status: str, *, display: str | None = None, **fields: object) -> Reply:
        """Report the endpoint of a dialled user."""
        request = self.dialled[user]
        assert isinstance(request.command, AddUser)
        asked = request.command.user.endpoints[0]
        media = (Media(id="1", type="audio", label="main-audio", status="sendrecv"),) if status == "connected" else ()
        endpoint = Endpoint(
            entity=asked.entity,
            state=State.FULL,
            session_type=self.mcu_type,
            status=status,
            joining_method=JoiningMethod.DIALED_OUT,
            media=media,
        )
        whole = User(
            entity=user,
            state=State.FULL,
            display_text=display or request.command.user.display_text,
            endpoints=(attrs.evolve(endpoint, **fields),),
        )
        self.users[user] = whole
        return self.notify(whole)

    def hang_up(self, user: str) -> Reply:
        """Report that a user is gone."""
        self.users.pop(user)
        return self.notify(User(entity=user, state=State.DELETED))

    def result(
        self, user: str, code: Code = Code.SUCCESS, reason: str | None = None, specific: str | None = None
    ) -> Reply:
        """Post the final answer to the addUser of a user."""
        return self.post(self.dialled[user].respond(code, reason=reason, command_reason=specific))

    def answer_call(self, user: str) -> None:
        """The whole of a successful call."""
        self.call(user, Status.DIALING_OUT)
        self.call(user, Status.ALERTING)
        self.call(user, Status.CONNECTED)
        self.result(user)

    def boot(self, user: str) -> None:
        """What an MCU does with deleteUser: disconnected, then gone."""
        self.call(user, Status.DISCONNECTED, disconnection_method="booted")
        self.hang_up(user)


class FakeMcuFactory:
    """Hands out the MCUs that a test made, in order, skipping excluded ones."""

    def __init__(self, site: Site) -> None:
        self.mcus: list[FakeMcu] = []
        self.requests: list[Request] = []
        site.net.services[FACTORY_URL] = self.receive

    def receive(self, request: Request) -> Reply:
        """Answer an allocation."""
        self.requests.append(request)
        command = request.command
        assert isinstance(command, AddConference)
        free = [one for one in self.mcus if one.mcu_type == command.mcu_type and one.mcu_id not in command.exclude]
        if not free:
            return Reply(200, request.respond(Code.FAILURE, reason="serverBusy"))
        info = ConnectionInfo.of(
            {MCU_HTTP_URI: free[0].url, MCU_SERVER_URI: f"sip:{free[0].mcu_id}.example.com", MCU_ID: free[0].mcu_id}
        )
        answer = AddConference(conference_keys=command.conference_keys, connection_info=info)
        return Reply(200, request.respond(Code.SUCCESS, command=answer))


@attrs.frozen
class Phone:
    """A client and its node."""

    node: Node
    client: Client

    @property
    def roster(self) -> ConferenceInfo:
        """The conference as this client sees it."""
        assert self.client.roster is not None
        return self.client.roster

    def user(self, entity: str) -> User | None:
        """One user of the roster."""
        users = self.roster.users
        return next((one for one in users.users if one.entity == entity), None) if users is not None else None

    def status(self, entity: str) -> str | None:
        """Status of the first endpoint of a user that is not its Focus endpoint."""
        user = self.user(entity)
        others = [one for one in user.endpoints if one.session_type != "focus"] if user is not None else []
        return others[0].status if others else None


class Site:
    """Everything of one domain."""

    def __init__(self, *, factory: FactoryConfig | None = None, **focus: object) -> None:
        self.net = Net()
        self.store = MemoryStore(wall_clock=WALL_CLOCK)
        entropy = SeededEntropy(b"site")
        endpoint = self.endpoint(FOCUS_HOST, entropy)
        config = FocusConfig(
            domain=DOMAIN, mcu_factory_url=FACTORY_URL, callback_url=CALLBACK_URL, server="focus.example.com"
        )
        self.factory = FocusFactory(
            endpoint, factory or FactoryConfig(domain=DOMAIN), store=self.store, entropy=entropy.child("factory")
        )
        self.focus = Focus(endpoint, attrs.evolve(config, **focus), store=self.store, entropy=entropy.child("focus"))
        self.node = self.net.add(Node(self.net, "focus", FOCUS_HOST, endpoint, self.focus, self.factory))
        self.net.watch_c3p(self.focus, self.node)
        self.mcu_factory = FakeMcuFactory(self)
        self._hosts = itertools.count(10)

    @staticmethod
    def endpoint(host: str, entropy: SeededEntropy) -> SipEndpoint:
        """An endpoint that listens at a host."""
        config = EndpointConfig(listen=(Listen("UDP", host, 5060), Listen("TCP", host, 5060)))
        return SipEndpoint(config, entropy=entropy.child("endpoint"), wall_clock=WALL_CLOCK)

    def mcu(self, mcu_id: str = "av1", mcu_type: str = "audio-video") -> FakeMcu:
        """One more MCU that can be allocated."""
        made = FakeMcu(self, mcu_id, mcu_type)
        self.mcu_factory.mcus.append(made)
        return made

    def client(self, name: str, *, transport: str = "TCP", **config: object) -> Phone:
        """One more client."""
        host = f"192.0.2.{next(self._hosts)}"
        entropy = SeededEntropy(name.encode())
        endpoint = self.endpoint(host, entropy)
        proxy = Uri.parse(f"sip:{FOCUS_HOST}:5060;transport={transport.lower()}")
        settings = ClientConfig(aor=f"sip:{name}@{DOMAIN}", display_name=name.title(), outbound_proxy=proxy)
        client = Client(endpoint, attrs.evolve(settings, **config), entropy=entropy.child("client"))
        return Phone(self.net.add(Node(self.net, name, host, endpoint, client)), client)

    def created(self, phone: Phone, **record: object) -> str:
        """A new conference of a client."""
        phone.client.create_conference(now=self.net.now, **record)  # type: ignore[arg-type]
        self.net.run()
        return phone.node.last(ConferenceCreated).conference_uri

    def joined(self, phone: Phone, conference: str, *, subscribe: bool = True) -> Phone:
        """A client in the conference, following it."""
        phone.client.join(conference, now=self.net.now)
        self.net.run()
        phone.node.last(Joined)
        if subscribe:
            phone.client.subscribe(now=self.net.now)
            self.net.run()
        return phone

    def meeting(self, *watchers: str, **record: object) -> tuple[str, Phone, list[Phone]]:
        """A conference of alice's, alice in it as presenter, and some attendees, all subscribed."""
        alice = self.client("alice")
        conference = self.created(alice, **record)
        self.joined(alice, conference)
        return conference, alice, [self.joined(self.client(name), conference) for name in watchers]


class RawPeer:
    """A program at the other end of one TCP connection to the Focus: it sends bytes and sees bytes."""

    def __init__(self, site: Site, host: str = "192.0.2.77") -> None:
        self.site, self.name, self.host = site, "raw", host
        self.pump = self
        self.received: list[SipRequest | SipResponse] = []
        self._parser = StreamParser()
        self.flow, self.back = site.net.pair(self, site.node, "TCP")  # type: ignore[arg-type]

    def receive_data(self, data: bytes, *, flow: Flow, now: float) -> list[Event]:
        """Bytes from the Focus."""
        try:
            found = self._parser.receive_data(data)
        except SipError:
            # The answer to what is no message may lack what a message needs.
            self._parser, found = StreamParser(), []
        self.received += [one for one in found if isinstance(one, SipRequest | SipResponse)]
        return []

    def take(self, events: list[Event]) -> None:
        """There are none."""

    @staticmethod
    def message(text: str, body: bytes = b"") -> bytes:
        """One message on the wire."""
        lines = [line.strip() for line in text.strip().splitlines()]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body

    def send(self, text: str, body: bytes = b"") -> list[SipRequest | SipResponse]:
        """Send one message; what came back, and everything else that arrived meanwhile."""
        return self.send_bytes(self.message(text, body))

    def feed(self, data: bytes) -> None:
        """Send bytes whose answer does not matter."""
        node = self.site.node
        node.take(node.pump.receive_data(data, flow=self.back, now=self.site.net.now))
        self.site.net.run()

    def send_bytes(self, data: bytes) -> list[SipRequest | SipResponse]:
        """Send bytes in one piece of the stream."""
        before = len(self.received)
        node = self.site.node
        node.take(node.pump.receive_data(data, flow=self.back, now=self.site.net.now))
        self.site.net.run()
        return self.received[before:]


__all__ = [
    "CALLBACK_URL",
    "DOMAIN",
    "FACTORY_URL",
    "FOCUS_HOST",
    "RECORDS_URL",
    "FakeMcu",
    "FakeMcuFactory",
    "Net",
    "Node",
    "Phone",
    "RawPeer",
    "Site",
]
