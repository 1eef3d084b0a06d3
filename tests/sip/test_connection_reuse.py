"""Connections that peers opened, used for requests of our own (RFC 5923)."""

import pytest

from sip import (
    Address,
    ConnectWanted,
    Destination,
    EndCause,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    InviteReceived,
    Listen,
    RequestFailed,
    RequestReceived,
    ResolveWanted,
    ResponseReceived,
    SeededEntropy,
    SessionEnded,
)
from sip.testing.network import Agent, Network, raw_request

HERE = Address("192.0.2.1", 5061)
PEER = Destination("TLS", "192.0.2.99", 5061, "peer.example.com")


def endpoint(**settings: bool) -> Endpoint:
    listen = (Listen("TLS", HERE.host, 5061), Listen("TCP", HERE.host, 5060))
    made = Endpoint(EndpointConfig(listen=listen, **settings), entropy=SeededEntropy(b"x"))  # type: ignore[arg-type]
    made.add_core("ua", lambda request, flow: True, claim=1, methods=("MESSAGE",))  # type: ignore[arg-type]
    return made


def heard(made: Endpoint, flow: Flow, sent_by: str, *, alias: str = ";alias", number: int = 1) -> None:
    via = f"SIP/2.0/{flow.transport} {sent_by};branch=z9hG4bK{number}{alias}"
    made.receive_data(raw_request("MESSAGE", via=via, call_id=f"c{number}"), flow=flow, now=0)


def wanted(made: Endpoint, destination: Destination) -> list[ConnectWanted]:
    """Return the connections that a request to a destination, once looked up, wants."""
    there = destination.server_name or f"{destination.host}:{destination.port}"
    uri = f"sip:b@{there};transport={destination.transport.lower()}"
    made.request("ua", "MESSAGE", uri, from_="<sip:a@example.com>", to="<sip:b@example.com>", now=0)
    events = made.take_events()
    for event in events:
        if isinstance(event, ResolveWanted):
            events = made.resolved(event.id, [destination], now=0)
    return [event for event in events if isinstance(event, ConnectWanted)]


def tls(number: int, *identity: str) -> Flow:
    return Flow(number, "TLS", HERE, Address("192.0.2.99", 40000 + number), identity)


def test_who_proves_its_name_is_reached_over_its_own_connection() -> None:
    made = endpoint()
    flow = tls(1, "peer.example.com")
    heard(made, flow, "peer.example.com")
    made.data_to_send()
    assert not wanted(made, PEER)
    assert [transmit.flow for transmit in made.data_to_send()] == [flow]
    made.flow_closed(flow, now=0)
    assert wanted(made, PEER)


@pytest.mark.parametrize(
    ("identity", "sent_by", "alias"),
    [
        ("other.example.com", "peer.example.com", ";alias"),
        ("", "peer.example.com", ";alias"),
        ("peer.example.com", "peer.example.com:5071", ";alias"),
        ("peer.example.com", "peer.example.com", ""),
    ],
)
def test_nobody_else_is(identity: str, sent_by: str, alias: str) -> None:
    made = endpoint()
    heard(made, tls(1, *([identity] if identity else [])), sent_by, alias=alias)
    assert wanted(made, PEER)


def test_a_connection_of_our_own_is_not_given_up_for_an_alias() -> None:
    made = endpoint()
    (question,) = wanted(made, PEER)
    ours = Flow(7, "TLS", HERE, Address(PEER.host, PEER.port), ("peer.example.com",))
    made.flow_opened(question.id, ours, now=0)
    made.data_to_send()
    heard(made, tls(1, "peer.example.com"), "peer.example.com")
    made.data_to_send()
    assert not wanted(made, PEER)
    assert [transmit.flow for transmit in made.data_to_send()] == [ours]


def test_over_tcp_an_alias_is_believed_only_where_that_is_wanted() -> None:
    there = Destination("TCP", "192.0.2.99", 5060)
    flow = Flow(1, "TCP", Address(HERE.host, 5060), Address("192.0.2.99", 40001))
    careful, trusting = endpoint(), endpoint(trust_tcp_alias=True)
    for made in (careful, trusting):
        heard(made, flow, "192.0.2.99")
        heard(made, flow, "192.0.2.98", number=2)
    assert wanted(careful, there)
    assert not wanted(trusting, there)
    assert wanted(trusting, Destination("TCP", "192.0.2.98", 5060))
    assert careful.counters["ignored: alias of somebody who may be another"] == 2


def test_one_connection_stands_for_few_addresses() -> None:
    made = endpoint(trust_tcp_alias=True)
    flow = Flow(1, "TCP", Address(HERE.host, 5060), Address("192.0.2.99", 40001))
    for number in range(6):
        heard(made, flow, f"192.0.2.99:{5060 + number}", number=number)
    asked = [wanted(made, Destination("TCP", "192.0.2.99", 5060 + number)) for number in range(6)]
    assert [bool(each) for each in asked] == [False] * 4 + [True] * 2


