"""Packets leave at the distances that were agreed."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import Capabilities, MediaStream, MediaStreamConfig, Outgoing, RtpPacket, answer, negotiate, offer
from rtp.stream.pacing import Pacer

FRAME = 0.02
US, PEER = ("192.0.2.1", 4000), ("192.0.2.2", 5000)
SOUND = b"\x10\x20" * 160


def stream(ptime: int, maxptime: int | None = 200) -> MediaStream:
    offered = offer(Capabilities(), *US)
    audio = negotiate(offered, answer(offered, Capabilities(ptime=ptime, maxptime=maxptime), *PEER)).audio
    assert audio
    config = MediaStreamConfig(unproven=None)  # nothing comes from the peer here
    return MediaStream(
        audio, ssrc=1, sequence_number=1, timestamp=0, cname="us", uniform=lambda: 0.5, now=0.0, config=config
    )


class Clock:
    """Drives a leg: a frame every 20 ms, and in between whatever it asks for."""

    def __init__(self, leg: MediaStream) -> None:
        self.leg, self.frames = leg, 0
        self.sent: list[tuple[float, RtpPacket]] = []

    def run(self, frames: int, *, sound: bytes | None = SOUND, late: float = 0.0) -> None:
        for _ in range(frames):
            now = self.frames * FRAME + late
            self._keep(self.leg.send_frame(sound, now=now), now)
            self.frames += 1
            while (at := self.leg.next_timeout()) is not None and at < self.frames * FRAME - 1e-9:
                self.leg.handle_timeout(now=at)
                self._keep(self.leg.data_to_send(), at)

    def _keep(self, out: list[Outgoing], now: float) -> None:
        self.sent += [(now, RtpPacket.parse(data)) for kind, data, _ in out if kind == "rtp"]


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 50, 60])
def test_packets_are_whole_and_evenly_spaced(ptime: int) -> None:
    clock = Clock(stream(ptime))
    clock.run(300)
    assert len(clock.sent) == pytest.approx(6000 / ptime, abs=2)
    assert {len(packet.payload) for _, packet in clock.sent} == {8 * ptime}
    distances = [round(1000 * (after[0] - before[0])) for before, after in pairwise(clock.sent)]
    assert set(distances) == {ptime}
    steps = {after[1].timestamp - before[1].timestamp for before, after in pairwise(clock.sent)}
    assert steps == {8 * ptime}
    assert [packet.marker for _, packet in clock.sent] == [True] + [False] * (len(clock.sent) - 1)


@pytest.mark.parametrize(("ptime", "maxptime", "expected"), [(20, 10, 10), (60, 30, 30), (25, 200, 20), (20, None, 20)])
def test_the_longest_packet_of_the_peer_is_respected(ptime: int, maxptime: int | None, expected: int) -> None:
    clock = Clock(stream(ptime, maxptime))
    clock.run(20)
    assert {len(packet.payload) for _, packet in clock.sent} == {8 * expected}


@pytest.mark.parametrize("ptime", [10, 30])
def test_a_late_frame_delays_none_of_the_next(ptime: int) -> None:
    clock = Clock(stream(ptime))
    clock.run(10)
    clock.run(1, late=0.018)
    clock.run(50)
    made = {packet.sequence_number: at for at, packet in clock.sent}
    smooth = Clock(stream(ptime))
    smooth.run(61)
    for at, packet in smooth.sent[-30:-10]:
        assert made[packet.sequence_number] <= at + FRAME


@pytest.mark.parametrize("ptime", [10, 30])
def test_keys_are_not_overtaken_by_sound_that_waits(ptime: int) -> None:
    clock = Clock(stream(ptime))
    clock.run(7)
    clock.leg.send_dtmf("12")
    clock.run(40)
    numbers = [packet.sequence_number for _, packet in clock.sent]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sum(packet.payload_type == 101 for _, packet in clock.sent) == 14


def test_noise_and_silence_let_go_of_what_waits() -> None:
    clock = Clock(stream(10))
    clock.run(3)
    clock.leg.send_noise(50, now=0.06)
    assert clock.leg.next_departure is None


def test_a_hold_drops_what_waits() -> None:
    leg = stream(10)
    leg.send_frame(SOUND, now=0.0)
    assert leg.next_departure == pytest.approx(0.01)
    assert leg.paced
    leg.switch_off(now=0.005)
    assert leg.next_departure is None
    assert leg.send_frame(SOUND, now=0.02) == []
    leg.update(attrs.evolve(stream(20).agreement), now=0.03)
    assert not leg.paced
    assert leg.departures(now=1.0) == []


@given(
    st.sampled_from([0.01, 0.03, 0.05]),
    st.lists(st.tuples(st.floats(0.0, 0.05), st.integers(0, 3), st.booleans()), max_size=30),
)
def test_no_packet_is_lost_overtaken_or_held_for_longer_than_a_frame(
    interval: float, calls: list[tuple[float, int, bool]]
) -> None:
    pacer: Pacer[tuple[int, float]] = Pacer(interval=interval, frame=FRAME)
    now, made, left = 0.0, 0, []
    for step, count, even in [*calls, (1.0, 0, True)]:
        now += step
        packets = [(made + index, now) for index in range(count)]
        made += count
        while (at := pacer.next_departure()) is not None and at < now:
            left += [(packet, at) for packet in pacer.due(now=at)]
        left += [(packet, now) for packet in pacer.pace(packets, even=even, now=now)]
    assert [number for (number, _), _ in left] == list(range(made))
    assert all(-1e-6 <= at - ready <= FRAME + 1e-6 for (_, ready), at in left)
