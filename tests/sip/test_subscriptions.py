"""Subscriptions on both sides (RFC 6665), and Microsoft's BENOTIFY, piggybacked document and auto-extension."""

import pytest

from sip import (
    EndpointConfig,
    InviteReceived,
    LocalProtocolError,
    NotifyFailed,
    NotifyReceived,
    RequestReceived,
    SessionEnded,
    SubscribeReceived,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionFlowLost,
    SubscriptionId,
)
from sip.testing.judges.traffic import check_traffic
from sip.testing.network import Agent, Network, raw_request

XML = "application/conference-info+xml"
MICROSOFT = [("Supported", "ms-benotify"), ("Supported", "ms-piggyback-first-notify")]


def watch(
    alice: Agent,
    bob: Agent,
    *,
    transport: str = "udp",
    expires: int | None = 600,
    headers: list[tuple[str, object]] | None = None,
    event: str = "conference",
) -> SubscriptionId:
    return alice.endpoint.subscribe(
        "ua",
        bob.uri(transport),
        event=event,
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        expires=expires,
        headers=headers or (),
        accept=[XML],
        now=alice.net.now,
    )


def notifying(bob: Agent, *, piggyback: bool = False, expires: int | None = None) -> None:
    def react(event: SubscribeReceived) -> None:
        now = bob.net.now
        if piggyback:
            bob.endpoint.accept_subscription(
                event.subscription, expires=expires, body=b"<full/>", content_type=XML, now=now
            )
        else:
            bob.endpoint.accept_subscription(event.subscription, expires=expires, now=now)
            bob.endpoint.notify(event.subscription, body=b"<full/>", content_type=XML, now=now)

    bob.on(SubscribeReceived, react)


def bodies(agent: Agent) -> list[bytes]:
    return [event.body for event in agent.of(NotifyReceived)]


def send(bob: Agent, *documents: bytes, benotify: bool = False) -> None:
    theirs = bob.of(SubscribeReceived)[0].subscription
    for document in documents:
        bob.endpoint.notify(theirs, body=document, content_type=XML, benotify=benotify, now=bob.net.now)


# From the start to the end


def test_a_subscription_is_accepted_notified_refreshed_and_ended(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, expires=300)
    ours = watch(alice, bob)
    net.run(1)
    accepted = alice.one(SubscriptionAccepted)
    assert (accepted.subscription, accepted.expires) == (ours, 300)
    first = alice.one(NotifyReceived)
    assert (first.body, first.content_type, first.state) == (b"<full/>", XML, "active")
    received = bob.one(SubscribeReceived)
    assert (received.expires, received.initial) == (600, True)
    net.run(300)
    assert net.sent("SUBSCRIBE") == [0, 240.02]
    assert [event.initial for event in bob.of(SubscribeReceived)] == [True, False]
    assert len(bodies(alice)) == 2
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(40)
    assert alice.one(SubscriptionEnded).reason == "unsubscribed"
    assert bob.one(SubscriptionEnded).reason == "unsubscribed"
    last = net.requests("NOTIFY")[-1]
    assert str(last.subscription_state) == "terminated;reason=timeout"
    assert alice.idle
    assert bob.idle


def test_notifications_carry_event_state_and_time_left(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob, event="conference;id=7")
    net.run(100)
    send(bob, b"<later/>")
    net.run(1)
    first, later = net.requests("NOTIFY")
    assert first.headers.get("Event") == "conference;id=7"
    assert str(first.subscription_state) == "active;expires=600"
    assert str(later.subscription_state) == "active;expires=500"
    assert later.cseq.number == first.cseq.number + 1
    assert later.from_.tag == first.from_.tag
    assert str(later.uri) == "sip:alice@192.0.2.1:5060;transport=udp"


def test_one_notify_at_a_time_and_in_order(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob)
    net.run(1)
    send(bob, b"1", b"2", b"3", b"4")
    net.flush()
    assert len(net.requests("NOTIFY")) == 2
    net.run(1)
    assert bodies(alice) == [b"<full/>", b"1", b"2", b"3", b"4"]


