"""Which leg has which row of the arrays, and what is looked up for each packet: by calls that loop in C."""

from __future__ import annotations

from typing import Final

from mcu.events import LegId
from mcu.plane.line import Line
from rtp import SteadyFlow

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
        """Take the row of a leg out that is not in steady flow; the last one moves there, and its line is told."""
        del self.by_leg[line.leg], self.rows[line.leg]
        row, last = line.row, self.lines.pop()
        name, destination = self.names.pop(), self.destinations.pop()
        if last is not line:
            self.lines[row], self.names[row], self.destinations[row] = last, name, destination
            self.rows[name] = last.row = row

    def begin(self, line: Line, flow: SteadyFlow) -> None:
        """A leg is in steady flow; while it hears nothing none of its packets is an ordinary one."""
        inbound, outbound = flow.inbound, flow.outbound
        if inbound is not None:
            self.sources[line.leg] = inbound.source
        self.destinations[line.row] = outbound.destination or _NOWHERE
        line.flow, line.destination = flow, outbound.destination

    def end(self, line: Line) -> None:
        """It is not, any more."""
        line.flow = None
        self.sources.pop(line.leg, None)
