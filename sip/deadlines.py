"""The earliest of many deadlines, without looking at all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from heapq import heapify, heappop, heappush
from typing import Final, Generic, Protocol, TypeVar

Key = TypeVar("Key", bound=Hashable)

_MIN_COMPACT: Final = 64  #: entries; below this, sweeping those that do not count costs more than keeping them


def first_due(*times: float | None) -> float | None:
    """The earliest of some times; None when there is none among them."""
    first: float | None = None
    for at in times:
        if at is not None and (first is None or at < first):
            first = at
    return first


class Due(Protocol):
    """Whatever shows when it has to be called, as a plain attribute: it is looked at after every step."""

    @property
    def first(self) -> float | None:
        """When that is (monotonic seconds); None when nothing is waited for."""
        ...


class Waiting(Protocol):
    """Whatever has to be called when a time comes."""

    def next_timeout(self) -> float | None:
        """When that is (monotonic seconds); None when nothing is waited for."""
        ...


def next_timeout_of(machines: Iterable[Waiting]) -> float | None:
    """When the first of some machines has to be called; None when none has."""
    first: float | None = None
    for machine in machines:
        at = machine.next_timeout()
        if at is not None and (first is None or at < first):
            first = at
    return first


class Deadlines(Generic[Key]):
    """At most one deadline for each key, in monotonic seconds; keys without one cost nothing.

    Unlike :class:`~sip.timers.Timers` it does nothing by itself when time comes: whoever owns it asks which keys are
    due. Keys that are due at one time come in the order in which they were set.
    """

    __slots__ = ("_due", "_heap", "_order", "first")

    def __init__(self) -> None:
        self._due: dict[Key, tuple[float, int]] = {}
        #: Deadlines that were moved or cancelled stay in the heap until they come up or outnumber the others.
        self._heap: list[tuple[float, int, Key]] = []
        self._order = 0
        self.first: float | None = None  #: when the first key is due; plain, since it is asked for after every step

    def earliest(self) -> float | None:
        """When the first key is due: `first`, by its former name."""
        return self.first

    def set(self, key: Key, at: float | None) -> None:
        """Give ``key`` the deadline ``at`` in place of the one that it has, or none."""
        known = self._due.get(key)
        if at == (known and known[0]):
            return
        if at is None:
            del self._due[key]
        else:
            self._order += 1
            self._due[key] = (at, self._order)
            heappush(self._heap, (at, self._order, key))
            if len(self._heap) > 2 * len(self._due) + _MIN_COMPACT:
                self._heap = [(due, order, each) for each, (due, order) in self._due.items()]
                heapify(self._heap)
        self._find_first()

    def deadline(self, key: Key) -> float | None:
        """When ``key`` is due; ``None`` when it has no deadline."""
        entry = self._due.get(key)
        return None if entry is None else entry[0]

    def _find_first(self) -> None:
        heap = self._heap
        while heap:
            at, order, key = heap[0]
            if self._due.get(key) == (at, order):
                self.first = at
                return
            heappop(heap)
        self.first = None

    def pop_due(self, now: float) -> list[Key]:
        """The keys that are due, earliest first; they have no deadline any more."""
        keys: list[Key] = []
        while self.first is not None and self.first <= now:
            key = heappop(self._heap)[2]
            del self._due[key]
            keys.append(key)
            self._find_first()
        return keys
