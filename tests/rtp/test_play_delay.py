"""The delay of a line that was disturbed comes back to its target, whatever the line sounds like."""

from __future__ import annotations

import math
import random
import struct
from itertools import groupby

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp import FrameKind, JitterBuffer
from rtp.stream.play_delay import SETTLED

RATE = 8000
FRAME = 0.02
#: Seconds that packets of 60 ms need longer, since a third as many of them tell how early they come.
LONG_PACKETS = 2.0
#: Seconds in which the measured jitter, and with it the target, is down again.
LEARNING = 2.0


def _noise(level: int) -> list[int]:
    chance = random.Random(7)
    return [chance.randint(-level, level) for _ in range(RATE)]


def _wave(*parts: tuple[float, int]) -> list[int]:
    return [round(sum(size * math.sin(2 * math.pi * hz * n / RATE) for hz, size in parts)) for n in range(RATE)]


def _speech() -> list[int]:
    """Syllables of 0.2 s over a noisy room: a voice with harmonics that swells and ebbs."""
    voice, room = _wave((140, 5000), (280, 3000), (420, 1500)), _noise(400)
    return [
        round(v * abs(math.sin(math.pi * n / 1600)) ** 2) + r for n, (v, r) in enumerate(zip(voice, room, strict=True))
    ]


SOUNDS = {
    "silence": [0] * RATE,
    "faint noise": _noise(300),
    "loud noise": _noise(9000),
    "tone": _wave((440, 8000)),
    "music": _wave((262, 4000), (330, 3500), (392, 3000)),
    "speech": _speech(),
}
PCM = {name: struct.pack(f"<{RATE}h", *samples) * 2 for name, samples in SOUNDS.items()}


@attrs.frozen
class Stall:
    at: float
    length: float


@attrs.frozen(kw_only=True)
class Weather:
    """What a network does until ``calm``; afterwards it is perfect."""

    stalls: tuple[Stall, ...] = ()
    jitter: float = 0.0
    loss: float = 0.0
    skew: float = 0.0  #: by how much the sender's clock is slow
    calm: float = 6.0
    seed: int = 0


class Line:
    """A sender, a network and a buffer that is emptied every 20 ms."""

    def __init__(self, sound: str, ptime: int, weather: Weather) -> None:
        self.buffer = JitterBuffer()
        self.depths: list[float] = []  #: seconds that wait after each frame
        self.voices = 0
        self.sent = 0
        self._packets(PCM[sound], ptime, weather)

    def _packets(self, sound: bytes, ptime: int, weather: Weather) -> None:
        chance, samples = random.Random(weather.seed), 8 * ptime
        arrivals: list[tuple[float, int]] = []
        for index in range(round((weather.calm + 10.0) * 1000 / ptime)):
            at = index * ptime / 1000 * (1.0 + weather.skew)
            if at < weather.calm:
                at += chance.random() * weather.jitter
                if chance.random() < weather.loss:
                    continue
            for stall in weather.stalls:
                at = stall.at + stall.length if stall.at <= at < stall.at + stall.length else at
            arrivals.append((at, index * samples))
        arrivals.sort()
        self.sent = len(arrivals) * samples
        self._play(arrivals, sound, samples, until=weather.calm + 10.0)

    def _play(self, arrivals: list[tuple[float, int]], sound: bytes, samples: int, until: float) -> None:
        now, following = 0.003, 0
        while now < until:
            while following < len(arrivals) and arrivals[following][0] <= now:
                at, timestamp = arrivals[following]
                begin = 2 * (timestamp % RATE)
                self.buffer.push(timestamp, sound[begin : begin + 2 * samples], now=at)
                following += 1
            frame = self.buffer.pop(now=now)
            self.voices += frame is not None and frame.kind is FrameKind.VOICE
            self.depths.append(self.buffer.depth)
            now += FRAME

    def settled_after(self, since: float, bound: float) -> float:
        """Seconds after ``since`` until no depth is above ``bound`` any more."""
        above = [index for index, depth in enumerate(self.depths) if depth > bound]
        return max(0.0, (above[-1] + 1) * FRAME - since) if above else 0.0

    def longest_above(self, bound: float) -> float:
        runs = (len(list(run)) for above, run in groupby(self.depths, lambda depth: depth > bound) if above)
        return max(runs, default=0) * FRAME


