"""State of many legs in arrays: one entry a leg, so that one call does for all of them what a loop did for each.

Needs numpy (extra ``mcu``); importing this module without it raises ``MissingExtra``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from mcu.errors import MissingExtra

try:
    import numpy as numpy
    from numpy.typing import NDArray
except ImportError as missing:  # pragma: no cover - tested in a process of its own
    raise MissingExtra("numpy", "mcu", "mixing") from missing

np = numpy

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Real = NDArray[np.float64]
Samples = NDArray[np.int16]
Wide = NDArray[np.int32]
Octets = NDArray[np.uint8]

FRAME = 160  #: samples of 20 ms, and octets of them in G.711
_FIRST = 16  #: rows made room for at once; twice as many each time that they are used up


class Columns:
    """Arrays of which row ``n`` belongs to leg ``n``. Rows are dense: the last one moves where one goes."""

    #: Name of each array: type, what a new row holds, and the shape of one row.
    FRESH: ClassVar[dict[str, tuple[Any, Any, tuple[int, ...]]]] = {}

    def __init__(self) -> None:
        self.size = 0
        self._room = 0
        self._grow()

    def _grow(self) -> None:
        room = max(_FIRST, 2 * self._room)
        for name, (kind, value, shape) in self.FRESH.items():
            wider = np.full((room, *shape), value, dtype=kind)
            if self._room:
                wider[: self._room] = getattr(self, name)
            setattr(self, name, wider)
        self._room = room

    def append(self) -> int:
        """One row more, as new; its number."""
        if self.size == self._room:
            self._grow()
        row, self.size = self.size, self.size + 1
        self.clear(row)
        return row

    def clear(self, row: int) -> None:
        """Make a row as new."""
        for name, (_, value, _) in self.FRESH.items():
            getattr(self, name)[row] = value

    def remove(self, row: int) -> None:
        """Take a row out; the last one moves to its place."""
        self.size -= 1
        if row != self.size:
            for name in self.FRESH:
                column = getattr(self, name)
                column[row] = column[self.size]
