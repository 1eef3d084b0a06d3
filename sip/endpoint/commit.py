"""Nothing leaves before the state that it promises is written: the gate between machines and the network.

Each time it is asked for what is to be sent, it first asks the machines which pieces of state have changed. Those
become one change with a number, and what is sent from then on waits until the application says that the change, or a
later one, is written. Changes that come while it writes are given to it together (group commit).

There is one gate for all machines that answer together, and a queue (`Held`) for each way out: messages of SIP,
documents over HTTP, answers to documents. What waits in one has a limit in number and in time: a store that does not
answer delays, it does not silence. Nor does a machine that raises when it is asked: what the others have changed is
written all the same, and one `InternalFault` tells of it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

import attrs

from sip.events import Event
from sip.faults import internal_fault
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


class Gate:
    """The changes of some machines, numbered.

    ``counters`` says what left before they were written, and how often a machine raised ("internal fault").
    """

    def __init__(self, machines: Iterable[object]) -> None:
        """Of ``machines`` those that are `Durable` count."""
        self.counters: Counter[str] = Counter()
        self._machines: tuple[Durable, ...] = ()
        self._broken: set[int] = set()  #: places of the machines that raised when they were asked last
        self.untaken: list[Event] = []  #: what `take_events` would give; plain, since it is asked for after every step
        self._changed: dict[str, Piece] = {}
        self._id = 0  #: of the newest change
        self._given = 0  #: the newest change that the application was given
        self.written = 0  #: the newest change that is written, with all before it
        self.watch(machines)

    def watch(self, machines: Iterable[object]) -> None:
        """Ask these machines too from now on, as far as they are `Durable`."""
        self._machines += tuple(one for one in machines if isinstance(one, Durable))

    def promised(self) -> int:
        """Ask the machines what changed; return the number of the change after which what they send may leave."""
        for place, machine in enumerate(self._machines):
            try:
                pieces = machine.take_pieces()
            except Exception as error:
                self._fault(place, machine, error)
                continue
            if self._broken:
                self._broken.discard(place)
            if pieces:
                if self._id == self._given:
                    self._id += 1
                for piece in pieces:
                    self._changed[piece.key] = piece
        return self._id

    def _fault(self, place: int, machine: Durable, error: Exception) -> None:
        # It is asked before everything that leaves: told each time, it would fill the log.
        self.counters["internal fault"] += 1
        if place not in self._broken:
            self._broken.add(place)
            doing = f"take_pieces of {type(machine).__name__}"
            self.untaken.append(internal_fault(error, doing, owner=getattr(machine, "owner", "")))

    def take_events(self) -> list[Event]:
        """Return one `InternalFault` for each machine that began to raise since the last call."""
        events = self.untaken[:]
        self.untaken.clear()
        return events

    def change_to_save(self) -> StateChange | None:
        """What has changed since the last change that was given, None when nothing has."""
        self.promised()
        if not self._changed:
            return None
        change = StateChange(self._id, tuple(self._changed.values()))
        self._changed.clear()
        self._given = self._id
        return change

    def persisted(self, id: int) -> None:
        """A change, and those before it, are written. Raises ValueError for numbers that were never given."""
        if not 0 < id <= self._given:
            raise ValueError(f"change {id} was not given: the last one was {self._given}")
        self.written = max(self.written, id)


class Held(Generic[T]):
    """One way out through a gate, in the order in which things came."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._items: deque[tuple[int, float, T]] = deque()
        #: When the first that waits leaves at the latest, None when nothing waits; plain, as `Deadlines.first` is.
        self.first: float | None = None

    def __len__(self) -> int:
        return len(self._items)

    def pass_on(self, items: Sequence[T], *, limit: int | None = None, now: float) -> list[T]:
        """Put ``items`` behind what waits and what has changed; return what may leave now, at most ``limit``."""
        if not items and not self._items:
            return []
        promised = self._gate.promised()
        if not self._items and promised <= self._gate.written and (limit is None or len(items) <= limit):
            return list(items)  # as nearly always
        for each in items:
            self._items.append((promised, now, each))
        out: list[T] = []
        while self._items and (limit is None or len(out) < limit):
            id, since, item = self._items[0]
            if id > self._gate.written:
                if len(self._items) <= MAX_HELD and now < since + LONGEST_HOLD:
                    break
                self._gate.counters["sent unwritten"] += 1
            self._items.popleft()
            out.append(item)
        self.first = self._items[0][1] + LONGEST_HOLD if self._items else None
        return out

    def next_timeout(self) -> float | None:
        """When the first that waits leaves at the latest: `first`."""
        return self.first
