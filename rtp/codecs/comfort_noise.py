"""Comfort noise: its payload (RFC 3389 section 3) and noise of a given level."""

from __future__ import annotations

import math
from array import array
from functools import lru_cache
from typing import Final

import attrs

from rtp.codecs.pcm import pcm_of
from rtp.errors import LocalProtocolError, MalformedPacket

_FULL_SCALE: Final = 32767  #: amplitude of 0 dBov
_PERIOD: Final = 4001  #: samples before the noise repeats: half a second, and prime against every frame size
_MAX_COEFFICIENTS: Final = 32  #: models of order 10 are usual; more is not worth keeping


@attrs.frozen
class ComfortNoise:
    """Level of background noise and, when given, the shape of its spectrum."""

    level: int  #: 0-127, power in dBov with the sign dropped
    quantised: bytes = b""  #: the reflection coefficients as on the wire

    @classmethod
    def parse(cls, payload: bytes) -> ComfortNoise:
        """Read one; raises MalformedPacket on an empty payload."""
        if not payload:
            raise MalformedPacket("comfort noise without a level")
        return cls(payload[0] & 0x7F, bytes(payload[1 : 1 + _MAX_COEFFICIENTS]))

    @property
    def reflection_coefficients(self) -> tuple[float, ...]:
        """k = 258 * (N - 127) / 32768, between -1 and 1 (section 3.2)."""
        return tuple(258 * (number - 127) / 32768 for number in self.quantised)

    def __bytes__(self) -> bytes:
        """As on the wire; raises LocalProtocolError for a level that has no octet."""
        if not 0 <= self.level <= 127:
            raise LocalProtocolError(f"comfort noise level {self.level}")
        return bytes([self.level]) + self.quantised


def _white_noise() -> tuple[float, ...]:
    """One period with a root mean square of 1, made by a fixed congruential sequence so that it needs no entropy."""
    state, samples = 1, []
    for _ in range(_PERIOD):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        samples.append(state / 0x3FFFFFFF - 1.0)
    mean = sum(samples) / _PERIOD
    centred = [sample - mean for sample in samples]
    rms = math.sqrt(sum(sample * sample for sample in centred) / _PERIOD)
    return tuple(sample / rms for sample in centred)


@lru_cache(maxsize=1)
def _unit_noise() -> tuple[float, ...]:
    return _white_noise()


@lru_cache(maxsize=128)
def _noise_at(level: int) -> bytes:
    amplitude = _FULL_SCALE * 10 ** (-level / 20)
    samples = array("h", (max(-32768, min(32767, round(sample * amplitude))) for sample in _unit_noise()))
    return pcm_of(samples)


class NoiseGenerator:
    """White noise for the pauses of one talker. The spectrum is not shaped: at these levels nobody hears it."""

    __slots__ = ("_position",)

    def __init__(self) -> None:
        self._position = 0

    def frame(self, level: int, samples: int) -> bytes:
        """PCM of that many samples at ``level`` dBov below zero."""
        period = _noise_at(min(max(level, 0), 127))
        wanted, start = 2 * samples, 2 * self._position
        self._position = (self._position + samples) % _PERIOD
        repeated = period[start:] + period * (wanted // len(period) + 1)
        return repeated[:wanted]
