"""The table of a leg's life."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu import LocalError
from mcu.leg_state import ROSTER_STATUS, TRANSITIONS, Input, LegLife, State


@given(st.sampled_from(State), st.sampled_from(Input))
def test_the_table_decides_and_anything_else_changes_nothing(state: State, event: Input) -> None:
    life = LegLife(state)
    if (state, event) in TRANSITIONS:
        assert life.allows(event)
        assert life.process(event) is TRANSITIONS[state, event]
        assert life.state is TRANSITIONS[state, event]
    else:
        assert not life.allows(event)
        with pytest.raises(LocalError):
            life.process(event)
        assert life.state is state


def test_every_state_can_be_left_but_the_last() -> None:
    left = {state for state, _ in TRANSITIONS}
    assert left == set(State) - {State.CLOSED}


def test_every_state_can_be_reached() -> None:
    assert set(TRANSITIONS.values()) | {State.OPENING, State.RESERVED} == set(State)


@given(st.lists(st.sampled_from(Input), max_size=30))
def test_giving_up_always_leads_to_the_end(inputs: list[Input]) -> None:
    life = LegLife()
    for event in inputs:
        if life.allows(event):
            life.process(event)
    for event in (Input.GIVE_UP, Input.REFUSED, Input.ENDED):
        if life.allows(event):
            life.process(event)
    assert life.state is State.CLOSED


def test_the_roster_status_of_each_state() -> None:
    assert set(ROSTER_STATUS) == set(State)
