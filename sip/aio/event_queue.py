"""Events on their way to one reader."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class EventQueue(Generic[T]):
    """Takes events in and gives them out, in order, until ``close``. Who reads nothing loses the oldest."""

    def __init__(self, most: int) -> None:
        self._events: deque[T] = deque(maxlen=most)
        self._came = asyncio.Event()
        self._closed = False

    def put(self, event: T) -> None:
        """Add one."""
        self._events.append(event)
        self._came.set()

    def close(self) -> None:
        """There will be no more: readers end when they have read what is there."""
        self._closed = True
        self._came.set()

    def drain(self) -> list[T]:
        """Take what nobody has read."""
        left = list(self._events)
        self._events.clear()
        return left

    def __aiter__(self) -> EventQueue[T]:
        return self

    async def __anext__(self) -> T:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._came.clear()
            await self._came.wait()
        return self._events.popleft()
