"""The earliest of many deadlines, one for each conference, without looking at all of them."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Deadlines(Generic[Key]):
    """A heap in which each key has at most one deadline; keys without one cost nothing."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._pushed = 0

    def set(self, key: Key, due: float | None) -> None:
        """Give `key` the deadline `due` (monotonic seconds), or none."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            self._pushed += 1
            heapq.heappush(self._heap, (due, self._pushed, key))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._rebuild()

    def earliest(self) -> float | None:
        """When the first key is due."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[Key]:
        """The keys that are due; they have no deadline any more."""
        due: list[Key] = []
        while (at := self.earliest()) is not None and at <= now:
            key = heapq.heappop(self._heap)[2]
            del self._due[key]
            due.append(key)
        return due

    def _rebuild(self) -> None:
        self._heap = [(due, count, key) for count, (key, due) in enumerate(self._due.items())]
        self._pushed = len(self._heap)
        heapq.heapify(self._heap)
