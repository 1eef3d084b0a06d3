"""The table of voice codecs: what every row of it keeps to, whichever codecs are in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    CODINGS,
    PCMU,
    AudioCoding,
    Capabilities,
    Codec,
    MediaEvent,
    MediaStream,
    OfferAnswerSession,
    RtpPacket,
    TelephoneEventEnded,
)
from rtp.codecs.pcm import samples_of
from rtp.codecs.table import coding_of
from tests.rtp.l16 import EVENTS, L16, L16_CODEC

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


# A codec of another clock


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row in the table is all that the package knows of it."""
    monkeypatch.setitem(CODINGS, "L16", L16)


def wide_pair(ptime: int = 20, timestamp: int = 1000) -> tuple[MediaStream, MediaStream]:
    made = []
    capabilities = Capabilities(codecs=(L16_CODEC,), telephone_event=EVENTS, comfort_noise=None, ptime=ptime)
    here = OfferAnswerSession(capabilities, address="192.0.2.1", port=4000)
    there = OfferAnswerSession(capabilities, address="192.0.2.2", port=4000)
    here.receive_answer(there.receive_offer(here.make_offer())[0])
    for number, session in enumerate((here, there), 1):
        assert session.agreement is not None
        assert session.agreement.audio is not None
        assert session.agreement.audio.ptime == ptime
        made.append(
            MediaStream(
                session.agreement.audio,
                ssrc=number,
                sequence_number=10,
                timestamp=timestamp,
                cname=f"{number}@example.com",
                uniform=lambda: 0.5,
                now=0.0,
            )
        )
    return made[0], made[1]


def ramp(number: int) -> bytes:
    """20 ms at 8 kHz, each frame another level."""
    return (100 * number).to_bytes(2, "little", signed=True) * 160


@pytest.mark.parametrize("ptime", [20, 30, 40, 60])
@pytest.mark.parametrize("timestamp", [1000, 2**32 - 5000])
@pytest.mark.parametrize("lost", [(), (7,)])
def test_a_codec_of_another_clock_is_a_row_in_the_table(
    ptime: int, timestamp: int, lost: tuple[int, ...], wide: None
) -> None:
    one, other = wide_pair(ptime, timestamp)
    sent: list[RtpPacket] = []
    heard: list[bytes] = []
    for tick in range(60):
        now = 0.02 * tick
        out = [*one.send_frame(ramp(tick + 1), now=now), *one.departures(now=now)]
        for _, data, _ in out:
            sent.append(RtpPacket.parse(data))
            if len(sent) not in lost:
                other.receive("rtp", data, ("192.0.2.1", 4000), now=now)
        frame = other.pop_frame(now=now)
        if frame is not None:
            heard.append(frame)
    assert {len(packet.payload) for packet in sent} == {ptime * 32}
    steps = {(after.timestamp - before.timestamp) % 2**32 for before, after in pairwise(sent)}
    assert steps == {ptime * 16}
    assert {len(frame) for frame in heard} == {320}
    levels = [int.from_bytes(frame[:2], "little", signed=True) // 100 for frame in heard]
    whole = [level for level, frame in zip(levels, heard, strict=True) if frame == ramp(level)]
    missing = set(range(levels[0], 50)) - set(whole)
    assert len(missing) <= len(lost) * (ptime // 20 + 1)
    assert other.counters().late == other.counters().duplicates == 0


def test_keys_of_a_codec_of_another_clock_have_its_durations(wide: None) -> None:
    one, other = wide_pair()
    one.send_dtmf("5", duration=0.1)
    events: list[MediaEvent] = []
    for tick in range(40):
        now = 0.02 * tick
        for _, data, _ in one.send_frame(ramp(1), now=now):
            events += other.receive("rtp", data, ("192.0.2.1", 4000), now=now)
        events += other.handle_timeout(now=now)
    (ended,) = [event for event in events if isinstance(event, TelephoneEventEnded)]
    assert (ended.digit, round(ended.duration, 3)) == ("5", 0.1)
