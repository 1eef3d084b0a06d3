"""G.711 against the tables of the recommendation."""

from __future__ import annotations

import struct
import sys
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import CODINGS, LocalRtpError, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from rtp.codecs import g711
from rtp.codecs.g711 import ALAW_DECODE_TABLE, ULAW_DECODE_TABLE

ALL_CODES = bytes(range(256))
ALL_SAMPLES = struct.pack("<65536h", *range(-32768, 32768))


def one(sample: int) -> bytes:
    return struct.pack("<h", sample)


def test_the_decode_tables() -> None:
    ulaw = "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827"
    alaw = "e04788d110e58ff8c70c93b8480190d973e3b67876b6119abbaec766cc75c174"
    assert sha256(ulaw_decode(ALL_CODES)).hexdigest() == ulaw
    assert sha256(alaw_decode(ALL_CODES)).hexdigest() == alaw
    assert ulaw_decode(ALL_CODES) == struct.pack("<256h", *ULAW_DECODE_TABLE)
    assert alaw_decode(ALL_CODES) == struct.pack("<256h", *ALAW_DECODE_TABLE)


def test_every_sample_in_a_law() -> None:
    expected = "38488f6fd710f4686360edc4d38639f96c491595ef93f8eb8d62d5e07ca6ce7b"
    assert sha256(alaw_encode(ALL_SAMPLES)).hexdigest() == expected


@pytest.mark.parametrize(
    ("sample", "ulaw", "alaw"),
    [(1000, 0xCE, 0xFA), (-1000, 0x4E, 0x7A), (100, 0xF2, 0xD3), (-100, 0x72, 0x53), (32767, 0x80, 0xAA)],
)
def test_samples(sample: int, ulaw: int, alaw: int) -> None:
    assert ulaw_encode(one(sample)) == bytes([ulaw])
    assert alaw_encode(one(sample)) == bytes([alaw])


def test_extremes_and_silence() -> None:
    assert ulaw_decode(b"\xff\x7f\x00\x80") == struct.pack("<4h", 0, 0, -32124, 32124)
    assert alaw_decode(b"\xd5\x55\xaa\x2a") == struct.pack("<4h", 8, -8, 32256, -32256)
    assert ulaw_encode(one(0)) == b"\xff"
    assert ulaw_encode(one(-32768)) == b"\x00"


def test_every_code_comes_back_but_the_second_zero_of_mu_law() -> None:
    assert alaw_encode(alaw_decode(ALL_CODES)) == ALL_CODES
    assert ulaw_encode(ulaw_decode(ALL_CODES)) == ALL_CODES.replace(b"\x7f", b"\xff")


@given(st.integers(-32768, 32767))
def test_the_error_is_at_most_half_a_step(sample: int) -> None:
    for coding in CODINGS.values():
        (back,) = struct.unpack("<h", coding.decode(coding.encode(one(sample))))
        assert abs(back - sample) <= max(8, abs(sample) / 16 * 0.52 + 8)


@given(st.binary(max_size=100))
def test_lengths(payload: bytes) -> None:
    for coding in CODINGS.values():
        assert len(coding.decode(payload)) == 2 * len(payload)
        assert len(coding.encode(coding.decode(payload))) == len(payload)
        assert coding.decode(coding.silence) in (one(0), one(8))


def test_half_a_sample_is_our_own_error() -> None:
    with pytest.raises(LocalRtpError):
        ulaw_encode(b"abc")


def test_without_numpy_the_codes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_numpy = [coding.encode(ALL_SAMPLES) for coding in CODINGS.values()]
    monkeypatch.setitem(sys.modules, "numpy", None)
    g711._look_up.cache_clear()
    try:
        assert [coding.encode(ALL_SAMPLES) for coding in CODINGS.values()] == with_numpy
    finally:
        g711._look_up.cache_clear()
