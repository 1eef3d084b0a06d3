"""What a phone says: a tone of its own. What it heard, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyc3p.phone.tone import ToneSource, goertzel, samples_of

#: A frame counts as sound above this power (samples squared): -45 dB below full scale, a whisper.
_WHISPER: Final = 32767.0**2 / 2 * 10**-4.5


class Voice:
    """A tone whose every frame is the same: its frequency is a multiple of 50 Hz, whole periods in 20 ms."""

    def __init__(self, frequency: int) -> None:
        self.frequency = frequency
        self._frame = ToneSource(frequency).next_frame()

    def next_frame(self) -> bytes:
        """The next 20 ms."""
        return self._frame


class Ear:
    """A phone's `AudioSink` that keeps each frame with its time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.frames: list[tuple[float, bytes]] = []

    def write(self, frame: bytes) -> None:
        """Keep a frame, unless there is nothing in it."""
        if frame.count(0) != len(frame):
            self.frames.append((self._now(), frame))

    def heard(self, frequency: float, since: float, until: float) -> float | None:
        """When a tone was heard first in that time, None when it was not: the larger part of a frame of 20 ms."""
        for at, frame in self.frames:
            if since <= at < until:
                samples = samples_of(frame)
                power = goertzel(samples, frequency)
                energy = sum(sample * sample for sample in samples) / len(samples)
                if power > _WHISPER and power > 0.2 * energy:
                    return at
        return None
