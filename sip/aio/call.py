"""One call of an asyncio user agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

from sip.aio.errors import CallError, HoldError, TransferError
from sip.aio.event_queue import EventQueue
from sip.events import Event
from sip.headers.name_addr import NameAddr
from sip.syntax.uri import Uri
from sip.ua import call as machine
from sip.ua.call import (
    CallAnswered,
    CallEnded,
    HoldChanged,
    HoldFailed,
    KeyPressed,
    TransferFailed,
    TransferSucceeded,
)
from sip.ua.call_media import CallMedia
from sip.ua.call_state import CallEnd, CallState

M = TypeVar("M", bound=CallMedia)

#: Events of one call that wait for a reader: more are keys that nobody wants.
MAX_EVENTS: Final = 256
#: What may help when a call could not be sent.
_CURE: Final = (
    "is the address right, and does somebody listen there? A user of a server is reached with server=...; "
    "without one, UserAgentSettings(host=...) says which address of this machine to call from (loopback unless given)"
)


class Line(Protocol):
    """What a call needs of its user agent."""

    @property
    def owner(self) -> str:
        """Name of the core."""
        ...

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def kick(self) -> None:
        """Carry what a command caused."""
        ...


@runtime_checkable
class TellsKeys(Protocol):
    """Media that hear keys in the sound."""

    on_key: Callable[[str], None] | None  #: is called with each


class Call(Generic[M]):
    """A call. ``async for event in call`` gives what happens, keys too, until its end; for one reader.

    As ``async with call:`` it is hung up at the end of the block. ``media`` is what the user agent's ``media`` has
    made: for `rtp.aio.AudioSession` play, record and frames.
    """

    def __init__(self, line: Line, call: machine.Call, make_media: Callable[[], M], media: M | None) -> None:
        self._line, self._call, self._make_media, self._media = line, call, make_media, media
        self._events: EventQueue[Event] = EventQueue(MAX_EVENTS)
        self._answered = asyncio.Event()
        self._end: CallEnded | None = None
        self._over = asyncio.Event()
        self._asked: asyncio.Future[Event] | None = None  # a hold or transfer that is open
        if media is not None:
            self._listen_for_keys(media)

    def __repr__(self) -> str:
        return repr(self._call)

    # What there is to know -------------------------------------------------------------------------------------------

    @property
    def media(self) -> M:
        """Its media. Raises AttributeError while a call that came in is not answered."""
        if self._media is None:
            raise AttributeError("a call that came in has media once it is answered")
        return self._media

    @property
    def remote(self) -> NameAddr:
        """Who calls, or was called."""
        return self._call.remote

    @property
    def incoming(self) -> bool:
        """Whether it came in."""
        return self._call.incoming

    @property
    def state(self) -> CallState:
        """How far it is."""
        return self._call.state

    @property
    def machine(self) -> machine.Call:
        """The call without I/O, with its INVITE and its session at the endpoint."""
        return self._call

    # Commands --------------------------------------------------------------------------------------------------------

    async def answer(self) -> None:
        """Take a call that rings here. Raises CallError when it is over, LocalProtocolError when it does not ring.

        Without ports for its media it is refused with 500, and OSError raised.
        """
        if self._end is not None:
            raise self._failure("cannot answer")
        try:
            media = self._make_media()
        except OSError:  # there are no ports: the caller need not wait until it is over here
            self.refuse(500)
            raise
        try:
            self._call.answer(media, now=self._line.now)
        except BaseException:
            media.end(now=self._line.now)
            raise
        self._media = media
        self._listen_for_keys(media)
        self._line.kick()
        await self.answered()

    def refuse(self, status: int = 603, *, headers: Iterable[tuple[str, object]] = ()) -> None:
        """Do not take it: 486 is busy, 603 no. Nothing happens when it is over. Raises LocalProtocolError."""
        if self._end is None:
            self._call.refuse(status, headers=headers, now=self._line.now)
            self._line.kick()

    def give_up(self) -> None:
        """End it, however far it is, without waiting for that: CANCEL, BYE, or a refusal while it rings here."""
        self._call.hang_up(now=self._line.now)
        self._line.kick()

    async def hang_up(self) -> CallEnded:
        """End it, however far it is; how it ended."""
        self.give_up()
        return await self.ended()

    async def answered(self) -> None:
        """Wait until somebody has answered. Raises CallError when nobody does."""
        await self._either(self._answered.wait())
        if not self._answered.is_set():
            raise self._failure("no call")

    async def ended(self) -> CallEnded:
        """Wait for the end; how it ended."""
        await self._over.wait()
        assert self._end is not None
        return self._end

    async def hold(self) -> None:
        """Ask the other side to be silent. Raises HoldError, CallError, LocalProtocolError."""
        await self._hold(True)

    async def resume(self) -> None:
        """End the hold. Raises HoldError, CallError, LocalProtocolError."""
        await self._hold(False)

    async def _hold(self, held: bool) -> None:
        outcome = await self._ask(lambda: self._call.hold(held, now=self._line.now))
        if isinstance(outcome, HoldFailed):
            raise HoldError("not agreed", status=outcome.status, reason=outcome.reason)

    async def transfer(self, target: Uri | str | Call[M]) -> None:
        """Have the other side call somebody else, or be connected with the other side of another call; then hang up.

        Raises TransferError, CallError, LocalProtocolError.
        """
        whom = target.machine if isinstance(target, Call) else target
        outcome = await self._ask(lambda: self._call.transfer(whom, now=self._line.now))
        if isinstance(outcome, TransferFailed):
            raise TransferError("not transferred", status=outcome.status, reason=outcome.reason)

    def send_keys(self, digits: str) -> None:
        """Press keys: in the sound where the other side takes them, else by INFO. Raises LocalProtocolError."""
        self._call.send_keys(digits, now=self._line.now)
        self._line.kick()

    async def _ask(self, command: Callable[[], None]) -> Event:
        if self._end is not None:
            raise self._failure("too late")
        command()  # raises when something is open
        asked: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._asked = asked
        self._line.kick()
        await self._either(asyncio.wait([asked]))
        if not asked.done():
            raise self._failure("given up")
        return asked.result()

    # What happens ----------------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Take an event of this call. For the user agent."""
        if self._end is not None:
            return
        self._events.put(event)
        match event:
            case CallAnswered():
                self._answered.set()
            case HoldChanged() | HoldFailed() | TransferSucceeded() | TransferFailed():
                if self._asked is not None and not self._asked.done():
                    self._asked.set_result(event)
            case CallEnded():
                self._end = event
                self._events.close()
                self._over.set()
            case _:
                pass

    def close(self) -> None:
        """No end has come, and none will: whoever waits for this call hears of one. For the user agent."""
        if self._end is None:
            if self._media is not None:
                self._media.end(now=self._line.now)
            cause = CallEnd.HUNG_UP_HERE
            self.tell(
                CallEnded(owner=self._line.owner, call=self._call, cause=cause, reason="the user agent was closed")
            )

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events

    async def __aenter__(self) -> Call[M]:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.give_up()

    async def _either(self, wanted: Awaitable[object]) -> None:
        """Wait for something, or the end."""
        tasks = {asyncio.ensure_future(wanted), asyncio.ensure_future(self._over.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _failure(self, what: str) -> CallError:
        end = self._end
        assert end is not None
        return CallError(
            f"{what} {'with' if self.incoming else 'to'} {self.remote.uri}",
            end.cause,
            status=end.status,
            reason=end.reason,
            retry_after=end.retry_after,
            retry_safe=end.retry_safe,
            cure=_CURE if end.cause is CallEnd.UNREACHABLE else "",
        )

    def _listen_for_keys(self, media: M) -> None:
        if isinstance(media, TellsKeys):
            media.on_key = lambda digit: self.tell(KeyPressed(owner=self._line.owner, call=self._call, digit=digit))
