"""How many connections there are: in all, and of one source."""

from __future__ import annotations

from sip.aio.settings import TransportSettings
from sip.aio.stream import Connection
from sip.networks import source_of
from sip.shares import Shares


class Admission:
    """The connections that were let in."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._accepted = Shares(settings.max_connections_per_source)
        self.open: dict[int, Connection] = {}  #: by the number of their flow

    def let_in(self, connection: Connection) -> bool:
        """Count a connection; False when it is one too many."""
        if len(self.open) >= self._settings.max_connections:
            return False
        if connection.accepted and not self._accepted.take(source_of(connection.flow.remote.host)):
            return False
        self.open[connection.flow.id] = connection
        return True

    def leave(self, connection: Connection) -> None:
        """Count it no more."""
        if self.open.pop(connection.flow.id, None) is not None and connection.accepted:
            self._accepted.give_back(source_of(connection.flow.remote.host))
