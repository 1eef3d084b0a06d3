"""How fast conferences may be created, by a user and from a source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from focus.config import FactoryConfig
from sip import Flow, Networks, TokenBuckets, source_of

#: Users and sources whose rate is remembered; who is forgotten, having been quiet for longest, begins anew.
_REMEMBERED: Final = 10_000


class Creations:
    """The rates of one Focus Factory."""

    def __init__(self, config: FactoryConfig, trusted: Iterable[str]) -> None:
        self._trusted = Networks(trusted)
        self._users = TokenBuckets(
            rate=config.creations_a_minute / 60, burst=config.creations_at_once, limit=_REMEMBERED
        )
        self._sources = TokenBuckets(
            rate=config.creations_a_minute_per_source / 60,
            burst=config.creations_at_once_per_source,
            limit=_REMEMBERED,
        )

    def take(self, user: str, flow: Flow, *, now: float) -> bool:
        """Whether a user may create one more, from there; then it is counted."""
        if flow.remote.host not in self._trusted and not self._sources.take(source_of(flow.remote.host), now=now):
            return False
        return self._users.take(user, now=now)
