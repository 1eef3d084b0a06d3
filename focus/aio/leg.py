"""Somebody whom a conference calls."""

from __future__ import annotations

import asyncio

from focus.aio.connection import Connection
from focus.aio.errors import CommandError
from focus.client import CommandFailed
from sip import Event


class Leg:
    """A dial-out: the command, and whom it is to bring in."""

    def __init__(self, connection: Connection, uri: str, ended: asyncio.Future[Event]) -> None:
        self.uri = uri  #: who is called
        self._connection, self._ended = connection, ended

    def __repr__(self) -> str:
        return f"<Leg {self.uri}, {'answered' if self.is_answered else 'over' if self._ended.done() else 'calling'}>"

    @property
    def is_answered(self) -> bool:
        """Whether somebody has answered."""
        ended = self._ended
        return ended.done() and not ended.exception() and not isinstance(ended.result(), CommandFailed)

    async def answered(self) -> None:
        """Wait until somebody has answered and is in the conference. Raises CommandError when nobody does.

        Cancelling the wait leaves the call as it is; ``hang_up`` ends it.
        """
        event = await asyncio.shield(self._ended)
        if isinstance(event, CommandFailed):
            raise CommandError(f"cannot call {self.uri}", event)

    async def hang_up(self) -> None:
        """Put whoever was called out, or give the call up. Raises CommandError."""
        event = await self._connection.give(lambda now: self._connection.client.delete_user(self.uri, now=now))
        if isinstance(event, CommandFailed):
            raise CommandError(f"cannot put {self.uri} out", event)
