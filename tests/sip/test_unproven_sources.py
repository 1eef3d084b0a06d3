"""Nobody is sent much more than it sent before it has shown that its UDP address is no invention."""

import pytest

from sip import (
    Address,
    Flow,
    InviteReceived,
    Networks,
    NotifyReceived,
    RequestReceived,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionId,
)
from sip.testing.network import Agent, Network, raw_request
from sip.transport.return_routability import ProvenSources

DOCUMENT = b"x" * 2000
VICTIM = "192.0.2.99"  # nobody is there


@pytest.fixture
def net() -> Network:
    return Network(trusted=())


@pytest.fixture
def server(net: Network) -> Agent:
    server = net.agent("server")
    server.on(SubscribeReceived, lambda e: accept(server, e))
    return server


def accept(server: Agent, event: SubscribeReceived) -> None:
    server.endpoint.accept_subscription(
        event.subscription, body=DOCUMENT, content_type="text/plain", now=server.net.now
    )


def watch(agent: Agent, server: Agent, transport: str = "udp", *, supported: str = "", expires: int = 600) -> None:
    agent.endpoint.subscribe(
        "ua",
        server.uri(transport),
        event="conference",
        from_=f"<sip:{agent.name}@example.com>",
        to="<sip:server@example.com>",
        headers=[("Supported", supported)] if supported else (),
        expires=expires,
        now=agent.net.now,
    )
    agent.net.run(1)


def forged(*extra: str, call_id: str = "call-1") -> bytes:
    via = f"SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bK{call_id};rport"
    lines = (f"Contact: <sip:carol@{VICTIM}>", "Event: conference", *extra)
    return raw_request("SUBSCRIBE", via=via, call_id=call_id, extra=lines)


def bodies(agent: Agent) -> list[bytes]:
    return [event.body for event in agent.of(NotifyReceived)]


def test_a_forged_subscribe_gets_no_document(net: Network, server: Agent) -> None:
    subscribe = forged()
    net.inject(server, subscribe)
    net.run(100)
    assert server.one(SubscriptionEnded).reason == "unreachable"
    assert max(len(each.data) for each in net.log) <= len(subscribe) + server.endpoint.config.unproven_excess
    assert {request.body for request in net.requests("NOTIFY")} == {b""}
    assert net.requests("NOTIFY")[0].headers.get("Subscription-State", "").startswith("pending;expires=")


def test_neither_does_one_that_asks_for_the_document_in_the_answer(net: Network, server: Agent) -> None:
    net.inject(server, forged("Supported: ms-piggyback-first-notify"))
    net.run(100)
    assert max(len(each.data) for each in net.log) < 800


def test_a_forged_fetch_gets_no_document(net: Network, server: Agent) -> None:
    net.inject(server, forged("Expires: 0"))
    net.run(100)
    assert max(len(each.data) for each in net.log) < 800
    assert server.one(SubscriptionEnded)


def test_who_answers_gets_its_document_at_once(net: Network, server: Agent) -> None:
    alice = net.agent("alice")
    watch(alice, server)
    assert bodies(alice) == [b"", DOCUMENT]
    assert [event.state for event in alice.of(NotifyReceived)] == ["pending", "active"]
    assert net.now < 2


def test_documents_that_come_meanwhile_keep_their_order(net: Network, server: Agent) -> None:
    alice = net.agent("alice")
    net.latency = 0.7
    watch(alice, server)
    subscription = server.one(SubscribeReceived).subscription
    for number in range(3):
        send(server, subscription, b"%d" % number)
    net.run(10)
    assert bodies(alice) == [b"", DOCUMENT, b"0", b"1", b"2"]


def send(server: Agent, subscription: SubscriptionId, body: bytes) -> None:
    server.endpoint.notify(subscription, body=body, content_type="text/plain", now=server.net.now)


def test_an_end_that_comes_meanwhile_is_the_last(net: Network, server: Agent) -> None:
    alice = net.agent("alice")
    net.latency = 0.7
    watch(alice, server)
    server.endpoint.end_subscription(server.one(SubscribeReceived).subscription, reason="noresource", now=net.now)
    net.run(10)
    assert bodies(alice) == [b"", DOCUMENT, b""]
    assert alice.one(SubscriptionEnded).reason == "noresource"
    assert server.one(SubscriptionEnded).reason == "noresource"


def test_a_second_subscription_of_the_same_host_needs_no_sign(net: Network, server: Agent) -> None:
    alice = net.agent("alice")
    watch(alice, server)
    watch(alice, server, supported="ms-piggyback-first-notify")
    assert bodies(alice) == [b"", DOCUMENT, DOCUMENT]


@pytest.mark.parametrize("by_caller", [True, False])
def test_a_dialog_is_a_sign(net: Network, server: Agent, by_caller: bool) -> None:
    alice = net.agent("alice")
    server.on(InviteReceived, lambda e: server.endpoint.accept(e.session, now=net.now))
    alice.on(InviteReceived, lambda e: alice.endpoint.accept(e.session, now=net.now))
    caller, callee = (alice, server) if by_caller else (server, alice)
    session = caller.invite(callee.uri())
    net.run(1)
    if not by_caller:
        alice.endpoint.bye(alice.one(InviteReceived).session, now=net.now)
        net.run(1)
    assert server.endpoint.is_proven(net.flow("UDP", Address(server.host, 5060), Address(alice.host, 5060)))
    watch(alice, server)
    assert bodies(alice) == [DOCUMENT]
    assert session


def test_an_invite_alone_is_none(net: Network, server: Agent) -> None:
    server.on(InviteReceived, lambda e: server.endpoint.accept(e.session, now=net.now))
    net.inject(server, raw_request("INVITE"))
    assert not server.endpoint.is_proven(net.outside(server))
    net.inject(server, forged(call_id="call-2"))
    net.run(100)
    assert {request.body for request in net.requests("NOTIFY")} == {b""}


def test_a_request_with_a_tag_that_was_guessed_is_none(net: Network, server: Agent) -> None:
    net.inject(server, raw_request("BYE", to="<sip:server@192.0.2.1>;tag=guessed"))
    assert net.heads() == ["481"]
    assert not server.endpoint.is_proven(net.outside(server))


def test_over_a_connection_nothing_waits(net: Network, server: Agent) -> None:
    alice = net.agent("alice")
    watch(alice, server, "tcp")
    assert bodies(alice) == [DOCUMENT]


def test_small_documents_do_not_wait(net: Network, server: Agent) -> None:
    server._reactions.clear()
    alice = net.agent("alice")
    watch(alice, server)
    subscription = server.one(SubscribeReceived).subscription
    server.endpoint.accept_subscription(subscription, body=b"small", content_type="text/plain", now=net.now)
    net.run(1)
    assert bodies(alice) == [b"small"]


def test_proven_hosts_are_bounded() -> None:
    proven = ProvenSources(2, Networks(()))
    flows = [Flow(n, "UDP", Address("192.0.2.1", 5060), Address(f"192.0.2.{n}", 5060)) for n in range(1, 4)]
    for flow in flows:
        proven.add(flow)
    assert [flow in proven for flow in flows] == [False, True, True]


def test_a_core_may_ask(net: Network, server: Agent) -> None:
    asked: list[bool] = []
    server.on(RequestReceived, lambda e: asked.append(server.endpoint.is_proven(e.flow)))
    alice = net.agent("alice")
    alice.ask(server.uri())
    alice.ask(server.uri("tcp"))
    net.run(0.1)
    assert asked == [False, True]
