"""The table of voice codecs: what every row of it keeps to, whichever codecs are in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import CODINGS, PCMU, AudioCoding, Codec
from rtp.codecs.pcm import samples_of
from rtp.codecs.table import coding_of

rows = pytest.mark.parametrize("coding", CODINGS.values(), ids=list(CODINGS))


@rows
@given(payload=st.binary(max_size=320))
def test_what_is_decoded_and_encoded_again_sounds_the_same(coding: AudioCoding, payload: bytes) -> None:
    pcm = coding.decode(payload)
    assert coding.decode(coding.encode(pcm)) == pcm


@rows
@given(samples=st.lists(st.integers(-32768, 32767), max_size=160))
def test_a_table_of_codes_says_what_the_encoder_says(coding: AudioCoding, samples: list[int]) -> None:
    pcm = b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)
    if coding.codes is not None:
        assert bytes(coding.codes[sample & 0xFFFF] for sample in samples_of(pcm)) == coding.encode(pcm)


@pytest.mark.parametrize("encoding", list(CODINGS))
def test_a_codec_is_found_by_name_in_any_case_and_by_its_own_clock_only(encoding: str) -> None:
    rate = CODINGS[encoding].clock_rate
    assert coding_of(Codec(96, encoding.lower(), rate)) is CODINGS[encoding]
    assert coding_of(Codec(96, encoding, 2 * rate)) is None


def test_a_name_that_is_not_in_the_table_has_no_coding() -> None:
    assert coding_of(PCMU) is not None
    assert coding_of(Codec(18, "G729")) is None
