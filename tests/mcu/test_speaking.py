"""Who has the floor and how loud everybody is, for all conferences at once: what one `ActiveSpeaker` and one
`LevelMeter` for each of them say."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu import ActiveSpeaker, LegId, SpeakerSettings
from mcu.audio.level_meter import LevelMeter
from mcu.plane.speaking import Speaking

TICK = 0.02
INTERVAL = 0.06
SETTINGS = SpeakerSettings(hold=0.1, silence=0.2, report_interval=0.06)


class Rooms:
    """The same conferences as arrays and as objects; legs are rows, in the order in which they came."""

    def __init__(self, count: int) -> None:
        self.arrays = Speaking(SETTINGS, INTERVAL)
        self.speakers: list[ActiveSpeaker[LegId]] = [ActiveSpeaker(SETTINGS) for _ in range(count)]
        self.meters: list[LevelMeter[LegId]] = [LevelMeter(INTERVAL) for _ in range(count)]
        for _ in range(count):
            self.arrays.floors.append()
        self.legs: list[tuple[LegId, int]] = []  #: by row, with the conference of each
        self.came = 0
        self.now = 0.0

    def add(self, room: int) -> None:
        self.came += 1
        self.arrays.append()
        self.legs.append((LegId(self.came), room))

    def remove(self, row: int) -> None:
        leg, room = self.legs[row]
        assert self.arrays.forget(room, leg) == self.speakers[room].remove(leg)
        self.meters[room].remove(leg)
        self.arrays.remove(row)
        self.legs[row] = self.legs[-1]
        self.legs.pop()

    def rows_of(self, room: int) -> dict[LegId, int]:
        return {leg: row for row, (leg, where) in enumerate(self.legs) if where == room}

    def through_objects(self) -> None:
        """Give everything to new objects, and take it from these."""
        for room, (before, meter) in enumerate(zip(self.speakers, self.meters, strict=True)):
            speaker, other = ActiveSpeaker[LegId](SETTINGS), LevelMeter[LegId](INTERVAL)
            self.arrays.give(room, self.rows_of(room), speaker, other)
            assert speaker.remembered == before.remembered
            assert list(speaker.remembered.averages) == list(before.remembered.averages)
            assert (other.loudest, other.due, other.said) == (meter.loudest, meter.due, meter.said)
            self.arrays.take(room, self.rows_of(room), speaker, other)

    def tick(self, energies: dict[int, float]) -> None:
        """Energies are by row."""
        self.now += TICK
        order = sorted(energies, key=lambda row: self.legs[row][0])
        rows, loud = np.array(order, dtype=np.intp), np.array([energies[row] for row in order])
        conference = np.array([room for _, room in self.legs], dtype=np.intp)
        legs = np.array([leg for leg, _ in self.legs], dtype=np.int64)
        changed = self.arrays.update(conference, legs, rows, loud, now=self.now)
        told = dict(self.arrays.levels(conference, legs, rows, loud, now=self.now))
        expected, levels = [], {}
        for room, (speaker, meter) in enumerate(zip(self.speakers, self.meters, strict=True)):
            of_room = {self.legs[row][0]: energies[row] for row in order if self.legs[row][1] == room}
            if self.rows_of(room):
                report = meter.update(of_room, now=self.now)
                if report is not None:
                    levels[room] = report
                if speaker.update(of_room, now=self.now):
                    expected.append(room)
            assert self.arrays.current(room) == speaker.current
        assert changed == expected
        assert told == levels


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), rooms=st.integers(1, 4), legs=st.integers(1, 8), ticks=st.integers(1, 150))
def test_arrays_say_what_objects_say(seed: int, rooms: int, legs: int, ticks: int) -> None:
    chance = random.Random(seed)
    both = Rooms(rooms)
    for _ in range(legs):
        both.add(chance.randrange(rooms))
    # Few different levels, each for a while: voices that are equally loud are among them.
    levels = [0.0, 2.0, 1e4, 1e4, 1e6, 1e6, 4e6, 9e6]
    loud: dict[LegId, float] = {}
    for _ in range(ticks):
        for leg, _ in both.legs:
            if chance.random() < 0.1:
                loud[leg] = chance.choice(levels)
        if chance.random() < 0.05:
            both.add(chance.randrange(rooms))
        if chance.random() < 0.05 and len(both.legs) > 1:
            both.remove(chance.randrange(len(both.legs)))
        if chance.random() < 0.1:
            both.through_objects()
        both.tick({row: loud[leg] for row, (leg, _) in enumerate(both.legs) if loud.get(leg)})


def test_who_left_is_in_no_report() -> None:
    both = Rooms(1)
    both.add(0)
    both.add(0)
    both.tick({0: 1e6, 1: 1e6})
    both.remove(0)
    for _ in range(5):
        both.tick({0: 1e6})
