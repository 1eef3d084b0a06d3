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


def _address(uri: Uri | str) -> str:
    """Somebody's address as text. Raises LocalProtocolError for what is none."""
    try:
        scheme = uri.scheme if isinstance(uri, Uri) else Uri.parse(uri).scheme if isinstance(uri, str) else ""
    except SipError:
        scheme = ""
    if scheme not in ("sip", "sips", "tel"):
        raise LocalProtocolError(f"uri must be an address such as sip:bob@example.com or tel:+15550100, not {uri!r}")
    return str(uri)


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

        Look at ``in_lobby`` next: a presenter may have to let us in. Raises JoinError, C3PError for a URI that is that
        of no conference, LocalProtocolError in another conference.
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

    @property
    def in_lobby(self) -> bool:
        """Whether we wait in the lobby: a presenter lets us in, or sends us away. Nothing else is possible there."""
        return self._left is None and self.roster.is_in_lobby(self.client.config.aor)

    async def admitted(self) -> None:
        """Wait until we are let in from the lobby, which may be so already. Raises ConferenceLeft when we get out."""
        own = self.client.config.aor
        await self.until(lambda roster: own in roster and not roster.is_in_lobby(own))

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
        uri: Uri | str,
        *,
        display_name: str | None = None,
        media: Sequence[str] = (MediaType.AUDIO,),
        role: str = Role.ATTENDEE,
        muted: bool = False,
    ) -> Leg:
        """Have somebody called into it: what is returned rings, or is about to. Raises CommandError for a refusal."""
        client, whom = self.client, _address(uri)
        ended = self._connection.give(
            lambda now: client.add_user(whom, display_name=display_name, media=media, role=role, muted=muted, now=now)
        )
        await self._connection.accepted(ended)
        if ended.done() and isinstance(event := ended.result(), CommandFailed):
            raise CommandError(f"cannot call {whom}", event)
        return Leg(self._connection, whom, ended, self.roster)

    async def eject(self, uri: Uri | str) -> None:
        """Put somebody out."""
        whom = _address(uri)
        await self._do(f"eject {whom}", lambda now: self.client.delete_user(whom, now=now))

    async def mute(self, uri: Uri | str, muted: bool = True) -> None:
        """Mute somebody, on all endpoints, or end that. Raises LocalProtocolError for who has no sound here."""
        whom = _address(uri)
        streams = self.roster.streams(whom)
        if not streams:
            why = "has no sound in the conference" if whom in self.roster else "is not in the conference"
            raise LocalProtocolError(f"{whom} {why}")
        for endpoint, media in streams:
            await self._do(
                f"{'mute' if muted else 'unmute'} {whom}",
                lambda now, endpoint=endpoint, media=media: self.client.mute(  # type: ignore[misc]
                    whom, endpoint=endpoint.entity, media_id=media.id, muted=muted, now=now
                ),
            )

    async def unmute(self, uri: Uri | str) -> None:
        """End ``mute``."""
        await self.mute(uri, False)

    async def mute_all(self, muted: bool = True, *, may_unmute: bool = True) -> None:
        """Mute the attendees, those to come too; ``may_unmute``: each may undo it for itself."""
        await self._do("mute all", lambda now: self.client.mute_all(muted, may_unmute=may_unmute, now=now))

    async def lock(self, locked: bool = True) -> None:
        """Have everybody who comes later wait in the lobby until ``admit``, or let them in again.

        Presenters come in all the same, and so does who was let in before; whose program knows no lobby is refused.
        """
        await self._do("lock", lambda now: self.client.set_lock(locked, now=now))

    async def set_role(self, uri: Uri | str, role: str) -> None:
        """Make somebody presenter or attendee."""
        whom = _address(uri)
        await self._do(f"make {whom} {role}", lambda now: self.client.modify_user_roles(whom, role, now=now))

    async def admit(self, *uris: Uri | str) -> None:
        """Let people in from the lobby."""
        whom = tuple(map(_address, uris))
        await self._do("admit", lambda now: self.client.set_lobby_access(whom, granted=True, now=now))

    async def deny(self, *uris: Uri | str) -> None:
        """Send people away from the lobby."""
        whom = tuple(map(_address, uris))
        await self._do("deny", lambda now: self.client.set_lobby_access(whom, granted=False, now=now))

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
