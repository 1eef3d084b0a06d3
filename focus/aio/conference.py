"""A conference to await: join it, call people into it, look after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeVar

from c3p import MediaType, Role
from focus.aio.connection import Connection
from focus.aio.errors import CommandError, ConferenceLeft, JoinError
from focus.aio.leg import Leg
from focus.aio.roster import Roster
from focus.client import (
    Client,
    CommandFailed,
    CommandId,
    Joined,
    JoinFailed,
    LeaveCause,
    Left,
    RosterChanged,
    SubscriptionLost,
)
from focus.errors import LocalProtocolError
from sip import CallMedia, Event, SipError, Uri
from sip.aio import Call, EventQueue, OpensMedia

M = TypeVar("M", bound=CallMedia)

#: Events of one conference that wait for a reader.
_MAX_EVENTS: Final = 1_000
#: Seconds until a roster that was lost is asked for again.
_FOLLOW_AGAIN: Final = 5.0


def _callable(uri: str) -> str:
    """An address that can be called."""
    try:
        scheme = Uri.parse(uri).scheme
    except SipError:
        scheme = ""
    if scheme not in ("sip", "sips", "tel"):
        raise LocalProtocolError(f"uri must be an address such as sip:bob@example.com or tel:+15550100, not {uri!r}")
    return uri


class Conference:
    """One conference; a client is in one at a time. Commands raise CommandError when they are refused or fail, and
    LocalProtocolError outside of the conference.

    ``async for event in conference`` gives what the client reports, until it has left.
    """

    def __init__(self, connection: Connection, uri: str) -> None:
        self.uri = uri  #: Conference-URI, or the link that it was given by
        self.role: str | None = None  #: as granted, None before the join
        self.roster = Roster(connection.client)  #: who is there, live
        self._connection = connection
        self._left: Left | None = None
        self._over = asyncio.Event()
        self._followed = asyncio.Event()  # a first roster came, or never will
        self._readers: list[EventQueue[Event]] = []

    def __repr__(self) -> str:
        return f"<Conference {self.uri}>"

    @property
    def client(self) -> Client:
        """The client without I/O."""
        return self._connection.client

    # Coming and going ------------------------------------------------------------------------------------------------

    async def join(self, *, role: str = Role.ATTENDEE, passcode: str | None = None) -> str | None:
        """Join it and follow it; the role that was granted. The roster is there then.

        Raises JoinError, C3PError for a URI that is that of no conference, LocalProtocolError in another conference.
        """
        client = self.client
        event = await self._connection.give(lambda now: client.join(self.uri, role=role, passcode=passcode, now=now))
        if isinstance(event, JoinFailed):
            raise JoinError(event)
        assert isinstance(event, Joined)
        self.uri, self.role, self._left = event.conference_uri, event.role, None
        self._over.clear()
        self._followed.clear()
        self._connection.listeners.append(self._happened)
        self._follow()
        await self._followed.wait()
        return self.role

    async def leave(self) -> None:
        """Leave it; nothing happens when we are not in it."""
        if self._left is None and self.role is not None:
            self.client.leave(now=self._connection.now)
            self._connection.kick()
            await self.left()

    async def left(self) -> Left:
        """Wait until we are no longer in it; how that came."""
        await self._over.wait()
        assert self._left is not None
        return self._left

    async def talk(self, media: OpensMedia[M]) -> Call[M]:
        """Take part with sound of one's own, by a call to the A/V MCU; ``media``: `rtp.aio.AudioSession`, or its like.

        Whoever leaves the conference hangs up. Raises sip.aio.CallError when the MCU does not take it, OSError without
        media ports, LocalProtocolError outside of the conference.
        """
        return await self._connection.call_mcu(media)

    # Looking after it ------------------------------------------------------------------------------------------------

    async def dial(
        self,
        uri: str,
        *,
        display_name: str | None = None,
        media: Sequence[str] = (MediaType.AUDIO,),
        role: str = Role.ATTENDEE,
        muted: bool = False,
    ) -> Leg:
        """Have somebody called into it: what is returned rings, or is about to. Raises CommandError for a refusal."""
        client, uri = self.client, _callable(uri)
        ended = self._connection.give(
            lambda now: client.add_user(uri, display_name=display_name, media=media, role=role, muted=muted, now=now)
        )
        await self._connection.accepted(ended)
        if ended.done() and isinstance(event := ended.result(), CommandFailed):
            raise CommandError(f"cannot call {uri}", event)
        return Leg(self._connection, uri, ended)

    async def eject(self, uri: str) -> None:
        """Put somebody out."""
        await self._do(f"eject {uri}", lambda now: self.client.delete_user(uri, now=now))

    async def mute(self, uri: str, muted: bool = True) -> None:
        """Mute somebody, on all endpoints, or end that. Raises LocalProtocolError for who has no sound here."""
        streams = self.roster.streams(uri)
        if not streams:
            raise LocalProtocolError(f"{uri} has no sound in the conference")
        for endpoint, media in streams:
            await self._do(
                f"{'mute' if muted else 'unmute'} {uri}",
                lambda now, endpoint=endpoint, media=media: self.client.mute(  # type: ignore[misc]
                    uri, endpoint=endpoint.entity, media_id=media.id, muted=muted, now=now
                ),
            )

    async def unmute(self, uri: str) -> None:
        """End ``mute``."""
        await self.mute(uri, False)

    async def mute_all(self, muted: bool = True, *, may_unmute: bool = True) -> None:
        """Mute the attendees, those to come too; ``may_unmute``: each may undo it for itself."""
        await self._do("mute all", lambda now: self.client.mute_all(muted, may_unmute=may_unmute, now=now))

    async def lock(self, locked: bool = True) -> None:
        """Let nobody else in, or let them in again."""
        await self._do("lock", lambda now: self.client.set_lock(locked, now=now))

    async def set_role(self, uri: str, role: str) -> None:
        """Make somebody presenter or attendee."""
        await self._do(f"make {uri} {role}", lambda now: self.client.modify_user_roles(uri, role, now=now))

    async def admit(self, *uris: str) -> None:
        """Let people in from the lobby."""
        await self._do("admit", lambda now: self.client.set_lobby_access(uris, granted=True, now=now))

    async def deny(self, *uris: str) -> None:
        """Send people away from the lobby."""
        await self._do("deny", lambda now: self.client.set_lobby_access(uris, granted=False, now=now))

    async def end(self) -> None:
        """End it for everybody."""
        await self._do("end the conference", lambda now: self.client.end_conference(now=now))

    async def _do(self, what: str, command: Callable[[float], CommandId]) -> None:
        event = await self._connection.give(command)
        if isinstance(event, CommandFailed):
            raise CommandError(f"cannot {what}", event)

    # What happens ----------------------------------------------------------------------------------------------------

    async def changes(self) -> AsyncIterator[RosterChanged]:
        """Each change of the roster, until we have left."""
        async for event in self:
            if isinstance(event, RosterChanged):
                yield event

    async def until(self, condition: Callable[[Roster], bool]) -> None:
        """Wait until the roster fits. Raises ConferenceLeft when we are out before."""
        if condition(self.roster):
            return
        async for _ in self:
            if condition(self.roster):
                return
        cause = LeaveCause.LEFT if self._left is None else self._left.cause
        raise ConferenceLeft("waited in vain", cause, self._left)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """What the client reports, until it has left; nothing outside of the conference."""
        if self.role is None or self._left is not None:
            return
        reader: EventQueue[Event] = EventQueue(_MAX_EVENTS)
        self._readers.append(reader)
        try:
            async for event in reader:
                yield event
        finally:
            if reader in self._readers:
                self._readers.remove(reader)

    def _happened(self, event: Event) -> None:
        for reader in self._readers:
            reader.put(event)
        match event:
            case RosterChanged():
                self._followed.set()
            case SubscriptionLost():
                self._followed.set()
                if event.status is None:
                    asyncio.get_running_loop().call_later(_FOLLOW_AGAIN, self._follow)
            case Left():
                self._left = event
                self._connection.hang_up()
                self._connection.listeners.remove(self._happened)
                for reader in self._readers:
                    reader.close()
                self._readers.clear()
                self._followed.set()
                self._over.set()
            case _:
                pass

    def _follow(self) -> None:
        if self._left is None:
            try:
                self.client.subscribe(now=self._connection.now)
            except LocalProtocolError:
                return  # it follows already, or is no longer there
            self._connection.kick()
