"""What happens by chance in a simulation, all of it from one counter-based source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from sip import Entropy

T = TypeVar("T")


class Choices:
    """Draws from an `sip.Entropy`; never from sets, whose order differs from one process to the next."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def index(self, number: int) -> int:
        """A whole number below ``number``."""
        return int(self._entropy.uniform() * number)

    def one_of(self, many: Sequence[T]) -> T:
        """One of many; raises IndexError when there is none."""
        return many[self.index(len(many))]

    def happens(self, chance: float) -> bool:
        """Whether something with this chance happens."""
        return self._entropy.uniform() < chance

    def between(self, least: float, most: float) -> float:
        """A number of seconds, mostly."""
        return least + self._entropy.uniform() * (most - least)

    def weighted(self, weights: Mapping[T, int]) -> T:
        """One of the keys, in proportion to its weight, in the order in which they were written.

        Raises ValueError when nothing has a weight.
        """
        left = self.index(sum(weights.values()))
        for each, weight in weights.items():
            left -= weight
            if left < 0:
                return each
        raise ValueError("nothing has a weight")

    def pause(self) -> float:
        """Seconds until the next thing: often at once, while the last one is on its way; sometimes long after it."""
        kind = self.index(12)
        if kind < 5:
            return self.between(0.0, 0.06)
        if kind < 11:
            return self.between(0.0, 2.0)
        return self.between(2.0, 20.0)
