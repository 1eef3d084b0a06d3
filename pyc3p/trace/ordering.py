"""Records of several processes in the order in which things happened."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

from pyc3p.trace.trace import Reader, Record

#: Seconds for which a record may be on its way from another process before it comes too late for its place. A process
#: that is killed takes as much of its capture with it.
HOLD: Final = 0.25
#: Records that are held at most, in which case the earliest go on: some 30 MB of the largest datagrams.
MOST_HELD: Final = 20_000


class InOrder:
    """A reader that gives another one what it is given, sorted by time. ``flush`` in the end."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._waiting: list[tuple[float, int, Record]] = []
        self._number = 0
        self._latest = 0.0

    def __call__(self, record: Record) -> None:
        """Take one record."""
        self._number += 1
        heapq.heappush(self._waiting, (record.at, self._number, record))
        self._latest = max(self._latest, record.at)
        self._give(lambda: self._waiting[0][0] < self._latest - HOLD or len(self._waiting) > MOST_HELD)

    def flush(self) -> None:
        """Give what is held."""
        self._give(lambda: True)

    def _give(self, due: Callable[[], bool]) -> None:
        while self._waiting and due():
            self._reader(heapq.heappop(self._waiting)[2])
