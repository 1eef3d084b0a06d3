"""What goes out to all legs whose stream is in steady flow: a payload for each, and so many packets.

It does to the numbers of `rtp.SteadyOutbound` what `rtp.MediaStream` would do, octet for octet.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from mcu.plane.columns import FRAME, Columns, Flags, Octets, Real, Rows, Whole, np
from mcu.plane.secure import Secure
from rtp import SteadyOutbound


class Outbound(Columns):
    """See the module. A row is ``steady`` when its leg is in steady flow."""

    FRESH: ClassVar[dict[str, tuple[Any, Any, tuple[int, ...]]]] = {
        "steady": (np.bool_, False, ()),
        "sends": (np.bool_, False, ()),
        "proven": (np.bool_, False, ()),
        "grace_ends": (np.float64, 0.0, ()),
        "next_unproven": (np.float64, 0.0, ()),
        "unproven_interval": (np.float64, 0.0, ()),
        "ssrc": (np.int64, 0, ()),
        "payload_type": (np.int64, 0, ()),
        "number": (np.int64, 0, ()),
        "time": (np.int64, 0, ()),
        "talkspurt": (np.bool_, False, ()),
        "withheld": (np.int64, 0, ()),
        "sent": (np.int64, 0, ()),
        "sent_at": (np.float64, 0.0, ()),
        "sent_time": (np.int64, 0, ()),
    }
    steady: Flags
    sends: Flags
    proven: Flags
    grace_ends: Real
    next_unproven: Real
    unproven_interval: Real
    ssrc: Whole
    payload_type: Whole
    number: Whole
    time: Whole
    talkspurt: Flags
    withheld: Whole
    sent: Whole
    sent_at: Real
    sent_time: Whole

    def begin(self, row: int, steady: SteadyOutbound) -> None:
        """Play the part of a stream that is in steady flow."""
        self.steady[row] = True
        self.sends[row], self.proven[row], self.talkspurt[row] = steady.sends, steady.proven, steady.talkspurt
        self.grace_ends[row], self.next_unproven[row] = steady.grace_ends, steady.next_unproven
        self.unproven_interval[row] = steady.unproven_interval
        self.ssrc[row], self.payload_type[row] = steady.ssrc, steady.payload_type
        self.number[row], self.time[row] = steady.number, steady.timestamp
        self.withheld[row] = self.sent[row] = 0

    def end(self, row: int, steady: SteadyOutbound) -> None:
        """Write into ``steady``, with which it began, how far it has come."""
        steady.timestamp, steady.talkspurt = int(self.time[row]), bool(self.talkspurt[row])
        steady.withheld, steady.sent = int(self.withheld[row]), int(self.sent[row])
        steady.sent_at, steady.sent_timestamp = float(self.sent_at[row]), int(self.sent_time[row])
        self.steady[row] = False

    def admitted(self, now: float) -> Rows:
        """The rows to which a frame leaves now; for the others time goes on without one."""
        size = self.size
        sends = self.steady[:size] & self.sends[:size]
        free = self.proven[:size] | (now < self.grace_ends[:size]) | (now >= self.next_unproven[:size])
        if not free.all():
            self.withheld[:size][sends & ~free] += 1
        return np.nonzero(sends & free)[0]

    def pass_over(self, but: Rows | None = None) -> None:
        """A frame goes by in silence for every row, except for some; what is sent next begins a talkspurt."""
        size = self.size
        passed = self.steady[:size].copy()
        if but is not None:
            passed[but] = False
        if passed.any():
            self.talkspurt[:size][passed] = True
            self.time[:size][passed] = self.time[:size][passed] + FRAME & 0xFFFF_FFFF

    def packets(
        self, rows: Rows, payload: Octets, csrc: Whole, counts: Whole, *, secure: Secure, now: float
    ) -> list[tuple[list[int], list[bytes]]]:
        """A packet for each of ``rows``, some rows and their packets at a time; ``payload``, ``csrc`` and ``counts``,
        how many of these are meant, are those of every row."""
        made: list[tuple[list[int], list[bytes]]] = []
        if not len(rows):
            return made
        own = counts[rows]
        for count in np.nonzero(np.bincount(own))[0].tolist():
            group = rows[own == count]
            wire = np.empty(len(group), dtype=_wire(count))
            wire["first"] = 0x80 | count
            wire["second"] = self.payload_type[group] | np.where(self.talkspurt[group], 0x80, 0)
            wire["number"], wire["time"], wire["ssrc"] = self.number[group], self.time[group], self.ssrc[group]
            if count:
                wire["csrc"] = csrc[group, :count]
            sound = payload[group]
            if secure.seals:
                secure.encrypt(group, sound)
            wire["payload"] = sound
            these, packets = group.tolist(), wire.view(f"V{wire.itemsize}").tolist()
            made.append(secure.seal(these, packets, now) if secure.seals else (these, packets))
        self._sent(rows, now)
        return made

    def _sent(self, rows: Rows, now: float) -> None:
        time = self.time[rows]
        self.talkspurt[rows] = False
        self.sent[rows] += 1
        self.sent_at[rows], self.sent_time[rows] = now, time
        self.next_unproven[rows] = now + self.unproven_interval[rows]
        self.number[rows] = self.number[rows] + 1 & 0xFFFF
        self.time[rows] = time + FRAME & 0xFFFF_FFFF


@cache
def _wire(csrc: int) -> np.dtype[np.void]:
    """One packet with so many contributors."""
    fixed = [("first", "u1"), ("second", "u1"), ("number", ">u2"), ("time", ">u4"), ("ssrc", ">u4")]
    contributors = [("csrc", ">u4", (csrc,))] if csrc else []
    return np.dtype([*fixed, *contributors, ("payload", "u1", (FRAME,))])
