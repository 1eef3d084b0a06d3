"""What a caller hears by itself, before it is in the mix: tones of our own, or sound that the operator gives.

Sound here is 8 kHz, mono, signed 16-bit little-endian, in frames of 20 ms.
"""

from __future__ import annotations

import array
import math
import sys
from typing import Final

import attrs

RATE: Final = 8000  #: samples a second
FRAME_SAMPLES: Final = 160
FRAME: Final = 2 * FRAME_SAMPLES  #: octets
#: A quarter of full scale, -12 dB: to be heard over a bad line, and no shock on a good one.
_AMPLITUDE: Final = 8000
_RAMP: Final = 40  #: samples, 5 ms: a tone that began at once would click


def tones(*notes: tuple[float, float]) -> bytes:
    """Notes one after the other: Hertz and seconds each; 0 Hz is a rest."""
    samples = array.array("h")
    for frequency, seconds in notes:
        count, step = int(seconds * RATE), 2 * math.pi * frequency / RATE
        for n in range(count):
            edge = min(1.0, (n + 1) / _RAMP, (count - n) / _RAMP)
            samples.append(round(_AMPLITUDE * edge * math.sin(step * n)))
    if sys.byteorder == "big":  # pragma: no cover
        samples.byteswap()
    return samples.tobytes()


def whole_samples(prompts: object, name: attrs.Attribute[bytes], sound: bytes) -> None:
    """Validate a sound. Raises ValueError."""
    if len(sound) % 2:
        raise ValueError(f"the sound {name.name} must be whole samples of 16 bits")


@attrs.frozen(kw_only=True)
class Prompts:
    """The sound of each prompt, as said in the head of this module. Raises ValueError for half a sample."""

    #: Key in the passcode, then ``#``: two short notes and a higher, longer one.
    passcode: bytes = attrs.field(
        default=tones((440, 0.2), (0, 0.1), (440, 0.2), (0, 0.1), (660, 0.4)), repr=False, validator=whole_samples
    )
    #: That was not it: one low note.
    wrong: bytes = attrs.field(default=tones((220, 0.6)), repr=False, validator=whole_samples)
    #: Somebody has to let you in: one short note, again and again.
    waiting: bytes = attrs.field(default=tones((440, 0.15)), repr=False, validator=whole_samples)
    #: You are in: three rising notes.
    welcome: bytes = attrs.field(
        default=tones((440, 0.15), (660, 0.15), (880, 0.3)), repr=False, validator=whole_samples
    )
    #: The call ends: three low notes.
    farewell: bytes = attrs.field(
        default=tones((220, 0.2), (0, 0.1), (220, 0.2), (0, 0.1), (220, 0.4)), repr=False, validator=whole_samples
    )
    #: Somebody comes, somebody goes: two notes, upwards and downwards.
    entry: bytes = attrs.field(default=tones((523, 0.12), (784, 0.2)), repr=False, validator=whole_samples)
    exit: bytes = attrs.field(default=tones((784, 0.12), (523, 0.2)), repr=False, validator=whole_samples)
    #: You are recorded: one long, high note, as recorders on telephone lines make it.
    recorded: bytes = attrs.field(default=tones((1400, 0.5)), repr=False, validator=whole_samples)
    passcode_every: float = 6.0  #: seconds from one to the next, until a key is pressed
    waiting_every: float = 10.0  #: seconds from one to the next; music is as long as it is, and goes on at once


class Playback:
    """Sound on its way to one leg, frame by frame; with ``every`` again that many seconds after each beginning."""

    def __init__(self, sound: bytes, *, every: float | None = None) -> None:
        self._sound = sound
        self._period = None if every is None else max(len(sound), int(every * RATE) * 2, FRAME)
        self._position = 0

    def next_frame(self) -> bytes | None:
        """The next 20 ms; ``None`` when it is over."""
        if self._period is not None and self._position >= self._period:
            self._position = 0
        elif self._period is None and self._position >= len(self._sound):
            return None
        frame = self._sound[self._position : self._position + FRAME]
        self._position += FRAME
        return frame.ljust(FRAME, b"\0")


def seconds_of(sound: bytes) -> float:
    """How long it sounds."""
    return len(sound) / 2 / RATE
