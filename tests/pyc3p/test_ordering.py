"""Records of several processes in order."""

from hypothesis import given
from hypothesis import strategies as st

from pyc3p import Record
from pyc3p.trace.ordering import HOLD, MOST_HELD, InOrder


def record(at: float) -> Record:
    return Record(
        at=at, layer="sip", transport="UDP", source=("192.0.2.1", 5060), destination=("192.0.2.2", 5060), data=b""
    )


@given(st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.0, HOLD * 0.99))))
def test_what_comes_a_little_late_stands_where_it_belongs(times: list[tuple[float, float]]) -> None:
    given_to, expected = [], sorted(at for at, _ in times)
    ordered = InOrder(lambda each: given_to.append(each.at))
    for at, _ in sorted(times, key=lambda each: each[0] + each[1]):  # by the time at which they get here
        ordered(record(at))
    ordered.flush()
    assert given_to == expected


def test_no_more_is_held_than_there_is_room_for() -> None:
    given_to: list[float] = []
    ordered = InOrder(lambda each: given_to.append(each.at))
    for _ in range(MOST_HELD + 5):
        ordered(record(1.0))
    assert len(given_to) == 5
