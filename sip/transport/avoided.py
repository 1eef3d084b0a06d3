"""Servers that did not help lately, and are tried after the others for a while (RFC 3261 section 21.5.4)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from sip.flow import Destination


class AvoidedServers:
    """Hosts and ports, each until some time; those that were named longest ago go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._until: OrderedDict[tuple[str, int], float] = OrderedDict()

    def add(self, destination: Destination, until: float) -> None:
        """Try others before a destination until then."""
        server, servers = (destination.host, destination.port), self._until
        servers[server] = max(until, servers.get(server, until))
        servers.move_to_end(server)
        if len(servers) > self._limit:
            servers.popitem(last=False)

    def last(self, destinations: Sequence[Destination], first: Destination | None, now: float) -> Sequence[Destination]:
        """Return the destinations in the order to try them: ``first``, the others, and then the avoided ones."""
        until = self._until
        if not until and first is None:
            return destinations
        return sorted(destinations, key=lambda each: (each != first, until.get((each.host, each.port), now) > now))
