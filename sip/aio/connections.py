"""The connections that stand: how many there may be in all, and of one source."""

from __future__ import annotations

from collections.abc import Iterator

from sip.aio.settings import TransportSettings
from sip.aio.stream import Connection
from sip.flow import Flow
from sip.networks import source_of
from sip.shares import Shares


class Connections:
    """Those that were let in, by the number of their flow."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._standing: dict[int, Connection] = {}
        self._accepted = Shares(settings.max_connections_per_source)

    def __len__(self) -> int:
        return len(self._standing)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._standing.values()))

    def get(self, flow: Flow) -> Connection | None:
        """The connection of a flow, None when it is closed."""
        return self._standing.get(flow.id)

    def admit(self, connection: Connection) -> bool:
        """Let a connection in; False when there are too many, in all or from its source."""
        if len(self._standing) >= self._settings.max_connections:
            return False
        if connection.accepted and not self._accepted.take(source_of(connection.flow.remote.host)):
            return False
        self._standing[connection.flow.id] = connection
        return True

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        if self._standing.pop(connection.flow.id, None) is not None and connection.accepted:
            self._accepted.give_back(source_of(connection.flow.remote.host))
