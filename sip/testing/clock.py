"""Virtual time: what is to happen, in order of time and of being asked for."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable

import attrs


@attrs.define(eq=False)
class Alarm:
    """Something that is to happen once; ``cancel`` and it does not."""

    at: float
    action: Callable[[], None] | None

    def cancel(self) -> None:
        """Let it not happen."""
        self.action = None


class VirtualClock:
    """Seconds that pass only when somebody asks for the next thing to happen."""

    def __init__(self, now: float = 0.0) -> None:
        """Time begins at ``now``."""
        self.now = now
        self._order = itertools.count()
        self._alarms: list[tuple[float, int, Alarm]] = []

    def at(self, when: float, action: Callable[[], None]) -> Alarm:
        """Do ``action`` at ``when``, or at once when that is over."""
        alarm = Alarm(max(when, self.now), action)
        heapq.heappush(self._alarms, (alarm.at, next(self._order), alarm))
        return alarm

    def after(self, seconds: float, action: Callable[[], None]) -> Alarm:
        """Do ``action`` in so many seconds."""
        return self.at(self.now + seconds, action)

    def next_at(self) -> float | None:
        """When the next thing happens; None when nothing will."""
        while self._alarms and self._alarms[0][2].action is None:
            heapq.heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def step(self, until: float = math.inf) -> bool:
        """Let the next thing happen; False when nothing is left that happens by ``until``."""
        while self._alarms and self._alarms[0][0] <= until:
            at, _, alarm = heapq.heappop(self._alarms)
            action, alarm.action = alarm.action, None
            if action is not None:
                self.now = max(self.now, at)
                action()
                return True
        return False

    def move_to(self, when: float) -> None:
        """Let time pass to ``when`` with nothing happening in between."""
        self.now = max(self.now, when)
