"""Who has the floor in each conference, and how loud everybody is: what `mcu.ActiveSpeaker` and a `LevelMeter` do for
one conference, for all of them at once.

A property of the tests gives both the same levels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from mcu.audio.active_speaker import ActiveSpeaker, SpeakerSettings, energy_of_level
from mcu.audio.level_meter import LevelMeter, level_of_energy
from mcu.events import LegId
from mcu.plane.columns import Columns, Flags, Real, Rows, Whole, np

_NOBODY = -1


class Floors(Columns):
    """What is remembered of each conference."""

    FRESH: ClassVar[dict[str, tuple[Any, Any, tuple[int, ...]]]] = {
        "current": (np.int64, _NOBODY, ()),
        "challenger": (np.int64, _NOBODY, ()),
        "ticks": (np.int64, 0, ()),
        "changed_at": (np.float64, -np.inf, ()),
        "last_heard": (np.float64, -np.inf, ()),
        "due": (np.float64, np.nan, ()),
        "said": (np.bool_, False, ()),
    }
    current: Whole  #: the leg that has the floor
    challenger: Whole  #: the one that may have it soon
    ticks: Whole  #: how long it has been that one
    changed_at: Real
    last_heard: Real
    due: Real  #: when levels are told, no number before the first tick
    said: Flags  #: whether the last report named anybody


class Speaking(Columns):
    """What is remembered of each leg; rows are those of the plane."""

    FRESH: ClassVar[dict[str, tuple[Any, Any, tuple[int, ...]]]] = {
        "average": (np.float64, 0.0, ()),
        "since": (np.int64, 0, ()),
        "loudest": (np.float64, 0.0, ()),
    }
    average: Real  #: 0.0 for who is not heard
    since: Whole  #: in which order they were heard: among equals the first is first
    loudest: Real  #: frame since the last report

    def __init__(self, settings: SpeakerSettings, level_interval: float | None) -> None:
        super().__init__()
        self.floors = Floors()
        self._settings, self._interval = settings, level_interval
        self._floor = energy_of_level(settings.floor)
        self._ratio = math.pow(10.0, settings.margin / 10.0)
        self._heard = 0

    # Between arrays and objects --------------------------------------------------------------------------------------

    def take(
        self, index: int, rows: Mapping[LegId, int], speaker: ActiveSpeaker[LegId], meter: LevelMeter[LegId] | None
    ) -> None:
        """Go on with what a speaker and a meter remembered of one conference."""
        state, floors = speaker.remembered, self.floors
        floors.current[index] = _NOBODY if state.current is None else state.current
        floors.challenger[index] = _NOBODY if state.challenger is None else state.challenger
        floors.ticks[index] = state.challenger_ticks
        floors.changed_at[index], floors.last_heard[index] = state.changed_at, state.last_heard
        places = list(rows.values())
        self.average[places] = self.loudest[places] = 0.0
        for leg, average in state.averages.items():
            self.average[rows[leg]], self.since[rows[leg]] = average, self._heard
            self._heard += 1
        if meter is not None:
            floors.due[index], floors.said[index] = np.nan if meter.due is None else meter.due, meter.said
            for leg, energy in meter.loudest.items():
                self.loudest[rows[leg]] = energy

    def give(
        self, index: int, rows: Mapping[LegId, int], speaker: ActiveSpeaker[LegId], meter: LevelMeter[LegId] | None
    ) -> None:
        """Let them go on with it."""
        state, floors = speaker.remembered, self.floors
        state.current = self.current(index)
        challenger = int(floors.challenger[index])
        state.challenger = None if challenger == _NOBODY else LegId(challenger)
        state.challenger_ticks = int(floors.ticks[index])
        state.changed_at, state.last_heard = float(floors.changed_at[index]), float(floors.last_heard[index])
        heard = sorted((int(self.since[row]), leg, row) for leg, row in rows.items() if self.average[row])
        state.averages = {leg: float(self.average[row]) for _, leg, row in heard}
        if meter is not None:
            due = float(floors.due[index])
            meter.due, meter.said = None if math.isnan(due) else due, bool(floors.said[index])
            meter.loudest = {leg: float(self.loudest[row]) for leg, row in rows.items() if self.loudest[row]}

    # What an observer may ask ----------------------------------------------------------------------------------------

    def current(self, index: int) -> LegId | None:
        """Who has the floor in one conference."""
        leg = int(self.floors.current[index])
        return None if leg == _NOBODY else LegId(leg)

    def forget(self, index: int, leg: LegId) -> bool:
        """A leg leaves a conference; true when it had the floor."""
        floors = self.floors
        if floors.challenger[index] == leg:
            floors.challenger[index], floors.ticks[index] = _NOBODY, 0
        if floors.current[index] != leg:
            return False
        floors.current[index] = _NOBODY
        return True

    # Ticks -----------------------------------------------------------------------------------------------------------

    def update(self, conference: Rows, legs: Whole, rows: Rows, energies: Real, *, now: float) -> list[int]:
        """Take in one tick: of each row its conference and its leg, and the mean square of those ``rows`` that talk, in
        the order in which they came. The conferences where the floor went to another, or to nobody."""
        settings, floors = self._settings, self.floors
        average = self._average(rows, energies)
        count = floors.size
        current, challenger = floors.current[:count], floors.challenger[:count]
        changed_at, last_heard = floors.changed_at[:count], floors.last_heard[:count]
        held = np.zeros(count)
        holds = legs == current[conference]
        held[conference[holds]] = average[holds]
        spoken = current != _NOBODY
        last_heard[spoken & (held >= self._floor)] = now
        candidate = self._candidates(conference, legs, np.maximum(self._floor, held * self._ratio), ~holds)
        any_candidate = candidate != _NOBODY
        ticks = np.where(any_candidate, np.where(candidate == challenger, floors.ticks[:count], 0) + 1, 0)
        wait = np.where(spoken, max(settings.hold, settings.report_interval), settings.report_interval)
        takes = any_candidate & (ticks >= settings.confirm_ticks) & (now - changed_at >= wait)
        changed = takes | (spoken & ~takes & (now - last_heard >= settings.silence))
        current[changed] = np.where(takes, candidate, _NOBODY)[changed]
        changed_at[changed] = last_heard[changed] = now
        challenger[:] = np.where(changed, _NOBODY, candidate)
        floors.ticks[:count] = np.where(changed, 0, ticks)
        found: list[int] = np.nonzero(changed)[0].tolist()
        return found

    def _average(self, rows: Rows, energies: Real) -> Real:
        settings = self._settings
        average = self.average[: self.size]
        before = average[rows]
        average *= 1.0 - settings.decay
        weight = np.where(energies > before, settings.attack, settings.decay)
        average[rows] = before + weight * (energies - before)
        average[average < self._floor / 100.0] = 0.0
        new = rows[before == 0.0]
        self.since[new] = self._heard + np.arange(len(new))
        self._heard += len(new)
        return average

    def _candidates(self, conference: Rows, legs: Whole, bar: Real, others: Flags) -> Whole:
        """The loudest of each conference who is louder than the bar, and has not got the floor."""
        candidate = np.full(self.floors.size, _NOBODY)
        average = self.average[: self.size]
        able = np.nonzero((average > bar[conference]) & others)[0]
        if len(able):
            # The last one that is written is the loudest, and among equals the first.
            able = able[np.lexsort((-self.since[able], average[able]))]
            candidate[conference[able]] = legs[able]
        return candidate

    def levels(
        self, conference: Rows, legs: Whole, rows: Rows, energies: Real, *, now: float
    ) -> Iterable[tuple[int, dict[LegId, int]]]:
        """Take in one tick: conferences whose levels are due, and the levels."""
        if self._interval is None:
            return
        floors, count = self.floors, self.floors.size
        due, loudest = floors.due[:count], self.loudest[: self.size]
        loudest[rows] = np.maximum(loudest[rows], energies)
        inhabited = np.bincount(conference, minlength=count) > 0
        ready = inhabited & (due <= now)
        due[ready | (inhabited & np.isnan(due))] = now + self._interval
        if not ready.any():
            return
        told: dict[int, dict[LegId, int]] = {index: {} for index in np.nonzero(ready)[0].tolist()}
        loud = np.nonzero(ready[conference] & (loudest > 0.0))[0]
        entries = zip(conference[loud].tolist(), legs[loud].tolist(), loudest[loud].tolist(), strict=True)
        for index, leg, energy in entries:
            told[index][LegId(leg)] = level_of_energy(energy)
        loudest[loud] = 0.0
        for index, levels in told.items():
            before, floors.said[index] = bool(floors.said[index]), bool(levels)
            if levels or before:
                yield index, levels
