"""Refreshes of a subscription that are refused or not answered (RFC 6665 sections 4.1.2.2 and 4.1.2.4)."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    InviteReceived,
    NotifyReceived,
    SubscribeReceived,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionId,
    SubscriptionRestarted,
)
from sip.testing.network import Agent, Network

DUE = 540.02  #: of the first refresh of 600 s that began at 0.02


Answer = Callable[[SubscribeReceived], object]


def refusing(bob: Agent, status: int, *headers: tuple[str, object]) -> Answer:
    return lambda event: bob.endpoint.reject_subscription(event.subscription, status, headers=headers, now=bob.net.now)


def notifying(bob: Agent, *, expires: int | None = None, notifies: bool = True, status: int = 200) -> Answer:
    def answer(event: SubscribeReceived) -> None:
        bob.endpoint.accept_subscription(event.subscription, expires=expires, status=status, now=bob.net.now)
        if notifies:
            bob.endpoint.notify(event.subscription, body=b"<full/>", content_type="text/xml", now=bob.net.now)

    return answer


def watch(
    alice: Agent, bob: Agent, refreshes: Iterable[Answer], *, expires: int = 600, transport: str = "udp"
) -> SubscriptionId:
    """Subscribe; what follows the first SUBSCRIBE is answered as ``refreshes`` say, then as the first."""
    planned = iter([notifying(bob), *refreshes])
    bob.on(SubscribeReceived, lambda event: next(planned, notifying(bob))(event))
    ours = alice.endpoint.subscribe(
        "ua",
        bob.uri(transport),
        event="conference",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        expires=expires,
        now=alice.net.now,
    )
    alice.net.run(1)
    return ours


def over(net: Network, *agents: Agent) -> None:
    """Everything that was left has had its time."""
    net.run(70)
    assert all(agent.idle for agent in agents), net.ladder()


@pytest.mark.parametrize("status", [400, 401, 403, 406, 408, 420, 486, 488, 491, 500, 503, 504, 513, 600, 603, 606])
def test_a_refresh_that_is_refused_once_is_tried_again(net: Network, alice: Agent, bob: Agent, status: int) -> None:
    ours = watch(alice, bob, [refusing(bob, status)])
    net.run(1000)
    assert net.sent("SUBSCRIBE")[1:3] == [DUE, pytest.approx(DUE + 2, abs=0.1)]
    assert alice.of(SubscriptionEnded) == alice.of(SubscriptionRestarted) == []
    assert bob.of(SubscriptionEnded) == []
    alice.endpoint.unsubscribe(ours, now=net.now)
    over(net, alice, bob)


def test_refusals_in_a_row_are_tried_again_ever_later_and_never_after_the_end(
    net: Network, alice: Agent, bob: Agent
) -> None:
    watch(alice, bob, [refusing(bob, 500)] * 50, expires=3600)
    net.run(3700)
    times = net.sent("SUBSCRIBE")[1:]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:4] == pytest.approx([2, 4, 8, 16], abs=0.1)
    assert times[-1] < 3600
    assert alice.one(SubscriptionEnded).reason == "timeout"
    over(net, alice, bob)


def test_one_that_says_when_to_come_back_is_left_alone_until_then(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [refusing(bob, 503, ("Retry-After", "20")), refusing(bob, 500, ("Retry-After", "10"))])
    net.run(650)
    assert net.sent("SUBSCRIBE")[1:] == pytest.approx([DUE, DUE + 20, DUE + 30], abs=0.1)
    assert alice.of(SubscriptionEnded) == []


def test_one_that_wants_to_be_left_alone_beyond_the_end_is(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [refusing(bob, 503, ("Retry-After", "3600"))])
    net.run(700)
    assert len(net.sent("SUBSCRIBE")) == 2
    assert alice.one(SubscriptionEnded).reason == "timeout"


def test_a_duration_that_became_too_short_is_raised_at_once(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [refusing(bob, 423, ("Min-Expires", "1200"))])
    net.run(560)
    assert net.sent("SUBSCRIBE")[1:] == pytest.approx([DUE, DUE], abs=0.1)
    assert [request.expires for request in net.requests("SUBSCRIBE")] == [600, 600, 1200]
    assert alice.of(SubscriptionAccepted)[-1].expires == 1200


@pytest.mark.parametrize("value", [None, "soon", "60", "600"])
def test_a_423_that_asks_for_nothing_new_is_not_answered_at_once(
    net: Network, alice: Agent, bob: Agent, value: str | None
) -> None:
    headers = [] if value is None else [("Min-Expires", value)]
    watch(alice, bob, [refusing(bob, 423, *headers)])
    net.run(560)
    assert net.sent("SUBSCRIBE")[1:] == pytest.approx([DUE, DUE + 2], abs=0.1)


def test_423_for_ever_is_no_loop(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [refusing(bob, 423, ("Min-Expires", str(700 + step))) for step in range(50)])
    net.run(700)
    assert 4 < len(net.sent("SUBSCRIBE")) < 12
    assert alice.one(SubscriptionEnded).reason == "timeout"


@pytest.mark.parametrize("status", [404, 405, 410, 416, 480, 482, 483, 484, 485, 489, 501, 604])
def test_a_refusal_for_good_ends_it(net: Network, alice: Agent, bob: Agent, status: int) -> None:
    watch(alice, bob, [refusing(bob, status)])
    net.run(560)
    assert len(net.sent("SUBSCRIBE")) == 2
    assert alice.one(SubscriptionEnded).reason == "gone"
    assert alice.endpoint.sizes["subscriptions"] == 0


def test_one_that_was_forgotten_begins_anew_and_says_so(net: Network, alice: Agent, bob: Agent) -> None:
    ours = watch(alice, bob, [refusing(bob, 481)])
    net.run(560)
    assert alice.one(SubscriptionRestarted).reason == "gone"
    first, _, anew = net.requests("SUBSCRIBE")
    assert (anew.call_id, anew.from_.tag) != (first.call_id, first.from_.tag)
    assert anew.to.tag is None
    assert {event.subscription for event in alice.of(NotifyReceived)} == {ours}
    assert alice.kinds()[-3:] == ["SubscriptionRestarted", "SubscriptionAccepted", "NotifyReceived"]


def test_one_in_a_session_that_was_forgotten_ends(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(InviteReceived, lambda event: bob.endpoint.accept(event.session, now=net.now))
    planned = iter([notifying(bob), refusing(bob, 481)])
    bob.on(SubscribeReceived, lambda event: next(planned)(event))
    session = alice.invite(bob.uri())
    net.run(1)
    alice.endpoint.subscribe(
        "ua",
        bob.uri(),
        event="conference",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        expires=600,
        session=session,
        now=net.now,
    )
    net.run(600)
    assert alice.one(SubscriptionEnded).reason == "gone"
    assert alice.of(SubscriptionRestarted) == []
    assert alice.endpoint.sizes["sessions"] == 1


def test_silence_begins_it_anew(net: Network, alice: Agent, bob: Agent) -> None:
    ours = watch(alice, bob, [])
    net.drop = lambda data: data.startswith(b"SUBSCRIBE") and net.now < DUE + 32
    net.run(600)
    assert alice.one(SubscriptionRestarted).reason == "unreachable"
    calls = [request.call_id for request in net.requests("SUBSCRIBE")]
    assert calls[0] == calls[1] != calls[-1]
    assert alice.of(SubscriptionEnded) == []
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(20)
    assert alice.one(SubscriptionEnded).reason == "unsubscribed"
    net.run(600)
    over(net, alice, bob)


def test_silence_to_the_new_one_too_ends_it(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [])
    net.drop = lambda data: data.startswith(b"SUBSCRIBE")
    net.run(DUE + 65)
    assert alice.one(SubscriptionRestarted)
    assert alice.one(SubscriptionEnded).reason == "unreachable"
    net.run(60)
    over(net, alice, bob)


def test_a_new_one_that_is_refused_says_when_to_come_back(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [refusing(bob, 481), refusing(bob, 503, ("Retry-After", "90"))])
    net.run(560)
    ended = alice.one(SubscriptionEnded)
    assert (ended.reason, ended.retry_after) == ("gone", 90)


def test_a_refresh_that_no_notification_follows_is_silence(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [notifying(bob, notifies=False)])
    net.run(560)
    assert alice.of(SubscriptionRestarted) == []
    net.run(20)
    assert alice.one(SubscriptionRestarted).reason == "unreachable"
    assert alice.of(SubscriptionEnded) == []


def test_a_refresh_that_says_that_nothing_changed_needs_no_notification(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [notifying(bob, notifies=False, status=204)])
    net.run(1000)
    assert alice.of(SubscriptionRestarted) == alice.of(SubscriptionEnded) == []


def test_a_notification_while_the_refresh_is_not_answered_shows_that_somebody_is_there(
    net: Network, alice: Agent, bob: Agent
) -> None:
    watch(alice, bob, [])
    theirs = bob.one(SubscribeReceived).subscription
    net.drop = lambda data: data.startswith(b"SUBSCRIBE") and net.now < DUE + 32
    net.run(550)
    bob.endpoint.notify(theirs, body=b"<more/>", content_type="text/xml", now=net.now)
    net.run(60)
    assert alice.of(SubscriptionRestarted) == []
    assert len({request.call_id for request in net.requests("SUBSCRIBE")}) == 1
    assert bob.of(SubscriptionEnded) == alice.of(SubscriptionEnded) == []


def test_a_refresh_whose_way_is_broken_is_tried_again(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [], transport="tcp")
    flow = next(iter(net.wire.far_ends.values()))[1]
    net.close(bob if flow.local.host == bob.host else alice, flow)
    net.refuses = lambda destination: net.now < DUE + 3
    net.run(600)
    assert alice.of(SubscriptionRestarted) == alice.of(SubscriptionEnded) == []
    assert alice.of(SubscriptionAccepted)[1:]


def test_many_notifications_do_not_put_the_refresh_off(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob, [], expires=100)
    theirs = bob.one(SubscribeReceived).subscription
    for number in range(98):
        bob.endpoint.notify(theirs, body=b"%d" % number, content_type="text/xml", now=net.now)
        net.run(1)
    assert net.sent("SUBSCRIBE")[1] == pytest.approx(75, abs=0.1)


def test_a_refresh_that_was_asked_for_is_tried_again_too(net: Network, alice: Agent, bob: Agent) -> None:
    ours = watch(alice, bob, [refusing(bob, 500)])
    alice.endpoint.refresh(ours, now=net.now)
    net.run(5)
    assert net.sent("SUBSCRIBE")[1:] == pytest.approx([1, 3], abs=0.1)


def test_unsubscribing_between_two_tries_leaves_nothing(net: Network, alice: Agent, bob: Agent) -> None:
    ours = watch(alice, bob, [refusing(bob, 503, ("Retry-After", "30"))])
    net.run(545)
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(1)
    assert alice.one(SubscriptionEnded).reason == "unsubscribed"
    over(net, alice, bob)


def test_one_that_begins_anew_before_its_first_notification_leaves_nothing(
    net: Network, alice: Agent, bob: Agent
) -> None:
    planned = iter([notifying(bob, notifies=False), refusing(bob, 481), refusing(bob, 403)])
    bob.on(SubscribeReceived, lambda event: next(planned)(event))
    ours = alice.endpoint.subscribe(
        "ua", bob.uri(), event="x", from_="<sip:a@example.com>", to="<sip:b@example.com>", expires=600, now=net.now
    )
    net.run(1)
    alice.endpoint.refresh(ours, now=net.now)
    net.run(1)
    assert alice.one(SubscriptionEnded)
    assert alice.endpoint._subscriptions._expecting == {}


STATUSES = (200, 204, 400, 404, 408, 423, 480, 481, 489, 491, 500, 503, 0)


@given(
    st.integers(0, 10_000),
    st.sampled_from((60, 100, 300, 1000)),
    st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 400), st.booleans()), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_whatever_refreshes_bring_there_is_one_end_and_nothing_stays(
    seed: int, expires: int, plan: list[tuple[int, int, bool]]
) -> None:
    net = Network(seed)
    alice, bob = net.agent("alice"), net.agent("bob")

    def planned(status: int, seconds: int, notifies: bool) -> Answer:
        if status == 0:
            return lambda event: None
        if status < 300:
            return notifying(bob, status=status, notifies=notifies)
        name = "Min-Expires" if status == 423 else "Retry-After"
        return refusing(bob, status, (name, str(seconds)))

    ours = watch(alice, bob, [planned(*each) for each in plan], expires=expires)
    net.run(sum(seconds for _, seconds, _ in plan) + 500)
    restarts = len(alice.of(SubscriptionRestarted))
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(1600)
    assert len(alice.of(SubscriptionEnded)) == 1, net.ladder()
    assert alice.idle, net.ladder()
    assert bob.idle, net.ladder()
    # Never quicker than a refusal that asks for patience allows, and no storm.
    assert len(net.requests("SUBSCRIBE")) < 40 * (restarts + 1) + len(plan)
