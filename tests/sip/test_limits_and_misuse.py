"""Limits of an endpoint are named, counted and never raise for a peer; misuse raises and changes nothing."""

from collections.abc import Callable

import pytest

from sip import (
    EndCause,
    EndpointConfig,
    FailureCause,
    InviteReceived,
    LocalProtocolError,
    NotifyReceived,
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionRefreshed,
    SessionState,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionId,
)
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"


def answering(agent: Agent) -> None:
    agent.on(
        InviteReceived,
        lambda e: agent.endpoint.accept(e.session, body=b"v=0", content_type=SDP, now=agent.net.now),
    )


def watch(watcher: Agent, target: str, **options: object) -> SubscriptionId:
    settings: dict[str, object] = {"from_": "<sip:a@example.com>", "to": "<sip:b@example.com>", "now": watcher.net.now}
    return watcher.endpoint.subscribe("ua", target, event="conference", **{**settings, **options})  # type: ignore[arg-type]


# Limits


def test_requests_beyond_the_limit_of_transactions_fail_at_once(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(max_transactions=1))
    target = "sip:nobody@192.0.2.77;transport=udp"
    alice.ask(target)
    alice.ask(target)
    alice.invite(target)
    watch(alice, target)
    net.run(0.1)
    assert alice.one(RequestFailed).reason == "limit"
    assert alice.one(SessionFailed).cause is FailureCause.LIMIT
    assert alice.one(SubscriptionFailed).status is None
    assert alice.endpoint.counters["refused: too many transactions"] == 3
    net.run(40)
    assert alice.idle


def test_a_call_beyond_the_limit_of_dialogs_is_acknowledged_and_ended(net: Network) -> None:
    alice, bob = net.agent("alice", EndpointConfig(max_dialogs=1)), net.agent("bob")
    answering(bob)
    alice.invite(bob.uri())
    net.run(1)
    alice.invite(bob.uri())
    net.run(1)
    assert alice.one(SessionFailed).cause is FailureCause.LIMIT
    assert bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED
    assert alice.endpoint.sizes["dialogs"] == 1


def test_flows_beyond_the_limit_are_asked_for_again(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(max_flows=2))
    others = [net.agent(f"other{number}") for number in range(4)]
    for _ in range(2):
        for other in others:
            alice.ask(other.uri())
    net.run(0.1)
    assert [len(other.of(RequestReceived)) for other in others] == [2, 2, 2, 2]
    assert len(alice.endpoint._transport._by_hop) == 2


# Misuse


@pytest.mark.parametrize(
    "options",
    [
        {"from_": "not an address <"},
        {"to": "<sip:b@example.com>\r\nInjected: 1"},
        {"headers": [("Subject", "a\r\nInjected: 1")]},
        {"headers": [("Bad Name", "x")]},
        {"content_type": "text/plain\r\nInjected: 1"},
        {"target": "sip:two words@example.com"},
        {"target": "not a uri"},
    ],
)
@pytest.mark.parametrize("command", ["request", "invite", "subscribe"])
def test_what_does_not_fit_into_a_message_is_refused_before_anything_happens(
    net: Network, command: str, options: dict[str, object]
) -> None:
    alice = net.agent("alice")
    settings: dict[str, object] = {"from_": "<sip:a@example.com>", "to": "<sip:b@example.com>", "now": 0.0, **options}
    target = settings.pop("target", "sip:b@192.0.2.7")
    first = {"request": ["MESSAGE", target], "invite": [target], "subscribe": [target]}[command]
    if command == "subscribe":
        settings["event"] = "conference"
    with pytest.raises(LocalProtocolError):
        getattr(alice.endpoint, command)("ua", *first, **settings)
    assert not any(alice.endpoint.sizes.values())
    assert alice.endpoint.take_events() == []
    assert alice.endpoint.next_timeout() is None


def confirmed(net: Network, alice: Agent, bob: Agent) -> int:
    answering(bob)
    session = alice.invite(bob.uri())
    net.run(1)
    assert bob.one(SessionConfirmed)
    return session


