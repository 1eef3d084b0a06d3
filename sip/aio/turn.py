"""How much of what arrives one turn of the event loop handles, so that everybody else gets a turn too.

A peer can send thousands of messages in one read, and thousands of peers can send at once. What they sent waits, in the
kernel or in `StreamTurns`, while timers fire and media goes its way; and whoever sent little does not wait for those
who sent much, because connections take their turns one after the other, a message each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sip.aio.settings import TransportSettings
from sip.aio.stream import Connection
from sip.flow import Flow


class Turn:
    """The messages that are left for this turn of the loop.

    Messages are counted, and there is a clock beside the count for those that cost much more than others.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: TransportSettings) -> None:
        self._loop, self._settings = loop, settings
        self._left = settings.turn
        self._end = 0.0
        self._begun = False

    def take(self) -> bool:
        """Take one message of this turn; False when what is left has to wait for the next."""
        if not self._begun:
            self._begun = True
            self._end = self._loop.time() + self._settings.turn_time
            # Callbacks run before what is read in the same turn: the count begins anew with each.
            self._loop.call_soon(self._over)
        elif self._left <= 0 or self._loop.time() >= self._end:
            return False
        self._left -= 1
        return True

    def _over(self) -> None:
        self._left, self._begun = self._settings.turn, False


class StreamTurns:
    """Connections of which something was received that is not handled yet.

    ``handle(connection, data)`` looks at one message of a connection, given more of its stream, and ``unread(flow)``
    tells whether more of it can be looked at. ``ended(connection)`` is called for one that was closed, once all that
    came before its end is handled.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: TransportSettings,
        *,
        handle: Callable[[Connection, bytes], None],
        unread: Callable[[Flow], bool],
        ended: Callable[[Connection], None],
    ) -> None:
        self._loop, self._settings = loop, settings
        self._handle, self._unread, self._ended = handle, unread, ended
        self._turn = Turn(loop, settings)
        self._waiting: deque[Connection] = deque()
        self._planned = False

    def received(self, connection: Connection, data: bytes) -> None:
        """Take a piece of a stream; one that sends faster than it is served has to wait."""
        connection.unread += data
        if len(connection.unread) > self._settings.read_buffer:
            connection.pause_reading()
        self._wait(connection)

    def closed(self, connection: Connection) -> None:
        """Take the end of a stream."""
        connection.ended = True
        self._wait(connection)

    def _wait(self, connection: Connection) -> None:
        if not connection.waits:
            connection.waits = True
            self._waiting.append(connection)
        if not self._planned:
            self._go_on()

    def _go_on(self) -> None:
        self._planned = False
        while self._waiting:
            if not self._turn.take():
                self._planned = True
                self._loop.call_soon(self._go_on)
                return
            connection = self._waiting.popleft()
            try:
                self._handle_one(connection)
            finally:
                if connection.unread or self._unread(connection.flow):
                    self._waiting.append(connection)
                else:
                    self._leave(connection)

    def _handle_one(self, connection: Connection) -> None:
        data, limit = b"", self._settings.read_piece
        if not self._unread(connection.flow):
            data = bytes(connection.unread[:limit])
            del connection.unread[:limit]
            if len(connection.unread) <= self._settings.read_buffer < len(connection.unread) + len(data):
                connection.resume_reading()
        if data or self._unread(connection.flow):
            self._handle(connection, data)

    def _leave(self, connection: Connection) -> None:
        connection.waits = False
        if connection.ended:
            self._ended(connection)
