"""Sine tones as telephone audio, and the question whether a tone was heard.

Audio here is 8 kHz, mono, signed 16-bit little-endian, in frames of 20 ms (160 samples, 320 bytes), the frames in
which RTP carries G.711.
"""

from __future__ import annotations

import array
import math
import sys
from typing import Final

import attrs

SAMPLE_RATE: Final = 8000
FRAME_SAMPLES: Final = 160
FRAME_BYTES: Final = 2 * FRAME_SAMPLES
#: Half of full scale, -6 dB: loud, and a mix of two still fits.
DEFAULT_AMPLITUDE: Final = 8000
DEFAULT_TONE: Final = 440.0  #: hertz, where nobody says which
#: A tone counts as heard when it carries this share of the energy, and is no whisper.
HEARD_SHARE: Final = 0.10


def pcm(samples: array.array[int]) -> bytes:
    """Samples as little-endian bytes on any machine."""
    if sys.byteorder == "big":
        samples = array.array("h", samples)
        samples.byteswap()
    return samples.tobytes()


def samples_of(audio: bytes) -> array.array[int]:
    """Little-endian bytes as samples; an odd last byte is dropped."""
    samples = array.array("h")
    samples.frombytes(audio[: len(audio) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


class ToneSource:
    """A sine of ``frequency`` Hz without end. With ``pulse`` it sounds for that many seconds and rests as long.

    Raises ValueError for a frequency that cannot be heard.
    """

    def __init__(self, frequency: float, *, amplitude: int = DEFAULT_AMPLITUDE, pulse: float | None = None) -> None:
        if not 0 < frequency < SAMPLE_RATE / 2:
            raise ValueError(f"a tone must lie between 0 and {SAMPLE_RATE // 2} Hz, not at {frequency:g}")
        self.frequency = frequency
        self._amplitude = amplitude
        self._step = 2 * math.pi * frequency / SAMPLE_RATE
        self._pulse = int(pulse * SAMPLE_RATE) if pulse else 0
        self._position = 0

    def next_frame(self) -> bytes:
        """The next 20 ms."""
        start = self._position
        self._position = start + FRAME_SAMPLES
        if self._pulse and start // self._pulse % 2:
            return bytes(FRAME_BYTES)
        sine, step, amplitude = math.sin, self._step, self._amplitude
        return pcm(array.array("h", [round(amplitude * sine(step * n)) for n in range(start, start + FRAME_SAMPLES)]))


class SilenceSource:
    """Nothing, for a phone that only listens."""

    def next_frame(self) -> bytes:
        """20 ms of silence."""
        return bytes(FRAME_BYTES)


@attrs.frozen(kw_only=True)
class Heard:
    """How much of a tone is in some audio."""

    frequency: float  #: Hz
    level: float  #: dB below full scale (a full-scale sine is 0)
    share: float  #: part of all energy that lies at the tone, 0 to 1

    @property
    def heard(self) -> bool:
        """Whether the tone stands out."""
        return self.share >= HEARD_SHARE and self.level > -45.0


def listen_for(audio: bytes, frequency: float) -> Heard:
    """Measure one tone over all of ``audio`` in windows of 100 ms (Goertzel, so a gap or a jump does not hide it)."""
    samples = samples_of(audio)
    window = SAMPLE_RATE // 10
    power = energy = 0.0
    windows = 0
    for start in range(0, len(samples) - window + 1, window):
        piece = samples[start : start + window]
        power += goertzel(piece, frequency)
        energy += sum(sample * sample for sample in piece) / window
        windows += 1
    if not windows or not energy:
        return Heard(frequency=frequency, level=-96.0, share=0.0)
    mean = power / windows
    level = 10 * math.log10(max(mean, 1e-9) / (32767.0**2 / 2))
    return Heard(frequency=frequency, level=round(level, 1), share=round(min(power / energy, 1.0), 3))


def goertzel(samples: array.array[int], frequency: float) -> float:
    """Mean power (samples squared) of the component at ``frequency`` Hz."""
    count = len(samples)
    coefficient = 2 * math.cos(2 * math.pi * frequency / SAMPLE_RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    magnitude = last * last + before * before - coefficient * last * before
    return 2 * magnitude / (count * count)
