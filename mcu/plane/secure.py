"""SRTP of legs in steady flow: a packet is opened or sealed by what its stream gave, all else is as for clear ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from mcu.events import LegId
from mcu.plane.arrivals import Arrived, Candidates
from mcu.plane.columns import np
from mcu.plane.legs import Legs
from mcu.plane.line import Broken, Line
from rtp import SteadyFlow


class Secure:
    """Which legs in steady flow have SRTP, and how."""

    def __init__(self, legs: Legs, *, counters: Counter[str], broken: list[Broken]) -> None:
        self._legs, self._counters, self._broken = legs, counters, broken
        self.opens: dict[LegId, Callable[[bytes], bytes | None]] = {}
        self.seals: dict[LegId, Callable[[bytes], bytes]] = {}

    def begin(self, line: Line, flow: SteadyFlow) -> None:
        """A leg is in steady flow."""
        if flow.inbound is not None and flow.inbound.open is not None:
            self.opens[line.leg] = flow.inbound.open
        if flow.outbound.seal is not None:
            self.seals[line.leg] = flow.outbound.seal

    def end(self, line: Line) -> None:
        """It is not, any more."""
        self.opens.pop(line.leg, None)
        self.seals.pop(line.leg, None)

    def open(self, found: Candidates, batch: Sequence[Arrived]) -> dict[int, bytes]:
        """Find the packets inside those of SRTP, by their places; what is forged comes no further."""
        opens, packets = self.opens, list(found.packets)
        opened: dict[int, bytes] = {}
        kept = np.ones(len(packets), dtype=np.bool_)
        shut: set[LegId] = set()  #: legs of which no more is opened: to find out what is forged costs time
        for index, place in enumerate(found.places.tolist()):
            leg, _, data, source, at = batch[place]
            if leg not in opens:
                continue
            try:
                clear = None if leg in shut else opens[leg](data)
            except Exception as error:
                self._broken.append((leg, error, "receive rtp", at))
                clear = None
            if clear is not None:
                opened[place] = packets[index] = clear
                continue
            kept[index] = False
            if not self._legs.by_leg[leg].allows(source[0], at):
                self._counters["packets beyond the allowance of a leg"] += 1
                shut.add(leg)
        found.keep(packets, kept)
        return opened

    def seal(self, group: list[int], packets: list[bytes], now: float) -> tuple[list[int], list[bytes]]:
        """Packets of rows, those of legs with SRTP sealed; without those whose key is used up."""
        seals, names = self.seals, self._legs.names
        rows, sealed = [], []
        for row, packet in zip(group, packets, strict=True):
            seal = seals.get(names[row])
            try:
                sealed.append(packet if seal is None else seal(packet))
                rows.append(row)
            except Exception as error:
                self._broken.append((names[row], error, "mix", now))
        return rows, sealed
