"""The jitter buffer on steady, jittery, lossy and skewed networks."""

from __future__ import annotations

import random
import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import Frame, FrameKind, JitterBuffer, JitterBufferConfig
from rtp.stream.jitter_buffer import Pushed
from rtp.testing import Impairment

RATE = 8000
FRAME = 160


def tone(index: int, samples: int = FRAME, base: int = 5000) -> bytes:
    """Sound that says where it belongs."""
    return struct.pack("<h", base + index % 2000) * samples


def first(frame: Frame | None) -> int | None:
    return None if frame is None else int(struct.unpack_from("<h", frame.pcm)[0])


class Listener:
    """Feeds a buffer with timed packets, and takes a frame out every 20 ms."""

    def __init__(self, buffer: JitterBuffer | None = None, phase: float = 0.003) -> None:
        self.buffer = buffer or JitterBuffer()
        self.time = phase
        self.frames: list[Frame | None] = []

    def run(self, arrivals: list[tuple[float, tuple[int, bytes]]], until: float) -> list[Frame | None]:
        waiting = list(arrivals)
        while self.time < until:
            while waiting and waiting[0][0] <= self.time:
                at, (timestamp, pcm) = waiting.pop(0)
                self.buffer.push(timestamp & 0xFFFF_FFFF, pcm, now=at)
            self.frames.append(self.buffer.pop(now=self.time))
            self.time += 0.02
        return self.frames

    def kinds(self) -> Counter[FrameKind | None]:
        return Counter(frame.kind if frame else None for frame in self.frames)


def stream(
    count: int, *, samples: int = FRAME, start: int = 0, skew: float = 1.0, base: int = 5000
) -> list[tuple[float, tuple[int, bytes]]]:
    step = samples / RATE * skew
    return [(index * step, (start + index * samples, tone(index, samples, base))) for index in range(count)]


def voices(frames: list[Frame | None]) -> list[int]:
    return [
        value for frame in frames if frame and frame.kind is FrameKind.VOICE and (value := first(frame)) is not None
    ]


@pytest.mark.parametrize("start", [0, 2**32 - 800])
@pytest.mark.parametrize("phase", [0.0, 0.003, 0.019])
def test_a_steady_stream_comes_out_whole_after_one_frame(start: int, phase: float) -> None:
    listener = Listener(phase=phase)
    frames = listener.run(stream(50, start=start), until=2.0)
    assert voices(frames) == [5000 + index for index in range(50)]
    assert sum(frame is None for frame in frames[:5]) <= 2
    assert listener.buffer.concealed == 3  # the fading end
    assert frames[-1] is None


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.01, 0.03, 0.06]))
def test_jitter_loses_little_sound_while_the_buffer_learns_it(seed: int, jitter: float) -> None:
    network = Impairment(uniform=random.Random(seed).random, jitter=jitter)
    listener = Listener()
    heard = voices(listener.run(network.carry(stream(200)), until=5.0))
    assert heard == sorted(heard)
    assert len(set(heard)) == len(heard)
    assert len(heard) + listener.buffer.late + listener.buffer.dropped + listener.buffer.skipped == 200
    assert listener.buffer.skipped <= 4
    assert listener.buffer.late <= 15
    assert listener.buffer.target_delay <= 0.2


@given(st.integers(0, 2**32))
def test_any_network_gives_each_packet_at_most_once_and_in_order(seed: int) -> None:
    chance = random.Random(seed).random
    network = Impairment(uniform=chance, jitter=0.1, loss=0.2, duplication=0.2)
    arrivals = network.carry(stream(100))
    listener = Listener()
    heard = voices(listener.run(arrivals, until=4.0))
    buffer = listener.buffer
    assert heard == sorted(set(heard))
    unheard = len(arrivals) - (len(heard) + buffer.late + buffer.duplicates + buffer.dropped)
    assert 0 <= unheard <= buffer.skipped  # what was left out may have been lost before
    assert buffer.depth == 0.0


