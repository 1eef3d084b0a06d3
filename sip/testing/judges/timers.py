"""When copies of a message may be sent: the timers of RFC 3261 section 17, which double."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

T1: Final = 0.5  #: seconds (RFC 3261 section 17.1.1.1)
T2: Final = 4.0
#: When Timer E is reset to T2: what is not answered by then is answered 100 (RFC 4320 section 4.1).
TRYING_DUE: Final = 3.5
LONGEST: Final = 64 * T1
#: By how much clocks, and queues on the way to where somebody watches, may differ.
_EARLY: Final = 0.8
#: What a copy that got lost before it was seen does to the interval beside it: at least three times the shortest.
_LOST: Final = 3.0


def too_soon(times: Sequence[float], *, cap: float | None) -> str:
    """Say which copy came sooner than intervals that double allow, whatever T1 is; nothing when all is well.

    Copies that were not seen only make the intervals longer. ``cap`` is the longest interval, None without one.
    """
    if len(times) < 3:
        return ""
    shortest = min(after - before for before, after in pairwise(times))
    interval = T1 if shortest >= T1 * _EARLY else shortest / _LOST
    due = times[0]
    for number, at in enumerate(times[1:], start=2):
        due += interval
        if at - times[0] < (due - times[0]) * _EARLY:
            return f"copy {number} after {at - times[0]:.3f} s"
        interval = interval * 2 if cap is None else min(interval * 2, max(cap, interval))
    return ""


def without_answers(times: Sequence[float], asked: int) -> list[float]:
    """The times without those that may be of answers to a request that came ``asked`` times, or twice as often.

    A network may double what it carries, and each copy of a request is answered.
    """
    kept = list(times[:1])
    for at in times[1:]:
        if asked and at - kept[-1] < T1 * _EARLY:
            asked -= 1
        else:
            kept.append(at)
    return kept


def first_too_soon(times: Sequence[float]) -> str:
    """Say that the first repetition came sooner than T1; nothing when it did not."""
    if len(times) < 2 or times[1] - times[0] >= T1 * _EARLY:
        return ""
    return f"copy 2 after {times[1] - times[0]:.3f} s"
