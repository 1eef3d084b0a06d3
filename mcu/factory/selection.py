"""Which MCU gets a conference: candidates in, one out, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Candidate:
    """An MCU that is registered and alive, as the Factory knows it."""

    mcu_id: str
    mcu_types: tuple[str, ...]
    legs: int  #: legs reported, plus those expected from allocations made since the report
    conferences: int
    capacity: int  #: legs it can carry
    draining: bool = False
    stale: bool = False  #: known from before a restart and not heard since: how busy it is, is not known

    @property
    def load(self) -> float:
        """Share of the capacity in use; 1.0 when it has none."""
        return self.legs / self.capacity if self.capacity > 0 else 1.0

    @property
    def has_room(self) -> bool:
        """Whether it takes one more."""
        return not self.draining and self.legs < self.capacity


class SelectionStrategy(Protocol):
    """Picks the MCU of a conference."""

    def select(
        self, candidates: Sequence[Candidate], *, mcu_type: str, exclude: Collection[str], current: str | None
    ) -> Candidate | None:
        """Choose one of ``candidates``, or ``None`` when none will do.

        ``current`` is the id of the MCU that has the conference now. ``exclude`` holds ids that failed.
        """
        ...


@attrs.frozen
class LeastLoaded:
    """The MCU that has the conference stays; else the one with the smallest share of its capacity in use.

    Exclusion beats stickiness. A draining or full MCU keeps the conferences it has and gets no new one; one that is
    stale gets one only when no other has room.
    Ties go to the one with fewer conferences, then to the lower id, so that the choice can be repeated.
    """

    def select(
        self, candidates: Sequence[Candidate], *, mcu_type: str, exclude: Collection[str], current: str | None
    ) -> Candidate | None:
        """Keep to the current one; else the least loaded of those that have room."""
        able = [each for each in candidates if mcu_type in each.mcu_types and each.mcu_id not in exclude]
        for candidate in able:
            if candidate.mcu_id == current:
                return candidate
        with_room = [each for each in able if each.has_room]
        return min(with_room, key=lambda each: (each.stale, each.load, each.conferences, each.mcu_id), default=None)
