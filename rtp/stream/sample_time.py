"""From the clock of a codec to the samples of its PCM (RFC 3551 section 4.1: a clock may be no sample rate)."""

from __future__ import annotations

from rtp.codecs.pcm import SAMPLE_RATE

_HALF = 0x8000_0000


class SampleTime:
    """Where the timestamps of one time line lie, counted in samples modulo 2**32 too."""

    __slots__ = ("_clock_rate", "_extended")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._extended: int | None = None  #: the last one, as it would be if timestamps never wrapped

    def of(self, timestamp: int) -> int:
        """The place of a timestamp that is less than half the range away from the one before."""
        if self._clock_rate == SAMPLE_RATE:
            return timestamp
        before = timestamp if self._extended is None else self._extended
        self._extended = before + (timestamp - before + _HALF & 0xFFFF_FFFF) - _HALF
        return self._extended * SAMPLE_RATE // self._clock_rate & 0xFFFF_FFFF
