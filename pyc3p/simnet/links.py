"""What lies between each two elements: a link in each direction, with conditions of its own, whole or cut."""

from __future__ import annotations

from pyc3p.simnet.conditions import Conditions, Dice
from sip import SeededEntropy

Pair = tuple[str, str]  #: names of who sends and who receives


class Links:
    """All links of a network. Each draws from a source of its own: what passes on one changes nothing on another."""

    def __init__(self, seed: int, conditions: Conditions) -> None:
        self.conditions = conditions  #: of every link that has none of its own
        self.unreachable: set[str] = set()  #: names of elements to and from which nothing arrives
        self._entropy = SeededEntropy(b"links %d" % seed)
        self._own: dict[Pair, Conditions] = {}
        self._dice: dict[Pair, Dice] = {}
        self._cuts: set[Pair] = set()

    def dice(self, sender: str, receiver: str) -> Dice:
        """The chances of what ``sender`` sends to ``receiver``."""
        pair = (sender, receiver)
        found = self._dice.get(pair)
        if found is None:
            source = self._entropy.child(f"{sender} -> {receiver}")
            found = self._dice[pair] = Dice(source, self._own.get(pair, self.conditions))
        return found

    def condition(self, one: str, other: str, conditions: Conditions, *, both: bool = True) -> None:
        """Give a link conditions of its own, in one direction or in both."""
        for pair in _pairs(one, other, both):
            self._own[pair] = conditions
            self.dice(*pair).conditions = conditions

    def condition_all(self, conditions: Conditions) -> None:
        """Give every link the same conditions."""
        self.conditions = conditions
        self._own.clear()
        for dice in self._dice.values():
            dice.conditions = conditions

    def cut(self, one: str, other: str, *, both: bool = True) -> None:
        """Let nothing pass from one element to another, and back. Open connections wait; see `Streams`."""
        self._cuts.update(_pairs(one, other, both))

    def mend(self, one: str, other: str, *, both: bool = True) -> None:
        """Let everything pass again."""
        self._cuts.difference_update(_pairs(one, other, both))

    def mend_all(self) -> None:
        """Let everything pass again, everywhere."""
        self._cuts.clear()
        self.unreachable.clear()

    def is_cut(self, sender: str, receiver: str) -> bool:
        """Whether nothing passes in this direction."""
        if sender == receiver:
            return False
        return (sender, receiver) in self._cuts or bool(self.unreachable & {sender, receiver})


def _pairs(one: str, other: str, both: bool) -> tuple[Pair, ...]:
    return ((one, other), (other, one)) if both else ((one, other),)
