"""Judges of transactions, dialogs and offers: our own calls pass, and what is changed in one is found by its clause."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from sip import EndpointConfig
from sip.testing import (
    Network,
    Passage,
    Side,
    Spoken,
    Step,
    check_traffic,
    conversations,
    networks,
    perform,
    scripts,
)

ALICE, BOB = Side.CALLER, Side.CALLEE


def passages(messages: Iterable[Spoken], transport: str = "UDP", *, arrived: bool | None = None) -> list[Passage]:
    other = {Side.CALLER: Side.CALLEE, Side.CALLEE: Side.CALLER}
    return [
        Passage(
            at=each.at,
            sender=each.side,
            receiver=other[each.side],
            message=each.message,
            transport=transport,
            arrived=arrived,
        )
        for each in messages
    ]


@given(networks(), scripts(), st.sampled_from(("udp", "tcp")), st.booleans())
def test_our_own_calls_are_right_whatever_the_network_does(
    net: Network, script: tuple[Step, ...], transport: str, reliable: bool
) -> None:
    alice = net.agent("alice", EndpointConfig(reliable_provisionals=reliable))
    perform(script, caller=alice, callee=net.agent("bob"), transport=transport)
    assert [str(each) for each in check_traffic(net.passages())] == [], net.ladder()


@given(conversations())
def test_our_own_calls_are_right_where_everything_arrives(messages: tuple[Spoken, ...]) -> None:
    assert [str(each) for each in check_traffic(passages(messages, arrived=True))] == []
