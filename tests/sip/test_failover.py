"""Other servers when one does not serve: RFC 3263 section 4.3."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Credentials,
    Destination,
    EndpointConfig,
    FailureCause,
    InviteReceived,
    NotifyReceived,
    ProvisionalReceived,
    RequestFailed,
    RequestReceived,
    ResolveWanted,
    ResponseReceived,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SubscribeReceived,
    SubscriptionAccepted,
)
from sip.testing.network import Agent, Network

TARGET = "sip:service@example.com"
BUSY: list[tuple[str, object]] = [("Retry-After", "30")]


def servers(net: Network, count: int, transport: str = "UDP") -> list[Agent]:
    """Make servers, in the order in which a look-up finds them."""
    found = [net.agent(f"server{number}") for number in range(count)]
    net.names["example.com"] = [Destination(transport, each.host, 5060) for each in found]
    return found


def refuses(server: Agent, status: int = 503, headers: list[tuple[str, object]] | None = None) -> None:
    now = server.net
    server.on(InviteReceived, lambda e: server.endpoint.reject(e.session, status, headers=headers or (), now=now.now))
    server.on(
        RequestReceived,
        lambda e: server.endpoint.respond(e.transaction, status, headers=headers or (), now=now.now),  # type: ignore[arg-type]
    )


def serves(server: Agent) -> None:
    net = server.net
    server.on(InviteReceived, lambda e: server.endpoint.accept(e.session, now=net.now))
    server.on(RequestReceived, lambda e: server.endpoint.respond(e.transaction, 200, now=net.now))  # type: ignore[arg-type]


# What makes it go on


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_request_that_is_refused_with_503_goes_to_the_next(net: Network, alice: Agent, transport: str) -> None:
    first, second = servers(net, 2, transport)
    refuses(first)
    serves(second)
    request = alice.ask(TARGET)
    net.run(1)
    answer = alice.one(ResponseReceived)
    assert (answer.request_id, answer.response.status) == (request, 200)
    one, other = first.one(RequestReceived).request, second.one(RequestReceived).request
    assert (one.call_id, one.cseq, one.from_) == (other.call_id, other.cseq, other.from_)
    assert one.via[0].branch != other.via[0].branch
    net.run(40)
    assert alice.idle


def test_a_request_that_is_not_answered_goes_to_the_next(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    first.deaf = True
    serves(second)
    alice.ask(TARGET)
    net.run(33)
    assert alice.one(ResponseReceived).response.status == 200
    assert alice.of(RequestFailed) == []


def test_a_request_whose_address_cannot_be_reached_goes_to_the_next(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    first.deaf = True
    serves(second)
    alice.ask(TARGET)
    net.run(0.1)
    (flow,) = [flow for flow in net.wire.flows.values() if flow.local.host == alice.host]
    alice.take(alice.endpoint.send_failed(flow, now=net.now))
    net.run(0.5)
    assert alice.one(ResponseReceived).response.status == 200


def test_a_connection_that_breaks_before_any_answer_leads_to_the_next(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2, "TCP")
    serves(second)
    alice.ask(TARGET)
    net.run(0.1)
    net.close(first, first.one(RequestReceived).flow)
    net.run(0.5)
    assert alice.one(ResponseReceived).response.status == 200


def test_servers_are_tried_up_to_a_limit(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(max_attempts=3))
    tried = servers(net, 5)
    for server in tried:
        refuses(server, headers=[("Subject", server.name)])
    alice.ask(TARGET)
    net.run(1)
    assert [len(server.of(RequestReceived)) for server in tried] == [1, 1, 1, 0, 0]
    answer = alice.one(ResponseReceived).response
    assert (answer.status, answer.headers.get("Subject")) == (503, "server2")
    assert alice.endpoint.counters["request sent to another server"] == 2


def test_when_all_stay_silent_that_is_reported_once(net: Network, alice: Agent) -> None:
    for server in servers(net, 2):
        server.deaf = True
    alice.ask(TARGET)
    net.run(70)
    assert alice.one(RequestFailed).reason == "timeout"
    assert alice.idle


def test_another_transport_of_a_server_that_refused_is_not_tried(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    net.names["example.com"].insert(1, Destination("TCP", first.host, 5060))
    refuses(first)
    serves(second)
    alice.ask(TARGET)
    net.run(1)
    assert len(first.of(RequestReceived)) == 1
    assert alice.one(ResponseReceived).response.status == 200


# What does not


@pytest.mark.parametrize("status", [404, 480, 500, 600])
def test_any_other_refusal_stands(net: Network, alice: Agent, status: int) -> None:
    first, second = servers(net, 2)
    refuses(first, status)
    alice.ask(TARGET)
    net.run(1)
    assert alice.one(ResponseReceived).response.status == status
    assert second.events == []


def test_silence_after_a_provisional_answer_is_a_failure(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    alice.ask(TARGET)
    net.run(40)  # a core that never answers: 100 goes out by itself
    assert {event.response.status for event in alice.of(ProvisionalReceived)} == {100}
    assert alice.one(RequestFailed).reason == "timeout"
    assert (len(first.events), second.events) == (1, [])


def test_a_request_on_a_flow_stays_there(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2, "TCP")
    refuses(first)
    alice.ask(first.uri("tcp"))
    net.run(0.5)
    flow = next(each for each in net.wire.flows.values() if each.local.host == alice.host)
    alice.endpoint.request(
        "ua", "MESSAGE", TARGET, from_="<sip:a@example.com>", to="<sip:b@example.com>", flow=flow, now=net.now
    )
    net.run(0.5)
    assert [event.response.status for event in alice.of(ResponseReceived)] == [503, 503]
    assert second.events == []


# INVITE


def test_an_invite_goes_to_the_next_and_lives_there(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    refuses(first)
    serves(second)
    session = alice.invite(TARGET)
    net.run(1)
    assert alice.one(SessionAnswered).session == session
    assert second.one(SessionConfirmed)
    assert alice.of(SessionFailed) == []
    acks = net.requests("ACK")
    assert [ack.cseq.number for ack in acks] == [1, 1]
    alice.endpoint.bye(session, now=net.now)
    net.run(1)
    assert second.one(SessionEnded)
    net.run(60)
    assert alice.idle
    assert first.idle
    assert second.idle


def test_an_invite_that_nobody_hears_goes_to_the_next(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    first.deaf = True
    serves(second)
    alice.invite(TARGET)
    net.run(33)
    assert alice.one(SessionAnswered)


def test_an_invite_that_rang_is_not_sent_to_others(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    first.on(InviteReceived, lambda e: first.endpoint.progress(e.session, now=net.now))
    alice.invite(TARGET)
    net.run(0.1)
    first.endpoint.reject(first.one(InviteReceived).session, 503, now=net.now)
    net.run(1)
    assert alice.one(SessionFailed).status == 503
    assert second.events == []


def test_an_invite_that_is_cancelled_is_not_sent_to_others(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    net.drop = lambda data: data.startswith(b"SIP/2.0 100")
    session = alice.invite(TARGET)
    net.run(0.1)
    alice.endpoint.cancel(session, now=net.now)
    first.endpoint.reject(first.one(InviteReceived).session, 503, now=net.now)
    net.run(40)
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    assert second.events == []


def test_an_invite_at_the_second_server_can_be_cancelled(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    refuses(first)
    second.on(InviteReceived, lambda e: second.endpoint.progress(e.session, now=net.now))
    session = alice.invite(TARGET)
    net.run(0.5)
    alice.endpoint.cancel(session, now=net.now)
    net.run(1)
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    assert {each.to for each in net.log if each.data.startswith(b"CANCEL")} == {f"{second.host}:5060"}


def test_a_call_given_up_while_the_next_server_is_looked_for(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2, "TCP")
    refuses(first)
    session = alice.invite(TARGET)
    stuck: list[object] = []
    connect = net.connect
    net.connect = lambda agent, want: (  # type: ignore[method-assign]
        stuck.append(want) if want.destination.host == second.host else connect(agent, want)
    )
    net.run(0.5)
    assert len(stuck) == 1
    alice.endpoint.cancel(session, now=net.now)
    net.run(40)
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    assert alice.idle


# Usages


def test_a_subscription_begins_at_the_next_server(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    first.deaf = True
    second.on(SubscribeReceived, lambda e: second.endpoint.accept_subscription(e.subscription, now=net.now))
    second.on(SubscribeReceived, lambda e: second.endpoint.notify(e.subscription, body=b"hello", now=net.now))
    alice.endpoint.subscribe(
        "ua", TARGET, event="conference", from_="<sip:a@example.com>", to="<sip:b@example.com>", now=net.now
    )
    net.run(34)
    assert alice.one(SubscriptionAccepted)
    assert alice.one(NotifyReceived).body == b"hello"


def test_a_request_of_a_proxy_keeps_what_it_put_into_the_branch(net: Network) -> None:
    proxy = net.agent("proxy", core=False)
    proxy.add_core(transparent=True)
    first, second = servers(net, 2)
    refuses(first)
    serves(second)
    sender = net.agent("sender")
    sender.ask(proxy.uri())
    net.run(0.05)
    request = proxy.one(RequestReceived).request.evolve(uri=TARGET)
    proxy.endpoint.forward("ua", request, branch="fingerprint-1", now=net.now)
    net.run(1)
    branches = [server.one(RequestReceived).request.via[0].branch or "" for server in (first, second)]
    assert [branch.startswith("z9hG4bKfingerprint-1") for branch in branches] == [True, True]
    assert branches[0] != branches[1]
    assert proxy.one(ResponseReceived).response.status == 200


def test_a_proxy_does_not_go_on_after_silence_but_for_invite(net: Network) -> None:
    proxy = net.agent("proxy", core=False)
    proxy.add_core(transparent=True)
    first, second = servers(net, 2)
    first.deaf = True
    sender = net.agent("sender")
    sender.ask(proxy.uri())
    net.run(0.05)
    proxy.endpoint.forward("ua", proxy.one(RequestReceived).request.evolve(uri=TARGET), now=net.now)
    net.run(70)
    assert proxy.one(RequestFailed).reason == "timeout"
    assert second.events == []


# Leaving alone who asked for it


def test_who_said_retry_after_is_asked_last_for_that_long(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    refuses(first, headers=BUSY)
    serves(second)
    for _ in range(2):
        alice.ask(TARGET)
        net.run(1)
    assert (len(first.of(RequestReceived)), len(second.of(RequestReceived))) == (1, 2)
    net.run(33)
    alice.ask(TARGET)
    net.run(1)
    assert len(first.of(RequestReceived)) == 2


def test_an_only_server_is_asked_all_the_same(net: Network, alice: Agent) -> None:
    (first,) = servers(net, 1)
    refuses(first, headers=BUSY)
    for _ in range(2):
        alice.ask(TARGET)
        net.run(1)
    assert [event.response.status for event in alice.of(ResponseReceived)] == [503, 503]


def test_a_retry_after_that_cannot_be_read_changes_nothing(net: Network, alice: Agent) -> None:
    first, second = servers(net, 2)
    refuses(first, headers=[("Retry-After", "soon")])
    serves(second)
    alice.ask(TARGET)
    net.run(1)
    assert alice.one(ResponseReceived).response.status == 200


# The next try


CHALLENGE: list[tuple[str, object]] = [
    ("WWW-Authenticate", 'Digest realm="example.com", nonce="n1", qop="auth", algorithm=SHA-256')
]


def wants_credentials(server: Agent) -> None:
    def take(event: RequestReceived | InviteReceived | SubscribeReceived) -> None:
        ok = "Authorization" in event.request.headers
        headers = () if ok else CHALLENGE
        if isinstance(event, SubscribeReceived) and ok:
            server.endpoint.accept_subscription(event.subscription, now=server.net.now)
        elif isinstance(event, SubscribeReceived):
            server.endpoint.reject_subscription(event.subscription, 401, headers=headers, now=server.net.now)
        else:
            assert event.transaction is not None
            server.endpoint.respond(event.transaction, 200 if ok else 401, headers=headers, now=server.net.now)

    server.on(RequestReceived, take)
    server.on(InviteReceived, take)
    server.on(SubscribeReceived, take)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("kind", ["request", "invite", "subscribe"])
def test_credentials_go_to_the_server_that_wants_them(net: Network, transport: str, kind: str) -> None:
    known = {"example.com": Credentials("alice", "secret")}
    alice = net.agent("alice", EndpointConfig(credentials=known.get))
    first, second, third = servers(net, 3, transport)
    refuses(first)
    first.on(SubscribeReceived, lambda e: first.endpoint.reject_subscription(e.subscription, 503, now=net.now))
    wants_credentials(second)
    found = net.names["example.com"]

    def shuffled(agent: Agent, want: ResolveWanted) -> None:
        agent.take(agent.endpoint.resolved(want.id, found if not net.log else found[::-1], now=net.now))

    net.resolve = shuffled  # type: ignore[method-assign]
    if kind == "request":
        alice.ask(TARGET)
    elif kind == "invite":
        alice.invite(TARGET)
    else:
        alice.endpoint.subscribe(
            "ua", TARGET, event="conference", from_="<sip:a@example.com>", to="<sip:b@example.com>", now=net.now
        )
    net.run(1)
    assert third.events == []
    done = {"request": ResponseReceived, "invite": SessionAnswered, "subscribe": SubscriptionAccepted}[kind]
    assert alice.one(done)
    assert len(net.requests({"request": "MESSAGE"}.get(kind, kind.upper()))) == 3


def test_a_server_that_was_silent_is_not_waited_for_again(net: Network) -> None:
    known = {"example.com": Credentials("alice", "secret")}
    alice = net.agent("alice", EndpointConfig(credentials=known.get))
    first, second = servers(net, 2)
    first.deaf = True
    wants_credentials(second)
    alice.ask(TARGET)
    net.run(33)
    assert alice.one(ResponseReceived).response.status == 200
    alice.ask(TARGET)
    net.run(0.5)
    assert len(alice.of(ResponseReceived)) == 2


# Whatever servers do

BEHAVIOUR = st.sampled_from(["serves", "busy", "busy for a while", "refuses", "deaf", "rings and fails", "closes"])


@settings(max_examples=40, deadline=None)
@given(
    behaviours=st.lists(BEHAVIOUR, min_size=1, max_size=6),
    transports=st.lists(st.sampled_from(["UDP", "TCP"]), min_size=6, max_size=6),
    seed=st.integers(0, 2**16),
    gives_up=st.one_of(st.none(), st.floats(0, 100)),
)
def test_each_request_ends_once_and_leaves_nothing(
    behaviours: list[str], transports: list[str], seed: int, gives_up: float | None
) -> None:
    net = Network(seed, loss=0.2, jitter=0.02)
    alice = net.agent("alice")
    found = [net.agent(f"server{number}") for number in range(len(behaviours))]
    net.names["example.com"] = [
        Destination(transport, each.host, 5060) for each, transport in zip(found, transports, strict=False)
    ]
    for server, behaviour in zip(found, behaviours, strict=True):
        behave(server, behaviour)
    session, request = alice.invite(TARGET), alice.ask(TARGET)
    if gives_up is not None:
        net.run(gives_up)
        alice.endpoint.cancel(session, now=net.now)
    net.run(200)
    for event in alice.of(SessionAnswered):
        alice.endpoint.bye(event.session, now=net.now)
    net.run(200)
    ended = [event.session for event in alice.of(SessionFailed)] + [event.session for event in alice.of(SessionEnded)]
    assert ended == [session]
    answered = [event.request_id for event in alice.of(ResponseReceived)]
    assert answered + [event.request_id for event in alice.of(RequestFailed)] == [request]
    assert [agent.name for agent in (alice, *found) if not agent.idle] == []


def behave(server: Agent, behaviour: str) -> None:
    net = server.net
    if behaviour == "serves":
        serves(server)
    elif behaviour == "deaf":
        server.deaf = True
    elif behaviour == "rings and fails":
        server.on(InviteReceived, lambda e: server.endpoint.progress(e.session, now=net.now))
        server.on(InviteReceived, lambda e: server.endpoint.reject(e.session, 503, now=net.now))
    elif behaviour == "closes":
        server.on(InviteReceived, lambda e: net.close(server, e.flow) if e.flow.reliable else None)
        server.on(RequestReceived, lambda e: net.close(server, e.flow) if e.flow.id in net.wire.far_ends else None)
    else:
        refuses(server, 503 if "busy" in behaviour else 480, BUSY if "while" in behaviour else [])
