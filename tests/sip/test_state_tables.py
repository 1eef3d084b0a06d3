"""Every table: what it does not list changes nothing, whoever asks; every state can be left; the end is the end."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import LocalProtocolError, SessionState
from sip.core.dialog import DIALOG, DialogInput, DialogState
from sip.core.keep_alive import KEEP_ALIVE, KeepAliveInput, KeepAliveState
from sip.session.tables import SESSION, SessionInput
from sip.session.tables import commanded as session_commanded
from sip.subscription.tables import (
    NOTIFIER,
    SUBSCRIBER,
    NotifierInput,
    NotifierState,
    SubscriberInput,
    SubscriberState,
    notifier_commanded,
    subscriber_commanded,
)
from sip.transactions.tables import TABLES, Input, State, commanded

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


@given(st.sampled_from(sorted(TABLES)), st.sampled_from(State), st.sampled_from(Input))
def test_a_command_outside_a_transaction_table_is_refused(name: str, state: State, given_input: Input) -> None:
    table = TABLES[name]
    if (state, given_input) in table:
        assert commanded(table, state, given_input) is table[state, given_input]
    else:
        with pytest.raises(LocalProtocolError):
            commanded(table, state, given_input)


@given(st.sampled_from(SessionState), st.sampled_from(SessionInput))
def test_a_command_outside_the_session_table_is_refused(state: SessionState, given_input: SessionInput) -> None:
    if (state, given_input) not in SESSION:
        with pytest.raises(LocalProtocolError):
            session_commanded(state, given_input)


@given(st.sampled_from(NotifierState), st.sampled_from(NotifierInput))
def test_a_command_outside_the_notifier_table_is_refused(state: NotifierState, given_input: NotifierInput) -> None:
    if (state, given_input) not in NOTIFIER:
        with pytest.raises(LocalProtocolError):
            notifier_commanded(state, given_input)


@given(st.sampled_from(SubscriberState), st.sampled_from(SubscriberInput))
def test_a_command_outside_the_subscriber_table_is_refused(
    state: SubscriberState, given_input: SubscriberInput
) -> None:
    if (state, given_input) not in SUBSCRIBER:
        with pytest.raises(LocalProtocolError):
            subscriber_commanded(state, given_input)


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
