"""A client on an asyncio loop: commands that can be awaited, events that go to who waits for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import attrs

from focus.aio.errors import ConferenceError
from focus.client import Client, ClientConfig, ClientState, CommandAccepted, CommandId
from focus.client.guest import guest_aor
from sip import Credentials, EndpointConfig, Entropy, Event, Pump, TraceSink, Uri
from sip.aio import (
    Resolver,
    SipTransport,
    TlsContexts,
    TransportSettings,
    as_server,
    client_endpoint,
    live_entropy,
)

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
    """One client with its sockets, and who waits for what."""

    def __init__(self, client: Client, transport: Callable[[Callable[[list[Event]], None]], SipTransport]) -> None:
        self.client = client
        self._transport = transport(self._told)
        self._waiting: dict[CommandId, asyncio.Future[Event]] = {}
        self._accepting: dict[CommandId, asyncio.Event] = {}
        self.listeners: list[Callable[[Event], None]] = []

    @property
    def now(self) -> float:
        """The clock of the client, monotonic seconds."""
        return asyncio.get_running_loop().time()

    async def start(self) -> None:
        """Open sockets. Raises ListenFailed."""
        await self._transport.start()

    async def stop(self) -> None:
        """Leave the conference, close the sockets."""
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

    def kick(self) -> None:
        """Carry what a command caused."""
        self._transport.kick()

    def give(self, command: Callable[[float], CommandId]) -> asyncio.Future[Event]:
        """Give a command; the future has the event that it ends in. What the command raises is raised."""
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
            number = getattr(event, "command", None)
            if isinstance(event, CommandAccepted):
                if (taken := self._accepting.get(event.command)) is not None:
                    taken.set()
            elif number is not None and (ended := self._waiting.pop(number, None)) is not None and not ended.done():
                ended.set_result(event)
            for listener in self.listeners[:]:
                listener(event)


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
    connection = Connection(
        client,
        lambda told: SipTransport(
            Pump(endpoint, [client]),
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
