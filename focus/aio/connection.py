"""A client on an asyncio loop: commands that can be awaited, events that go to who waits for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

import attrs

import sip
from focus.aio.errors import ConferenceError
from focus.client import Client, ClientConfig, ClientState, CommandAccepted, CommandId, LeaveCause, Left
from focus.client.guest import guest_aor
from focus.errors import LocalProtocolError
from sip import CallMedia, Credentials, EndpointConfig, Entropy, Event, Pump, TraceSink, Uri, UserAgent
from sip.aio import (
    Call,
    OpensMedia,
    Resolver,
    SipTransport,
    TlsContexts,
    TransportSettings,
    as_server,
    client_endpoint,
    live_entropy,
)

M = TypeVar("M", bound=CallMedia)

#: Seconds for the BYE to be answered when the connection is closed.
_CLOSE: Final = 2.0


@attrs.frozen(kw_only=True)
class ConnectSettings:
    """What is seldom changed."""

    host: str | None = None  #: own address; None: the one that faces the server
    port: int = 0  #: own SIP port; 0: any free one
    #: of the client, but for ``aor``, ``display_name`` and ``outbound_proxy``
    client: ClientConfig = attrs.field(factory=lambda: ClientConfig(aor="sip:client@example.com"))
    endpoint: EndpointConfig = attrs.field(factory=lambda: EndpointConfig(user_agent="pyc3p"))
    transport: TransportSettings = attrs.field(factory=TransportSettings)
    tls: TlsContexts | None = None
    resolver: Resolver | None = None
    trace: TraceSink | None = None
    entropy: Entropy | None = attrs.field(default=None, repr=False)  #: None: that of the system


class Connection:
    """One client with its sockets, its calls to MCUs, and who waits for what."""

    def __init__(
        self, client: Client, agent: UserAgent, transport: Callable[[Callable[[list[Event]], None]], SipTransport]
    ) -> None:
        self.client, self.agent = client, agent
        self._calls: dict[sip.Call, Call[Any]] = {}
        self._transport = transport(self._told)
        self._waiting: dict[CommandId, asyncio.Future[Event]] = {}
        self._accepting: dict[CommandId, asyncio.Event] = {}
        self._closed = False
        self.listeners: list[Callable[[Event], None]] = []

    @property
    def now(self) -> float:
        """The clock of the client, monotonic seconds."""
        return asyncio.get_running_loop().time()

    async def start(self) -> None:
        """Open sockets. Raises ListenFailed."""
        await self._transport.start()

    async def stop(self) -> None:
        """Leave the conference, close the sockets. Whoever waits for something hears that nothing comes any more."""
        self._closed = True
        self.hang_up()
        if self.client.state not in (ClientState.OUT, ClientState.LEAVING):
            self.client.leave(now=self.now)
            self.kick()
        end = self.now + _CLOSE
        while self.client.state is not ClientState.OUT and self.now < end:
            await asyncio.sleep(0.01)
        await self._transport.stop()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConferenceError("given up", reason="the connection was closed"))
                future.exception()  # nobody may wait for it any more
        for call in tuple(self._calls.values()):
            call.close()
        if (conference := self.client.conference_uri) is not None:  # nobody has answered the BYE
            left = Left(owner=self.client.owner, conference_uri=conference, cause=LeaveCause.LEFT)
            for listener in self.listeners[:]:
                listener(left)

    @property
    def is_in_conference(self) -> bool:
        """Whether rosters come."""
        return not self._closed and self.client.state is not ClientState.OUT

    def check_open(self) -> None:
        """Raises LocalProtocolError after ``stop``: nothing would answer any more."""
        if self._closed:
            raise LocalProtocolError("the client is closed: use it inside of its 'async with focus.aio.connect(...)'")

    def kick(self) -> None:
        """Carry what a command caused."""
        self._transport.kick()

    @property
    def owner(self) -> str:
        """Name of the core that has the calls."""
        return self.agent.owner

    async def call_mcu(self, media: OpensMedia[M]) -> Call[M]:
        """Call the A/V MCU of the conference, and wait until it answers.

        Raises CallError, LocalProtocolError, and OSError without media ports.
        """
        self.check_open()
        host = self._transport.listening[0].host
        opened = media(host=host)
        try:
            made = self.client.call_mcu(self.agent, opened, now=self.now)
        except BaseException:
            opened.end(now=self.now)
            raise
        call = self._calls[made] = Call(self, made, lambda: media(host=host), opened)
        self.kick()
        try:
            await call.answered()
        except asyncio.CancelledError:
            call.give_up()
            raise
        return call

    def hang_up(self) -> None:
        """End all calls."""
        self.agent.close(now=self.now)
        self.kick()

    def give(self, command: Callable[[float], CommandId]) -> asyncio.Future[Event]:
        """Give a command; the future has the event that it ends in.

        What the command raises is raised, and LocalProtocolError after ``stop``.
        """
        self.check_open()
        number = command(self.now)
        ended: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting[number] = ended
        self.kick()
        return ended

    async def accepted(self, ended: asyncio.Future[Event]) -> None:
        """Wait until a server has taken a command, or it has ended."""
        number = next((number for number, future in self._waiting.items() if future is ended), None)
        if number is None or ended.done():
            return
        taken = self._accepting[number] = asyncio.Event()
        ended.add_done_callback(lambda _: taken.set())
        try:
            await taken.wait()
        finally:
            self._accepting.pop(number, None)

    def _told(self, events: list[Event]) -> None:
        for event in events:
            self._tell_call(event)
            number = getattr(event, "command", None)
            if isinstance(event, CommandAccepted):
                if (taken := self._accepting.get(event.command)) is not None:
                    taken.set()
            elif number is not None and (ended := self._waiting.pop(number, None)) is not None and not ended.done():
                ended.set_result(event)
            for listener in self.listeners[:]:
                listener(event)

    def _tell_call(self, event: Event) -> None:
        if isinstance(event, sip.CallReceived):  # nobody is to call us here
            event.call.refuse(480, now=self.now)
            return
        made = getattr(event, "call", None)
        call = self._calls.get(made) if isinstance(made, sip.Call) else None
        if call is not None:
            call.tell(event)
            if isinstance(event, sip.CallEnded):
                del self._calls[event.call]


@contextlib.asynccontextmanager
async def opened(
    server: Uri | str,
    *,
    aor: str | None,
    password: str | None,
    username: str | None,
    display_name: str | None,
    settings: ConnectSettings,
) -> AsyncIterator[Connection]:
    """A connection to a server, closed at the end."""
    where = as_server(server)
    entropy = settings.entropy or live_entropy()
    config = attrs.evolve(
        settings.client,
        aor=guest_aor(entropy.child("guest")) if aor is None else aor,
        display_name=display_name,
        outbound_proxy=where if where.transport is not None else where.with_params(transport="tcp"),
    )
    credentials = None if password is None else Credentials(username or Uri.parse(config.aor).user or "", password)
    endpoint = await client_endpoint(
        server=config.outbound_proxy,
        host=settings.host,
        port=settings.port,
        credentials=credentials,
        config=settings.endpoint,
        entropy=entropy.child("endpoint"),
    )
    client = Client(endpoint, config, entropy=entropy.child("client"))
    account = sip.Account(aor=config.aor, display_name=display_name, proxies=config.outbound_proxy or ())
    calls = sip.UserAgentConfig(accounts=account, owner="calls", ring=False)
    agent = UserAgent(endpoint, calls, entropy=entropy.child("calls"))
    connection = Connection(
        client,
        agent,
        lambda told: SipTransport(
            Pump(endpoint, [client, agent]),
            on_events=told,
            trace=settings.trace,
            tls=settings.tls,
            settings=settings.transport,
            resolver=settings.resolver,
        ),
    )
    await connection.start()
    try:
        yield connection
    finally:
        await connection.stop()
