"""One MCU on a pretend network: phones are plain SIP user agents, the Focus is a script of C3P documents.

Time is virtual. Bytes really go through two endpoints; nothing is a stand-in for the code under test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    MediaPeerKnown,
    MediaPortReleased,
    MediaPortWanted,
    diagnostics_of,
)
from rtp import (
    Capabilities,
    MediaAgreement,
    MediaStream,
    MediaStreamConfig,
    OfferAnswerSession,
    RtcpPacket,
    SessionDescription,
    SrtpContext,
    parse_rtcp,
)
from sip import (
    Address,
    Claim,
    ConnectWanted,
    EndpointConfig,
    Event,
    Flow,
    InviteReceived,
    Listen,
    SeededEntropy,
    SessionConfirmed,
    SessionEnded,
    SessionId,
    Uri,
)
from sip import Endpoint as SipEndpoint
from sip.testing import Agent, Network

CONFERENCE = focus_uri("sip:alice@example.com", "CONF00000001")
AV = mcu_uri(CONFERENCE, "audio-video")
ALICE = "sip:alice@example.com"
CALLBACK = "https://focus.example.com/LiveServer/Focus"
MCU_HOST = "192.0.2.1"
SDP = "application/sdp"
FRAME = 0.02
ROUNDING = 1e-9  #: seconds by which a sum of frames may miss a time


def guid(number: int) -> str:
    return f"{{00000000-0000-4000-8000-{number:012X}}}"


def endpoint_at(host: str, seed: str) -> SipEndpoint:
    """An endpoint with one address, which believes the others to be where they say."""
    config = EndpointConfig(listen=(Listen("UDP", host, 5060),), trusted_networks=("192.0.2.0/24",))
    return SipEndpoint(config, entropy=SeededEntropy(seed.encode()))


class Phone:
    """A user agent that does what ``script`` says when it is called, and sends a tone when it has answered.

    ``level`` is the sample that it says over and over, so that a mix is plain to see.
    """

    owner = "phone"

    def __init__(self, host: str, script: Callable[[Phone, InviteReceived], None], *, level: int = 0) -> None:
        self.address = Address(host, 5060)
        self.endpoint = endpoint_at(host, host)
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
        self.contexts: dict[bytes, SrtpContext] = {}
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
            config=MediaStreamConfig(unproven=None),  # what it hears does not go through it: see ``receive_media``
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
        data = self._opened(kind, data)
        if kind == "rtcp":
            self.reports += parse_rtcp(data)
        if self.stream is None or kind == "rtcp":
            return
        count = data[0] & 15
        self.csrcs.append(tuple(int.from_bytes(data[12 + 4 * n : 16 + 4 * n], "big") for n in range(count)))
        self.heard.append(self.stream.decode(data[12 + 4 * count :]))

    def _opened(self, kind: str, data: bytes) -> bytes:
        """The packet inside; raises when it is not what was agreed."""
        line = None if self.stream is None else self.stream.agreement.remote_crypto
        if line is None:
            return data
        context = self.contexts.setdefault(line.keys[0].key_and_salt, SrtpContext(line.suite, *line.master()))
        return context.unprotect_rtcp(data) if kind == "rtcp" else context.unprotect(data)

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


class McuAgent(Agent):
    """The MCU as an agent: the world opens ports for it."""

    net: World

    def answer(self, event: Event) -> bool:
        if isinstance(event, MediaPortReleased):
            self.net.close_port(event.leg)
        if self.net.media is not None and isinstance(event, MediaPortWanted | MediaPeerKnown | MediaPortReleased):
            self.tell(self.net.media([event]))
            return True
        if isinstance(event, MediaPortWanted):
            self.net.open_port(event.leg)
            return True
        return False


class World(Network):
    """The MCU, its phones by host, its Focus, and the time."""

    def __init__(self, policy: DialOutPolicy | None = None, **settings: object) -> None:
        super().__init__(latency=0.0, now=1000.0)
        endpoint = endpoint_at(MCU_HOST, "mcu")
        self.mcu = Mcu(
            endpoint,
            McuConfig(
                mcu_id="mcu1",
                http_url="https://mcu1.example.com/LiveServer/AVMCU",
                sip_contact=Uri.parse(f"sip:mcu@{MCU_HOST}:5060"),
                **settings,  # type: ignore[arg-type]
            ),
            entropy=SeededEntropy(b"mcu core"),
            policy=policy or DialOutRules(domains=None, numbers=None),  # phones are at addresses of their own here
        )
        self.mcu_agent = McuAgent(self, "mcu", MCU_HOST, endpoint.config, endpoint=endpoint, cores=[self.mcu])
        self.join(self.mcu_agent)
        self.focus = Focus()
        self.phones: dict[str, Phone] = {}
        self.events = self.mcu_agent.events  #: what the MCU reported
        self.ports: str = "open"
        #: Opens and closes ports in place of this class.
        self.media: Callable[[list[Event]], list[Event]] | None = None
        self.ports_open: dict[int, LegId] = {}
        self.phone_tick = self.now
        self.requests = 0
        self.lost: set[str] = set()  #: datagrams with one of these words in them do not arrive
        self.cut = lambda sent, flow: any(word in sent.data.decode() for word in self.lost)
        self.fate: Callable[[], Reply | ExchangeFailure] = lambda: self.focus.reply  #: of the next document
        self.held: list[int] | None = None  #: exchanges that are on their way for now; None: each is answered at once
        self.ports_asked: list[LegId] = []
        self.replies: dict[str, Reply] = {}

    def phone(
        self, number: int, script: Callable[[Phone, InviteReceived], None] = answering, *, level: int = 0
    ) -> Phone:
        """A phone at 198.51.100.<number>."""
        host = f"198.51.100.{number}"
        phone = self.phones[host] = Phone(host, script, level=level)
        self.place(host, host, phone.endpoint, phone)
        return phone

    def pull_plug(self, phone: Phone) -> None:
        """Nothing is sent or answered by a phone any more."""
        phone.stream = None
        del self.phones[phone.address.host]
        self.leave(next(agent for agent in self.agents if agent.host == phone.address.host))

    def flow_from(self, phone: Phone) -> Flow:
        """The flow on which the MCU hears a phone."""
        return self.flow("UDP", Address(MCU_HOST, 5060), phone.address)

    # Commands of the Focus

    def post(
        self,
        command: Command,
        *,
        peer: str = "focus",
        originator: str | None = ALICE,
        conference: str = CONFERENCE,
        **more: object,
    ) -> Reply:
        """A command of a presenter, as the Focus relays it."""
        self.requests += 1
        request = Request(
            request_id=str(self.requests),
            from_=conference,
            to=mcu_uri(conference, "audio-video"),
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

    def connect(self, agent: Agent, want: ConnectWanted) -> None:
        if all(each.host != want.destination.host for each in self.agents):
            agent.take(agent.endpoint.flow_failed(want.id, "unreachable", now=self.now))
        else:
            super().connect(agent, want)

    def open_port(self, leg: LegId) -> None:
        """The MCU wants a port for a leg."""
        self.ports_asked.append(leg)
        if self.ports == "open":
            port = 40000 + 2 * leg
            self.ports_open[port] = leg
            rtp, rtcp = (MCU_HOST, port), (MCU_HOST, port + 1)
            self.mcu_agent.tell(self.mcu.media_opened(leg, rtp=rtp, rtcp=rtcp, advertised=MCU_HOST, now=self.now))
        elif self.ports == "fail":
            self.mcu_agent.tell(self.mcu.media_failed(leg, "no port is free", now=self.now))

    def close_port(self, leg: LegId) -> None:
        """A leg has no port any more."""
        self.ports_open = {port: owner for port, owner in self.ports_open.items() if owner != leg}

    def carry_other(self) -> bool:
        exchanges = self.mcu.c3p_to_send()
        for exchange in exchanges:
            document = parse_document(bytes(exchange.document))
            assert not isinstance(document, ConferenceInfo)
            reply = self.fate()
            if reply is not ExchangeFailure.CONNECT or self.focus.reply is ExchangeFailure.CONNECT:
                self.focus.exchanges.append(attrs.evolve(exchange, document=document))
            if self.held is not None:
                self.held.append(exchange.id)
            elif isinstance(reply, Reply):
                self.mcu_agent.tell(self.mcu.receive_reply(exchange.id, reply, now=self.now))
            else:
                self.mcu_agent.tell(self.mcu.exchange_failed(exchange.id, reply, now=self.now))
        return bool(exchanges)

    def answer_held(self) -> None:
        """What is on its way arrives, and is answered. What that causes is on its way then."""
        held, self.held = self.held or [], []
        for number in held:
            self.mcu_agent.tell(self.mcu.receive_reply(number, Reply(200), now=self.now))
        self.settle()

    # Time

    def run(self, seconds: float = 1.0, *, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass: timers, ticks of the MCU, and frames of the phones."""
        end = self.now + seconds
        super().run(seconds + ROUNDING, until=until)
        self.wire.clock.now = end
        self.settle()

    def next_other(self) -> float | None:
        speaks = self.phone_tick if any(each.stream for each in self.phones.values()) else None
        return min((at for at in (self.mcu.next_tick(), speaks) if at is not None), default=None)

    def do_other(self) -> None:
        self._phones_speak()
        at = self.mcu.next_tick()
        if at is not None and at <= self.now:
            self._hear(self.mcu.tick(self.now))

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
        self.mcu_agent.tell(self.mcu.receive_media(batch))

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
