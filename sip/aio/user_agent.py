"""A user agent on an asyncio loop: register, call, be called, write, follow."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, Generic, TypeVar, overload

from sip.aio.call import Call
from sip.aio.client_endpoint import as_server, client_endpoint
from sip.aio.clock import live_entropy
from sip.aio.errors import MessageError, RegistrationError, UserAgentError
from sip.aio.event_queue import EventQueue
from sip.aio.opened_media import NoMedia, OpensMedia
from sip.aio.subscription import Subscription
from sip.aio.transport import SipTransport
from sip.aio.user_agent_settings import UserAgentSettings
from sip.authentication.digest import Credentials
from sip.config import Listen
from sip.endpoint.pump import Pump
from sip.errors import LocalProtocolError
from sip.events import Event
from sip.ids import RequestId, SubscriptionId
from sip.syntax.uri import Uri
from sip.ua import call as machine
from sip.ua import user_agent as machines
from sip.ua.account import Account
from sip.ua.call import CallReceived
from sip.ua.call_media import CallMedia
from sip.ua.config import UserAgentConfig
from sip.ua.message import MessageDelivered, MessageFailed, MessageReceived
from sip.ua.registration import Registered, RegistrationFailed, Unregistered

M = TypeVar("M", bound=CallMedia)

#: Messages that wait for a reader.
MAX_MESSAGES: Final = 1_000
_TEXT: Final = "text/plain;charset=utf-8"


class UserAgent(Generic[M]):
    """Somebody with a SIP address; use it as ``async with UserAgent(...) as ua:``.

    ``aor`` is the address, ``server`` where requests go first and where it registers (``192.0.2.1:5060`` or a SIP URI;
    several: the next is asked when one does not answer), ``password`` what it proves itself with. ``media`` opens the
    media of calls. At the end of the block calls are hung up and the registration is taken back.
    """

    @overload
    def __init__(
        self: UserAgent[NoMedia],
        aor: Uri | str,
        *,
        server: Uri | str | Sequence[Uri | str] | None = None,
        password: str | None = None,
        username: str | None = None,
        display_name: str | None = None,
        settings: UserAgentSettings | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        aor: Uri | str,
        *,
        media: OpensMedia[M],
        server: Uri | str | Sequence[Uri | str] | None = None,
        password: str | None = None,
        username: str | None = None,
        display_name: str | None = None,
        settings: UserAgentSettings | None = None,
    ) -> None: ...

    def __init__(
        self,
        aor: Uri | str,
        *,
        media: OpensMedia[M] | OpensMedia[NoMedia] = NoMedia,
        server: Uri | str | Sequence[Uri | str] | None = None,
        password: str | None = None,
        username: str | None = None,
        display_name: str | None = None,
        settings: UserAgentSettings | None = None,
    ) -> None:
        """``username`` is whose password it is, where that is not the user of ``aor``. Raises LocalProtocolError."""
        given = (server,) if isinstance(server, Uri | str) else server or ()
        self.settings = settings or UserAgentSettings()
        self.account = Account(
            aor=aor,
            display_name=display_name,
            proxies=tuple(as_server(each) for each in given),
            expires=self.settings.expires,
        )
        self._credentials = None if password is None else Credentials(username or self.account.aor.user or "", password)
        self._open_media = media
        self._incoming: EventQueue[Call[M]] = EventQueue(self.settings.max_calls)
        self._messages: EventQueue[MessageReceived] = EventQueue(MAX_MESSAGES)
        self._calls: dict[machine.Call, Call[M]] = {}
        self._sent: dict[RequestId, asyncio.Future[Event]] = {}
        self._subscriptions: dict[SubscriptionId, Subscription] = {}
        self._registering: list[asyncio.Future[Event]] = []
        self._transport: SipTransport | None = None
        self._machine: machines.UserAgent | None = None

    # Life ------------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> UserAgent[M]:
        """Open sockets. Raises ListenFailed, and OSError when there is no way to the server."""
        settings, proxies = self.settings, self.account.proxies
        endpoint = await client_endpoint(
            server=proxies[0] if proxies else None,
            host=settings.host,
            port=settings.port,
            credentials=self._credentials,
            config=settings.endpoint,
            entropy=settings.entropy,
        )
        config = UserAgentConfig(
            accounts=self.account, max_calls=settings.max_calls, session_expires=settings.session_expires
        )
        made = machines.UserAgent(endpoint, config, entropy=(settings.entropy or live_entropy()).child("user agent"))
        transport = SipTransport(
            Pump(endpoint, [made]),
            on_events=self._told,
            trace=settings.trace,
            tls=settings.tls,
            settings=settings.transport,
            resolver=settings.resolver,
        )
        await transport.start()
        self._machine, self._transport = made, transport
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up, take the registration back, close the sockets. Can be called twice."""
        made, transport = self._machine, self._transport
        if made is None or transport is None:
            return
        self._incoming.close()
        made.close(now=self.now)
        self.kick()
        end = self.now + self.settings.close_timeout
        while self.now < end and self._is_busy(made):
            await asyncio.sleep(0.01)
        for call in tuple(self._calls.values()):
            call.close()
        self._machine = self._transport = None
        await transport.stop()
        self._messages.close()
        for subscription in self._subscriptions.values():
            subscription.close()
        closed = UserAgentError("given up", reason="the user agent was closed")
        for waiting in [*self._sent.values(), *self._registering]:
            if not waiting.done():
                waiting.set_exception(closed)

    def _is_busy(self, made: machines.UserAgent) -> bool:
        """Whether somebody is yet to hear that we go."""
        registered = any(each.is_granted(self.now) for each in made.registrations.values())
        return bool(made.calls) or registered or made.endpoint.sizes["sessions"] > 0

    # What there is to know -------------------------------------------------------------------------------------------

    @property
    def machine(self) -> machines.UserAgent:
        """The user agent without I/O. Raises LocalProtocolError outside of ``async with``."""
        if self._machine is None:
            raise LocalProtocolError("the user agent is not open: use it in 'async with UserAgent(...) as ua:'")
        return self._machine

    @property
    def uri(self) -> Uri:
        """Where it is reached without any server."""
        return self.machine.registrations[self.account].contact

    @property
    def listening(self) -> tuple[Listen, ...]:
        """The addresses that it listens on."""
        return () if self._transport is None else self._transport.listening

    @property
    def owner(self) -> str:
        """Name of its core."""
        return self.machine.owner

    @property
    def now(self) -> float:
        """The clock of the machines, monotonic seconds."""
        return asyncio.get_running_loop().time()

    def kick(self) -> None:
        """Carry what a command to the machine caused."""
        if self._transport is not None:
            self._transport.kick()

    # Commands --------------------------------------------------------------------------------------------------------

    async def register(self) -> Registered:
        """Register, and stay registered; the first answer. Raises RegistrationError; it goes on trying then."""
        self.machine.register(now=self.now)
        outcome = await self._registration()
        if isinstance(outcome, Registered):
            return outcome
        assert isinstance(outcome, RegistrationFailed)
        raise RegistrationError(
            f"cannot register {self.account.aor}",
            status=outcome.status,
            reason=outcome.reason,
            retry_safe=True,
            cure=_cure(outcome, self._credentials is not None, bool(self.account.proxies)),
        )

    async def unregister(self) -> None:
        """Take the registration back. Raises RegistrationError."""
        self.machine.unregister(now=self.now)
        outcome = await self._registration()
        if isinstance(outcome, RegistrationFailed):
            raise RegistrationError("still registered", status=outcome.status, reason=outcome.reason, retry_safe=True)

    async def _registration(self) -> Event:
        waiting: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._registering.append(waiting)
        self.kick()
        try:
            return await waiting
        finally:
            self._registering.remove(waiting)

    def dial(self, target: Uri | str, *, headers: Iterable[tuple[str, object]] = ()) -> Call[M]:
        """Begin to call somebody, without waiting. Raises LocalProtocolError, and OSError without media ports."""
        media = self._new_media()
        try:
            made = self.machine.call(target, media=media, headers=headers, now=self.now)
        except BaseException:
            media.end(now=self.now)
            raise
        call = self._calls[made] = Call(self, made, self._new_media, media)
        self.kick()
        return call

    async def call(self, target: Uri | str, *, headers: Iterable[tuple[str, object]] = ()) -> Call[M]:
        """Call somebody, and wait until that is answered.

        Cancelled, by ``asyncio.timeout`` for one, it gives the call up (CANCEL). Raises CallError when nobody answers,
        and as ``dial``.
        """
        call = self.dial(target, headers=headers)
        try:
            await call.answered()
        except asyncio.CancelledError:
            call.give_up()
            raise
        return call

    async def incoming(self) -> AsyncIterator[Call[M]]:
        """Calls that come in: answer or refuse each. Until the user agent is closed."""
        async for call in self._incoming:
            yield call

    async def message(self, target: Uri | str, text: str | bytes, *, content_type: str = _TEXT) -> None:
        """Write to somebody, and wait until it is delivered. Raises MessageError, LocalProtocolError."""
        sent = self.machine.message(target, text, content_type=content_type, now=self.now)
        waiting = self._sent[sent] = asyncio.get_running_loop().create_future()
        self.kick()
        try:
            outcome = await waiting
        finally:
            self._sent.pop(sent, None)
        if isinstance(outcome, MessageFailed):
            raise MessageError(
                f"not delivered to {target}",
                status=outcome.status,
                reason=outcome.reason,
                retry_after=outcome.retry_after,
            )

    async def messages(self) -> AsyncIterator[MessageReceived]:
        """Messages that come in, until the user agent is closed."""
        async for message in self._messages:
            yield message

    @contextlib.asynccontextmanager
    async def subscribe(
        self, target: Uri | str, *, event: str, accept: Sequence[str] = (), expires: int | None = None
    ) -> AsyncIterator[Subscription]:
        """Follow somebody's state (RFC 6665): ``async with ua.subscribe(...) as states: async for each in states``.

        Raises LocalProtocolError.
        """
        number = self.machine.subscribe(target, event=event, accept=accept, expires=expires, now=self.now)
        subscription = self._subscriptions[number] = Subscription(str(target))
        self.kick()
        try:
            yield subscription
        finally:
            if self._machine is not None and number in self._subscriptions:
                self._machine.unsubscribe(number, now=self.now)
                self.kick()

    # What happens ----------------------------------------------------------------------------------------------------

    def _told(self, events: list[Event]) -> None:
        for event in events:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        match event:
            case CallReceived():
                call = self._calls[event.call] = Call(self, event.call, self._new_media, None)
                self._incoming.put(call)
            case Registered() | RegistrationFailed() | Unregistered():
                # A failure after which another server is asked at once is not yet the answer.
                if not (isinstance(event, RegistrationFailed) and (event.again_at or self.now + 1) <= self.now):
                    for waiting in self._registering:
                        if not waiting.done():
                            waiting.set_result(event)
            case MessageReceived():
                self._messages.put(event)
            case MessageDelivered() | MessageFailed():
                sent = self._sent.get(event.message)
                if sent is not None and not sent.done():
                    sent.set_result(event)
            case _:
                self._tell_others(event)

    def _tell_others(self, event: Event) -> None:
        made = getattr(event, "call", None)
        if isinstance(made, machine.Call) and (call := self._calls.get(made)) is not None:
            call.tell(event)
            if isinstance(event, machine.CallEnded):
                del self._calls[made]
            return
        number = getattr(event, "subscription", None)
        subscription = self._subscriptions.get(number) if number is not None else None
        if number is not None and subscription is not None and subscription.tell(event):
            del self._subscriptions[number]

    def _new_media(self) -> M:
        host = self.listening[0].host if self.listening else "127.0.0.1"
        return self._open_media(host=host)  # type: ignore[return-value]  # what it is stands in the overloads


def _cure(failed: RegistrationFailed, password: bool, server: bool) -> str:
    """What may help."""
    if failed.status in (401, 407):
        return "is the password right?" if password else "give password=..."
    if failed.status is None:
        return "does the server listen there?" if server else "the domain leads nowhere: give server=..."
    return ""
