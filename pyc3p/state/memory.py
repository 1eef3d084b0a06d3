"""A store that keeps state as long as the process lives: for tests, and for what nobody wants to keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyc3p.state.store import StateStore, StoreUnavailable, is_under
from sip import Piece


class MemoryStore(StateStore):
    """Pieces in a dictionary. What is given to ``pieces`` is what an earlier process has written."""

    def __init__(self, pieces: Iterable[Piece] = ()) -> None:
        self._values = {piece.key: piece.value for piece in pieces if piece.value is not None}
        self._closed = False

    def __len__(self) -> int:
        return len(self._values)

    async def load(self, prefix: str = "") -> list[Piece]:
        """Return what is there. Raises StoreUnavailable after ``close``."""
        self._must_be_open()
        return [Piece(key, value) for key, value in self._values.items() if is_under(key, prefix)]

    async def write(self, pieces: Sequence[Piece]) -> None:
        """Write pieces. Raises StoreUnavailable after ``close``."""
        self._must_be_open()
        for piece in pieces:
            if piece.value is None:
                self._values.pop(piece.key, None)
            else:
                self._values[piece.key] = piece.value

    async def close(self) -> None:
        """Take no more."""
        self._closed = True

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