def test_a_notifier_whose_notifications_pile_up_is_ended(net: Network, alice: Agent) -> None:
    bob = net.agent("bob", EndpointConfig(max_notify_queue=3))
    notifying(bob)
    watch(alice, bob)
    net.run(1)
    alice.deaf = True
    send(bob, *[b"%d" % number for number in range(5)])
    assert bob.one_after_settling(SubscriptionEnded).reason == "unreachable"
    send(bob, b"ignored")
    net.run(60)
    assert bob.idle


def test_the_core_ends_a_subscription_with_a_reason(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob)
    net.run(1)
    theirs = bob.one(SubscribeReceived).subscription
    bob.endpoint.end_subscription(
        theirs, reason="probation", retry_after=30, body=b"<end/>", content_type=XML, now=net.now
    )
    bob.endpoint.end_subscription(theirs, reason="giveup", now=net.now)
    net.run(40)
    ended = alice.one(SubscriptionEnded)
    assert (ended.reason, ended.retry_after) == ("probation", 30)
    assert bodies(alice)[-1] == b"<end/>"
    assert alice.of(NotifyReceived)[-1].state == "terminated"
    assert bob.one(SubscriptionEnded).reason == "probation"
    assert alice.idle
    assert bob.idle


def test_a_subscription_that_nobody_refreshes_expires(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, expires=100)
    watch(alice, bob)
    net.run(1)
    net.drop = lambda data: data.startswith(b"SUBSCRIBE")
    net.run(110)
    assert bob.one(SubscriptionEnded).reason == "timeout"
    assert alice.one(SubscriptionEnded).reason == "timeout"
    net.run(60)
    assert alice.idle
    assert bob.idle


def test_a_fetch_gets_one_document(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob, expires=0)
    net.run(40)
    received = bob.one(SubscribeReceived)
    assert (received.expires, received.initial) == (0, True)
    assert net.heads() == ["SUBSCRIBE", "200", "NOTIFY", "200"]
    assert alice.one(NotifyReceived).state == "terminated"
    assert alice.one(SubscriptionEnded)
    assert bob.one(SubscriptionEnded)
    assert alice.idle
    assert bob.idle


