"""Whatever two user agents do to a call, in whatever order, and whatever is lost: it has one end on each side."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

import sip
from sip.testing import Network
from tests.sip.test_user_agent import Media, Person, person

ACTIONS = ("call", "answer", "refuse", "hang up", "hold", "resume", "transfer", "keys", "wait")


def act(who: Person, other: Person, action: str) -> None:
    """Do something, if that can be done now: what cannot must change nothing."""
    now, calls = who.agent.net.now, who.ua.calls
    if action == "call":
        who.ua.call(other.agent.uri(), media=Media(who.agent.name), now=now)
        return
    for call in calls:
        before = call.state
        try:
            match action:
                case "answer":
                    call.answer(Media(who.agent.name), now=now)
                case "refuse":
                    call.refuse(486, now=now)
                case "hang up":
                    call.hang_up(now=now)
                case "hold" | "resume":
                    call.hold(action == "hold", now=now)
                case "transfer":
                    call.transfer("sip:carol@192.0.2.77", now=now)
                case "keys":
                    call.send_keys("1", now=now)
                case _:
                    pass
        except sip.LocalProtocolError:
            assert call.state is before


@given(
    seed=st.integers(0, 10_000),
    loss=st.sampled_from((0.0, 0.2)),
    steps=st.lists(st.tuples(st.booleans(), st.sampled_from(ACTIONS), st.sampled_from((0.0, 0.005, 0.5))), max_size=14),
)
def test_each_call_ends_once_and_nothing_stays(seed: int, loss: float, steps: list[tuple[bool, str, float]]) -> None:
    net = Network(seed=seed, loss=loss)
    people = person(net, "alice"), person(net, "bob")
    for first, action, wait in (*((True, "call", 0.1),), *steps):
        one, two = people if first else people[::-1]
        act(one, two, action)
        one.agent.take(())
        net.run(wait)
    for each in people:
        each.ua.close(now=net.now)
        each.agent.take(())
    net.run(400)
    for each in people:
        begun = {event.call for event in each.agent.events if isinstance(event, sip.CallReceived)}
        ends = Counter(event.call for event in each.agent.events if isinstance(event, sip.CallEnded))
        assert set(ends.values()) <= {1}
        assert begun <= set(ends)
        assert all(call.state is sip.CallState.OVER for call in ends)
        assert each.ua.calls == ()
        assert each.agent.idle
