"""Which leg has which row of the arrays, and what is looked up for each packet: by calls that loop in C."""

from __future__ import annotations

from typing import Final

from mcu.events import LegId
from mcu.plane.line import Line

Address = tuple[str, int]

_NOWHERE: Final = ("", 0)


class Legs:
    """Lines by row and by leg. Rows are dense: the last one moves where one goes."""

    def __init__(self) -> None:
        self.lines: list[Line] = []  #: by row; likewise the next two
        self.names: list[LegId] = []
        self.destinations: list[Address] = []  #: where the packets of a leg in steady flow go
        self.rows: dict[LegId, int] = {}
        self.by_leg: dict[LegId, Line] = {}
        self.sources: dict[LegId, Address] = {}  #: where ordinary packets of a leg in steady flow come from

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, line: Line) -> None:
        """One row more, the last."""
        self.lines.append(line)
        self.names.append(line.leg)
        self.destinations.append(_NOWHERE)
        self.rows[line.leg] = line.row
        self.by_leg[line.leg] = line

    def remove(self, line: Line) -> None:
        """Take a row out; the last one moves to its place, and its line is told."""
        del self.by_leg[line.leg], self.rows[line.leg]
        self.sources.pop(line.leg, None)
        row, last = line.row, self.lines.pop()
        name, destination = self.names.pop(), self.destinations.pop()
        if last is not line:
            self.lines[row], self.names[row], self.destinations[row] = last, name, destination
            self.rows[name] = last.row = row

    def begin(self, line: Line, *, source: Address | None, destination: Address | None) -> None:
        """A leg is in steady flow; without a source none of its packets is an ordinary one."""
        if source is not None:
            self.sources[line.leg] = source
        self.destinations[line.row] = destination or _NOWHERE

    def end(self, line: Line) -> None:
        """It is not, any more."""
        self.sources.pop(line.leg, None)
