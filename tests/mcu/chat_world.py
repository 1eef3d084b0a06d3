"""One chat MCU on a pretend network: clients are SIP user agents, the Focus is a script."""

from __future__ import annotations

import attrs

from c3p import (
    MCU_SERVER_URI,
    AddConference,
    AddUser,
    Code,
    Command,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    DeleteUser,
    Endpoint,
    Reply,
    Request,
    User,
    UserKeys,
    mcu_uri,
    parse_document,
)
from mcu import ChatMcu, ChatMcuConfig, DialOutRules
from sip import (
    Event,
    InviteReceived,
    RequestReceived,
    ResponseReceived,
    SeededEntropy,
    SessionAnswered,
    SessionEnded,
    SessionId,
    Uri,
)
from sip import Request as SipRequest
from sip.testing import Agent, Network
from tests.mcu.harness import ALICE, CALLBACK, CONFERENCE, MCU_HOST, SDP, Focus, endpoint_at, guid

CHAT = mcu_uri(CONFERENCE, "chat")
PIDGIN = "text/plain text/html image/gif application/im-iscomposing+xml application/ms-imdn+xml text/x-msmsgsinvite"


def description(accept: str | None = "text/plain", *, kind: str = "message", proto: str = "sip") -> bytes:
    """The session description of a client; ``accept`` None says nothing of what it takes."""
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 192.0.2.9",
        "s=session",
        "c=IN IP4 192.0.2.9",
        "t=0 0",
        f"m={kind} 5060 {proto} null",
    ]
    lines += [f"a=accept-types:{accept}"] if accept is not None else []
    return "\r\n".join([*lines, ""]).encode()


class Chatter:
    """Somebody with a client of chat. ``status`` is how it answers a MESSAGE, 0: not at all."""

    def __init__(self, world: ChatWorld, name: str, accept: str | None) -> None:
        self.world, self.name, self.accept = world, name, accept
        self.agent: Agent = world.agent(name)
        self.user = f"sip:{name}@{self.agent.host}"
        self.session: SessionId | None = None
        self.status = 200
        self.heard: list[SipRequest] = []
        self.agent.on(RequestReceived, self._requested)
        self.agent.on(InviteReceived, self._invited)

    def _invited(self, event: InviteReceived) -> None:
        self.session = event.session
        endpoint, now = self.agent.endpoint, self.world.now
        endpoint.accept(event.session, body=description(self.accept), content_type=SDP, now=now)

    def _requested(self, event: RequestReceived) -> None:
        request, transaction = event.request, event.transaction
        assert transaction is not None
        self.heard.append(request)
        if self.status:
            self.agent.endpoint.respond(transaction, self.status, now=self.world.now)

    # Acting

    def enter(self, offer: bytes | None = None, **invite: object) -> Chatter:
        """Have itself announced, call, and wait for the answer."""
        reply = self.world.announce(self)
        assert reply.document is not None
        command = reply.document.command
        assert isinstance(command, AddUser)
        assert command.connection_info is not None
        target = command.connection_info.get(MCU_SERVER_URI)
        assert target is not None
        self.call(target, description(self.accept) if offer is None else offer, **invite)
        return self

    def call(self, target: str, offer: bytes, **more: object) -> None:
        """Call the MCU for the chat."""
        self.session = self.agent.endpoint.invite(
            "ua",
            target,
            from_=f"<{self.user}>",
            to=f"<{CHAT}>",
            body=offer,
            content_type=SDP,
            now=self.world.now,
            **more,  # type: ignore[arg-type]
        )
        self.world.run(0.1)

    def say(
        self, text: str | bytes, content_type: str = "text/plain; charset=UTF-8;msgr=WAA", *, wait: bool = True
    ) -> None:
        """Say something in the session."""
        body = text.encode() if isinstance(text, str) else text
        assert self.session is not None
        self.agent.endpoint.request_in_session(
            self.session, "MESSAGE", body=body, content_type=content_type, now=self.world.now
        )
        if wait:
            self.world.run(0.1)

    def leave(self) -> None:
        """Hang up."""
        assert self.session is not None
        self.agent.endpoint.bye(self.session, now=self.world.now)
        self.world.run(0.1)

    # Looking

    @property
    def texts(self) -> list[str]:
        """What it was shown, in order."""
        return [each.body.decode() for each in self.heard]

    @property
    def answers(self) -> list[int]:
        """The statuses of what it said."""
        return [each.response.status for each in self.agent.of(ResponseReceived)]

    @property
    def reports(self) -> list[SipRequest]:
        """The reports of delivery that were sent to it. Its endpoint, which knows no such thing, refuses each."""
        sent = self.world.requests("NOTIFY", self.world.mcu_agent)
        return [each for each in sent if each.uri.host == self.agent.host]

    @property
    def answer(self) -> SessionAnswered:
        """The 200 to its call."""
        return self.agent.one(SessionAnswered)

    @property
    def is_out(self) -> bool:
        """Whether its session has ended."""
        return bool(self.agent.of(SessionEnded))


