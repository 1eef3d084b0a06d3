from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyc3p.phone import ToneSource, listen_for
from pyc3p.phone.tone import FRAME_BYTES, SilenceSource, pcm, samples_of
from pyc3p.phone.wav import Recorder, WavSource, read_wav, write_wav


def sound(*sources: ToneSource | SilenceSource, frames: int = 50) -> bytes:
    mixed = bytearray()
    for _ in range(frames):
        parts = [samples_of(source.next_frame()) for source in sources]
        mixed += pcm(type(parts[0])("h", [sum(samples) for samples in zip(*parts, strict=True)]))
    return bytes(mixed)


def test_a_tone_is_heard_at_its_level_and_nowhere_else() -> None:
    audio = sound(ToneSource(440, amplitude=16384))
    assert listen_for(audio, 440).heard
    assert listen_for(audio, 440).level == pytest.approx(-6.0, abs=0.2)
    assert listen_for(audio, 440).share > 0.95
    assert not listen_for(audio, 1000).heard


def test_two_tones_are_told_apart_in_a_mix() -> None:
    audio = sound(ToneSource(440), ToneSource(1000))
    assert listen_for(audio, 440).heard
    assert listen_for(audio, 1000).heard
    assert not listen_for(audio, 700).heard


def test_a_tone_is_heard_behind_silence() -> None:
    audio = sound(SilenceSource(), frames=100) + sound(ToneSource(440), frames=25)
    assert listen_for(audio, 440).heard


@pytest.mark.parametrize("audio", [b"", bytes(100), bytes(FRAME_BYTES * 50)])
def test_nothing_is_heard_in_silence(audio: bytes) -> None:
    assert not listen_for(audio, 440).heard


@settings(max_examples=20)
@given(st.integers(200, 3400), st.integers(200, 3400))
def test_only_near_tones_can_be_mixed_up(here: int, there: int) -> None:
    heard = listen_for(sound(ToneSource(here), frames=10), there).heard
    if abs(here - there) > 60:
        assert not heard
    if here == there:
        assert heard


def test_pulses_rest_between_sounds() -> None:
    source = ToneSource(440, pulse=0.1)
    frames = [source.next_frame() for _ in range(10)]
    assert all(any(frame) for frame in frames[:5])
    assert not any(any(frame) for frame in frames[5:])


@pytest.mark.parametrize("frequency", [0, -1, 4000])
def test_a_tone_beyond_the_band_is_refused(frequency: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 4000"):
        ToneSource(frequency)


def test_wav_goes_out_and_comes_back(tmp_path: Path) -> None:
    audio = sound(ToneSource(440), frames=5)
    write_wav(tmp_path / "a.wav", audio)
    assert read_wav(tmp_path / "a.wav") == audio
    looping, once = WavSource.open(tmp_path / "a.wav"), WavSource(audio, loop=False)
    assert b"".join(looping.next_frame() for _ in range(6)) == audio + audio[:FRAME_BYTES]
    assert b"".join(once.next_frame() for _ in range(6)) == audio + bytes(FRAME_BYTES)


def test_a_file_that_is_no_telephone_wav_is_refused(tmp_path: Path) -> None:
    import wave

    (tmp_path / "a.wav").write_bytes(b"RIFFxxxx")
    with pytest.raises(ValueError, match="is not a WAV file"):
        read_wav(tmp_path / "a.wav")
    with wave.open(str(tmp_path / "b.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(bytes(8))
    with pytest.raises(ValueError, match="must be 8 kHz, mono, 16-bit"):
        read_wav(tmp_path / "b.wav")


def test_a_recorder_stops_at_its_limit(tmp_path: Path) -> None:
    recorder = Recorder(limit=FRAME_BYTES)
    for _ in range(3):
        recorder.write(b"\1" * FRAME_BYTES)
    recorder.save(tmp_path / "a.wav")
    assert read_wav(tmp_path / "a.wav") == b"\1" * FRAME_BYTES
