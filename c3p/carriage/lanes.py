"""Order among exchanges: those of one lane go one after the other, those of different lanes at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from c3p.errors import LocalProtocolError

Item = TypeVar("Item", bound=Hashable)


class LaneFull(Exception):
    """Too many are waiting already."""


class Lanes(Generic[Item]):
    """Who may go, who waits. Lanes come into being with their first item and go with their last.

    An item is whatever the caller wakes when its turn comes: an exchange, a future, a thread's event.
    """

    def __init__(self, *, most_waiting: int) -> None:
        """``most_waiting`` is the limit of one lane, beside the item that has its turn."""
        self._most_waiting = most_waiting
        self._lanes: dict[Hashable, deque[Item]] = {}  # the first of each has its turn

    def __len__(self) -> int:
        return len(self._lanes)

    def enter(self, lane: Hashable, item: Item) -> bool:
        """True when ``item`` has its turn at once; otherwise ``leave`` gives it out later. Raises LaneFull."""
        waiting = self._lanes.setdefault(lane, deque())
        if len(waiting) > self._most_waiting:
            raise LaneFull
        waiting.append(item)
        return len(waiting) == 1

    def leave(self, lane: Hashable, item: Item) -> Item | None:
        """``item`` is done, or waits no more; returns whose turn it is now, if that has changed.

        Raises LocalProtocolError for an item that is not in the lane.
        """
        waiting = self._lanes.get(lane, deque())
        if item not in waiting:
            raise LocalProtocolError("nothing of that kind is in the lane")
        had_turn = waiting[0] == item
        waiting.remove(item)
        if not waiting:
            del self._lanes[lane]
            return None
        return waiting[0] if had_turn else None
