"""How long sound waits before it is played, and when that is put right: the control of a jitter buffer.

Packets should come ``target`` before their time. When they come much earlier than that, as after a stall of the
network, the delay has no use any more and only hurts talk, so one frame after the other is left out until it is gone,
whatever the line sounds like. Which frame that is depends on how it sounds: a silent one at once, a soft one soon,
any one when none was softer for a while. So half a second of delay is gone in ``SETTLED``.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from rtp.codecs.pcm import peak_of

SETTLED: Final = 4.0  #: s in which any delay that the buffer can hold is back at its target, with frames of 20 ms
SMOOTHING: Final = 1 / 16  #: of what is measured for each packet, as in RFC 3550 section 6.4.1
PEAK_DECAY: Final = 1 / 64  #: of the earliest packet, which bounds the delay: about a second of packets of 20 ms
_LEVEL_SMOOTHING: Final = 1 / 8  #: of the loudness that frames are compared with
_QUIET: Final = 256  #: peak under which nobody hears that a frame was left out or put in
_EARLY: Final = 1.5  #: frames above the target at which sound begins to be left out
_SETTLED: Final = 0.5  #: frames above the target at which that ends
_LATE: Final = 0.75  #: frames below it at which a quiet frame is put in; at one frame any is
_SPACING: Final = 3  #: frames between two that are left out, silent ones excepted: a syllable keeps its shape
_PATIENCE: Final = 100.0  #: frames after which any one is left out, divided by the square of how many are too many
_HASTE: Final = 5.0  #: the fewest of these: a quarter faster than it was spoken
_LEISURE: Final = 40.0  #: the most of these: jitter makes the excess come and go, and then nothing need be lost


class Step(Enum):
    """What to do in place of playing one frame."""

    PLAY = "play"
    PUT_IN = "put in"  #: play something else first
    LEAVE_OUT = "leave out"


@attrs.frozen(kw_only=True)
class DelayLimits:
    """What a delay is held to, in samples."""

    shortest: int
    longest: float  #: of what packets wait before the grid of the frames comes in
    least: float  #: above the goal that leave sound as it is, negative
    most: float
    smoothing: float = SMOOTHING  #: of how early packets come
    peak_decay: float = PEAK_DECAY  #: of the earliest of them

    @classmethod
    def of(cls, *, frame: int, shortest: int, longest: int) -> DelayLimits:
        """Those of a buffer with frames of that length."""
        # A packet is played up to one frame after its sample is due, since frames leave on a grid; with the excess
        # that is let be this keeps every packet from waiting longer than ``longest`` and a frame.
        return cls(shortest=shortest, longest=longest - _EARLY * frame, least=-_LATE * frame, most=_EARLY * frame)


@attrs.define
class SteadyDelay:
    """What changes of a delay that is as it should be."""

    early: float
    peak: float
    goal: float
    settled: bool = True


class PlayDelay:
    """Measures how early packets come and says when to play slower or faster. All lengths are samples."""

    __slots__ = (
        "_frame",
        "_goal",
        "_least",
        "_level",
        "_longest",
        "_most",
        "_peak",
        "_shortest",
        "_since",
        "early",
        "settled",
        "shrinking",
    )

    def __init__(self, *, frame: int, shortest: int, longest: int) -> None:
        self._frame = frame
        limits = DelayLimits.of(frame=frame, shortest=shortest, longest=longest)
        self._shortest, self._longest = limits.shortest, limits.longest
        self.early = 0.0  #: how much before its time a packet comes, smoothed
        self.shrinking = False  #: whether sound is being left out
        self.settled = False  #: whether the next frame is to be played as it is: ``step`` need not be asked
        self._least, self._most = limits.least, limits.most
        self._peak = 0.0
        self._goal = float(shortest)
        self._level = 0.0
        self._since = 0

    def begin(self, target: int, early: int) -> None:
        """A talkspurt begins to be played, whose newest packet came ``early``."""
        self.early = self._peak = float(max(target, early))
        self._goal = float(target)
        self.shrinking = self.settled = False

    def arrived(self, early: int, target: int) -> None:
        """A packet came so much before its time (negative: after it), while ``target`` is wanted."""
        smoothed = self.early
        smoothed += (early - smoothed) * SMOOTHING
        peak = self._peak
        peak += (smoothed - peak) * PEAK_DECAY
        if early > peak:
            peak = early
        # The packets that come earliest wait longest: with much jitter it is they who bound the delay.
        goal = self._longest - peak + smoothed
        if goal > target:
            goal = target
        elif goal < self._shortest:
            goal = self._shortest
        self.early, self._peak, self._goal = smoothed, peak, goal
        self.settled = self._least <= smoothed - goal <= self._most and not self.shrinking

    def steady(self) -> SteadyDelay | None:
        """What `arrived` changes, while all is as it should be (`rtp.stream.steady_flow`)."""
        return SteadyDelay(self.early, self._peak, self._goal) if self.settled else None

    def resume(self, steady: SteadyDelay) -> None:
        """Go on from there."""
        self.early, self._peak, self._goal, self.settled = steady.early, steady.peak, steady.goal, steady.settled

    def shift(self, samples: int) -> None:
        """All that is to come is played so much later (negative: earlier)."""
        self.early += samples
        self._peak += samples
        self.settled = False

    @property
    def too_long(self) -> bool:
        """Whether a frame that never came may be left out as well."""
        return self._since >= _SPACING and self.shrinking and self.early - self._goal > _SETTLED * self._frame

    def step(self, pcm: bytes) -> Step:
        """What to do instead of playing this frame."""
        excess = self.early - self._goal
        if self.shrinking:
            return self._leave_out(pcm, excess)
        if excess > _EARLY * self._frame:
            self.shrinking, self._since, self._level = True, 0, float(peak_of(pcm))
            return self._leave_out(pcm, excess)
        missing = -excess
        if missing > self._frame or (missing > _LATE * self._frame and peak_of(pcm) <= _QUIET):
            return Step.PUT_IN
        return Step.PLAY

    def _leave_out(self, pcm: bytes, excess: float) -> Step:
        if excess <= _SETTLED * self._frame:
            self.shrinking = False
            return Step.PLAY
        peak = peak_of(pcm)
        self._level += (peak - self._level) * _LEVEL_SMOOTHING
        self._since += 1
        patience = max(_HASTE, min(_PATIENCE * (self._frame / excess) ** 2, _LEISURE))
        soft = self._since >= _SPACING and peak <= self._level * self._since / patience
        if peak <= _QUIET or soft or self._since >= patience:
            self._since = 0
            return Step.LEAVE_OUT
        return Step.PLAY
