"""Header extensions and the audio levels in them."""

from __future__ import annotations

import contextlib
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import AudioLevel, ExtensionMap, LocalRtpError, MalformedPacket, MalformedSdp, build_elements, parse_elements
from rtp.packets.audio_level import build_contributor_levels, level_of, parse_contributor_levels
from rtp.packets.header_extension import ONE_BYTE, TWO_BYTE


@given(st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=5))
def test_small_elements_go_into_the_one_byte_form(elements: dict[int, bytes]) -> None:
    profile, data = build_elements(elements)
    assert (profile, len(data) % 4) == (ONE_BYTE, 0)
    assert parse_elements(profile, data) == elements


@given(st.dictionaries(st.integers(1, 255), st.binary(max_size=255), min_size=1, max_size=5))
def test_any_elements_come_back(elements: dict[int, bytes]) -> None:
    assert parse_elements(*build_elements(elements)) == elements


@given(st.binary(max_size=40), st.sampled_from([ONE_BYTE, TWO_BYTE, TWO_BYTE | 5, 7, None]))
def test_any_bytes_parse_or_are_malformed(data: bytes, profile: int | None) -> None:
    with contextlib.suppress(MalformedPacket):
        parse_elements(profile, data)


def test_padding_and_stop() -> None:
    assert parse_elements(ONE_BYTE, bytes([0, 0x10, 7, 0, 0xF0, 1, 2, 3])) == {1: b"\x07"}
    assert parse_elements(0x1234, b"abcd") == {}


@pytest.mark.parametrize(("profile", "data"), [(ONE_BYTE, b"\x13ab"), (TWO_BYTE, b"\x01"), (TWO_BYTE, b"\x01\x05ab")])
def test_an_element_must_fit(profile: int, data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        parse_elements(profile, data)


@pytest.mark.parametrize("elements", [{0: b"a"}, {256: b"a"}, {1: bytes(256)}])
def test_what_does_not_fit_is_our_own_error(elements: dict[int, bytes]) -> None:
    with pytest.raises(LocalRtpError):
        build_elements(elements)


@pytest.mark.parametrize(
    "text",
    ["1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "2/sendonly urn:x vad=on", "4096 urn:x"],
)
def test_the_attribute_comes_back(text: str) -> None:
    assert str(ExtensionMap.parse(text)) == text


@pytest.mark.parametrize("text", ["", "1", "x urn:x", "123456 urn:x"])
def test_a_broken_attribute_is_malformed(text: str) -> None:
    with pytest.raises(MalformedSdp):
        ExtensionMap.parse(text)


# Audio levels


@given(st.integers(0, 127), st.booleans())
def test_level_round_trip(level: int, voice: bool) -> None:
    assert AudioLevel.parse(bytes(AudioLevel(level, voice))) == AudioLevel(level, voice)


def test_level_on_the_wire() -> None:
    assert bytes(AudioLevel(30, voice=True)) == b"\x9e"
    assert AudioLevel.parse(b"\x9e\x00") == AudioLevel(30, voice=True)
    for data in (b"", b"abc"):
        with pytest.raises(MalformedPacket):
            AudioLevel.parse(data)
    with pytest.raises(LocalRtpError):
        bytes(AudioLevel(128))


def test_levels_of_contributors_stand_in_their_order() -> None:
    assert parse_contributor_levels(b"\x0a\xff", (7, 8)) == {7: 10, 8: 127}
    assert build_contributor_levels([10, 127]) == b"\x0a\x7f"
    with pytest.raises(MalformedPacket):
        parse_contributor_levels(b"\x0a", (7, 8))
    with pytest.raises(LocalRtpError):
        build_contributor_levels([0] * 16)


@pytest.mark.parametrize(("amplitude", "level"), [(0, 127), (32767, 0), (3277, 20), (328, 40), (1, 90)])
def test_the_level_of_a_square_wave(amplitude: int, level: int) -> None:
    assert level_of(struct.pack("<4h", amplitude, -amplitude, amplitude, -amplitude)) == level


def test_the_level_of_a_sine_is_three_decibels_lower() -> None:
    sine = struct.pack("<800h", *(round(32767 * math.sin(2 * math.pi * n / 80)) for n in range(800)))
    assert level_of(sine) == 3
    assert level_of(b"") == 127
