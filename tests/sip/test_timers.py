"""Timers: order, stopping, and a heap that does not fill with stopped ones."""

from hypothesis import given
from hypothesis import strategies as st

from sip.timers import Timers


def test_timers_fire_in_order_of_time_then_of_starting() -> None:
    timers, fired = Timers(), list[str]()
    for name, at in (("c", 2.0), ("a", 1.0), ("b", 1.0), ("d", 3.0)):
        timers.start(at, lambda now, name=name: fired.append(name))
    assert timers.next_timeout() == 1.0
    timers.run(2.0)
    assert fired == ["a", "b", "c"]
    assert timers.next_timeout() == 3.0


def test_a_timer_that_is_stopped_does_not_fire_and_is_not_waited_for() -> None:
    timers, fired = Timers(), list[float]()
    timer = timers.start(1.0, fired.append)
    timers.stop(timer)
    timers.stop(timer)
    timers.stop(None)
    assert timers.next_timeout() is None
    timers.run(5.0)
    assert fired == []
    assert len(timers) == 0


def test_a_timer_started_by_another_fires_in_the_same_run_only_when_due() -> None:
    timers, fired = Timers(), list[str]()

    def first(now: float) -> None:
        fired.append("first")
        timers.start(now, lambda now: fired.append("due"))
        timers.start(now + 1, lambda now: fired.append("later"))

    timers.start(1.0, first)
    timers.run(1.0)
    assert fired == ["first", "due"]


def test_stopped_timers_do_not_pile_up() -> None:
    timers = Timers()
    timers.start(1e9, lambda now: None)
    for number in range(10_000):
        timers.stop(timers.start(1000.0 + number, lambda now: None))
    assert len(timers._heap) < 1000


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=400))
def test_exactly_the_timers_that_were_not_stopped_fire(plan: list[tuple[float, bool]]) -> None:
    timers, fired = Timers(), list[float]()
    started = [(timers.start(at, lambda now, at=at: fired.append(at)), keep) for at, keep in plan]
    for timer, keep in started:
        if not keep:
            timers.stop(timer)
    assert len(timers) == sum(keep for _, keep in plan)
    timers.run(100.0)
    assert fired == sorted(at for at, keep in plan if keep)
    assert timers.next_timeout() is None
