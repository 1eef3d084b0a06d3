"""When a client that lost its Focus, or the connection to it, joins again."""

from __future__ import annotations

from typing import Final

from focus.client import events
from focus.client.config import ClientConfig
from sip import Entropy, RetryAfter
from sip import Response as SipResponse

#: Seconds between two tries at most before chance; the first is tried within the first of these, and they double. A
#: Focus that has started again is joined within a minute, for which it keeps our place (docs/design-decisions.rst).
_FIRST: Final = 1.0
_LONGEST: Final = 30.0

#: Refusals that say nothing about us: nobody is there yet, or it is too busy.
_FOR_NOW: Final = frozenset({None, 408, 480, 481, 500, 502, 503, 504})


class Rejoining:
    """The tries after one loss."""

    def __init__(self, config: ClientConfig, entropy: Entropy) -> None:
        self._config, self._entropy = config, entropy
        self._until = self._wait = 0.0
        self.attempt = 0  #: counts from 1
        self.first: float | None = None  #: when the next one begins, monotonic seconds

    def begin(self, *, now: float) -> bool:
        """The dialog died. Whether there is a first try; `first` says when."""
        self._until, self._wait, self.attempt = now + self._config.rejoin_for, _FIRST / 2, 0
        return self._plan(now, 0)

    def refused(self, status: int | None, message: SipResponse | None, *, now: float) -> bool:
        """A try failed. Whether there is another one."""
        header = message.header("retry-after") if message is not None else None
        return status in _FOR_NOW and self._plan(now, header.seconds if isinstance(header, RetryAfter) else 0)

    def _plan(self, now: float, at_least: float) -> bool:
        # Everybody lost the same Focus at the same moment, and was told to wait for the same time.
        self._wait = min(2 * self._wait, _LONGEST)
        spread = self._wait * (1 + self._entropy.uniform()) / 2
        at = now + at_least + spread
        if at > self._until:
            self.first = None
            return False
        self.first, self.attempt = at, self.attempt + 1
        return True

    def is_due(self, now: float) -> bool:
        """Whether a try begins now."""
        if self.first is None or now < self.first:
            return False
        self.first = None
        return True

    def announced(self, uri: str) -> events.Rejoining:
        """What the application is told of the next one."""
        assert self.first is not None
        return events.Rejoining(owner=self._config.owner, conference_uri=uri, attempt=self.attempt, at=self.first)

    def succeeded(self, uri: str, role: str | None) -> events.Rejoined:
        """What it is told of the one that succeeded."""
        return events.Rejoined(owner=self._config.owner, conference_uri=uri, role=role, attempt=self.attempt)

    def stop(self) -> None:
        """No more tries."""
        self.first = None
