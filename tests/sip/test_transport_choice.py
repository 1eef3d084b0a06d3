"""Which way a message takes: names, transports, large requests, connections that are reused, blocked or lost."""

import pytest

from sip import (
    Address,
    Claim,
    ConnectWanted,
    Destination,
    Endpoint,
    EndpointConfig,
    Flow,
    FlowLost,
    Listen,
    LocalProtocolError,
    NameAddr,
    RequestFailed,
    RequestReceived,
    ResolveWanted,
    ResponseReceived,
    SeededEntropy,
    Uri,
    WantId,
)
from sip.testing.network import Agent, Network, raw_request


def wants(target: str, *, listen: tuple[Listen, ...] = (), body: bytes = b"") -> ConnectWanted | ResolveWanted:
    """Return the first question that a request to ``target`` raises."""
    endpoint = Endpoint(EndpointConfig(listen=listen), entropy=SeededEntropy(b"x"))
    endpoint.add_core("ua", lambda request, flow: True, claim=1, methods=())  # type: ignore[arg-type]
    endpoint.request(
        "ua",
        "MESSAGE",
        target,
        from_="<sip:a@example.com>",
        to="<sip:b@example.com>",
        body=body,
        content_type="text/plain" if body else None,
        now=0,
    )
    event = endpoint.take_events()[0]
    assert isinstance(event, ConnectWanted | ResolveWanted)
    return event


@pytest.mark.parametrize(
    ("target", "destination"),
    [
        ("sip:b@192.0.2.7", Destination("UDP", "192.0.2.7", 5060)),
        ("sip:b@192.0.2.7:5070", Destination("UDP", "192.0.2.7", 5070)),
        ("sip:b@192.0.2.7;transport=TCP", Destination("TCP", "192.0.2.7", 5060)),
        ("sips:b@192.0.2.7", Destination("TLS", "192.0.2.7", 5061)),
        ("sip:b@192.0.2.7;transport=tls", Destination("TLS", "192.0.2.7", 5061)),
        ("sip:b@[2001:db8::7]:5070", Destination("UDP", "2001:db8::7", 5070)),
        ("sip:b@example.com;maddr=192.0.2.8", Destination("UDP", "192.0.2.8", 5060)),
    ],
)
def test_numeric_hosts_need_no_look_up(target: str, destination: Destination) -> None:
    want = wants(target)
    assert isinstance(want, ConnectWanted)
    assert want.destination == destination
    assert want.owner == ""


@pytest.mark.parametrize(
    ("target", "port", "transport"),
    [
        ("sip:b@example.com", None, None),
        ("sip:b@example.com:5070", 5070, None),
        ("sip:b@example.com;transport=tcp", None, "TCP"),
        ("sips:b@example.com", None, "TLS"),
    ],
)
def test_names_are_left_to_the_driver(target: str, port: int | None, transport: str | None) -> None:
    want = wants(target)
    assert isinstance(want, ResolveWanted)
    assert (want.host, want.port, want.transport) == ("example.com", port, transport)
    assert want.uri == Uri.parse(target)


def test_an_element_without_udp_uses_what_it_has() -> None:
    want = wants("sip:b@192.0.2.7", listen=(Listen("TCP", "192.0.2.1", 5060),))
    assert isinstance(want, ConnectWanted)
    assert want.destination.transport == "TCP"


def test_destinations_are_tried_in_order(net: Network, alice: Agent, bob: Agent) -> None:
    dead = Destination("TCP", "192.0.2.66", 5060)
    net.names["bob.example.com"] = [dead, Destination("TCP", bob.host, 5060)]
    alice.ask("sip:bob@bob.example.com")
    net.run(0.1)
    assert bob.one(RequestReceived)
    net.names["dead.example.com"] = [dead]
    alice.ask("sip:bob@dead.example.com")
    alice.ask("sip:bob@unknown.example.com")
    net.run(0.1)
    assert [event.reason for event in alice.of(RequestFailed)] == ["transport", "transport"]


def test_the_first_route_is_the_next_hop(net: Network, alice: Agent, bob: Agent) -> None:
    proxy = net.agent("proxy")
    alice.endpoint.request(
        "ua",
        "MESSAGE",
        bob.uri(),
        from_="<sip:a@example.com>",
        to="<sip:b@example.com>",
        route=[NameAddr.parse(f"<{proxy.uri()};lr>"), NameAddr.parse("<sip:second@192.0.2.50;lr>")],
        now=net.now,
    )
    net.run(0.1)
    request = proxy.one(RequestReceived).request
    assert str(request.uri) == bob.uri()
    assert [route.uri.user for route in request.route] == ["proxy", "second"]


