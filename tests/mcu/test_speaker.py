"""Who has the floor."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu import ActiveSpeaker
from mcu.audio.active_speaker import energy_of_level

LOUD, SOFT, NOISE = energy_of_level(-20), energy_of_level(-30), energy_of_level(-60)


class Room:
    """Ticks of 20 ms for one detector."""

    def __init__(self) -> None:
        self.speaker: ActiveSpeaker[str] = ActiveSpeaker()
        self.now = 100.0
        self.changes: list[tuple[float, str | None]] = []

    def hear(self, seconds: float, **energies: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            if self.speaker.update(energies, now=self.now):
                self.changes.append((self.now, self.speaker.current))

    @property
    def names(self) -> list[str | None]:
        return [name for _, name in self.changes]


def test_the_first_voice_takes_the_floor_after_three_ticks() -> None:
    room = Room()
    room.hear(0.04, a=LOUD)
    assert room.names == []
    room.hear(0.02, a=LOUD)
    assert room.names == ["a"]


def test_noise_below_the_floor_is_nobody() -> None:
    room = Room()
    room.hear(5.0, a=NOISE)
    assert room.names == []


def test_a_challenger_must_be_six_decibels_louder() -> None:
    room = Room()
    room.hear(1.0, a=LOUD)
    room.hear(2.0, a=LOUD, b=energy_of_level(-15))
    assert room.names == ["a"]
    room.hear(1.0, a=LOUD, b=energy_of_level(-13))
    assert room.names == ["a", "b"]


def test_a_speaker_keeps_the_floor_for_three_tenths_of_a_second() -> None:
    room = Room()
    room.hear(0.06, a=SOFT)
    room.hear(1.0, a=SOFT, b=LOUD)
    (first, _), (second, _) = room.changes
    assert 0.3 <= round(second - first, 6) <= 0.32


def test_after_two_seconds_of_silence_nobody_speaks() -> None:
    room = Room()
    room.hear(1.0, a=LOUD)
    room.hear(6.0)
    assert room.names == ["a", None]
    assert room.speaker.current is None


def test_a_leg_that_leaves_gives_the_floor_back() -> None:
    room = Room()
    room.hear(1.0, a=LOUD)
    assert room.speaker.remove("a")
    assert room.speaker.current is None
    assert not room.speaker.remove("b")


def test_a_challenger_that_leaves_is_forgotten() -> None:
    room = Room()
    room.hear(1.0, a=SOFT)
    room.hear(0.04, a=SOFT, b=LOUD)
    room.speaker.remove("b")
    room.hear(1.0, a=SOFT)
    assert room.names == ["a"]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([LOUD, SOFT, NOISE])), max_size=60))
def test_changes_are_never_closer_than_two_tenths_of_a_second(voices: list[tuple[str, float]]) -> None:
    room = Room()
    for name, energy in voices:
        room.hear(0.1, **{name: energy})
    times = [at for at, _ in room.changes]
    assert all(after - before >= 0.2 - 1e-9 for before, after in pairwise(times))
