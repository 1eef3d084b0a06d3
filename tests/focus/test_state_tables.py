"""The tables of the package: what is in them leads on, what is not is refused and changes nothing."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import pytest

from c3p import ConferenceKeys, DeleteConference
from focus import ClientState, LocalProtocolError
from focus.client.state import CLIENT, ClientInput
from focus.mcus.intent import INTENT, IntentInput, IntentState
from focus.mcus.link_state import LINK, LinkInput, LinkState
from focus.mcus.relay import RELAY, Relay, RelayInput, RelayState, relay_life

TABLES: list[tuple[type[enum.Enum], type[enum.Enum], Mapping[tuple[enum.Enum, enum.Enum], enum.Enum], enum.Enum]] = [
    (RelayState, RelayInput, RELAY, RelayState.NEW),  # type: ignore[list-item]
    (IntentState, IntentInput, INTENT, IntentState.SENT),  # type: ignore[list-item]
    (LinkState, LinkInput, LINK, LinkState.ABSENT),  # type: ignore[list-item]
    (ClientState, ClientInput, CLIENT, ClientState.OUT),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("states", "inputs", "table", "start"), TABLES)
def test_every_state_can_be_reached_and_every_input_means_something(
    states: type[enum.Enum],
    inputs: type[enum.Enum],
    table: Mapping[tuple[enum.Enum, enum.Enum], enum.Enum],
    start: enum.Enum,
) -> None:
    reached, before = {start}, set()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in table.items() if state in before}
    assert reached == set(states)
    assert {given for _, given in table} == set(inputs)


@pytest.mark.parametrize("state", RelayState)
@pytest.mark.parametrize("given", RelayInput)
def test_a_relay_refuses_what_is_not_in_its_table(state: RelayState, given: RelayInput) -> None:
    command = DeleteConference(conference_keys=ConferenceKeys(conf_entity="sip:x@example.com"))
    relay = Relay(request_id="1", mcu_type="audio-video", command=command, life=relay_life(state))
    if (state, given) in RELAY:
        relay.process(given)
        assert relay.state is RELAY[state, given]
    else:
        with pytest.raises(LocalProtocolError):
            relay.process(given)
        assert relay.state is state


def test_a_relay_that_is_done_stays_done() -> None:
    assert not [state for state, _ in RELAY if state is RelayState.DONE]
