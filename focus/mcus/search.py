"""The search for an MCU: which were tried for one need, and when to look again after none was found."""

from __future__ import annotations

import math

from focus.config import FocusConfig


class Search:
    """Of one link."""

    def __init__(self, config: FocusConfig) -> None:
        self._config = config
        self._retry_at: float | None = None  # monotonic seconds
        self._attempts = 0
        self._emptied: str | None = None  #: the MCU that lost the conference, until it has carried something out
        self.exclude: tuple[str, ...] = ()  #: ids of MCUs that failed

    def begin(self) -> None:
        """An MCU is needed. Those that failed are tried again when there was no other."""
        if self._retry_at is not None:
            self.exclude = ()
        self._attempts, self._retry_at = 0, None

    def attempt(self) -> None:
        """The MCU Factory is asked."""
        self._attempts += 1

    def tried(self, mcu_id: str) -> bool:
        """One did not take the conference. Whether another one is tried (docs/design-decisions.rst)."""
        self.exclude += (mcu_id,)
        return self._attempts < self._config.bootstrap_attempts

    def found(self) -> None:
        """One took it."""
        self.exclude = ()

    def lost(self, mcu_id: str, *, serves: bool) -> None:
        """The one that had it failed. One that ``serves`` and has only lost it may have it again, once in a row."""
        again = serves and mcu_id != self._emptied
        self._emptied = mcu_id if again else None
        self.exclude, self._retry_at = () if again else (mcu_id,), None

    def served(self) -> None:
        """The one that has it carried something out."""
        self._emptied = None

    def exhausted(self, *, now: float) -> None:
        """None can be had; for some seconds nobody looks."""
        self._retry_at = now + self._config.failure_cache

    def wait(self, *, now: float) -> int | None:
        """Seconds until somebody looks again, None when that is now."""
        return max(1, math.ceil(self._retry_at - now)) if self._retry_at is not None and now < self._retry_at else None
