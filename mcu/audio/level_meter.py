"""How loud everybody is, told at intervals: for displays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Generic, TypeVar

from mcu.audio.active_speaker import FULL_SCALE

Leg = TypeVar("Leg")


def level_of_energy(energy: float) -> int:
    """The level of a mean square, in whole dBov: 0 is the loudest, -127 silence (RFC 6464 section 3)."""
    if energy < 1e-6:  # far below the smallest sample there is
        return -127
    return max(-127, min(0, round(10 * math.log10(energy / FULL_SCALE**2))))


class LevelMeter(Generic[Leg]):
    """Keeps the loudest frame of each leg over an interval of ``interval`` seconds."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self.loudest: dict[Leg, float] = {}  #: frame of each leg since the last report
        self.due: float | None = None  #: when the next one is
        self.said = False  #: whether the last report named anybody

    def update(self, energies: Mapping[Leg, float], *, now: float) -> dict[Leg, int] | None:
        """Take the mean squares of one tick; the levels when they are due.

        Who said nothing is not in them. A silent interval is reported once, with nobody in it.
        """
        for leg, energy in energies.items():
            if energy > self.loudest.get(leg, 0.0):
                self.loudest[leg] = energy
        if self.due is None:
            self.due = now + self._interval
        if now < self.due:
            return None
        self.due = now + self._interval
        levels = {leg: level_of_energy(energy) for leg, energy in self.loudest.items()}
        self.loudest.clear()
        told, self.said = self.said, bool(levels)
        return levels if levels or told else None

    def remove(self, leg: Leg) -> None:
        """Forget a leg that is gone."""
        self.loudest.pop(leg, None)