def test_a_strict_router_gets_itself_as_request_uri(net: Network, alice: Agent, bob: Agent) -> None:
    proxy = net.agent("proxy")
    alice.endpoint.request(
        "ua",
        "MESSAGE",
        bob.uri(),
        from_="<sip:a@example.com>",
        to="<sip:b@example.com>",
        route=[NameAddr.parse(f"<{proxy.uri()}>"), NameAddr.parse("<sip:second@192.0.2.50;lr>")],
        now=net.now,
    )
    net.run(0.1)
    request = proxy.one(RequestReceived).request
    assert str(request.uri) == proxy.uri()
    assert [str(route.uri) for route in request.route] == ["sip:second@192.0.2.50;lr", bob.uri()]


# Large requests


def large(net: Network, alice: Agent, target: str) -> None:
    alice.endpoint.request(
        "ua",
        "MESSAGE",
        target,
        from_="<sip:a@example.com>",
        to="<sip:b@example.com>",
        body=b"x" * 1400,
        content_type="text/plain",
        now=net.now,
    )
    net.run(0.1)


def test_a_large_request_goes_over_tcp(net: Network, alice: Agent, bob: Agent) -> None:
    large(net, alice, f"sip:bob@{bob.host}")
    received = bob.one(RequestReceived)
    assert received.flow.transport == "TCP"
    assert received.request.via[0].transport == "TCP"


def test_a_large_request_falls_back_to_udp_and_that_is_remembered(net: Network, alice: Agent, bob: Agent) -> None:
    refused = []

    def refuses(destination: Destination) -> bool:
        refused.append(destination)
        return True

    net.refuses = refuses
    large(net, alice, f"sip:bob@{bob.host}")
    large(net, alice, f"sip:bob@{bob.host}")
    assert [event.flow.transport for event in bob.of(RequestReceived)] == ["UDP", "UDP"]
    assert len(refused) == 1


def test_a_transport_that_was_named_is_kept(net: Network, alice: Agent, bob: Agent) -> None:
    large(net, alice, bob.uri("udp"))
    assert bob.one(RequestReceived).flow.transport == "UDP"


def test_names_that_lead_to_udp_switch_as_well(net: Network, alice: Agent, bob: Agent) -> None:
    net.names["example.com"] = [Destination("UDP", bob.host, 5060)]
    large(net, alice, "sip:bob@example.com")
    assert bob.one(RequestReceived).flow.transport == "TCP"


# Connections


def test_a_connection_is_opened_once_and_used_by_all(net: Network, alice: Agent, bob: Agent) -> None:
    endpoint = alice.endpoint
    for _ in range(3):
        alice.ask(bob.uri("tcp"))
    questions = [event for event in endpoint.take_events() if isinstance(event, ConnectWanted)]
    assert len(questions) == 1
    alice.take(questions)
    net.run(0.1)
    alice.ask(bob.uri("tcp"))
    net.run(0.1)
    assert len({event.flow.id for event in bob.of(RequestReceived)}) == 1
    assert len(bob.of(RequestReceived)) == 4


def test_a_driver_that_never_answers_leaves_nothing_behind(net: Network) -> None:
    endpoint = Endpoint(EndpointConfig(), entropy=SeededEntropy(b"x"))
    endpoint.add_core("ua", lambda request, flow: True, claim=1, methods=())  # type: ignore[arg-type]
    for target in ("sip:b@192.0.2.7", "sip:b@example.com"):
        endpoint.request("ua", "MESSAGE", target, from_="<sip:a@example.com>", to="<sip:b@example.com>", now=0)
    events = endpoint.take_events()
    while (at := endpoint.next_timeout()) is not None:
        events += endpoint.handle_timeout(now=at)
    assert [event.reason for event in events if isinstance(event, RequestFailed)] == ["timeout", "timeout"]
    assert not any(endpoint.sizes.values())
    flow = Flow(1, "UDP", Address("192.0.2.1", 5060), Address("192.0.2.7", 5060))
    assert endpoint.flow_opened(WantId(2), flow, now=99) == []
    assert endpoint.data_to_send() == []
    with pytest.raises(LocalProtocolError):
        endpoint.flow_failed(WantId(12345), "no", now=99)


