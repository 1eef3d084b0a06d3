"""Timers of one endpoint: a heap in which stopped timers stay until they come up or outnumber the others.

What waits equally long as many others, and is hardly ever stopped, stands in a queue instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final, Protocol

_MIN_COMPACT: Final = 256  # below this, sweeping dead entries costs more than keeping them
_GATHERED: Final = 0.05  # seconds by which the end of a long wait may be late, so that one wake-up serves many
_new = object.__new__


class Timer:
    """One appointment. Stopping it twice, or after it fired, does nothing."""

    __slots__ = ("action", "at")

    at: float
    action: Callable[[float], None] | None


class Timers:
    """Fires actions in order of time, then of starting.

    An action that raises is gone. ``on_error`` is told, and what else is due fires; without it the error leaves
    ``run``, and what else is due fires in the next call.
    """

    __slots__ = ("_heap", "_on_error", "_sequence", "_stopped", "first")

    def __init__(self, on_error: Callable[[Exception], None] | None = None) -> None:
        self._on_error = on_error
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = 0
        self._stopped = 0
        self.first: float | None = None  #: when the earliest is due; plain, since it is asked for after every step

    def __len__(self) -> int:
        return len(self._heap) - self._stopped

    def start(self, at: float, action: Callable[[float], None]) -> Timer:
        """Call ``action(now)`` at ``at`` (monotonic seconds) or as soon after it as the driver calls."""
        timer = _new(Timer)
        timer.at, timer.action = at, action
        self._sequence += 1
        heappush(self._heap, (at, self._sequence, timer))
        if self.first is None or at < self.first:
            self.first = at
        return timer

    def stop(self, timer: Timer | None) -> None:
        """Forget a timer; None is accepted so that callers need not ask."""
        if timer is not None and timer.action is not None:
            timer.action = None
            self._stopped += 1
            if self._stopped > _MIN_COMPACT and self._stopped * 2 > len(self._heap):
                self._compact()
            if timer.at == self.first:
                self._find_first()

    def _find_first(self) -> None:
        heap = self._heap
        while heap and heap[0][2].action is None:
            heappop(heap)
            self._stopped -= 1
        self.first = heap[0][0] if heap else None

    def run(self, now: float) -> None:
        """Fire what is due at ``now``. What is started meanwhile fires in the same call only if it is due."""
        while self.first is not None and self.first <= now:
            timer = heappop(self._heap)[2]
            action, timer.action = timer.action, None
            self._find_first()
            assert action is not None  # the first is never one that was stopped
            try:
                action(now)
            except Exception as error:
                if self._on_error is None:
                    raise
                self._on_error(error)

    def _compact(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2].action is not None]
        heapify(self._heap)
        self._stopped = 0


class Patient(Protocol):
    """What waits in a Queue. It has to know by itself whether its time still means anything."""

    def waited(self, now: float) -> None:
        """Learn that the time is over."""
        ...


class Queue:
    """Things that all wait equally long: with the heap each would cost a timer and a wake-up, here many share one."""

    __slots__ = ("_armed", "_delay", "_timers", "_waiting")

    def __init__(self, timers: Timers, delay: float) -> None:
        self._timers = timers
        self._delay = delay  # seconds
        self._armed = False  # whether the timer runs
        self._waiting: deque[tuple[float, Patient]] = deque()

    def add(self, patient: Patient, now: float) -> None:
        """Call ``patient.waited(now)`` when the time is over."""
        at = now + self._delay
        self._waiting.append((at, patient))
        if not self._armed:
            self._armed = True
            self._timers.start(at, self._on_due)

    def _on_due(self, now: float) -> None:
        waiting = self._waiting
        try:
            while waiting and waiting[0][0] <= now:
                waiting.popleft()[1].waited(now)
        finally:  # one that raises must not keep the others waiting for ever
            self._armed = bool(waiting)
            if waiting:
                self._timers.start(max(waiting[0][0], now + _GATHERED), self._on_due)
