"""Timers: order, stopping, and a heap that does not fill with stopped ones."""

from hypothesis import given
from hypothesis import strategies as st

from sip.timers import Queue, Timers


class Guest:
    """Waits in a queue, and perhaps queues again when its time is over."""

    def __init__(self, name: str, log: list[tuple[str, float]], *, queue: Queue | None = None) -> None:
        self.name, self.log, self.queue = name, log, queue

    def waited(self, now: float) -> None:
        self.log.append((self.name, now))
        if self.queue is not None:
            queue, self.queue = self.queue, None
            queue.add(self, now)


def test_timers_fire_in_order_of_time_then_of_starting() -> None:
    timers, fired = Timers(), list[str]()
    for name, at in (("c", 2.0), ("a", 1.0), ("b", 1.0), ("d", 3.0)):
        timers.start(at, lambda now, name=name: fired.append(name))
    assert timers.first == 1.0
    timers.run(2.0)
    assert fired == ["a", "b", "c"]
    assert timers.first == 3.0


def test_a_timer_that_is_stopped_does_not_fire_and_is_not_waited_for() -> None:
    timers, fired = Timers(), list[float]()
    timer = timers.start(1.0, fired.append)
    timers.stop(timer)
    timers.stop(timer)
    timers.stop(None)
    assert timers.first is None
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
    assert timers.first is None


def test_all_in_a_queue_wait_equally_long_and_share_one_timer() -> None:
    timers, log = Timers(), list[tuple[str, float]]()
    queue = Queue(timers, 32.0)
    for number, at in enumerate((0.0, 0.5, 0.5, 2.0)):
        queue.add(Guest(str(number), log), at)
    assert len(timers) == 1
    while (due := timers.first) is not None:
        timers.run(due)
    assert log == [("0", 32.0), ("1", 32.5), ("2", 32.5), ("3", 34.0)]
    assert len(timers) == 0


def test_a_queue_takes_more_while_it_is_emptied() -> None:
    timers, log = Timers(), list[tuple[str, float]]()
    queue = Queue(timers, 5.0)
    queue.add(Guest("again", log, queue=queue), 0.0)
    timers.run(7.0)
    assert (log, len(timers), timers.first) == ([("again", 7.0)], 1, 12.0)
    timers.run(12.0)
    assert (log[1:], len(timers)) == ([("again", 12.0)], 0)


def test_a_late_driver_empties_the_queue_in_one_run() -> None:
    timers, log = Timers(), list[tuple[str, float]]()
    queue = Queue(timers, 1.0)
    for number in range(3):
        queue.add(Guest(str(number), log), float(number))
    timers.run(100.0)
    assert [name for name, _ in log] == ["0", "1", "2"]
    assert timers.first is None


def test_what_ends_within_a_moment_ends_together() -> None:
    timers, log = Timers(), list[tuple[str, float]]()
    queue = Queue(timers, 1.0)
    for number in range(1000):
        queue.add(Guest(str(number), log), number / 1000)
    wakes = 0
    while (due := timers.first) is not None:
        timers.run(due)
        wakes += 1
    assert wakes <= 21
    assert all(0 <= now - 1.0 - int(name) / 1000 <= 0.051 for name, now in log)
    assert [int(name) for name, _ in log] == list(range(1000))
