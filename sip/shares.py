"""How much of something that there is for all one holder may have: a source, a user, a connection.

A limit on the whole alone lets one peer take the whole. `Shares` counts what is held now and is given back;
`sip.token_bucket` counts what is done in a time. Whoever refuses answers 503 with Retry-After, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


def _nobody(holder: str) -> bool:
    return False


class Shares:
    """What each holder has of something, at most ``most``; those for whom ``exempt`` is true have no limit.

    It keeps no more than there are holders with something, so what bounds the whole bounds it too.
    """

    def __init__(self, most: int, *, exempt: Callable[[str], bool] = _nobody) -> None:
        self.most = most
        self._exempt = exempt
        self.held: dict[str, int] = {}  #: by holder; those that have nothing are not in it

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, holder: str) -> int:
        return self.held.get(holder, 0)

    def has_room(self, holder: str, amount: int = 1) -> bool:
        """Whether a holder may have that much more."""
        return self.held.get(holder, 0) + amount <= self.most or self._exempt(holder)

    def take(self, holder: str, amount: int = 1) -> bool:
        """Note that a holder has more; False, and nothing is noted, when that is too much."""
        held = self.held.get(holder, 0) + amount
        if held > self.most and not self._exempt(holder):
            return False
        self.held[holder] = held
        return True

    def give_back(self, holder: str, amount: int = 1) -> None:
        """Note that a holder has less."""
        left = self.held.get(holder, 0) - amount
        if left > 0:
            self.held[holder] = left
        else:
            self.held.pop(holder, None)

    def move(self, before: Iterable[str], after: Iterable[str]) -> None:
        """Note that some things went and others came, whether there is room or not."""
        for holder in after:
            self.held[holder] = self.held.get(holder, 0) + 1
        for holder in before:
            self.give_back(holder)
