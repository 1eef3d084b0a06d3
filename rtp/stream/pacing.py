"""Packets at even distances, where their length is no multiple of the frames that they are made of.

A mix comes every 20 ms. Packets of 30 ms would leave after 40 and 20 ms in turn, two of 10 ms at once; a peer with a
small buffer takes that for jitter. So a packet that is ready too soon waits, never for as long as a frame.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Packet = TypeVar("Packet")


class Pacer(Generic[Packet]):
    """Holds packets until it is their turn. ``interval`` is between two, ``frame`` between two calls; seconds."""

    __slots__ = ("_frame", "_held", "_interval", "_last")

    def __init__(self, *, interval: float, frame: float) -> None:
        self._interval, self._frame = interval, frame
        self._held: deque[tuple[float, Packet]] = deque()
        self._last: float | None = None  #: when the last packet left or will leave

    def pace(self, packets: list[Packet], *, even: bool, now: float) -> list[Packet]:
        """What leaves now of what waits and of these; all of it unless they are to be ``even``."""
        out = self.due(now=now)
        if not even:
            out += [packet for _, packet in self._held] + packets
            self.clear()
            return out
        for packet in packets:
            # After a late call all the next ones would stay late by as much: no packet waits for a frame or more.
            at = now if self._last is None else min(max(now, self._last + self._interval), now + self._frame)
            self._last = at
            self._held.append((at, packet))
        return out + self.due(now=now)

    def due(self, *, now: float) -> list[Packet]:
        """What leaves now."""
        out, held = [], self._held
        while held and held[0][0] <= now + 1e-6:
            out.append(held.popleft()[1])
        return out

    def next_departure(self) -> float | None:
        """When ``due`` has something."""
        return self._held[0][0] if self._held else None

    def clear(self) -> None:
        """Nothing waits any more; the next packet leaves when it comes."""
        self._held.clear()
        self._last = None
