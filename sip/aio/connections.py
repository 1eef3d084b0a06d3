"""The connections that stand, and how many of them one address may have."""

from collections import Counter
from collections.abc import Iterator

from sip.aio.settings import TransportSettings
from sip.aio.stream import Connection
from sip.flow import Flow


class Connections:
    """Those that were let in, by the number of their flow."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._standing: dict[int, Connection] = {}
        self._accepted: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._standing)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._standing.values()))

    def get(self, flow: Flow) -> Connection | None:
        """The connection of a flow, None when it is closed."""
        return self._standing.get(flow.id)

    def admit(self, connection: Connection) -> bool:
        """Let a connection in; False when there are too many, in all or from its address."""
        source = connection.flow.remote.host
        of_source = self._accepted[source] if connection.accepted else 0
        if len(self._standing) >= self._settings.max_connections or (
            of_source >= self._settings.max_connections_per_source
        ):
            return False
        self._standing[connection.flow.id] = connection
        if connection.accepted:
            self._accepted[source] += 1
        return True

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        source = connection.flow.remote.host
        if self._standing.pop(connection.flow.id, None) is not None and connection.accepted:
            self._accepted[source] -= 1
            if self._accepted[source] <= 0:
                del self._accepted[source]
