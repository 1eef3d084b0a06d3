"""How many legs one core mixes in real time.

Each leg sends and gets G.711 in packets of 20 ms through its own RTP stream, jitter buffer and RTCP. The same
conference is also mixed in the obvious way, where every leg gets a sum of its own that is encoded for it alone,
so that one can see what sharing one frame among the listeners is worth.

Run: python benchmarks/mcu_mixer.py [--legs 10 50 250] [--seconds 4]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from mcu import LegId, Mixer, MixerSettings
from mcu.plane.arrivals import Arrived
from mcu.plane.line import Sent
from mcu.plane.plane import MediaPlane
from rtp import Capabilities, MediaStream, RtpSender, answer, negotiate, offer, ulaw_encode

FRAME = 0.02
TALKERS = 3


def stream(number: int) -> MediaStream:
    """A leg that agreed on mu-law with a phone at 192.0.2.x."""
    offered = offer(Capabilities(), "192.0.2.1", 40000 + 2 * number)
    answered = answer(offered, Capabilities(), "192.0.2.9", 10000 + 2 * number)
    audio = negotiate(offered, answered).audio
    assert audio is not None
    return MediaStream(
        audio, ssrc=1 + number, sequence_number=0, timestamp=0, cname="bench", uniform=lambda: 0.5, now=0.0
    )


def sound(talking: bool, seed: int) -> bytes:
    """One frame of a voice, or of a quiet room."""
    level = 6000 if talking else 20
    noise = np.random.default_rng(seed).integers(-level, level, 160)
    return ulaw_encode(noise.astype("<i2").tobytes())


class Conference:
    """Legs of which three talk, and the packets that their phones send."""

    def __init__(self, legs: int) -> None:
        self.plane = MediaPlane(MixerSettings())
        conference = self.plane.open("sip:bench@example.com")
        self.streams = [stream(number) for number in range(legs)]
        self.phones = [RtpSender(ssrc=5000 + number, sequence_number=0, timestamp=0) for number in range(legs)]
        self.payloads = [sound(number < TALKERS, number) for number in range(legs)]
        for number, each in enumerate(self.streams):
            conference.add(LegId(number), each)

    def send(self, now: float) -> list[Arrived]:
        """What the phones send in one frame."""
        batch: list[Arrived] = []
        for number, phone in enumerate(self.phones):
            data = phone.packet(self.payloads[number], 0, now=now)
            phone.advance(160)
            batch.append((LegId(number), "rtp", data, ("192.0.2.9", 10000 + 2 * number), now))
        return batch

    def arrive(self, batch: list[Arrived]) -> None:
        self.plane.receive(batch, lambda leg, events, at: None)

    def tick(self, now: float) -> None:
        out: list[Sent] = []
        self.plane.tick(now, out)
        for line in self.plane.due(now):
            self.plane.timeout(line, now)


class Obvious(Conference):
    """Every leg gets its own sum, clipped and encoded for it."""

    def arrive(self, batch: list[Arrived]) -> None:
        for number, kind, data, source, at in batch:
            self.streams[number].receive(kind, data, source, now=at)

    def tick(self, now: float) -> None:
        frames = [each.pop_frame(now=now) or bytes(320) for each in self.streams]
        matrix = np.frombuffer(b"".join(frames), dtype="<i2").reshape(len(frames), 160).astype(np.int32)
        total = matrix.sum(axis=0)
        for row, each in enumerate(self.streams):
            pcm = np.clip(total - matrix[row], -32768, 32767).astype("<i2").tobytes()
            each.send_frame(pcm, now=now)


def measure(make: Callable[[int], Conference], legs: int, seconds: float) -> tuple[float, float]:
    """CPU milliseconds a tick: mixing alone, and with the packets of the phones taken in."""
    conference = make(legs)
    mixing = taking = 0.0
    ticks = round(seconds / FRAME)
    for number in range(ticks):
        now = number * FRAME
        batch = conference.send(now)
        start = time.process_time()
        conference.arrive(batch)
        middle = time.process_time()
        conference.tick(now + FRAME)
        taking += middle - start
        mixing += time.process_time() - middle
    return 1000 * mixing / ticks, 1000 * (mixing + taking) / ticks


def mixer_alone(legs: int, seconds: float) -> float:
    """CPU milliseconds a tick of ``Mixer`` with nothing around it."""
    mixer: Mixer[int] = Mixer()
    pcm = [(np.ones(160, dtype="<i2") * (3000 if number < TALKERS else 5)).tobytes() for number in range(legs)]
    for number in range(legs):
        mixer.add(number)
    frames: dict[int, bytes | None] = dict(enumerate(pcm))
    ticks = round(seconds / FRAME)
    start = time.process_time()
    for _ in range(ticks):
        mix = mixer.mix(frames)
        for number in range(legs):
            mix.frame(number)
    return 1000 * (time.process_time() - start) / ticks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--legs", type=int, nargs="+", default=[10, 50, 250])
    parser.add_argument("--seconds", type=float, default=4.0, help="of conference for each row")
    options = parser.parse_args()
    print(f"{TALKERS} talkers, G.711, 20 ms; CPU time of one core")
    print(f"{'legs':>5} {'what':<24} {'ms/tick':>8} {'real-time factor':>17} {'legs a core':>12}")
    for legs in options.legs:
        rows = [("Mixer alone", mixer_alone(legs, options.seconds))]
        for name, make in (("this MCU", Conference), ("a sum for each leg", Obvious)):
            rows.append((name, measure(make, legs, options.seconds)[1]))
        for name, spent in rows:
            factor = 1000 * FRAME / spent
            print(f"{legs:>5} {name:<24} {spent:>8.3f} {factor:>16.1f}x {int(legs * factor):>12}")


if __name__ == "__main__":
    main()
