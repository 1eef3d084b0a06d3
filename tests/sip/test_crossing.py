"""Commands whose session or subscription ended before the core was told: counted, and nothing else happens."""

from collections.abc import Callable

import pytest

from sip import (
    EndCause,
    Event,
    FailureCause,
    InviteReceived,
    LocalProtocolError,
    ReinviteReceived,
    RequestFailed,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionState,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionFailed,
    UpdateReceived,
)
from sip.testing.network import Agent, Network

SDP = "application/sdp"
TOO_LATE = "ignored: command for a session that is over"


def established(net: Network, alice: Agent, bob: Agent) -> tuple[SessionId, SessionId]:
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, body=b"v=0", content_type=SDP, now=net.now))
    ours = alice.invite(bob.uri())
    net.run(1)
    return ours, bob.one(InviteReceived).session


def unheard(net: Network, agent: Agent, act: Callable[[], object]) -> list[Event]:
    """Let the other side act; return what it causes at ``agent``, whose core has not heard of it yet."""
    kept: list[Event] = []
    agent.take = lambda events: kept.extend(events)  # type: ignore[method-assign]
    act()
    net.run(0.1)
    del agent.take
    return kept


def test_commands_after_a_bye_that_is_not_heard_of_yet(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = established(net, alice, bob)
    kept = unheard(net, bob, lambda: alice.endpoint.bye(ours, now=net.now))
    assert [type(event) for event in kept] == [SessionEnded]
    assert bob.endpoint.is_over(theirs)
    requests = [
        bob.endpoint.request_in_session(theirs, "INFO", now=net.now),
        bob.endpoint.reinvite(theirs, body=b"v=0", content_type=SDP, now=net.now),
        bob.endpoint.update(theirs, now=net.now),
    ]
    bob.endpoint.accept(theirs, now=net.now)
    bob.endpoint.progress(theirs, now=net.now)
    bob.endpoint.reject(theirs, 486, now=net.now)
    bob.endpoint.ack(theirs, now=net.now)
    bob.endpoint.bye(theirs, now=net.now)
    assert bob.endpoint.glare_delay(theirs) == 0.0
    bob.take(kept)
    assert [(event.request_id, event.reason, event.owner) for event in bob.of(RequestFailed)] == [
        (request, "ended", "ua") for request in requests
    ]
    assert bob.endpoint.counters[TOO_LATE] == 9
    assert bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED
    net.run(60)
    assert bob.idle
    assert net.requests("INFO") == net.requests("UPDATE") == []


def test_a_subscription_or_a_refer_in_a_session_that_is_over_fails(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = established(net, alice, bob)
    unheard(net, bob, lambda: alice.endpoint.bye(ours, now=net.now))
    me, you = "<sip:bob@example.com>", "<sip:alice@example.com>"
    begun = [
        bob.endpoint.subscribe("ua", alice.uri(), event="dialog", from_=me, to=you, session=theirs, now=net.now),
        bob.endpoint.refer(
            "ua", alice.uri(), refer_to="sip:c@example.com", from_=me, to=you, session=theirs, now=net.now
        ),
    ]
    bob.take(bob.endpoint.take_events())
    assert [(event.subscription, event.status) for event in bob.of(SubscriptionFailed)] == [(n, None) for n in begun]


def test_answering_a_call_that_was_given_up(net: Network, alice: Agent, bob: Agent) -> None:
    ours = alice.invite(bob.uri())
    net.run(0.1)
    theirs = bob.one(InviteReceived).session
    unheard(net, bob, lambda: alice.endpoint.cancel(ours, now=net.now))
    net.run(1)
    bob.endpoint.accept(theirs, now=net.now)
    assert bob.endpoint.counters[TOO_LATE] == 1
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED


def test_cancelling_a_call_that_was_answered_ends_it(net: Network, alice: Agent, bob: Agent) -> None:
    ours = alice.invite(bob.uri())
    net.run(0.1)
    theirs = bob.one(InviteReceived).session
    kept = unheard(net, alice, lambda: bob.endpoint.accept(theirs, now=net.now))
    alice.endpoint.cancel(ours, headers=[("Reason", "SIP;cause=200")], now=net.now)
    alice.take(kept)
    net.run(1)
    assert alice.one(SessionAnswered)
    assert alice.one(SessionEnded).cause is EndCause.BYE_SENT
    assert [request.headers.get("Reason") for request in net.requests("BYE")] == ["SIP;cause=200"]
    assert bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED


@pytest.mark.parametrize("theirs_is", [ReinviteReceived, UpdateReceived])
def test_an_offer_that_crosses_one_that_is_not_heard_of_yet(
    net: Network, alice: Agent, bob: Agent, theirs_is: type[Event]
) -> None:
    ours, theirs = established(net, alice, bob)
    offers = alice.endpoint.reinvite if theirs_is is ReinviteReceived else alice.endpoint.update
    kept = unheard(net, bob, lambda: offers(ours, body=b"v=0 a", content_type=SDP, now=net.now))
    assert [type(event) for event in kept] == [theirs_is]
    lost = bob.endpoint.update(theirs, body=b"v=0 b", content_type=SDP, now=net.now)
    bob.take([*kept, *bob.endpoint.take_events()])
    failed = bob.one(RequestFailed)
    assert (failed.request_id, failed.reason) == (lost, "glare")
    event = bob.one(theirs_is)
    assert isinstance(event, ReinviteReceived | UpdateReceived)
    bob.endpoint.respond(event.transaction, 200, body=b"v=0 c", content_type=SDP, now=net.now)
    net.run(1)
    assert bob.endpoint.session(theirs).state is SessionState.CONFIRMED


def test_what_never_was_or_ended_long_ago_is_still_a_mistake(net: Network, alice: Agent, bob: Agent) -> None:
    ours, _ = established(net, alice, bob)
    alice.endpoint.bye(ours, now=net.now)
    net.run(40)
    second = alice.invite(bob.uri())
    net.run(1)
    alice.endpoint.bye(second, now=net.now)
    net.run(1)
    for session in (ours, SessionId(4711)):
        with pytest.raises(LocalProtocolError):
            alice.endpoint.request_in_session(session, "INFO", now=net.now)
    with pytest.raises(LocalProtocolError):
        alice.endpoint.is_over(SessionId(4711))
    assert not alice.endpoint.is_over(alice.invite(bob.uri()))


# Subscriptions


def watched(net: Network, alice: Agent, bob: Agent, expires: int = 60) -> tuple[int, int]:
    bob.on(SubscribeReceived, lambda e: bob.endpoint.accept_subscription(e.subscription, now=net.now))
    ours = alice.endpoint.subscribe(
        "ua",
        bob.uri(),
        event="conference",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        expires=expires,
        now=net.now,
    )
    net.run(0.1)
    theirs = bob.one(SubscribeReceived).subscription
    bob.endpoint.notify(theirs, body=b"first", content_type="text/plain", now=net.now)
    net.run(0.1)
    return ours, theirs


def test_documents_after_the_last_word_of_the_endpoint_are_counted(net: Network, alice: Agent, bob: Agent) -> None:
    _, theirs = watched(net, alice, bob)
    net.drop = lambda data: True
    net.run(60)
    assert bob.endpoint.sizes["subscriptions"] == 1  # its last NOTIFY is not answered
    bob.endpoint.notify(theirs, body=b"late", content_type="text/plain", now=net.now)  # type: ignore[arg-type]
    bob.endpoint.end_subscription(theirs, reason="noresource", now=net.now)  # type: ignore[arg-type]
    assert bob.endpoint.counters["ignored: notification after the last"] == 1
    net.run(40)
    assert bob.one(SubscriptionEnded).reason == "timeout"
    bob.endpoint.notify(theirs, body=b"later", content_type="text/plain", now=net.now)  # type: ignore[arg-type]
    assert all(b"late" not in each.data for each in net.log)


def test_a_refresh_that_comes_when_time_is_over_is_refused(net: Network, alice: Agent, bob: Agent) -> None:
    _, theirs = watched(net, alice, bob)
    bob._reactions.clear()
    net.run(46)  # the refresh, which the core leaves unanswered
    assert len(bob.of(SubscribeReceived)) == 2
    net.run(20)
    assert "SUBSCRIBE" in [each.cseq.method for each in net.responses(481)]
    bob.endpoint.accept_subscription(theirs, now=net.now)  # type: ignore[arg-type]
    assert bob.endpoint.counters["dropped: answer after the subscription ended"] == 1
    assert [event.reason for event in bob.of(SubscriptionEnded) if event.subscription == theirs] == ["timeout"]


def test_an_answer_while_the_last_notification_is_out(net: Network, alice: Agent, bob: Agent) -> None:
    _, theirs = watched(net, alice, bob)
    bob._reactions.clear()
    net.run(46)
    net.drop = lambda data: True
    net.run(15)
    assert bob.endpoint.sizes["subscriptions"] == 1
    bob.endpoint.reject_subscription(theirs, 403, now=net.now)  # type: ignore[arg-type]
    assert bob.endpoint.counters["dropped: answer after the subscription ended"] == 1
    with pytest.raises(LocalProtocolError):
        bob.endpoint.reject_subscription(theirs, 403, now=net.now)  # type: ignore[arg-type]


def test_nobody_offers_over_an_open_offer_of_his_own(net: Network, alice: Agent, bob: Agent) -> None:
    ours, _ = established(net, alice, bob)
    bob.on(ReinviteReceived, lambda e: bob.endpoint.respond(e.transaction, 488, now=net.now))
    bob.on(UpdateReceived, lambda e: bob.endpoint.respond(e.transaction, 488, now=net.now))
    commands = alice.endpoint.reinvite, alice.endpoint.update
    for first, second in (commands, commands[::-1]):
        first(ours, body=b"v=0", content_type=SDP, now=net.now)
        with pytest.raises(LocalProtocolError, match="another offer"):
            second(ours, body=b"v=0 other", content_type=SDP, now=net.now)
        alice.endpoint.update(ours, now=net.now)  # without an offer it may be
        net.run(1)
        alice.take(())
