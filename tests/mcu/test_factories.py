"""Several MCU Factories that share a store answer alike: each hears from it what the others have written there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu import is_factory_place
from sip import Piece, StateUnreadable, write_piece
from tests.mcu.test_factory import Farm

MCUS = ("one", "two", "three")


class Group:
    """Factories of which each knows the same MCUs, and a store that tells the others what one writes."""

    def __init__(self, count: int = 3, **settings: object) -> None:
        self.farms = [Farm(**settings) for _ in range(count)]
        self.store: dict[str, Piece] = {}
        for farm in self.farms:
            for mcu_id in MCUS:
                farm.announce(mcu_id, legs=0)
            farm.factory.take_pieces()

    def write(self, farm: Farm, *, told: bool = True) -> list[Piece]:
        """Write what one has changed, and let the others hear of it."""
        places = [piece for piece in farm.factory.take_pieces() if is_factory_place(piece)]
        for piece in places:
            if piece.value is None:
                self.store.pop(piece.key, None)
            else:
                self.store[piece.key] = piece
        for other in self.farms if told else ():
            if other is not farm:
                assert other.factory.learn(places) == []
        return places


def test_another_factory_gives_a_conference_to_the_mcu_that_has_it() -> None:
    group = Group()
    first, second, third = group.farms
    assert first.chosen(1, exclude=("one", "three")) == "two"
    group.write(first)
    assert second.chosen(1) == third.chosen(1) == "two"
    assert second.chosen(1, exclude=("two",)) in ("one", "three")


def test_what_another_factory_gave_counts_as_load() -> None:
    group = Group()
    given_to = []
    for number in range(6):
        farm = group.farms[number % 3]
        given_to.append(farm.chosen(number))
        group.write(farm)
    assert sorted(given_to) == sorted(MCUS * 2)  # type: ignore[type-var]


def test_what_was_learned_is_not_written_again() -> None:
    group = Group(2)
    first, second = group.farms
    first.chosen(1)
    assert len(group.write(first)) == 1
    assert second.chosen(1) is not None
    assert group.write(second) == []


def test_what_is_not_yet_written_is_not_undone_by_what_is_heard() -> None:
    group = Group(2)
    first, second = group.farms
    first.chosen(1, exclude=("one", "two"))
    (heard,) = (piece for piece in first.factory.take_pieces() if is_factory_place(piece))
    assert second.chosen(1, exclude=("one", "three")) == "two"
    second.factory.learn([heard])
    assert second.chosen(1) == "two"
    assert [piece.key for piece in group.write(second)] == [heard.key]


def test_a_store_that_came_back_empty_gets_everything_again() -> None:
    group = Group(2)
    first, second = group.farms
    before = {number: group.farms[number % 2].chosen(number) for number in range(4)}
    group.write(first)
    group.write(second)
    group.store.clear()
    for farm in group.farms:
        farm.factory.learn(list(group.store.values()), whole=True)
        group.write(farm)
    assert len(group.store) == 4
    late = Farm()
    for mcu_id in MCUS:
        late.announce(mcu_id)
    late.factory.learn(group.store.values(), whole=True)
    assert {number: late.chosen(number) for number in range(4)} == before


def test_a_factory_learns_no_more_than_it_may_remember() -> None:
    group = Group(2, max_conferences=3)
    first = group.farms[0]
    for number in range(5):
        first.chosen(number, exclude=("one", "two"))
        group.write(first)
    assert len(group.store) == 3
    lone = Farm(max_conferences=2)
    lone.announce("one")
    lone.factory.learn(group.store.values())
    assert len(lone.factory.snapshot()) == 3  # the MCU, and two conferences


@pytest.mark.parametrize("value", [b"junk", b'{"version":1}', b'{"version":1,"mcu":7}', b'{"version":99,"mcu":"one"}'])
def test_what_cannot_be_read_is_told_and_the_rest_counts(value: bytes) -> None:
    group = Group(2)
    first, second = group.farms
    first.chosen(1, exclude=("one", "two"))
    (piece,) = group.write(first, told=False)
    broken = Piece(piece.key + "0", value)
    other = write_piece("mcu-factory/mcu/x", 1, {"mcu": "two"})
    (told,) = second.factory.learn([broken, other, piece])
    assert isinstance(told, StateUnreadable)
    assert told.key == broken.key
    assert second.chosen(1) == "three"
    assert second.factory.counters["places not learned: unreadable"] == 1


STEPS = st.tuples(st.integers(0, 2), st.integers(0, 5), st.sampled_from([(), ("one",), ("two",), ("one", "three")]))


@given(st.lists(STEPS, max_size=30), st.integers(0, 29))
def test_whoever_is_asked_answers_as_a_single_factory_would(
    steps: list[tuple[int, int, tuple[str, ...]]], away: int
) -> None:
    """One conference after the other, by whichever Factory; once the store is away and comes back empty."""
    group, single = Group(), Farm()
    for number, (which, conference, exclude) in enumerate(steps):
        for each in (single, *group.farms):
            each.now += 1.0
            for mcu_id in MCUS:
                each.announce(mcu_id, legs=0)  # that one failed a conference is each Factory's own, until it is heard
        farm = group.farms[which]
        assert farm.chosen(conference, exclude=exclude) == single.chosen(conference, exclude=exclude)
        group.write(farm)
        if number == away:
            group.store.clear()
            for each in group.farms:
                each.factory.learn(list(group.store.values()), whole=True)
                group.write(each)
    places: Callable[[Farm], dict[str, bytes | None]] = lambda farm: {  # noqa: E731
        piece.key: piece.value for piece in farm.factory.snapshot() if is_factory_place(piece)
    }
    assert all(places(farm) == {key: piece.value for key, piece in group.store.items()} for farm in group.farms)