@pytest.mark.parametrize("samples", [80, 160, 240, 320, 480, 1600])
def test_packets_of_any_length_come_out_as_frames(samples: int) -> None:
    sound = b"".join(struct.pack("<h", index % 30_000) for index in range(4800))
    packets = [(start / RATE, (start, sound[2 * start : 2 * (start + samples)])) for start in range(0, 4800, samples)]
    frames = Listener().run(packets, until=2.0)
    assert b"".join(frame.pcm for frame in frames if frame and frame.kind is FrameKind.VOICE) == sound


def test_lost_frames_fade_out() -> None:
    packets = [packet for index, packet in enumerate(stream(20)) if not 5 <= index < 8]
    frames = Listener().run(packets, until=0.6)
    begin = next(index for index, frame in enumerate(frames) if first(frame) == 5000)
    lost = frames[begin + 5 : begin + 8]
    assert [first(frame) for frame in lost] == [5004, 3502, 2001]
    assert all(frame and frame.kind is FrameKind.CONCEALED for frame in lost)
    assert first(frames[begin + 8]) == 5008


def test_after_three_lost_frames_there_is_silence() -> None:
    buffer = JitterBuffer()
    for index in (0, 6):
        buffer.push(FRAME * index, tone(index), now=0.0)
    frames = [buffer.pop(now=0.1 + 0.02 * tick) for tick in range(7)]
    assert [first(frame) for frame in frames] == [5000, 5000, 3500, 2000, 0, 0, 5006]


def test_a_late_packet_is_dropped_and_a_duplicate_too() -> None:
    buffer = JitterBuffer()
    for index in (0, 1, 2, 3):
        buffer.push(FRAME * index, tone(index), now=0.0)
    assert buffer.push(FRAME * 3, tone(3), now=0.0) is Pushed.DUPLICATE
    for tick in range(2):
        assert buffer.pop(now=0.1 + 0.02 * tick) is not None
    assert buffer.push(0, tone(0), now=0.13) is Pushed.LATE
    assert (buffer.late, buffer.duplicates) == (1, 1)
    assert buffer.push(FRAME, b"", now=0.13) is Pushed.LATE


def test_a_packet_that_is_partly_too_late_gives_its_rest() -> None:
    buffer = JitterBuffer()
    buffer.push(0, tone(0), now=0.0)
    buffer.push(480, tone(3), now=0.0)
    assert buffer.pop(now=0.1)
    assert buffer.push(80, tone(9), now=0.1) is Pushed.STORED
    assert first(buffer.pop(now=0.12)) == 5009


def test_a_sudden_delay_is_waited_out_without_losing_sound() -> None:
    packets = [(at + (0.15 if index >= 25 else 0.0), packet) for index, (at, packet) in enumerate(stream(100))]
    listener = Listener()
    assert voices(listener.run(packets, until=3.0)) == [5000 + index for index in range(100)]
    assert listener.buffer.late == 0


@pytest.mark.parametrize("skew", [0.998, 1.002])
def test_clocks_that_differ_are_evened_out_in_quiet_frames(skew: float) -> None:
    listener = Listener()
    listener.run(stream(3000, skew=skew, base=-1000 if skew < 0 else 0)[:3000], until=60.0)
    quiet = Listener()
    silent = [(at, (timestamp, bytes(len(pcm)))) for at, (timestamp, pcm) in stream(3000, skew=skew)]
    quiet.run(silent, until=58.0)
    assert quiet.buffer.late == quiet.buffer.dropped == 0
    assert quiet.buffer.depth < 0.1
    assert quiet.buffer.inserted + quiet.buffer.skipped >= 4


def test_a_burst_keeps_the_newest_half_second() -> None:
    buffer = JitterBuffer()
    for index in range(100):
        buffer.push(FRAME * index, tone(index), now=0.0)
    assert buffer.depth <= 0.52
    assert buffer.dropped == 74
    assert first(buffer.pop(now=1.0)) == 5074


def test_a_burst_while_playing_moves_the_play_point() -> None:
    buffer = JitterBuffer()
    buffer.push(0, tone(0), now=0.0)
    buffer.pop(now=0.1)
    for index in range(1, 60):
        buffer.push(FRAME * index, tone(index), now=0.1)
    assert first(buffer.pop(now=0.12)) == 5034