def test_too_many_that_wait_for_one_connection_fail(net: Network) -> None:
    endpoint = Endpoint(EndpointConfig(max_pending_per_destination=2), entropy=SeededEntropy(b"x"))
    endpoint.add_core("ua", lambda request, flow: True, claim=1, methods=())  # type: ignore[arg-type]
    for _ in range(3):
        endpoint.request("ua", "MESSAGE", "sip:b@192.0.2.7", from_="<sip:a@x.org>", to="<sip:b@x.org>", now=0)
    assert [type(event).__name__ for event in endpoint.take_events()] == ["ConnectWanted", "RequestFailed"]


def test_what_a_blocked_flow_does_not_take_is_kept_in_order(net: Network, alice: Agent, bob: Agent) -> None:
    alice.ask(bob.uri("tcp"))
    net.run(0.1)
    flow = bob.one(RequestReceived).flow
    bob.endpoint.flow_blocked(flow)
    for number in range(3):
        bob.endpoint.respond(bob.one(RequestReceived).transaction, 200, now=net.now) if number == 0 else None
        bob.endpoint.request(
            "ua", "MESSAGE", alice.uri(), from_="<sip:b@x.org>", to="<sip:a@x.org>", flow=flow, now=net.now
        )
    assert bob.endpoint.data_to_send() == []
    bob.endpoint.flow_writable(flow, now=net.now)
    sent = [transmit.data.split()[0] for transmit in bob.endpoint.data_to_send()]
    assert sent == [b"SIP/2.0", b"MESSAGE", b"MESSAGE", b"MESSAGE"]


def test_a_flow_that_is_blocked_for_too_long_is_given_up(net: Network, alice: Agent) -> None:
    bob = net.agent("bob", EndpointConfig(max_blocked=2))
    alice.ask(bob.uri("tcp"))
    net.run(0.1)
    flow = bob.one(RequestReceived).flow
    bob.endpoint.flow_blocked(flow)
    for _ in range(4):
        bob.endpoint.request(
            "ua", "MESSAGE", alice.uri(), from_="<sip:b@x.org>", to="<sip:a@x.org>", flow=flow, now=net.now
        )
    net.run(0.1)
    assert bob.one(FlowLost).flow == flow
    assert [event.reason for event in bob.of(RequestFailed)] == ["transport"] * 3
    # What came after that took another way.
    assert [sent.to for sent in net.log if sent.by == "bob"] == ["192.0.2.1:5060"]


def test_data_is_handed_out_in_slices(net: Network, alice: Agent, bob: Agent) -> None:
    alice.ask(bob.uri())
    net.run(0.001)
    flow = net.flow("UDP", Address(alice.host, 5060), Address(bob.host, 5060))
    for _ in range(5):
        alice.endpoint.request("ua", "MESSAGE", bob.uri(), from_="<sip:a@x.org>", to="<sip:b@x.org>", flow=flow, now=0)
    sizes = []
    while (batch := alice.endpoint.data_to_send(2)) or not sizes:
        sizes.append(len(batch))
    assert sizes == [2, 2, 1]


# Our own addresses


@pytest.mark.parametrize(
    ("listen", "local", "sent_by"),
    [
        (Listen("UDP", "192.0.2.1", 5070), Address("192.0.2.1", 5070), "192.0.2.1:5070"),
        (Listen("UDP", "0.0.0.0", 5060), Address("192.0.2.1", 5060), "192.0.2.1:5060"),
        (Listen("UDP", "0.0.0.0", 0), Address("192.0.2.1", 5099), "192.0.2.1:5099"),
        (Listen("UDP", "0.0.0.0", 5060, "sip.example.com", 15060), Address("10.0.0.1", 5060), "sip.example.com:15060"),
        (Listen("UDP", "::", 5060), Address("2001:db8::1", 5060), "[2001:db8::1]:5060"),
        (Listen("TCP", "192.0.2.1", 5060), Address("192.0.2.1", 5090), "192.0.2.1:5090"),
    ],
)
def test_what_peers_are_told(listen: Listen, local: Address, sent_by: str) -> None:
    endpoint = Endpoint(EndpointConfig(listen=(listen,)), entropy=SeededEntropy(b"x"))
    flow = Flow(1, "UDP", local, Address("192.0.2.9", 5060))
    assert endpoint._transport.via(flow, "z9hG4bKx") == f"SIP/2.0/UDP {sent_by};branch=z9hG4bKx;rport"
    assert endpoint._transport.contact(flow, "me") == f"<sip:me@{sent_by};transport=udp>"


