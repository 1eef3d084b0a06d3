"""Every table: what it does not list changes nothing, whoever asks; every state can be left; the end is the end."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import Life, LocalProtocolError, SessionState
from sip.core.dialog import DIALOG, DialogInput, DialogState
from sip.core.keep_alive import KEEP_ALIVE, KeepAliveInput, KeepAliveState
from sip.session.tables import SESSION, SessionInput
from sip.subscription.tables import (
    NOTIFIER,
    SUBSCRIBER,
    NotifierInput,
    NotifierState,
    SubscriberInput,
    SubscriberState,
)
from sip.transactions.tables import TABLES, Input, State

ALL: list[tuple[str, Mapping[Any, Any], type[Enum], type[Enum], Enum]] = [
    *[(name, table, State, Input, State.TERMINATED) for name, table in TABLES.items()],
    ("dialog", DIALOG, DialogState, DialogInput, DialogState.TERMINATED),
    ("kept flow", KEEP_ALIVE, KeepAliveState, KeepAliveInput, KeepAliveState.LOST),
    ("session", SESSION, SessionState, SessionInput, SessionState.TERMINATED),
    ("notifier", NOTIFIER, NotifierState, NotifierInput, NotifierState.TERMINATED),
    ("subscriber", SUBSCRIBER, SubscriberState, SubscriberInput, SubscriberState.TERMINATED),
]


@pytest.mark.parametrize(("name", "table", "states", "inputs", "end"), ALL, ids=[each[0] for each in ALL])
def test_the_end_is_reached_from_every_state_and_never_left(
    name: str, table: Mapping[Any, Any], states: type[Enum], inputs: type[Enum], end: Enum
) -> None:
    assert not [state for state, _ in table if state is end]
    leads_to_end = {end}
    while True:
        grown = leads_to_end | {before for (before, _), after in table.items() if after in leads_to_end}
        if grown == leads_to_end:
            break
        leads_to_end = grown
    assert {state for state, _ in table} <= leads_to_end


@given(st.data())
def test_what_a_table_does_not_list_changes_nothing_whoever_asks(data: st.DataObject) -> None:
    name, table, states, inputs, _ = data.draw(st.sampled_from(ALL), label="machine")
    state = data.draw(st.sampled_from(states), label="state")
    happens = data.draw(st.sampled_from(inputs), label="input")
    life = Life(table, state, of="a machine")
    if (state, happens) in table:
        assert life.allows(happens)
        life.check(happens)
        assert life.state is state
        life.command(happens)
        assert life.state is table[state, happens], name
        return
    assert not life.allows(happens)
    for refused in (life.check, life.command):
        with pytest.raises(LocalProtocolError, match=re.escape(state.value)):
            refused(happens)
    assert not life.follow(happens)
    assert life.state is state
    assert life.ignored == 1


@given(st.data())
def test_a_life_is_where_its_table_leads_whether_told_or_hearing(data: st.DataObject) -> None:
    _, table, states, inputs, _ = data.draw(st.sampled_from(ALL), label="machine")
    state = data.draw(st.sampled_from(states), label="state")
    life = Life(table, state)
    useless = 0
    for happens in data.draw(st.lists(st.sampled_from(inputs), max_size=12), label="inputs"):
        useful = (state, happens) in table
        state, useless = table.get((state, happens), state), useless + (not useful)
        assert life.follow(happens) is useful
        assert (life.state, life.ignored) == (state, useless)


def test_rfc_6026_accepted_absorbs_retransmitted_invites_and_lets_every_2xx_through() -> None:
    server, client = TABLES["INVITE server"], TABLES["INVITE client"]
    assert server[State.PROCEEDING, Input.SEND_2XX] is State.ACCEPTED
    assert server[State.ACCEPTED, Input.RECEIVE_REQUEST] is State.ACCEPTED
    assert server[State.ACCEPTED, Input.SEND_2XX] is State.ACCEPTED
    assert client[State.ACCEPTED, Input.RECEIVE_2XX] is State.ACCEPTED
    assert (State.ACCEPTED, Input.RECEIVE_FINAL) not in client


def test_transport_errors_do_not_end_server_transactions() -> None:
    for name in ("INVITE server", "non-INVITE server"):
        assert not [state for state, given_input in TABLES[name] if given_input is Input.TRANSPORT_ERROR]
