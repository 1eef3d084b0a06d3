"""Deadlines of many things."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mcu.timers import Timers

keys = st.sampled_from("abcdefgh")
times = st.floats(0, 1000, allow_nan=False)


class TimersBehaveLikeAPlainDictionary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.timers: Timers[str] = Timers()
        self.model: dict[str, float] = {}

    @rule(key=keys, at=times)
    def set(self, key: str, at: float) -> None:
        self.timers.set(key, at)
        self.model[key] = at

    @rule(key=keys)
    def cancel(self, key: str) -> None:
        self.timers.cancel(key)
        self.model.pop(key, None)

    @rule(now=times)
    def expire(self, now: float) -> None:
        due = self.timers.due(now)
        assert sorted(due) == sorted(key for key, at in self.model.items() if at <= now)
        assert [self.model[key] for key in due] == sorted(self.model[key] for key in due)
        for key in due:
            del self.model[key]

    @invariant()
    def earliest_is_known(self) -> None:
        assert self.timers.next() == min(self.model.values(), default=None)
        assert all(self.timers.deadline(key) == self.model.get(key) for key in "abcdefgh")


TestTimers = TimersBehaveLikeAPlainDictionary.TestCase
TestTimers.settings = settings(max_examples=25, stateful_step_count=30)


def test_a_deadline_that_moves_often_takes_no_more_and_more_room() -> None:
    timers: Timers[str] = Timers()
    for number in range(10_000):
        timers.set("a", float(number))
    assert timers.due(9_998.0) == []
    assert timers.due(9_999.0) == ["a"]
