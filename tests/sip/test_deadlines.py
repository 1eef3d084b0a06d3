"""Deadlines of many things, the earliest first."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sip import Deadlines

keys = st.sampled_from("abcdefgh")
times = st.one_of(st.floats(0, 1000, allow_nan=False), st.integers(0, 5).map(float))


class DeadlinesBehaveLikeAPlainDictionary(RuleBasedStateMachine):
    """The model is a dictionary in which what is set anew stands last."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines: Deadlines[str] = Deadlines()
        self.model: dict[str, float] = {}

    @rule(key=keys, at=times)
    def set(self, key: str, at: float) -> None:
        self.deadlines.set(key, at)
        if self.model.get(key) != at:
            self.model.pop(key, None)
        self.model[key] = at

    @rule(key=keys)
    def cancel(self, key: str) -> None:
        self.deadlines.set(key, None)
        self.model.pop(key, None)

    @rule(now=times)
    def expire(self, now: float) -> None:
        due = self.deadlines.pop_due(now)
        expected = sorted((key for key, at in self.model.items() if at <= now), key=self.model.__getitem__)
        assert due == expected
        for key in due:
            del self.model[key]

    @invariant()
    def earliest_is_known(self) -> None:
        assert self.deadlines.first == min(self.model.values(), default=None)
        assert all(self.deadlines.deadline(key) == self.model.get(key) for key in "abcdefgh")


TestDeadlines = DeadlinesBehaveLikeAPlainDictionary.TestCase
TestDeadlines.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_deadline_that_moves_often_takes_no_more_and_more_room() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for at in range(10_000):
        deadlines.set("often", float(at))
    assert len(deadlines._heap) < 100
    assert deadlines.pop_due(9_998.0) == []
    assert deadlines.pop_due(9_999.0) == ["often"]


def test_order_outlives_a_sweep() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for key in ("second", "first"):
        deadlines.set(key, 1.0)
    deadlines.set("second", 2.0)
    deadlines.set("second", 1.0)
    for at in range(200):
        deadlines.set("often", 10.0 + at)
    assert deadlines.pop_due(1.0) == ["first", "second"]
