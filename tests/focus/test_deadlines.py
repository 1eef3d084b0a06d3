"""The earliest of many deadlines."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from focus.deadlines import Deadlines

steps = st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 50).map(float))))


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 50))
def test_it_knows_the_earliest_and_gives_each_key_once(given_steps: list[tuple[int, float | None]], now: int) -> None:
    deadlines: Deadlines[int] = Deadlines()
    expected: dict[int, float] = {}
    for key, due in given_steps:
        deadlines.set(key, due)
        if due is None:
            expected.pop(key, None)
        else:
            expected[key] = due
        assert deadlines.earliest() == min(expected.values(), default=None)
    assert sorted(deadlines.pop_due(now)) == sorted(key for key, due in expected.items() if due <= now)
    later = [due for due in expected.values() if due > now]
    assert deadlines.earliest() == min(later, default=None)


def test_what_is_set_again_and_again_does_not_pile_up() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for at in range(10_000):
        deadlines.set("one", float(at))
    assert len(deadlines._heap) < 100
    assert deadlines.earliest() == 9_999.0
