"""One MCU on a pretend network: phones are plain SIP user agents, the Focus is a script of C3P documents.

Time is virtual. Bytes really go through two endpoints; nothing is a stand-in for the code under test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import attrs

from c3p import (
    AddConference,
    AddUser,
    Code,
    Command,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    DeleteUser,
    Endpoint,
    EntityState,
    EntityView,
    Exchange,
    ExchangeFailure,
    Media,
    Notify,
    Reply,
    Request,
    Response,
    User,
    UserKeys,
    focus_uri,
    mcu_uri,
    parse_document,
)
from mcu import (
    DialOutPolicy,
    DialOutRules,
    LegEnded,
    LegEvent,
    LegId,
    Mcu,
    McuConfig,
    MediaPortReleased,
    MediaPortWanted,
    diagnostics_of,
)
from rtp import (
    Capabilities,
    MediaAgreement,
    MediaStream,
    OfferAnswerSession,
    RtcpPacket,
    SessionDescription,
    parse_rtcp,
)
from sip import (
    Address,
    Claim,
    ConnectWanted,
    EndpointConfig,
    Event,
    Flow,
    InternalFault,
    InviteReceived,
    Listen,
    Pump,
    SeededEntropy,
    SessionConfirmed,
    SessionEnded,
    SessionId,
    Uri,
)
from sip import Endpoint as SipEndpoint

CONFERENCE = focus_uri("sip:alice@example.com", "CONF00000001")
AV = mcu_uri(CONFERENCE, "audio-video")
ALICE = "sip:alice@example.com"
CALLBACK = "https://focus.example.com/LiveServer/Focus"
MCU_HOST = "192.0.2.1"
SDP = "application/sdp"
FRAME = 0.02


def guid(number: int) -> str:
    return f"{{00000000-0000-4000-8000-{number:012X}}}"


def _number(host: str) -> int:
    return int.from_bytes(bytes(map(int, host.split("."))), "big")


class Agent:
    """An endpoint with one address."""

    def __init__(self, host: str, seed: str) -> None:
        self.address = Address(host, 5060)
        self.endpoint = SipEndpoint(
            EndpointConfig(listen=(Listen("UDP", host, 5060),)), entropy=SeededEntropy(seed.encode())
        )

    def flow(self, remote: Address) -> Flow:
        return Flow(_number(remote.host), "UDP", self.address, remote)


class Phone(Agent):
    """A user agent that does what ``script`` says when it is called, and sends a tone when it has answered.

    ``level`` is the sample that it says over and over, so that a mix is plain to see.
    """

    owner = "phone"

    def __init__(self, host: str, script: Callable[[Phone, InviteReceived], None], *, level: int = 0) -> None:
        super().__init__(host, host)
        self.script, self.level = script, level
        self.capabilities = Capabilities(announce_encryption=False, label=None)
        self.now = 0.0
        self.invites: list[InviteReceived] = []
        self.seen: list[Event] = []
        self.session: SessionId | None = None
        self.negotiation: OfferAnswerSession | None = None
        self.stream: MediaStream | None = None
        self.heard: list[bytes] = []
        self.reports: list[RtcpPacket] = []
        self.csrcs: list[tuple[int, ...]] = []
        self.talking = True
        methods = ("INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "OPTIONS", "INFO")
        self.endpoint.add_core(self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=methods)

    # The core

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        self.now = now
        self.seen.append(event)
        if isinstance(event, InviteReceived):
            self.invites.append(event)
            self.session = event.session
            self.script(self, event)
        elif isinstance(event, SessionConfirmed):
            self._confirmed()
        elif isinstance(event, SessionEnded):
            self.stream = None
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []

    # What scripts do

    @property
    def last(self) -> InviteReceived:
        return self.invites[-1]

    def ring(self, status: int = 180, body: bytes = b"") -> None:
        kind = SDP if body else None
        self.endpoint.progress(self.last.session, status, body=body, content_type=kind, now=self.now)

    def description(self) -> bytes:
        """The answer to the offer of the INVITE."""
        self.negotiation = OfferAnswerSession(self.capabilities, address=self.address.host, port=4000)
        return bytes(self.negotiation.receive_offer(SessionDescription.parse(self.last.request.body))[0])

    def answer(
        self,
        body: bytes | None = None,
        *,
        content_type: str | None = SDP,
        headers: Sequence[tuple[str, object]] = (),
    ) -> None:
        """200, with a proper answer unless another body is given."""
        body = self.description() if body is None else body
        self.endpoint.accept(self.last.session, headers=headers, body=body, content_type=content_type, now=self.now)

    def refuse(self, status: int, *headers: tuple[str, object]) -> None:
        self.endpoint.reject(self.last.session, status, headers=headers, now=self.now)

    def hang_up(self) -> None:
        assert self.session is not None
        self.endpoint.bye(self.session, now=self.now)

    def _confirmed(self) -> None:
        if self.stream is None and self.negotiation is not None and self.negotiation.agreement is not None:
            audio = self.negotiation.agreement.audio
            assert audio is not None
            self.stream = self.make_stream(audio)

    def make_stream(self, audio: MediaAgreement) -> MediaStream:
        number = int(self.address.host.rpartition(".")[2])
        return MediaStream(
            audio,
            ssrc=1000 + number,
            sequence_number=10,
            timestamp=100,
            cname=self.address.host,
            uniform=lambda: 0.5,
            now=self.now,
        )

    def frame(self) -> bytes:
        return self.level.to_bytes(2, "little", signed=True) * 160

    def tick(self, now: float) -> list[tuple[str, bytes, tuple[str, int]]]:
        self.now = now
        if self.stream is None:
            return []
        out = self.stream.send_frame(self.frame() if self.talking else None, now=now)
        self.stream.handle_timeout(now=now)
        return [*out, *self.stream.data_to_send()]

    def receive_media(self, kind: str, data: bytes, source: tuple[str, int], now: float) -> None:
        if kind == "rtcp":
            self.reports += parse_rtcp(data)
        if self.stream is None or kind == "rtcp":
            return
        count = data[0] & 15
        self.csrcs.append(tuple(int.from_bytes(data[12 + 4 * n : 16 + 4 * n], "big") for n in range(count)))
        self.heard.append(self.stream.decode(data[12 + 4 * count :]))

    @property
    def last_sample(self) -> int:
        """The newest sample that was heard."""
        return int.from_bytes(self.heard[-1][-2:], "little", signed=True)


def answering(phone: Phone, event: InviteReceived) -> None:
    phone.ring()
    phone.answer()


def ringing(phone: Phone, event: InviteReceived) -> None:
    phone.ring()


def refusing(status: int, *headers: tuple[str, object]) -> Callable[[Phone, InviteReceived], None]:
    return lambda phone, event: phone.refuse(status, *headers)


def silent(phone: Phone, event: InviteReceived) -> None:
    """Takes the INVITE and says nothing but the 100 of its endpoint."""


class Focus:
    """What the MCU posted, and the answers it gets."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.reply: Reply | ExchangeFailure = Reply(200)

    @property
    def documents(self) -> list[Notify | Response | Request]:
        return [exchange.document for exchange in self.exchanges]

    @property
    def notifications(self) -> list[ConferenceInfo]:
        return [each.conference_info for each in self.documents if isinstance(each, Notify)]

    def responses(self, request_id: str) -> list[Response]:
        return [each for each in self.documents if isinstance(each, Response) and each.request_id == request_id]

    def final(self, request_id: str) -> Response:
        (response,) = [each for each in self.responses(request_id) if each.final]
        return response

    @property
    def roster(self) -> ConferenceInfo:
        """What a Focus that applies everything in order knows now."""
        whole = self.notifications[0]
        for change in self.notifications[1:]:
            whole = whole.apply(change)
        return whole

    def history(self, endpoint: str) -> list[str]:
        """Status values of one endpoint as they were reported; ``gone`` when it or its user was deleted."""
        seen: list[str] = []
        user_of = None
        for info in self.notifications:
            for user in info.users.users if info.users is not None else ():
                for each in user.endpoints:
                    if each.entity == endpoint:
                        user_of = user.entity
                        seen.append("gone" if each.state == "deleted" else each.status or "")
                if user.state == "deleted" and user.entity == user_of:
                    seen.append("gone")
        return [status for index, status in enumerate(seen) if index == 0 or status != seen[index - 1]]


