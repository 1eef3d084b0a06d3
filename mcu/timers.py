"""Deadlines of many things, the earliest first."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

__all__ = ["Timers"]

Key = TypeVar("Key", bound=Hashable)


class Timers(Generic[Key]):
    """One deadline for each key, in monotonic seconds. Setting a key again moves its deadline."""

    def __init__(self) -> None:
        self._deadlines: dict[Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = count()

    def set(self, key: Key, at: float) -> None:
        entry = (at, next(self._order))
        self._deadlines[key] = entry
        heapq.heappush(self._heap, (*entry, key))
        # Deadlines that were moved or cancelled stay in the heap until they outnumber the live ones.
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._deadlines):
            self._heap = [(when, order, each) for each, (when, order) in self._deadlines.items()]
            heapq.heapify(self._heap)

    def cancel(self, key: Key) -> None:
        self._deadlines.pop(key, None)

    def deadline(self, key: Key) -> float | None:
        """When ``key`` is due, or ``None`` when it has no deadline."""
        entry = self._deadlines.get(key)
        return None if entry is None else entry[0]

    def next(self) -> float | None:
        """The earliest deadline."""
        while self._heap:
            at, order, key = self._heap[0]
            if self._deadlines.get(key) == (at, order):
                return at
            heapq.heappop(self._heap)
        return None

    def due(self, now: float) -> list[Key]:
        """Keys whose deadline has come, in order; they have no deadline any more."""
        keys = []
        while (at := self.next()) is not None and at <= now:
            key = heapq.heappop(self._heap)[2]
            del self._deadlines[key]
            keys.append(key)
        return keys
