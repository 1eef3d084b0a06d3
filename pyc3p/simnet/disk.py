"""Where an element of a simulation writes its state: it takes time, and what was not written when it died is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from sip import Piece, SeededEntropy, StateChange

if TYPE_CHECKING:
    from pyc3p.simnet.network import SimNetwork

#: Seconds until something is written, at least and at most: a commit of SQLite on a disk of its own.
QUICKEST: Final = 0.0005
SLOWEST: Final = 0.008


class Writer(Protocol):
    """Whoever writes."""

    off: bool  #: whether it is dead

    def persisted(self, change: StateChange) -> None:
        """A change is written."""


class Disk(Protocol):
    """Where an element writes: a disk of its own, or a store that it shares."""

    @property
    def pieces(self) -> list[Piece]:
        """What a machine that starts anew is given."""
        ...

    def wipe(self) -> None:
        """Forget everything."""
        ...

    def write(self, change: StateChange, host: Writer) -> None:
        """Write a change, and tell ``host`` when it is there."""
        ...


class SimDisk(Disk):
    """Pieces of state by key, as they were written last."""

    def __init__(self, network: SimNetwork, name: str) -> None:
        self._network = network
        self._entropy = SeededEntropy(b"disk %d " % network.seed + name.encode())
        self._written: dict[str, Piece] = {}
        self._ready = 0.0  #: when what was given last is written; one thing after the other
        self.stalled_until = 0.0  #: what is given before this is written after it

    @property
    def pieces(self) -> list[Piece]:
        """What a machine that starts anew is given."""
        return list(self._written.values())

    def wipe(self) -> None:
        """Forget everything."""
        self._written.clear()

    def write(self, change: StateChange, host: Writer) -> None:
        """Write a change; ``host`` is told when it is there, unless it is dead by then, and the change lost."""
        begin = max(self._ready, self._network.now, self.stalled_until)
        self._ready = begin + QUICKEST + self._entropy.uniform() * (SLOWEST - QUICKEST)
        self._network.clock.at(self._ready, lambda: self._commit(change, host))

    def _commit(self, change: StateChange, host: Writer) -> None:
        if host.off:
            return
        for piece in change.pieces:
            if piece.value is None:
                self._written.pop(piece.key, None)
            else:
                self._written[piece.key] = piece
        host.persisted(change)
