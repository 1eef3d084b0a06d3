"""Comfort noise."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import ComfortNoise, LocalRtpError, MalformedPacket, NoiseGenerator


@given(st.integers(0, 127), st.binary(max_size=32))
def test_round_trip(level: int, quantised: bytes) -> None:
    noise = ComfortNoise(level, quantised)
    assert ComfortNoise.parse(bytes(noise)) == noise


def test_the_top_bit_and_more_coefficients_than_anybody_needs_are_dropped() -> None:
    parsed = ComfortNoise.parse(b"\xff" + bytes(100))
    assert (parsed.level, len(parsed.quantised)) == (127, 32)


def test_coefficients() -> None:
    assert ComfortNoise(40, bytes([127, 0, 254])).reflection_coefficients == pytest.approx(
        (0.0, -0.99994, 0.99994), abs=1e-4
    )


def test_an_empty_payload_is_malformed() -> None:
    with pytest.raises(MalformedPacket):
        ComfortNoise.parse(b"")


def test_a_level_that_does_not_fit_is_our_own_error() -> None:
    with pytest.raises(LocalRtpError):
        bytes(ComfortNoise(128))


@pytest.mark.parametrize("level", [20, 40, 60])
def test_noise_has_its_level(level: int) -> None:
    generator = NoiseGenerator()
    sound = b"".join(generator.frame(level, 160) for _ in range(100))
    samples = struct.unpack(f"<{len(sound) // 2}h", sound)
    rms = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
    assert 20 * math.log10(rms / 32767) == pytest.approx(-level, abs=0.5)
    assert abs(sum(samples) / len(samples)) < rms / 10


def test_noise_goes_on_where_it_stopped_for_any_length() -> None:
    whole = NoiseGenerator().frame(30, 10_000)
    generator = NoiseGenerator()
    assert generator.frame(30, 37) + generator.frame(30, 9_963) == whole
    assert NoiseGenerator().frame(200, 4) == NoiseGenerator().frame(127, 4)
