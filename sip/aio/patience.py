"""How long a connection may take to say something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sip.aio.settings import TransportSettings
from sip.aio.stream import Connection
from sip.flow import Flow


class Patience:
    """Closes connections that were opened to say nothing, or one message a byte at a time.

    ``unfinished`` tells which message of a flow has begun to come. There is at most one timer a connection.
    """

    def __init__(self, settings: TransportSettings, unfinished: Callable[[Flow], int | None]) -> None:
        self._settings, self._unfinished = settings, unfinished

    def expect_first(self, connection: Connection) -> None:
        """Somebody connected."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._settings.first_data_timeout, self._check_silence, connection)

    def received(self, connection: Connection) -> None:
        """Something came; if it is no whole message, the rest has to follow."""
        if not connection.awaited:
            self._await(connection)

    def _await(self, connection: Connection) -> None:
        number = self._unfinished(connection.flow)
        connection.awaited = number is not None
        if number is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self._settings.message_timeout, self._check_progress, connection, number)

    def _check_silence(self, connection: Connection) -> None:
        if connection.silent:
            connection.abort()

    def _check_progress(self, connection: Connection, number: int) -> None:
        if self._unfinished(connection.flow) == number:
            connection.abort()
        else:
            self._await(connection)
