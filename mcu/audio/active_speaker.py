"""Who is speaking, from the level of each leg."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

import attrs

from sip import Shown, checks_types

Leg = TypeVar("Leg", bound=Hashable)

FULL_SCALE: float = 32767.0


def energy_of_level(dbov: float) -> float:
    """Mean square of a signal at ``dbov`` decibels relative to full scale (0 is the loudest)."""
    return FULL_SCALE**2 * math.pow(10.0, dbov / 10.0)


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class SpeakerSettings(Shown):
    """Numbers of the simple algorithm; ticks are 20 ms."""

    attack: float = 0.5  #: weight of a louder frame in the average: speech shows at once
    decay: float = 0.1  #: weight of a quieter frame: gaps between words do not count
    floor: float = -50.0  #: dBov below which nobody speaks
    margin: float = 6.0  #: dB by which a challenger must beat the speaker
    confirm_ticks: int = 3  #: ticks in a row it must do so, so that a cough does not take over
    hold: float = 0.3  #: seconds a speaker keeps the floor at least
    silence: float = 2.0  #: seconds below the floor after which nobody is the speaker
    report_interval: float = 0.2  #: seconds between two changes at least: roster traffic is bounded


@attrs.define
class SpeakerState(Generic[Leg]):
    """What is remembered between two ticks."""

    averages: dict[Leg, float] = attrs.Factory(dict)  #: mean squares of who is heard, in the order in which they began
    current: Leg | None = None  #: who speaks
    challenger: Leg | None = None  #: who may be the speaker soon
    challenger_ticks: int = 0  #: how long it has been that one
    changed_at: float = -math.inf
    last_heard: float = -math.inf  #: when the speaker was


class ActiveSpeaker(Generic[Leg]):
    """Follows the levels of one conference and names the current speaker.

    Feed it once a tick with the mean square of each leg that was heard; legs left out count as silent.
    """

    def __init__(self, settings: SpeakerSettings | None = None) -> None:
        self._settings = settings or SpeakerSettings()
        self._floor = energy_of_level(self._settings.floor)
        self._ratio = math.pow(10.0, self._settings.margin / 10.0)
        self.remembered: SpeakerState[Leg] = SpeakerState()  #: between two ticks

    @property
    def current(self) -> Leg | None:
        """Who speaks."""
        return self.remembered.current

    def update(self, energies: Mapping[Leg, float], *, now: float) -> bool:
        """Take the levels of one tick; true when ``current`` changed."""
        state = self.remembered
        self._average(energies)
        if state.current is not None and state.averages.get(state.current, 0.0) >= self._floor:
            state.last_heard = now
        candidate = self._loudest_challenger()
        self._count(candidate)
        if candidate is not None and self._may_take_over(now):
            self._switch(candidate, now)
            return True
        if state.current is not None and now - state.last_heard >= self._settings.silence:
            self._switch(None, now)
            return True
        return False

    def remove(self, leg: Leg) -> bool:
        """Forget a leg that is gone or muted; true when it was the speaker."""
        state = self.remembered
        state.averages.pop(leg, None)
        if state.challenger == leg:
            state.challenger, state.challenger_ticks = None, 0
        if state.current != leg:
            return False
        state.current = None
        return True

    def _average(self, energies: Mapping[Leg, float]) -> None:
        settings, averages = self._settings, self.remembered.averages
        for leg, average in averages.items():
            if leg not in energies:
                averages[leg] = average * (1.0 - settings.decay)
        for leg, energy in energies.items():
            average = averages.get(leg, 0.0)
            weight = settings.attack if energy > average else settings.decay
            averages[leg] = average + weight * (energy - average)
        # A leg far below the floor is the same as one never heard.
        for leg in [leg for leg, average in averages.items() if average < self._floor / 100.0]:
            del averages[leg]

    def _loudest_challenger(self) -> Leg | None:
        state = self.remembered
        held = state.averages.get(state.current, 0.0) if state.current is not None else 0.0
        best: Leg | None = None
        best_average = max(self._floor, held * self._ratio)
        for leg, average in state.averages.items():
            if leg != state.current and average > best_average:
                best, best_average = leg, average
        return best

    def _count(self, candidate: Leg | None) -> None:
        state = self.remembered
        if candidate is None or candidate != state.challenger:
            state.challenger, state.challenger_ticks = candidate, 0
        if candidate is not None:
            state.challenger_ticks += 1

    def _may_take_over(self, now: float) -> bool:
        settings, state = self._settings, self.remembered
        wait = settings.hold if state.current is not None else settings.report_interval
        return state.challenger_ticks >= settings.confirm_ticks and now - state.changed_at >= max(
            wait, settings.report_interval
        )

    def _switch(self, leg: Leg | None, now: float) -> None:
        state = self.remembered
        state.current = leg
        state.changed_at = state.last_heard = now
        state.challenger, state.challenger_ticks = None, 0