def test_two_of_us_need_one_connection() -> None:
    net = Network()
    alice = net.agent("alice", EndpointConfig(offer_alias=True))
    bob = net.agent("bob", EndpointConfig(trust_tcp_alias=True))
    for agent in (alice, bob):
        agent.on(RequestReceived, lambda e, a=agent: a.endpoint.respond(e.transaction, 200, now=net.now))  # type: ignore[misc]
    alice.ask(bob.uri("tcp"))
    net.run(0.5)
    bob.ask(alice.uri("tcp"))
    net.run(0.5)
    assert alice.one(ResponseReceived).response.status == bob.one(ResponseReceived).response.status == 200
    assert alice.one(RequestReceived).flow.remote == Address(bob.host, 5060)
    assert len(net.wire.far_ends) == 2  # the two ends of one


def test_aliases_are_not_offered_by_default() -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob")
    alice.ask(bob.uri("tcp"))
    net.run(0.1)
    assert "alias" not in bob.one(RequestReceived).request.via[0].params


# Connections that break under a request


def pair(net: Network) -> tuple[Agent, Agent]:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, now=net.now))
    return alice, bob


def breaks_under(net: Network, bob: Agent, method: bytes, times: int = 1) -> None:
    """Close the connections of the first requests of a method when they arrive, before anybody saw them."""
    left = [True] * times
    receive = bob.endpoint.receive_data

    def take(data: bytes, *, flow: Flow, now: float) -> list[Event]:
        if data.startswith(method) and left:
            left.pop()
            net.close(bob, flow)
            return []
        return receive(data, flow=flow, now=now)

    bob.endpoint.receive_data = take  # type: ignore[method-assign]


def test_a_request_goes_out_again_when_its_idle_connection_breaks(net: Network) -> None:
    alice, bob = pair(net)
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))  # type: ignore[arg-type]
    alice.ask(bob.uri("tcp"))
    net.run(1)
    breaks_under(net, bob, b"MESSAGE")
    second = alice.ask(bob.uri("tcp"))
    net.run(1)
    assert [event.response.status for event in alice.of(ResponseReceived)] == [200, 200]
    assert alice.of(ResponseReceived)[1].request_id == second
    assert alice.endpoint.counters["request sent over another connection"] == 1
    assert len({request.via[0].branch for request in net.requests("MESSAGE")}) == 3


def test_so_does_one_inside_a_session(net: Network) -> None:
    alice, bob = pair(net)
    session = alice.invite(bob.uri("tcp"))
    net.run(1)
    breaks_under(net, bob, b"BYE")
    alice.endpoint.bye(session, now=net.now)
    net.run(1)
    assert alice.one(SessionEnded).cause is EndCause.BYE_SENT
    assert bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED


def test_a_connection_that_was_opened_for_it_is_opened_once(net: Network) -> None:
    alice, bob = pair(net)
    breaks_under(net, bob, b"MESSAGE")
    alice.ask(bob.uri("tcp"))
    net.run(1)
    assert alice.one(RequestFailed).reason == "transport"


def test_it_is_tried_twice_and_no_more(net: Network) -> None:
    alice, bob = pair(net)
    breaks_under(net, bob, b"MESSAGE", times=5)
    alice.invite(bob.uri("tcp"))
    net.run(1)
    alice.ask(bob.uri("tcp"))
    net.run(1)
    assert alice.one(RequestFailed).reason == "transport"
    assert len(net.requests("MESSAGE")) == 2


def test_a_flow_that_the_core_named_is_kept_to(net: Network) -> None:
    alice, bob = pair(net)
    session = alice.invite(bob.uri("tcp"))
    net.run(1)
    flow = alice.endpoint.session(session).flow
    breaks_under(net, bob, b"MESSAGE")
    alice.endpoint.request(
        "ua", "MESSAGE", bob.uri("tcp"), from_="<sip:a@example.com>", to="<sip:b@example.com>", flow=flow, now=net.now
    )
    net.run(1)
    assert alice.one(RequestFailed).reason == "transport"


def test_towards_a_client_that_connected_to_us_nothing_is_tried(net: Network) -> None:
    alice, bob = pair(net)
    session = alice.invite(bob.uri("tcp"))
    net.run(1)
    breaks_under(net, alice, b"INFO")
    theirs = bob.one(InviteReceived).session
    bob.endpoint.request_in_session(theirs, "INFO", now=net.now)
    net.run(0.05)
    assert bob.one(RequestFailed).reason == "transport"
    assert session
