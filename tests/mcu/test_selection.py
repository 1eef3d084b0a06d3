"""Which MCU gets a conference."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu import Candidate, LeastLoaded


def candidate(name: str, legs: int = 0, capacity: int = 10, **more: object) -> Candidate:
    return Candidate(mcu_id=name, mcu_types=("audio-video",), legs=legs, conferences=0, capacity=capacity, **more)  # type: ignore[arg-type]


def select(*candidates: Candidate, exclude: tuple[str, ...] = (), current: str | None = None) -> str | None:
    chosen = LeastLoaded().select(candidates, mcu_type="audio-video", exclude=exclude, current=current)
    return chosen.mcu_id if chosen else None


def test_least_loaded_by_share_of_capacity() -> None:
    assert select(candidate("a", 3, 10), candidate("b", 5, 100)) == "b"


def test_a_conference_stays_where_it_is() -> None:
    assert select(candidate("a", 9), candidate("b", 0), current="a") == "a"
    assert select(candidate("a", 10), candidate("b", 0), current="a") == "a"
    assert select(candidate("a", draining=True), candidate("b"), current="a") == "a"


def test_exclusion_beats_stickiness() -> None:
    assert select(candidate("a"), candidate("b", 9), exclude=("a",), current="a") == "b"
    assert select(candidate("a"), exclude=("a",), current="a") is None


def test_full_and_draining_ones_get_nothing_new() -> None:
    assert select(candidate("a", 10), candidate("b", draining=True), candidate("c", 0, 0)) is None


def test_other_types_are_not_chosen() -> None:
    chat = Candidate(mcu_id="chat", mcu_types=("chat",), legs=0, conferences=0, capacity=10)
    assert select(chat) is None
    assert chat.load == 0.0
    assert candidate("z", 0, 0).load == 1.0


@given(st.permutations([candidate("a", 1), candidate("b", 1), candidate("c", 2)]))
def test_the_choice_does_not_depend_on_the_order(candidates: list[Candidate]) -> None:
    assert select(*candidates) == "a"
