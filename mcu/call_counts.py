"""How many calls began in the last minute: what a policy is told of haste."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

WINDOW: Final = 60.0  #: seconds
#: Calls that are remembered. Beyond it the first are forgotten early, and at that pace no MCU would still be mixing.
MAX_CALLS: Final = 20_000


class CallCounts:
    """Counts the calls of each conference and each originator."""

    def __init__(self) -> None:
        self._begun: deque[tuple[float, tuple[str, ...]]] = deque()
        self._counts: Counter[str] = Counter()

    def begun(self, *whose: str, now: float) -> None:
        """Take note of one call: the keys of all that it counts for."""
        if len(self._begun) >= MAX_CALLS:
            self._forget()
        self._begun.append((now, whose))
        self._counts.update(whose)

    def of(self, key: str, *, now: float) -> int:
        """How many calls of one key began in the last minute."""
        while self._begun and self._begun[0][0] <= now - WINDOW:
            self._forget()
        return self._counts[key]

    def __len__(self) -> int:
        return len(self._begun)

    def _forget(self) -> None:
        _, whose = self._begun.popleft()
        for key in whose:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]
