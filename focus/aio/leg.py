"""Somebody whom a conference calls."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from focus.aio.connection import Connection
from focus.aio.errors import CommandError
from focus.aio.roster import Roster
from focus.client import CommandFailed, Left, RosterChanged
from sip import Event

#: Seconds for the roster to show who has answered: an answer and a document take ways of their own, so over UDP either
#: comes first, and what got lost is sent again within 4 s (RFC 3261, T2). Who has gone by then is never shown.
_SHOWN: Final = 5.0


class Leg:
    """A dial-out: the command, and whom it is to bring in."""

    def __init__(self, connection: Connection, uri: str, ended: asyncio.Future[Event], roster: Roster) -> None:
        self.uri = uri  #: who is called
        self._connection, self._ended, self._roster = connection, ended, roster

    def __repr__(self) -> str:
        return f"<Leg {self.uri}, {'answered' if self.is_answered else 'over' if self._ended.done() else 'calling'}>"

    @property
    def is_answered(self) -> bool:
        """Whether somebody has answered."""
        ended = self._ended
        return ended.done() and not ended.exception() and not isinstance(ended.result(), CommandFailed)

    async def answered(self) -> None:
        """Wait until somebody has answered, and the roster shows it. Raises CommandError when nobody does.

        Whoever hangs up at once may not be in the roster any more. Cancelling the wait leaves the call as it is;
        ``hang_up`` ends it.
        """
        event = await asyncio.shield(self._ended)
        if isinstance(event, CommandFailed):
            raise CommandError(f"cannot call {self.uri}", event)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SHOWN):
                await self._shown()

    async def _shown(self) -> None:
        """Wait until the roster shows who has answered, or we have left."""
        changed = asyncio.Event()

        def happened(event: Event) -> None:
            if isinstance(event, RosterChanged | Left):
                changed.set()

        listeners = self._connection.listeners
        listeners.append(happened)
        try:
            while not self._roster.is_connected(self.uri) and self._connection.is_in_conference:
                changed.clear()
                await changed.wait()
        finally:
            listeners.remove(happened)

    async def hang_up(self) -> None:
        """Put whoever was called out, or give the call up. Raises CommandError."""
        event = await self._connection.give(lambda now: self._connection.client.delete_user(self.uri, now=now))
        if isinstance(event, CommandFailed):
            raise CommandError(f"cannot put {self.uri} out", event)