def test_bad_headers_inside_a_session_change_nothing(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    session = confirmed(net, alice, bob)
    bad = [("Reason", "a\r\nInjected: 1")]
    endpoint, now = alice.endpoint, net.now
    commands: list[Callable[[], object]] = [
        lambda: endpoint.bye(session, headers=bad, now=now),  # type: ignore[arg-type]
        lambda: endpoint.reinvite(session, headers=bad, now=now),  # type: ignore[arg-type]
        lambda: endpoint.update(session, headers=bad, now=now),  # type: ignore[arg-type]
        lambda: endpoint.request_in_session(session, "INFO", headers=bad, now=now),  # type: ignore[arg-type]
        lambda: endpoint.request_in_session(session, "IN FO", now=now),  # type: ignore[arg-type]
    ]
    for command in commands:
        with pytest.raises(LocalProtocolError):
            command()
    assert endpoint.session(session).state is SessionState.CONFIRMED  # type: ignore[arg-type]
    net.log.clear()
    net.run(1)
    assert net.log == []


def test_each_side_of_a_subscription_has_its_own_commands(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(SubscribeReceived, lambda e: bob.endpoint.accept_subscription(e.subscription, now=net.now))
    ours = watch(alice, bob.uri())
    net.run(0.1)
    theirs = bob.one(SubscribeReceived).subscription
    with pytest.raises(LocalProtocolError):
        alice.endpoint.notify(ours, now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.unsubscribe(theirs, now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.accept_subscription(theirs, now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.accept_subscription(theirs, status=404, now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.notify(theirs, state="active\r\nInjected: 1", now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.end_subscription(theirs, reason="a\r\nInjected: 1", now=net.now)


def test_statuses_must_fit_the_command(net: Network) -> None:
    bob = net.agent("bob")
    net.inject(bob, raw_request("INVITE"))
    session, transaction = bob.one(InviteReceived).session, bob.one(InviteReceived).transaction
    for command in (
        lambda: bob.endpoint.progress(session, 200, now=net.now),
        lambda: bob.endpoint.accept(session, status=404, now=net.now),
        lambda: bob.endpoint.reject(session, 200, now=net.now),
        lambda: bob.endpoint.respond(transaction, 700, now=net.now),
        lambda: bob.endpoint.reject(session, 486, "Busy\r\nInjected: 1", now=net.now),
    ):
        with pytest.raises(LocalProtocolError):
            command()
    assert net.log == []
    assert bob.endpoint.session(session).state is SessionState.INCOMING


# What is left


def test_an_invite_may_be_answered_by_its_transaction(net: Network) -> None:
    bob = net.agent("bob")
    net.inject(bob, raw_request("INVITE"))
    transaction = bob.one(InviteReceived).transaction
    bob.endpoint.respond(transaction, 180, now=net.now)
    bob.endpoint.respond(transaction, 200, body=b"v=0", content_type=SDP, now=net.now)
    net.run(0.6)
    assert net.heads() == ["180", "200", "200"]
    via = "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKtwo"
    net.inject(bob, raw_request("INVITE", call_id="two", via=via))
    bob.endpoint.respond(bob.of(InviteReceived)[1].transaction, 603, now=net.now)
    net.flush()
    assert net.heads()[-1] == "603"


def test_a_reinvite_that_is_cancelled_leaves_the_session(net: Network) -> None:
    net.agent("unused")
    bob = net.agent("bob")
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2"))
    session = bob.one(InviteReceived).session
    bob.endpoint.accept(session, now=net.now)
    net.flush()
    to = net.responses(200)[0].headers.get("To")
    net.inject(bob, raw_request("ACK", "sip:bob@192.0.2.2", to=to, via="SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKack"))
    via = "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKre"
    for method in ("INVITE", "CANCEL"):
        net.inject(bob, raw_request(method, "sip:bob@192.0.2.2", to=to, via=via, cseq=f"2 {method}"))
    assert net.heads() == ["200", "200", "487"]
    assert bob.endpoint.session(session).state is SessionState.CONFIRMED
    bob.endpoint.respond(bob.one(ReinviteReceived).transaction, 200, now=net.now)
    assert bob.endpoint.counters["dropped: answer after the transaction ended"] == 1


def test_a_refresh_that_crosses_an_offer_is_tried_again(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    answering(bob)
    alice.invite(bob.uri(), session_expires=600)
    net.run(1)
    net.drop = lambda data: data.startswith(b"UPDATE") and net.now < 300.5
    net.run(299.1)
    update = net.requests("UPDATE")[0]
    net.inject(alice, bytes(update.response(491)))
    net.run(10)
    assert len({request.cseq.number for request in net.requests("UPDATE")}) == 2
    assert alice.of(SessionRefreshed)
    assert bob.of(SessionRefreshed)


def test_a_benotify_out_of_order_is_dropped(net: Network) -> None:
    alice = net.agent("alice")
    watch(alice, "sip:bob@192.0.2.99;transport=udp", expires=600)
    net.flush()
    subscribe = net.requests("SUBSCRIBE")[0]
    extra = ("Contact: <sip:bob@192.0.2.99>", "Event: conference", "subscription-state: active;expires=60")
    for number in (5, 6, 4):
        data = raw_request(
            "BENOTIFY",
            "sip:alice@192.0.2.1",
            from_="<sip:bob@example.com>;tag=b",
            to=str(subscribe.headers.get("From")),
            call_id=subscribe.call_id,
            cseq=f"{number} BENOTIFY",
            extra=extra,
        )
        net.inject(alice, data)
    assert len(alice.of(NotifyReceived)) == 2
    assert net.heads() == ["SUBSCRIBE"]
    assert alice.endpoint.counters["dropped: BENOTIFY out of order"] == 1


def test_a_refer_may_do_without_a_subscription(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(
        RequestReceived,
        lambda e: bob.endpoint.respond(e.transaction, 202, headers=[("Refer-Sub", "false")], now=net.now),  # type: ignore[arg-type]
    )
    alice.endpoint.refer(
        "ua", bob.uri(), refer_to="sip:c@example.com", from_="<sip:a@x.org>", to="<sip:b@x.org>", now=net.now
    )
    net.run(40)
    assert alice.one(SubscriptionEnded).reason == "suppressed"
    assert net.requests("NOTIFY") == []
    assert alice.idle
    assert bob.idle


def test_several_refers_in_one_dialog_are_told_apart(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    session = confirmed(net, alice, bob)
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 202, now=net.now))  # type: ignore[arg-type]
    for number in (1, 2):
        via = f"SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK{number}"
        view = alice.endpoint.session(session)  # type: ignore[arg-type]
        data = raw_request(
            "REFER",
            "sip:bob@192.0.2.2",
            via=via,
            from_=str(view.local_uri),
            to=str(view.remote_uri),
            call_id=view.call_id,
            cseq=f"{10 + number} REFER",
            extra=("Contact: <sip:alice@192.0.2.99>", "Refer-To: <sip:c@example.com>"),
        )
        net.inject(bob, data)
    for event in bob.of(RequestReceived):
        assert event.subscription is not None
        bob.endpoint.notify(event.subscription, body=b"SIP/2.0 100 Trying\r\n", now=net.now)
    net.flush()
    assert [request.headers.get("Event") for request in net.requests("NOTIFY")] == ["refer", "refer;id=12"]