def test_small_packets_are_bounded_by_number() -> None:
    buffer = JitterBuffer(JitterBufferConfig(max_packets=10))
    for index in range(40):
        buffer.push(8 * index, tone(index, 8), now=0.0)
        buffer.push_noise(8 * index, 40, now=0.0)
    assert buffer.dropped == 30
    assert buffer.depth == pytest.approx(0.01)


def test_a_jump_of_the_timestamp_begins_anew() -> None:
    listener = Listener()
    arrivals = stream(10) + [(0.3 + at, packet) for at, packet in stream(10, start=10_000_000)]
    assert voices(listener.run(arrivals, until=1.0)) == [*range(5000, 5010), *range(5000, 5010)]
    assert listener.buffer.resets == 1
    assert listener.buffer.counters["resets"] == 1


def test_silence_without_a_word_ends_the_talkspurt() -> None:
    listener = Listener()
    frames = listener.run(stream(5) + [(1.0 + at, packet) for at, packet in stream(5, start=8000)], until=2.0)
    assert voices(frames) == [*range(5000, 5005), *range(5000, 5005)]
    assert listener.kinds()[FrameKind.CONCEALED] == 6
    assert listener.kinds()[None] > 70


def test_comfort_noise_fills_the_pause_until_the_voice_returns() -> None:
    buffer = JitterBuffer()
    frames = []
    for tick in range(60):
        now = 0.02 * tick
        if tick < 10 or tick >= 40:
            buffer.push(FRAME * tick, tone(tick), now=now, marker=tick in (0, 40))
        elif tick == 10:
            buffer.push_noise(FRAME * tick, 50, now=now)
        frames.append(buffer.pop(now=now + 0.005))
    kinds = [frame.kind.value if frame else None for frame in frames]
    assert kinds[:2].count(None) >= 1
    assert kinds.count("noise") == pytest.approx(30, abs=2)
    assert "concealed" not in kinds
    assert voices(frames)[:11] == [*range(5000, 5010), 5040]
    noise = next(frame for frame in frames if frame and frame.kind is FrameKind.NOISE)
    assert 0 < max(struct.unpack("<160h", noise.pcm)) < 600


def test_noise_before_any_voice_is_heard_at_once() -> None:
    buffer = JitterBuffer()
    buffer.push_noise(0, 60, now=0.0)
    frame = buffer.pop(now=0.0)
    assert frame
    assert frame.kind is FrameKind.NOISE


def test_growing_jitter_adds_delay_at_once() -> None:
    listener = Listener()
    steady = stream(50)
    rough = [(at + (0.07 if index % 2 else 0.0), packet) for index, (at, packet) in enumerate(stream(100))][50:]
    listener.run(sorted(steady + rough, key=lambda item: item[0]), until=3.0)
    assert listener.buffer.target_delay > 0.06
    assert listener.buffer.late < 8
    assert voices(listener.frames)[-30:] == list(range(5070, 5100))


def test_an_empty_buffer_gives_nothing() -> None:
    buffer = JitterBuffer()
    assert buffer.pop(now=0.0) is None
    assert buffer.depth == 0.0
    assert set(buffer.counters.values()) == {0}


def test_a_sender_whose_clock_stops_in_a_pause_does_not_count_as_jitter() -> None:
    buffer = JitterBuffer()
    buffer.push(0, tone(0), now=0.0)
    buffer.push(FRAME, tone(1), now=30.0)
    assert buffer.target_delay == 0.02


def test_packets_that_overlap_are_played_once() -> None:
    buffer = JitterBuffer()
    buffer.push(0, tone(0, 240), now=0.0)
    buffer.push(40, tone(1, 80), now=0.0)
    buffer.push(200, tone(2, 120), now=0.0)
    first_frame, second_frame = (buffer.pop(now=0.1 + 0.02 * tick) for tick in range(2))
    assert first_frame
    assert second_frame
    assert first_frame.pcm == tone(0, 160)
    assert second_frame.pcm == tone(0, 80) + tone(2, 80)
