"""PCM as this package passes it round: bytes of signed 16-bit little-endian samples, one channel."""

from __future__ import annotations

import sys
from array import array
from typing import Final, Literal

SAMPLE_RATE: Final = 8000  #: Hz, of all PCM here: what a legacy phone speaks, and what is mixed


def samples_of(pcm: bytes, typecode: Literal["h", "H"] = "h") -> array[int]:
    """The samples as machine integers, signed; with ``"H"`` modulo 65536, as an index into a table."""
    samples = array(typecode, pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def pcm_of(samples: array[int]) -> bytes:
    """The bytes of samples given as ``array("h")``."""
    if sys.byteorder == "big":
        samples = array("h", samples)
        samples.byteswap()
    return samples.tobytes()


def attenuated(pcm: bytes, factor: float) -> bytes:
    """The same sound at ``factor`` (0 to 1) of its amplitude."""
    if factor >= 1.0:
        return pcm
    if factor <= 0.0:
        return bytes(len(pcm))
    return pcm_of(array("h", [int(sample * factor) for sample in samples_of(pcm)]))


def peak_of(pcm: bytes) -> int:
    """The magnitude of the largest sample."""
    samples = samples_of(pcm)
    return max(max(samples), -min(samples)) if samples else 0


def crossfaded(before: bytes, after: bytes, samples: int) -> bytes:
    """``after``, whose first ``samples`` come out of ``before`` little by little, so that the change is no click."""
    old, new = samples_of(before[: 2 * samples]), samples_of(after[: 2 * samples])
    length = min(len(old), len(new))
    mixed = array("h", [(a * (length - n) + b * n) // length for n, (a, b) in enumerate(zip(old, new, strict=False))])
    return pcm_of(mixed) + after[2 * length :]