def test_a_core_that_says_nothing_after_an_unsubscribe_is_spoken_for(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(SubscribeReceived, lambda e: bob.endpoint.accept_subscription(e.subscription, now=net.now))
    watch(alice, bob, expires=0)
    net.run(40)
    assert net.heads() == ["SUBSCRIBE", "200", "NOTIFY", "200"]
    assert bob.idle


@pytest.mark.parametrize("status", [403, 404, 489, 503])
def test_a_refused_subscription(net: Network, alice: Agent, bob: Agent, status: int) -> None:
    bob.on(SubscribeReceived, lambda e: bob.endpoint.reject_subscription(e.subscription, status, now=net.now))
    watch(alice, bob)
    net.run(40)
    assert alice.one(SubscriptionFailed).status == status
    assert bob.of(SubscriptionEnded) == []
    assert alice.idle
    assert bob.idle


def test_a_subscription_that_nobody_answers(net: Network, alice: Agent) -> None:
    bob = net.agent("bob", core=False)
    bob.deaf = True
    watch(alice, bob)
    net.run(40)
    assert alice.one(SubscriptionFailed).status is None
    assert alice.idle


def test_without_any_notify_the_subscription_is_dead(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(SubscribeReceived, lambda e: bob.endpoint.accept_subscription(e.subscription, now=net.now))
    watch(alice, bob)
    net.run(40)
    assert alice.one(SubscriptionEnded).reason == "unreachable"
    assert alice.idle


def test_a_notify_may_overtake_the_200(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    net.drop = lambda data: data.startswith(b"SIP/2.0 200") and b"SUBSCRIBE" in data and net.now < 0.3
    watch(alice, bob)
    net.run(5)
    assert alice.kinds() == ["NotifyReceived", "SubscriptionAccepted"]
    send(bob, b"more")
    net.run(1)
    assert bodies(alice) == [b"<full/>", b"more"]


def test_a_second_notifier_of_a_fork_is_turned_away(net: Network, alice: Agent) -> None:
    watch(alice, net.agent("bob", core=False))
    net.flush()
    subscribe = net.requests("SUBSCRIBE")[0]
    for tag in ("one", "two", "one"):
        notify = raw_request(
            "NOTIFY",
            "sip:alice@192.0.2.1",
            via=f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK{len(net.log)};rport",
            from_=f"<sip:bob@example.com>;tag={tag}",
            to=str(subscribe.headers.get("From")),
            call_id=subscribe.call_id,
            cseq=f"{len(net.log)} NOTIFY",
            extra=("Contact: <sip:bob@192.0.2.99>", "Event: conference", "Subscription-State: active;expires=60"),
        )
        net.inject(alice, notify)
    assert net.heads() == ["SUBSCRIBE", "200", "481", "200"]
    assert len(alice.of(NotifyReceived)) == 2


# What goes wrong in between


def test_481_to_a_notify_ends_the_subscription(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob)
    net.run(1)
    alice.forget()
    send(bob, b"1", b"2")
    net.run(40)
    assert bob.one(SubscriptionEnded).reason == "gone"
    assert bob.idle


def test_silence_to_a_notify_ends_the_subscription(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob)
    net.run(1)
    alice.deaf = True
    send(bob, b"1", b"2")
    net.run(80)
    assert bob.one(SubscriptionEnded).reason == "unreachable"
    assert bob.idle


def test_another_error_to_a_notify_loses_that_document_only(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob)
    net.run(1)
    net.drop = lambda data: data.startswith(b"NOTIFY")
    send(bob, b"1", b"2")
    net.run(0.01)
    net.drop = lambda data: False
    net.inject(bob, bytes(net.requests("NOTIFY")[-1].response(500)))
    net.run(1)
    assert bob.one(NotifyFailed).status == 500
    assert bodies(alice) == [b"<full/>", b"2"]


def test_a_notifier_that_forgot_us_is_subscribed_to_again(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    ours = watch(alice, bob)
    net.run(1)
    bob.forget()
    alice.endpoint.refresh(ours, now=net.now)
    net.run(10)
    assert alice.of(SubscriptionEnded) == []
    calls = [request.call_id for request in net.requests("SUBSCRIBE")]
    assert calls[0] == calls[1] != calls[2]
    assert {event.subscription for event in alice.of(NotifyReceived)} == {ours}
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(40)
    assert alice.one(SubscriptionEnded)
    assert alice.idle
    assert bob.idle


def test_a_refused_refresh_leaves_the_subscription_until_it_expires(net: Network, alice: Agent, bob: Agent) -> None:
    def react(event: SubscribeReceived) -> None:
        if not event.initial:
            bob.endpoint.reject_subscription(event.subscription, 500, now=net.now)
            return
        bob.endpoint.accept_subscription(event.subscription, expires=100, now=net.now)
        bob.endpoint.notify(event.subscription, now=net.now)

    bob.on(SubscribeReceived, react)
    watch(alice, bob)
    net.run(90)
    assert "500" in net.heads()
    assert alice.of(SubscriptionEnded) == []
    net.run(60)
    assert alice.one(SubscriptionEnded).reason == "timeout"
    assert alice.idle
    assert bob.idle


def test_a_duration_that_is_too_short_is_raised(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob, expires=10)
    net.run(1)
    assert net.heads()[:3] == ["SUBSCRIBE", "423", "SUBSCRIBE"]
    assert alice.one(SubscriptionAccepted).expires == 60


def test_unsubscribing_before_the_answer_waits_for_it(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    ours = watch(alice, bob)
    net.flush()
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(60)
    assert [request.expires for request in net.requests("SUBSCRIBE")] == [600, 0]
    assert alice.one(SubscriptionEnded).reason == "unsubscribed"
    assert bob.one(SubscriptionEnded)
    assert alice.idle
    assert bob.idle


def test_a_core_that_never_answers_a_subscribe(net: Network, alice: Agent, bob: Agent) -> None:
    watch(alice, bob)
    net.run(80)
    assert alice.one(SubscriptionFailed)
    assert bob.one(SubscriptionEnded).reason == "rejected"
    theirs = bob.one(SubscribeReceived).subscription
    bob.endpoint.accept_subscription(theirs, now=net.now)
    assert bob.idle
    with pytest.raises(LocalProtocolError):
        bob.endpoint.notify(SubscriptionId(9999), now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.unsubscribe(SubscriptionId(9999), now=net.now)


def test_a_notify_for_nothing_gets_481(net: Network, bob: Agent) -> None:
    state = "Subscription-State: active"
    net.inject(
        bob, raw_request("NOTIFY", "sip:bob@192.0.2.2", to="<sip:b@example.com>;tag=x", extra=("Event: x", state))
    )
    assert net.heads() == ["481"]


def test_unknown_event_packages_are_refused_with_what_is_known(net: Network) -> None:
    net.agent("unused")
    bob = net.agent("bob", core=False)
    bob.add_core(events=("conference",))
    contact = "Contact: <sip:carol@192.0.2.99>"
    net.inject(bob, raw_request("SUBSCRIBE", "sip:bob@192.0.2.2", extra=(contact, "Event: presence")))
    answer = net.responses(489)[0]
    assert answer.headers.get("Allow-Events") == "conference"


def test_too_many_subscriptions_are_refused(net: Network, alice: Agent) -> None:
    bob = net.agent("bob", EndpointConfig(max_subscriptions=1))
    notifying(bob)
    watch(alice, bob)
    watch(alice, bob)
    net.run(1)
    assert alice.one(SubscriptionFailed).status == 503


# Microsoft


def test_benotify_goes_out_at_once_and_is_never_answered(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, piggyback=True)
    watch(alice, bob, transport="tcp", headers=[("Supported", "ms-benotify")])
    net.run(1)
    assert "ms-benotify" in net.responses(200)[0].supported
    net.log.clear()
    send(bob, b"1", b"2", b"3", benotify=True)
    net.run(1)
    assert net.heads() == ["BENOTIFY"] * 3
    assert bodies(alice)[-3:] == [b"1", b"2", b"3"]
    numbers = [request.cseq.number for request in net.requests("BENOTIFY")]
    assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_a_benotify_does_not_overtake_what_waits(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob, transport="tcp", headers=[("Supported", "ms-benotify")])
    net.run(1)
    theirs = bob.one(SubscribeReceived).subscription
    send(bob, b"1", b"2")
    send(bob, b"3", benotify=True)
    bob.endpoint.end_subscription(theirs, reason="noresource", benotify=True, now=net.now)
    bob.take(())
    net.run(1)
    assert bodies(alice)[-4:] == [b"1", b"2", b"3", b""]
    assert [str(each) for each in check_traffic(net.passages()) if "Expires" not in each.clause] == []


@pytest.mark.parametrize(("transport", "supported"), [("udp", True), ("tcp", False)])
def test_benotify_becomes_notify_where_it_is_not_wanted_or_may_get_lost(
    net: Network, alice: Agent, bob: Agent, transport: str, supported: bool
) -> None:
    notifying(bob)
    headers: list[tuple[str, object]] = [("Supported", "ms-benotify")] if supported else []
    watch(alice, bob, transport=transport, headers=headers)
    net.run(1)
    send(bob, b"1", benotify=True)
    net.run(1)
    assert net.requests("BENOTIFY") == []
    assert bodies(alice)[-1] == b"1"


def test_the_first_document_is_piggybacked_for_those_who_know_that(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, piggyback=True, expires=500)
    watch(alice, bob, transport="tcp", headers=[*MICROSOFT])
    net.run(40)
    assert net.heads() == ["SUBSCRIBE", "200"]
    answer = net.responses(200)[0]
    assert answer.supported == ("ms-benotify", "ms-piggyback-first-notify")
    assert answer.headers.get("Event") == "conference"
    assert answer.headers.get("subscription-state") == "active;expires=500"
    assert answer.headers.get("ms-piggyback-cseq") == "1"
    assert alice.one(NotifyReceived).body == b"<full/>"
    assert alice.of(SubscriptionEnded) == []
    send(bob, b"next", benotify=True)
    net.run(1)
    assert net.requests("BENOTIFY")[0].cseq.number == 2


def test_the_first_document_follows_as_notify_for_the_others(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, piggyback=True)
    watch(alice, bob)
    net.run(1)
    assert net.heads() == ["SUBSCRIBE", "200", "NOTIFY", "200"]
    assert net.responses(200)[0].body == b""
    assert bodies(alice) == [b"<full/>"]


def test_auto_extension_restarts_the_time_with_every_notification(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, expires=100)
    watch(alice, bob, headers=[("Supported", "com.microsoft.autoextend")])
    net.run(1)
    for number in range(10):
        net.run(50)
        send(bob, b"%d" % number)
    net.run(10)
    assert len(net.requests("SUBSCRIBE")) == 1
    assert str(net.requests("NOTIFY")[-1].subscription_state) == "active;expires=100"
    assert bob.of(SubscriptionEnded) == []


def test_a_proxy_that_does_not_know_benotify_is_asked_without_it(net: Network, alice: Agent) -> None:
    headers: list[tuple[str, object]] = [("Supported", "ms-benotify"), ("Proxy-Require", "ms-benotify")]
    watch(alice, net.agent("bob", core=False), headers=headers)
    net.flush()
    refused = net.requests("SUBSCRIBE")[0].response(420, headers=[("Unsupported", "ms-benotify")])
    net.inject(alice, bytes(refused))
    second = net.requests("SUBSCRIBE")[1]
    assert "Proxy-Require" not in second.headers
    assert "Supported" not in second.headers
    assert second.cseq.number == 2


def test_losing_the_connection_ends_a_subscription_that_lives_on_benotify(
    net: Network, alice: Agent, bob: Agent
) -> None:
    notifying(bob, piggyback=True)
    watch(alice, bob, transport="tcp", headers=[*MICROSOFT])
    net.run(1)
    net.close(bob, bob.one(SubscribeReceived).flow)
    assert bob.one(SubscriptionEnded).reason == "unreachable"


def test_a_subscriber_hears_that_the_connection_is_gone_and_asks_again(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, piggyback=True)
    subscription = watch(alice, bob, transport="tcp", headers=[*MICROSOFT])
    net.run(1)
    net.close(bob, bob.one(SubscribeReceived).flow)
    assert alice.one(SubscriptionFlowLost).subscription == subscription
    alice.endpoint.refresh(subscription, now=net.now)
    net.run(1)
    assert bodies(alice) == [b"<full/>", b"<full/>"]
    assert len(bob.of(SubscribeReceived)) == 2


def test_who_comes_back_by_another_connection_is_told_by_that_one(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob, piggyback=True)
    subscription = watch(alice, bob, transport="tcp", headers=[*MICROSOFT])
    net.run(1)
    old = bob.one(SubscribeReceived).flow
    _, (_, ours) = net.wire.close(old)
    alice.take(alice.endpoint.flow_closed(ours, now=net.now))  # bob does not hear of it: his half looks whole
    alice.endpoint.refresh(subscription, now=net.now)
    net.run(1)
    send(bob, b"<more/>", benotify=True)
    net.run(1)
    assert bodies(alice)[-1] == b"<more/>"
    bob.take(bob.endpoint.flow_closed(old, now=net.now))
    assert bob.of(SubscriptionEnded) == []


def test_an_unsubscribe_on_a_fresh_call_id_is_left_to_the_core(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    watch(alice, bob, transport="tcp")
    net.run(1)
    contact = "Contact: <sip:alice@192.0.2.1>"
    gone = raw_request(
        "SUBSCRIBE",
        "sip:bob@192.0.2.2",
        via="SIP/2.0/tcp 192.0.2.99",
        call_id="fresh",
        extra=(contact, "Event: conference", "Expires: 0"),
    )
    net.inject(bob, gone, net.outside(bob, "TCP"))
    received = bob.of(SubscribeReceived)[-1]
    assert (received.expires, received.initial) == (0, True)


def test_a_core_that_only_subscribes_lists_no_methods(net: Network) -> None:
    alice = net.agent("alice", core=False)
    alice.add_core(methods=())
    bob = net.agent("bob")
    notifying(bob)
    watch(alice, bob)
    net.run(1)
    assert alice.one(NotifyReceived).body == b"<full/>"
    net.inject(alice, raw_request("NOTIFY", "sip:alice@192.0.2.1"))
    assert net.heads()[-1] == "405"


# In the dialog of a session, and REFER


def established(net: Network, alice: Agent, bob: Agent) -> int:
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, now=net.now))
    session = alice.invite(bob.uri())
    net.run(1)
    return session


def test_a_subscription_in_the_dialog_of_a_session_outlives_its_bye(net: Network, alice: Agent, bob: Agent) -> None:
    notifying(bob)
    session = established(net, alice, bob)
    ours = alice.endpoint.subscribe(
        "ua",
        bob.uri(),
        event="conference",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        expires=600,
        session=session,
        now=net.now,
    )
    net.run(1)
    invite, subscribe = net.requests("INVITE")[0], net.requests("SUBSCRIBE")[0]
    assert subscribe.call_id == invite.call_id
    alice.endpoint.bye(session, now=net.now)
    net.run(1)
    assert alice.one(SessionEnded)
    send(bob, b"still here")
    net.run(1)
    assert bodies(alice) == [b"<full/>", b"still here"]
    assert alice.endpoint.sizes["dialogs"] == 1
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(40)
    assert alice.idle
    assert bob.idle


@pytest.mark.parametrize("inside", [True, False])
def test_refer_reports_its_outcome(net: Network, alice: Agent, bob: Agent, inside: bool) -> None:
    session = established(net, alice, bob) if inside else None

    def react(event: RequestReceived) -> None:
        assert event.subscription is not None
        bob.endpoint.respond(event.transaction, 202, now=net.now)  # type: ignore[arg-type]
        for line, state in ((b"SIP/2.0 100 Trying\r\n", "active"), (b"SIP/2.0 200 OK\r\n", "terminated")):
            bob.endpoint.notify(
                event.subscription,
                body=line,
                content_type="message/sipfrag;version=2.0",
                state=state,
                reason="noresource" if state == "terminated" else None,
                now=net.now,
            )

    bob.on(RequestReceived, react)
    alice.endpoint.refer(
        "ua",
        bob.uri(),
        refer_to="<sip:carol@example.com>",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        session=session,  # type: ignore[arg-type]
        now=net.now,
    )
    net.run(1)
    assert net.requests("REFER")[0].headers.get("Refer-To") == "<sip:carol@example.com>"
    assert alice.kinds()[-4:] == ["SubscriptionAccepted", "NotifyReceived", "NotifyReceived", "SubscriptionEnded"]
    assert bodies(alice) == [b"SIP/2.0 100 Trying\r\n", b"SIP/2.0 200 OK\r\n"]
    assert alice.one(SubscriptionEnded).reason == "noresource"
    assert bob.one(SubscriptionEnded).reason == "noresource"
    net.run(40)
    assert alice.endpoint.sizes["subscriptions"] == bob.endpoint.sizes["subscriptions"] == 0


def test_a_refused_refer_has_no_subscription(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 603, now=net.now))
    alice.endpoint.refer(
        "ua",
        bob.uri(),
        refer_to="sip:carol@example.com",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        now=net.now,
    )
    net.run(40)
    assert alice.one(SubscriptionFailed).status == 603
    assert alice.idle
    assert bob.idle


def test_a_refer_without_exactly_one_target_is_refused(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("REFER", "sip:bob@192.0.2.2"))
    assert net.heads() == ["400"]
    assert bob.of(RequestReceived) == []