class ChatWorld(Network):
    """The MCU, those who chat by it, its Focus, and the time."""

    def __init__(self, **settings: object) -> None:
        super().__init__(latency=0.001, now=1000.0)
        endpoint = endpoint_at(MCU_HOST, "chat")
        self.mcu = ChatMcu(
            endpoint,
            ChatMcuConfig(
                mcu_id="chat1",
                http_url="https://chat1.example.com/LiveServer/chat",
                sip_contact=Uri.parse(f"sip:chat@{MCU_HOST}:5060"),
                **settings,  # type: ignore[arg-type]
            ),
            entropy=SeededEntropy(b"chat core"),
            policy=DialOutRules(domains=None),
        )
        self.mcu_agent = Agent(self, "mcu", MCU_HOST, endpoint.config, endpoint=endpoint, cores=[self.mcu])
        self.join(self.mcu_agent)
        self.focus = Focus()
        self.commands = 0

    @property
    def events(self) -> list[Event]:
        """What the MCU reported."""
        return self.mcu_agent.events

    def chatter(self, name: str, accept: str | None = PIDGIN) -> Chatter:
        """Somebody more."""
        return Chatter(self, name, accept)

    # Commands of the Focus

    def post(self, command: Command, *, originator: str | None = ALICE, **more: object) -> Reply:
        """A command of a presenter, as the Focus relays it."""
        self.commands += 1
        request = Request(
            request_id=str(self.commands),
            from_=CONFERENCE,
            to=CHAT,
            command=command,
            originator=originator,
            **{"originator_role": "presenter", **more},  # type: ignore[arg-type]
        )
        reply = self.mcu.receive_c3p(parse_document(bytes(request)), peer="focus", now=self.now)
        self.run(0.1)
        return reply

    def start(self) -> None:
        """The conference comes to this MCU."""
        info = ConferenceInfo(entity=CONFERENCE, description=ConferenceDescription(subject="Weekly"))
        reply = self.post(AddConference(conference_info=info, callback_uri=CALLBACK))
        assert reply.document is not None
        assert reply.document.code is Code.SUCCESS

    def announce(self, who: Chatter, *, method: str = "dialed-in", **endpoint: object) -> Reply:
        """addUser, as the Focus posts it for whoever calls, or as a presenter wants it."""
        self.entities = getattr(self, "entities", 0) + 1
        one = Endpoint(entity=guid(self.entities), joining_method=method, **endpoint)  # type: ignore[arg-type]
        user = User(entity=who.user, display_text=who.name.title(), roles=("attendee",), endpoints=(one,))
        return self.post(AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=user))

    def eject(self, who: Chatter) -> Reply:
        """deleteUser."""
        return self.post(DeleteUser(user_keys=UserKeys(conf_entity=CONFERENCE, user_entity=who.user)))

    # Looking

    def statuses(self) -> dict[str, str | None]:
        """Users of the roster as the Focus knows it, with the status of their last endpoint."""
        users = self.focus.roster.users
        return {user.entity: user.endpoints[-1].status for user in (users.users if users is not None else ())}

    # The network

    def carry_other(self) -> bool:
        exchanges = self.mcu.c3p_to_send()
        for exchange in exchanges:
            document = parse_document(bytes(exchange.document))
            assert not isinstance(document, ConferenceInfo)
            self.focus.exchanges.append(attrs.evolve(exchange, document=document))
            self.mcu_agent.tell(self.mcu.receive_reply(exchange.id, Reply(200), now=self.now))
        return bool(exchanges)