def test_bound_ports_replace_those_that_were_left_open() -> None:
    endpoint = Endpoint(EndpointConfig(listen=(Listen("TCP", "192.0.2.1", 0),)), entropy=SeededEntropy(b"x"))
    endpoint.set_listen([Listen("TCP", "192.0.2.1", 5077)])
    flow = Flow(1, "TCP", Address("192.0.2.1", 40001), Address("192.0.2.9", 5060))
    assert endpoint._transport.sent_by(flow) == "192.0.2.1:5077"
    assert endpoint._transport.contact(flow, "a b") == "<sip:192.0.2.1:5077;transport=tcp>"
    tls = Flow(2, "TLS", flow.local, flow.remote)
    assert endpoint._transport.contact(tls, None) == "<sip:192.0.2.1:40001;transport=tls>"
    assert endpoint._transport.contact(tls, None, secure=True) == "<sips:192.0.2.1:40001>"


# Streams


def test_keep_alives_are_answered_and_pongs_ignored(net: Network, bob: Agent) -> None:
    flow = net.outside(bob, "TCP")
    net.inject(bob, b"\r\n\r\n", flow)
    assert [sent.data for sent in net.log] == [b"\r\n"]
    net.inject(bob, b"\r\n\r\n")
    assert len(net.log) == 1


def test_a_message_may_come_in_any_pieces(net: Network, bob: Agent) -> None:
    flow = net.outside(bob, "TCP")
    via = "SIP/2.0/TCP 192.0.2.99;branch=z9hG4bK{}"
    data = b"".join(
        raw_request("MESSAGE", "sip:bob@192.0.2.2", via=via.format(n), call_id=f"c{n}", body=b"x" * n) for n in range(3)
    )
    for octet in data:
        net.inject(bob, bytes([octet]), flow)
    assert [event.request.body for event in bob.of(RequestReceived)] == [b"", b"x", b"xx"]


def test_a_stream_that_cannot_be_framed_is_refused_and_given_up(net: Network, bob: Agent) -> None:
    flow = net.outside(bob, "TCP")
    broken = raw_request("MESSAGE", "sip:bob@192.0.2.2", via="SIP/2.0/TCP 192.0.2.99;branch=z9hG4bKx")
    net.inject(bob, broken.replace(b"Content-Length: 0", b"Content-Length: -1"), flow)
    assert net.heads() == ["400"]
    assert bob.one(FlowLost).flow == flow
    assert bob.endpoint.counters["stream given up"] == 1


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\x00\x01\x00\x00!\x12\xa4B" + b"\x00" * 12,
        b"\x80\x00" + b"\x00" * 170,
        b"\xff" * 200,
        b"hello there, is this a SIP server?",
    ],
)
def test_what_is_not_sip_is_dropped(net: Network, bob: Agent, noise: bytes) -> None:
    net.inject(bob, noise)
    assert net.log == []
    assert bob.events == []
    assert sum(bob.endpoint.counters.values()) == 1


def test_an_answer_that_comes_back_on_the_flow_of_the_request(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))
    alice.ask(bob.uri("tcp"))
    net.run(1)
    assert alice.one(ResponseReceived).response.status == 200
    assert net.log[1].to == str(bob.one(RequestReceived).flow.remote)


@pytest.mark.parametrize(
    ("place", "asked"),
    [
        ("999.1.1.1", "name"),
        ("010.0.0.1", "name"),
        ("a..b", "name"),
        ("example.com;maddr=a:%00b", "name"),
        ("example.com;maddr=[::zz]", "name"),
        ("example.com;maddr=192.0.2.9", "192.0.2.9"),
        ("example.com;maddr=[2001:DB8::0:1]", "2001:db8::1"),
        ("[2001:DB8::0:1]", "2001:db8::1"),
        ("192.0.2.9;transport=%0D%0AX", None),
        ("192.0.2.9;transport=carrier-pigeon", None),
        ("192.0.2.9;transport", "192.0.2.9"),
    ],
)
def test_only_addresses_are_asked_for_ways(place: str, asked: str | None) -> None:
    # A driver takes what it is given to the system, which would look up a name, or raise, where an address belongs.
    endpoint = Endpoint(EndpointConfig(listen=(Listen("UDP", "192.0.2.1", 5060),)), entropy=SeededEntropy(b"x"))
    endpoint.add_core("ua", lambda request, flow: True, claim=Claim.ELEMENT, methods=())
    endpoint.request("ua", "OPTIONS", Uri.parse(f"sip:x@{place}"), from_="<sip:a@b>", to="<sip:a@b>", now=0.0)
    (event,) = endpoint.take_events()
    if asked is None:
        assert isinstance(event, RequestFailed)
    elif asked == "name":
        assert isinstance(event, ResolveWanted)
    else:
        assert isinstance(event, ConnectWanted)
        assert event.destination.host == asked
