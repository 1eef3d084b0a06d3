"""One unbroken time line out of what a peer numbers: its timestamps may jump, step back or begin anew.

Gateways and phones change the source, the numbering or the timestamps in mid-call (a transfer, an announcement, a
restart), and what follows is the same call all the same. A packet that follows on the one before by its sequence
number but not by its timestamp shows such a change. From there on an offset puts the new line behind the old one, so
that a jitter buffer plays on: neither silent for as long as the line stepped, nor late by it.
"""

from __future__ import annotations

from typing import Final

from rtp.stream.receiver import MAX_DROPOUT, MAX_MISORDER

_HALF: Final = 0x8000_0000
_TOLERANCE: Final = 0.06  #: s that a timestamp may be ahead of the clock: more is no jitter but another line
_LONGEST_GAP: Final = 0.5  #: s; after a longer one no buffer holds anything that the line would have to fit
_LONGEST_PACKET: Final = 0.2  #: s of sound in one packet


_OVERTAKEN_ROW: Final = 6  #: packets in a row that are not overtaken by the same ones any more


class TimeLine:
    """Maps the timestamps of one peer. Give it the packets of sound and noise in the order of arrival."""

    __slots__ = (
        "_arrival",
        "_before",
        "_boundary",
        "_clock_rate",
        "_end",
        "_newest",
        "_offset",
        "_solid",
        "_stray",
        "_strays",
        "breaks",
    )

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self.breaks = 0  #: how often the line was put together anew
        self._offset = 0
        self._before = 0  #: the offset of packets that were numbered before ``_boundary``
        self._boundary = 0
        self._newest: int | None = None  #: sequence number
        self._end = 0  #: the timestamp at which the sound after the newest packet should begin
        self._arrival = 0.0  #: of the newest packet
        self._solid = 0  #: sequence number since which none is missing
        self._stray: int | None = None  #: the number that would follow on a packet which seemed to be an old one
        self._strays = 0  #: such packets in a row

    def follow(self, number: int, timestamp: int, samples: int, *, now: float) -> int:
        """The timestamp on the unbroken line of a packet with so much sound."""
        newest = self._newest
        if newest is not None:
            ahead = (number - newest) & 0xFFFF
            if ahead != 1 or timestamp != self._end:
                if ahead >= 0x10000 - MAX_MISORDER or not ahead:
                    if not self._returns(number, timestamp, samples, now):
                        return self._earlier(number, timestamp)
                    self._break(number, timestamp, samples, 1, now)
                elif self._is_broken(timestamp, samples, ahead, now):
                    self._break(number, timestamp, samples, ahead, now)
                if ahead != 1:
                    self._solid = number
                self._stray = None
        self._newest, self._end, self._arrival = number, timestamp + samples & 0xFFFF_FFFF, now
        return timestamp + self._offset & 0xFFFF_FFFF

    def newest(self) -> tuple[int | None, int, float]:
        """Sequence number of the newest packet, the timestamp that is to follow on it, and when it came."""
        return self._newest, self._end, self._arrival

    def resume(self, packets: int, samples: int, *, arrival: float) -> None:
        """So many packets more came with ``samples`` each, one on the other; the last at ``arrival``."""
        self._newest = (self._newest or 0) + packets & 0xFFFF
        self._end = self._end + packets * samples & 0xFFFF_FFFF
        self._arrival = arrival

    def map(self, timestamp: int) -> int:
        """The timestamp of a packet without sound, such as a telephone event."""
        return timestamp + self._offset & 0xFFFF_FFFF

    def begin_anew(self, number: int, timestamp: int, samples: int, *, now: float) -> None:
        """The next packet, which is this one, is of another source: only the line goes on."""
        if self._newest is not None:
            self._break(number, timestamp, samples, 0, now)
            self._newest, self._end, self._arrival, self._solid = number - 1 & 0xFFFF, timestamp, now, number

    def _elapsed(self, now: float) -> float:
        """Samples since the newest packet came."""
        return (now - self._arrival) * self._clock_rate

    def _is_broken(self, timestamp: int, samples: int, ahead: int, now: float) -> bool:
        if ahead >= MAX_DROPOUT:
            return True
        advance = (timestamp - self._end + _HALF & 0xFFFF_FFFF) - _HALF
        if advance == (ahead - 1) * samples:
            return False  # so much is missing, or will come later
        pause = max(self._elapsed(now) - samples, 0.0)
        return advance < 0 or advance > pause + _TOLERANCE * self._clock_rate

    def _returns(self, number: int, timestamp: int, samples: int, now: float) -> bool:
        """Whether a packet that seems to be an old one is none: its time is none that it could have had, or it follows
        on other such packets while nothing newer comes."""
        behind = (self._end + self._offset - self._earlier(number, timestamp) + _HALF & 0xFFFF_FFFF) - _HALF
        steps = ((self._newest or 0) - number & 0xFFFF) + 1
        self._strays = self._strays + 1 if number == self._stray else 1
        self._stray = number + 1 & 0xFFFF
        if behind <= 0 or behind > steps * _LONGEST_PACKET * self._clock_rate + self._elapsed(now):
            return True
        if steps == 1:
            return behind != samples  # else the newest packet once more
        # Packets that were overtaken may come in a row, but have the time of their number, and never came before.
        missing = behind == steps * samples and steps > (self._newest or 0) - self._solid & 0xFFFF
        needed = _OVERTAKEN_ROW if missing else 2
        return self._strays >= needed and self._elapsed(now) >= (needed - 1) * samples

    def _break(self, number: int, timestamp: int, samples: int, ahead: int, now: float) -> None:
        """Put what comes now behind what came; with as long a pause between them as there really was."""
        pause = min(max(self._elapsed(now) - samples, 0.0), _LONGEST_GAP * self._clock_rate)
        # Whole packets, so that frames need not be cut out of two from here on.
        gap = round(pause / samples) * samples if samples else 0
        if ahead == 1 and (timestamp - self._end) & _HALF:
            gap = 0  # nothing is missing between the two
        end = self._end + self._offset
        self._before, self._boundary = self._offset, number
        self._offset = end + gap - timestamp & 0xFFFF_FFFF
        self.breaks += 1

    def _earlier(self, number: int, timestamp: int) -> int:
        """A packet that was overtaken; it may be of the line before."""
        newest = self._newest or 0
        old = (newest - self._boundary) & 0xFFFF < (newest - number) & 0xFFFF and self.breaks
        return timestamp + (self._before if old else self._offset) & 0xFFFF_FFFF
