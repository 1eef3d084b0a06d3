"""Wrong passcodes: how many may come from one source, and for one conference, in a time."""

from __future__ import annotations

from collections import OrderedDict

import attrs


@attrs.define
class _Level:
    """A leaky bucket: each wrong guess fills it by one, time empties it."""

    filled: float
    at: float


@attrs.frozen
class Charge:
    """Guesses that a phone may make, noted as wrong before it does."""

    conference: str
    sources: tuple[str, ...]  #: none where many come by one address
    tries: int


class Guesses:
    """At most ``most`` wrong guesses for each key in ``window`` seconds; after a pause there are some again.

    ``limit`` keys are remembered; of more the one whose last guess is longest ago is forgotten.
    """

    def __init__(self, *, most: int, window: float, limit: int) -> None:
        self._most = most
        self._window = window
        self._limit = limit
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def wait(self, key: str, *, now: float) -> float:
        """Seconds until another guess is heard; 0 for at once."""
        return max(0.0, (self._filled(key, now) + 1.0 - self._most) * self._window / self._most)

    def room(self, key: str, *, now: float) -> int:
        """How many guesses would be heard now, one after the other."""
        return max(0, int(self._most - self._filled(key, now)))

    def wrong(self, key: str, *, now: float) -> None:
        """Note a wrong guess."""
        filled = self._filled(key, now) + 1.0
        self._levels[key] = _Level(filled, now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._limit:
            self._levels.popitem(last=False)

    def forgive(self, key: str, count: int, *, now: float) -> None:
        """Take guesses back that were none."""
        filled = self._filled(key, now) - count
        if filled > 0.0:
            self._levels[key] = _Level(filled, now)
        else:
            self._levels.pop(key, None)

    def _filled(self, key: str, now: float) -> float:
        level = self._levels.get(key)
        return 0.0 if level is None else max(0.0, level.filled - (now - level.at) * self._most / self._window)
