"""From which moment on a trace is looked at: seconds of it, a time of day, or a date with a time.

Whoever was called by an angry user knows when it was, and not how many seconds after the beginning of a capture.
"""

from __future__ import annotations

import datetime
import math
from typing import Final, Self

import attrs

#: How it is written; shown where it is written otherwise.
WANTED: Final = (
    "seconds (90, or -30 before the end), a time of day (14:05, 14:05:30) or a date with a time (2026-03-31T14:05)"
)
_DAY: Final = datetime.timedelta(days=1)


@attrs.frozen
class Moment:
    """A moment as somebody named it. Without a zone it is by the clock of this machine."""

    said: float | datetime.time | datetime.datetime

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one; raises ValueError that says what is wanted."""
        for read in (_seconds, datetime.time.fromisoformat, datetime.datetime.fromisoformat):
            try:
                return cls(read(text.strip()))
            except ValueError:
                continue
        raise ValueError(f"{text!r} is none of {WANTED}")

    @property
    def needs_a_clock(self) -> bool:
        """Whether one has to know when the trace began."""
        return not isinstance(self.said, float)

    def since(self, begin: float, end: float) -> float:
        """Seconds after ``begin``; below 0 before ``end``, where it was said so. Both are POSIX times.

        A time of day is the first one in the trace; where there is none in it, that of the day on which it begins.
        """
        if isinstance(self.said, float):
            return self.said
        if isinstance(self.said, datetime.datetime):
            return max(0.0, self.said.timestamp() - begin)
        first = self._on_the_day_of(begin)
        within = first if first >= begin else self._on_the_day_of(begin + _DAY.total_seconds())
        return max(0.0, (within if begin <= within <= end else first) - begin)

    def _on_the_day_of(self, at: float) -> float:
        assert isinstance(self.said, datetime.time)
        day = datetime.datetime.fromtimestamp(at, self.said.tzinfo).date()
        return datetime.datetime.combine(day, self.said).timestamp()


def clock_time(at: float) -> str:
    """A POSIX time by the clock of this machine."""
    return datetime.datetime.fromtimestamp(at).isoformat(sep=" ", timespec="seconds")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not math.isfinite(seconds):
        raise ValueError(text)
    return seconds
