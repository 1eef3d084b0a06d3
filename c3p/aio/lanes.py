"""Order among exchanges: those of one lane go one after the other, those of different lanes at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

import attrs


class LaneFull(Exception):
    """Too many are waiting already."""


@attrs.define
class _Lane:
    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    users: int = 0


class Lanes:
    """Lanes come into being with their first user and go with their last."""

    def __init__(self, *, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._lanes: dict[Hashable, _Lane] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for one's turn in the lane, in the order of asking. Raises LaneFull."""
        lane = self._lanes.setdefault(key, _Lane())
        if lane.users > self._most_waiting:
            raise LaneFull
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[key]
