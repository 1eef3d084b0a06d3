"""How long to wait before a worker that ended is started again."""

from __future__ import annotations

from typing import Final

#: Seconds before the first restart: its phones are gone already, and whoever wants an MCU should soon have one.
FIRST: Final = 0.5
#: Seconds at most: a machine that has a fault is looked at again soon after it was mended.
LONGEST: Final = 30.0
#: Seconds after which a worker that ends had been well: the next one is started as after a first end.
WELL: Final = 60.0


class BackOff:
    """Doubles for as long as the worker ends soon after it began."""

    def __init__(self) -> None:
        self._next = FIRST
        self._began = 0.0

    def began(self, *, now: float) -> None:
        """It was started."""
        self._began = now

    def ended(self, *, now: float) -> float:
        """It ended: seconds to wait."""
        if now - self._began >= WELL:
            self._next = FIRST
        wait, self._next = self._next, min(LONGEST, 2 * self._next)
        return wait
