"""Nothing leaves before the state that it promises is written: the gate between machines and the network.

Each time it is asked for what is to be sent, it first asks the machines which pieces of state have changed. Those
become one change with a number, and what is sent from then on waits until the application says that the change, or a
later one, is written. Changes that come while it writes are given to it together (group commit). What waits has a limit
in number and in time: a store that does not answer delays, it does not silence.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import attrs

from sip.pieces import Durable, Piece

T = TypeVar("T")

#: Messages that wait for a store: some seconds of a busy server. What is above it leaves unwritten, and is counted.
MAX_HELD: Final = 20_000
#: Seconds after which what waits leaves all the same: T1, before the other side sends its request again.
LONGEST_HOLD: Final = 0.5


@attrs.frozen
class StateChange:
    """Pieces to be written together; ``persisted(id)`` when they are."""

    id: int
    pieces: tuple[Piece, ...]


class Gate(Generic[T]):
    """What machines want to send, held until their state is written; ``counters`` says what left without."""

    def __init__(self, machines: Sequence[Durable]) -> None:
        self.counters: Counter[str] = Counter()
        self._machines = tuple(machines)
        self._changed: dict[str, Piece] = {}
        self._id = 0  #: of the newest change
        self._given = 0  #: the newest change that the application was given
        self._persisted = 0
        self._held: deque[tuple[int, float, T]] = deque()

    def collect(self) -> None:
        """Ask the machines what changed."""
        pieces = [piece for machine in self._machines for piece in machine.take_pieces()]
        if pieces:
            if self._id == self._given:
                self._id += 1
            self._changed.update((piece.key, piece) for piece in pieces)

    def change_to_save(self) -> StateChange | None:
        """What has changed since the last change that was given, None when nothing has."""
        self.collect()
        if not self._changed:
            return None
        change = StateChange(self._id, tuple(self._changed.values()))
        self._changed.clear()
        self._given = self._id
        return change

    def persisted(self, id: int) -> None:
        """A change, and those before it, are written. Numbers that were never given are refused with ValueError."""
        if not 0 < id <= self._given:
            raise ValueError(f"change {id} was not given: the last one was {self._given}")
        self._persisted = max(self._persisted, id)

    @property
    def open(self) -> bool:
        """Whether nothing waits to be written."""
        self.collect()
        return not self._held and self._persisted == self._id

    def hold(self, items: Sequence[T], *, now: float) -> None:
        """Put what is to be sent behind the changes so far."""
        self._held.extend((self._id, now, item) for item in items)

    def release(self, limit: int | None = None, *, now: float) -> list[T]:
        """What may leave now, in the order in which it came."""
        out: list[T] = []
        while self._held and (limit is None or len(out) < limit):
            id, since, item = self._held[0]
            if id > self._persisted:
                if len(self._held) <= MAX_HELD and now < since + LONGEST_HOLD:
                    break
                self.counters["sent unwritten"] += 1
            self._held.popleft()
            out.append(item)
        return out

    def next_timeout(self) -> float | None:
        """When what waits leaves at the latest."""
        return self._held[0][1] + LONGEST_HOLD if self._held else None

    def __len__(self) -> int:
        return len(self._held)