class World:
    """The MCU, its phones by host, its Focus, and the time."""

    def __init__(self, policy: DialOutPolicy | None = None, **settings: object) -> None:
        self.now = 1000.0
        self.agent = Agent(MCU_HOST, "mcu")
        self.mcu = Mcu(
            self.agent.endpoint,
            McuConfig(
                mcu_id="mcu1",
                http_url="https://mcu1.example.com/LiveServer/AVMCU",
                sip_contact=Uri.parse(f"sip:mcu@{MCU_HOST}:5060"),
                **settings,  # type: ignore[arg-type]
            ),
            entropy=SeededEntropy(b"mcu core"),
            policy=policy or DialOutRules(domains=None, numbers=None),  # phones are at addresses of their own here
        )
        self.focus = Focus()
        self.phones: dict[str, Phone] = {}
        self.pumps: dict[str, Pump] = {MCU_HOST: Pump(self.agent.endpoint, [self.mcu])}
        self.events: list[Event] = []
        self.ports: str = "open"
        #: Opens and closes ports in place of this class.
        self.media: Callable[[list[Event]], list[Event]] | None = None
        self.ports_open: dict[int, LegId] = {}
        self.phone_tick = self.now
        self.requests = 0
        self.lost: set[str] = set()  #: datagrams with one of these words in them do not arrive
        self.drop: Callable[[], bool] = lambda: False  #: whether the next datagram is lost
        self.fate: Callable[[], Reply | ExchangeFailure] = lambda: self.focus.reply  #: of the next document
        self.ports_asked: list[LegId] = []
        self.faults_raise = True  #: whether a machine that breaks ends the test
        self.replies: dict[str, Reply] = {}

    def phone(
        self, number: int, script: Callable[[Phone, InviteReceived], None] = answering, *, level: int = 0
    ) -> Phone:
        """A phone at 198.51.100.<number>."""
        host = f"198.51.100.{number}"
        phone = self.phones[host] = Phone(host, script, level=level)
        self.pumps[host] = Pump(phone.endpoint, [phone])
        return phone

    # Commands of the Focus

    def post(self, command: Command, *, peer: str = "focus", originator: str | None = ALICE, **more: object) -> Reply:
        """A command of a presenter, as the Focus relays it."""
        self.requests += 1
        request = Request(
            request_id=str(self.requests),
            from_=CONFERENCE,
            to=AV,
            command=command,
            originator=originator,
            **{"originator_role": "presenter", **more},  # type: ignore[arg-type]
        )
        document = parse_document(bytes(request))
        reply = self.mcu.receive_c3p(document, peer=peer, now=self.now)
        self.replies[str(self.requests)] = reply
        self.settle()
        return reply

    def start(self, *, locked: bool | None = None, peer: str = "focus", callback: str | None = CALLBACK) -> Reply:
        view = EntityView(entity=AV, entity_state=EntityState(locked=locked))
        info = ConferenceInfo(
            entity=CONFERENCE,
            description=ConferenceDescription(subject="Weekly  talk"),
            conference_view=ConferenceView(views=(view,)),
        )
        return self.post(AddConference(conference_info=info, callback_uri=callback), peer=peer)

    def dial(
        self,
        number: int,
        *,
        uri: str | None = None,
        endpoint: str | None = None,
        endpoint_uri: str | None = None,
        role: str | None = None,
        media: tuple[Media, ...] = (),
        method: str = "dialed-out",
        **more: object,
    ) -> Reply:
        """Have the user at the phone ``number`` called."""
        one = Endpoint(entity=endpoint or guid(number), joining_method=method, endpoint_uri=endpoint_uri, media=media)
        user = User(
            entity=uri or f"sip:user{number}@198.51.100.{number}",
            display_text=f"User {number}",
            roles=(role,) if role else (),
            endpoints=(one,),
        )
        command = AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=user)
        return self.post(command, **more)  # type: ignore[arg-type]

    def eject(self, number: int, **more: object) -> Reply:
        keys = UserKeys(conf_entity=CONFERENCE, user_entity=f"sip:user{number}@198.51.100.{number}")
        return self.post(DeleteUser(user_keys=keys), **more)  # type: ignore[arg-type]

    def of(self, kind: type[LegEvent]) -> list[LegEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def ended(self) -> LegEnded:
        """The one leg that ended."""
        (event,) = [event for event in self.events if isinstance(event, LegEnded)]
        return event

    # The network

    def settle(self) -> None:
        """Carry everything that is on its way, without letting time pass."""
        for _ in range(200):
            self._take(self.mcu.take_events(), MCU_HOST)
            before = len(self.events)
            for host, pump in self.pumps.items():
                self._take(pump.settle(now=self.now), host)
            if not (self._carry_sip() | self._carry_c3p()) and len(self.events) == before:
                return
        raise AssertionError("the network does not come to rest")

    def send_to_mcu(self, data: bytes, flow: Flow) -> None:
        """Bytes that no phone here would write."""
        self._take(self.pumps[MCU_HOST].receive_data(data, flow=flow, now=self.now), MCU_HOST)
        self.settle()

    def _take(self, events: list[Event], host: str) -> None:
        """Answer what the machines ask of their driver; keep what the MCU reports."""
        for event in events:
            if isinstance(event, InternalFault) and self.faults_raise:
                raise event.exception
            if isinstance(event, ConnectWanted):
                self._connect(self.agent if host == MCU_HOST else self.phones[host], event)
            elif self.media is not None and isinstance(event, MediaPortWanted | MediaPortReleased):
                self._take(self.media([event]), MCU_HOST)
            elif isinstance(event, MediaPortWanted):
                self.ports_asked.append(event.leg)
                self._open(event.leg)
            elif host == MCU_HOST:
                self.events.append(event)
            if isinstance(event, MediaPortReleased):
                self.ports_open = {port: leg for port, leg in self.ports_open.items() if leg != event.leg}

    def _open(self, leg: LegId) -> None:
        if self.ports == "open":
            port = 40000 + 2 * leg
            self.ports_open[port] = leg
            rtp, rtcp = (MCU_HOST, port), (MCU_HOST, port + 1)
            self._take(self.mcu.media_opened(leg, rtp=rtp, rtcp=rtcp, advertised=MCU_HOST, now=self.now), MCU_HOST)
        elif self.ports == "fail":
            self._take(self.mcu.media_failed(leg, "no port is free", now=self.now), MCU_HOST)

    def _agents(self) -> Iterator[Agent]:
        yield self.agent
        yield from self.phones.values()

    def _carry_sip(self) -> bool:
        moved = False
        for agent in self._agents():
            for transmit in agent.endpoint.data_to_send():
                moved = True
                host = transmit.flow.remote.host
                pump = self.pumps.get(host)
                unlucky = self.drop() or any(word in transmit.data.decode() for word in self.lost)
                if pump is not None and not unlucky:
                    flow = Flow(_number(agent.address.host), "UDP", transmit.flow.remote, agent.address)
                    self._take(pump.receive_data(transmit.data, flow=flow, now=self.now), host)
        return moved

    def _connect(self, agent: Agent, event: ConnectWanted) -> None:
        destination = event.destination
        if destination.host in self.pumps:
            flow = agent.flow(Address(destination.host, destination.port))
            more = agent.endpoint.flow_opened(event.id, flow, now=self.now)
        else:
            more = agent.endpoint.flow_failed(event.id, "unreachable", now=self.now)
        host = agent.address.host
        self._take(self.pumps[host].settle(more, now=self.now), host)

    def _carry_c3p(self) -> bool:
        exchanges = self.mcu.c3p_to_send()
        for exchange in exchanges:
            document = parse_document(bytes(exchange.document))
            assert not isinstance(document, ConferenceInfo)
            reply = self.fate()
            if reply is not ExchangeFailure.CONNECT or self.focus.reply is ExchangeFailure.CONNECT:
                self.focus.exchanges.append(attrs.evolve(exchange, document=document))
            if isinstance(reply, Reply):
                self._take(self.mcu.receive_reply(exchange.id, reply, now=self.now), MCU_HOST)
            else:
                self._take(self.mcu.exchange_failed(exchange.id, reply, now=self.now), MCU_HOST)
        return bool(exchanges)

    # Time

    def run(self, seconds: float) -> None:
        """Let time pass: timers, ticks of the MCU, and frames of the phones."""
        end = self.now + seconds
        self.settle()
        while True:
            due = self._next()
            if due > end + 1e-9:
                break
            self.now = max(self.now, due)
            self._step()
        self.now = end

    def _next(self) -> float:
        times = [pump.next_timeout() for pump in self.pumps.values()]
        times += [self.mcu.next_tick(), self.phone_tick if any(each.stream for each in self.phones.values()) else None]
        return min((at for at in times if at is not None), default=math.inf)

    def _step(self) -> None:
        for host, pump in self.pumps.items():
            at = pump.next_timeout()
            if at is not None and at <= self.now:
                self._take(pump.handle_timeout(now=self.now), host)
        self._phones_speak()
        at = self.mcu.next_tick()
        if at is not None and at <= self.now:
            self._hear(self.mcu.tick(self.now))
        self.settle()

    def _phones_speak(self) -> None:
        if self.now < self.phone_tick:
            return
        self.phone_tick = max(self.phone_tick + FRAME, self.now + FRAME / 2)
        batch = []
        for host, phone in self.phones.items():
            for kind, data, (_, port) in phone.tick(self.now):
                leg = self.ports_open.get(port - (kind == "rtcp"))
                if leg is not None:
                    source = (host, 4000 + (kind == "rtcp"))
                    batch.append((leg, kind, data, source, self.now))
        self._take(self.mcu.receive_media(batch), MCU_HOST)

    def _hear(self, packets: list[tuple[LegId, str, bytes, tuple[str, int]]]) -> None:
        for leg, kind, data, (host, _) in packets:
            port = next((port for port, owner in self.ports_open.items() if owner == leg), 0)
            if host in self.phones:
                self.phones[host].receive_media(kind, data, (MCU_HOST, port), self.now)


__all__ = [
    "ALICE",
    "AV",
    "CALLBACK",
    "CONFERENCE",
    "Code",
    "Phone",
    "World",
    "answering",
    "diagnostics_of",
    "guid",
    "refusing",
    "ringing",
    "silent",
]
