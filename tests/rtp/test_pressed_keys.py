"""A key that comes in RTP and in an INFO is pressed once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtp import KeyWay, PressedKeys

WAYS = tuple(KeyWay)


@given(
    keys=st.lists(st.tuples(st.sampled_from("0123#"), st.floats(0.05, 0.5)), max_size=30),
    late=st.floats(0.0, 2.0),
    first=st.sampled_from(WAYS),
)
def test_whatever_is_pressed_is_heard_once_and_in_order(
    keys: list[tuple[str, float]], late: float, first: KeyWay
) -> None:
    second = next(way for way in WAYS if way is not first)
    coming, now = list[tuple[float, int, str, KeyWay]](), 0.0
    for number, (digit, pause) in enumerate(keys):
        now += pause
        coming += [(now, number, digit, first), (now + late, number, digit, second)]
    pressed = PressedKeys()
    heard = [
        digit for at, _, digit, way in sorted(coming, key=lambda one: one[:2]) if pressed.is_press(digit, way, now=at)
    ]
    assert heard == [digit for digit, _ in keys]


@given(keys=st.lists(st.sampled_from("012"), max_size=60), way=st.sampled_from(WAYS))
def test_who_tells_keys_in_one_way_is_heard_each_time(keys: list[str], way: KeyWay) -> None:
    pressed = PressedKeys()
    assert all(pressed.is_press(digit, way, now=0.1 * number) for number, digit in enumerate(keys))


def test_the_same_key_much_later_in_the_other_way_is_another_press() -> None:
    pressed = PressedKeys()
    assert pressed.is_press("1", KeyWay.RTP, now=0.0)
    assert pressed.is_press("1", KeyWay.INFO, now=60.0)