def near(buffer: JitterBuffer, ptime: int) -> float:
    """The most that waits when the delay is at its target: what is let be, a packet that has just come, a tick."""
    return buffer.config.min_delay + ptime / 1000 + 2.5 * FRAME


@pytest.mark.parametrize("ptime", [10, 20, 30, 60])
@pytest.mark.parametrize("sound", SOUNDS)
def test_a_stall_leaves_no_delay_behind_whatever_the_line_sounds_like(sound: str, ptime: int) -> None:
    line = Line(sound, ptime, Weather(stalls=(Stall(2.0, 0.4),), calm=3.0))
    buffer = line.buffer
    assert max(line.depths) > 0.35
    assert line.settled_after(2.4, near(buffer, ptime)) <= SETTLED + (LONG_PACKETS if ptime > 20 else 0.0)
    assert buffer.late == buffer.dropped == 0
    assert 15 <= buffer.skipped <= 23  # what was too much, in frames, and nothing else
    assert buffer.inserted == 0


stalls = st.builds(Stall, st.floats(0.0, 5.0), st.floats(0.05, 0.9))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SOUNDS)),
    st.sampled_from([10, 20, 30, 40, 60]),
    st.builds(
        Weather,
        stalls=st.lists(stalls, max_size=4).map(tuple),
        jitter=st.sampled_from([0.0, 0.01, 0.04, 0.1, 0.25]),
        loss=st.sampled_from([0.0, 0.02, 0.2]),
        skew=st.floats(-200e-6, 200e-6),
        seed=st.integers(0, 2**32),
    ),
)
def test_after_any_disturbance_the_delay_is_back_at_its_target_and_never_long_above_its_bound(
    sound: str, ptime: int, weather: Weather
) -> None:
    line = Line(sound, ptime, weather)
    buffer, settled = line.buffer, SETTLED + (LONG_PACKETS if ptime > 20 else 0.0)
    assert line.settled_after(weather.calm, near(buffer, ptime)) <= settled + LEARNING
    highest = buffer.config.max_delay + FRAME
    assert line.longest_above(highest) <= settled
    # All that came was played, or is counted: nothing vanishes without a number.
    lost = (buffer.late + buffer.dropped) * ptime / 1000 + buffer.skipped * FRAME + buffer.trimmed / RATE
    assert line.voices * FRAME + lost + buffer.depth >= line.sent / RATE - ptime / 1000 - 2 * FRAME
    # No more is left out than was too much: what the stalls and the jitter held up, and what the clocks differ by.
    held_up = sum(stall.length for stall in weather.stalls) + 10 * weather.jitter + 0.1
    assert buffer.skipped * FRAME <= held_up + buffer.inserted * FRAME


@pytest.mark.parametrize("skew", [-200e-6, 200e-6])
def test_clocks_that_differ_never_build_up_a_delay_on_a_noisy_line(skew: float) -> None:
    line = Line("loud noise", 20, Weather(skew=skew, calm=290.0))
    assert max(line.depths) <= near(line.buffer, 20)
    assert line.buffer.dropped == 0
    assert line.buffer.skipped + line.buffer.inserted + line.buffer.concealed <= 8


def test_a_soft_frame_is_left_out_before_a_loud_one() -> None:
    """A line that is loud but for one frame in five: those are what is left out."""
    buffer, loud, soft = JitterBuffer(), struct.pack("<h", 9000) * 160, struct.pack("<h", 300) * 160
    frames = [soft if index % 5 == 0 else loud for index in range(100)]
    for index in range(20):
        buffer.push(160 * index, frames[index], now=0.0)
    heard = []
    for index in range(20, 100):
        buffer.push(160 * index, frames[index], now=0.02 * (index - 20))
        frame = buffer.pop(now=0.02 * (index - 20) + 0.021)
        heard.append(frame.pcm[-2:] if frame else b"")
    assert buffer.skipped >= 10
    assert heard.count(soft[-2:]) <= 6
    assert heard.count(loud[-2:]) >= 70
