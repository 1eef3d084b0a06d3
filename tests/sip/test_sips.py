"""What sips means: TLS on each hop, or not at all (RFC 3261 section 26.2.2, RFC 5630)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    Address,
    ConnectWanted,
    Endpoint,
    EndpointConfig,
    Flow,
    InviteReceived,
    Listen,
    NameAddr,
    Proxy,
    ProxyConfig,
    Pump,
    Request,
    RequestFailed,
    Response,
    SeededEntropy,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionRedirected,
    Uri,
    parse_message,
)
from sip.testing import uris
from sip.testing.network import Agent, Network, raw_request
from sip.transport.secure import leaves_in_the_clear, secured_hop

SDP = "application/sdp"


def with_tls(net: Network, name: str) -> Agent:
    host = f"192.0.2.{len(net.agents) + 1}"
    return net.agent(name, EndpointConfig(listen=(Listen("TLS", host, 5061),)))


def sips(agent: Agent) -> str:
    return f"sips:{agent.name}@{agent.host}:5061"


def requests(net: Network) -> list[tuple[str, Request]]:
    """Transport and message of each request that was sent."""
    found = [parse_message(each.data) for each in net.log if each.data.strip()]
    return [(each.via[0].transport, each) for each in found if isinstance(each, Request)]


def answering(agent: Agent, contact: str | None = None) -> None:
    own = NameAddr.parse(contact) if contact is not None else None
    agent.on(
        InviteReceived,
        lambda e: agent.endpoint.accept(e.session, body=b"v=0", content_type=SDP, contact=own, now=agent.net.now),
    )


def test_a_sips_call_has_sips_contacts_and_stays_on_tls_to_its_end() -> None:
    net = Network(seed=1)
    alice, bob = with_tls(net, "alice"), with_tls(net, "bob")
    answering(bob)
    session = alice.invite(sips(bob))
    net.run(1)
    assert bob.one(SessionConfirmed)
    alice.endpoint.bye(session, now=net.now)
    net.run(1)
    assert bob.of(SessionEnded)
    assert {transport for transport, _ in requests(net)} == {"TLS"}
    assert {message.uri.scheme for _, message in requests(net)} == {"sips"}
    contacts = [message.contact[0] for message in (*net.requests("INVITE"), *net.responses(200)) if message.contact]
    assert [str(each.uri) for each in contacts if isinstance(each, NameAddr)] == [
        f"sips:alice@{alice.host}:5061",
        f"sips:bob@{bob.host}:5061",
    ]


def test_a_contact_of_the_core_becomes_sips_with_the_port_for_tls() -> None:
    net = Network(seed=1)
    alice, bob = with_tls(net, "alice"), with_tls(net, "bob")
    answering(bob, f'"Conference" <sip:mcu@{bob.host}:5060;transport=tcp;x=1>;isfocus')
    alice.invite(sips(bob))
    net.run(1)
    (contact,) = alice.one(SessionAnswered).response.contact
    assert str(contact) == f'"Conference" <sips:mcu@{bob.host}:5061;x=1>;isfocus'


def test_transport_tls_is_no_sips() -> None:
    """The older way to write it: TLS on this hop, and nothing said of the others."""
    net = Network(seed=1)
    alice, bob = with_tls(net, "alice"), with_tls(net, "bob")
    answering(bob)
    alice.invite(f"sip:bob@{bob.host}:5061;transport=tls")
    net.run(1)
    (contact,) = alice.one(SessionAnswered).response.contact
    assert str(contact) == f"<sip:bob@{bob.host}:5061;transport=tls>"
    assert {transport for transport, _ in requests(net)} == {"TLS"}


def test_a_sips_request_follows_no_route_over_plain() -> None:
    net = Network(seed=1)
    alice, proxy = with_tls(net, "alice"), net.agent("proxy")
    for params in ("lr", "transport=tcp;lr", "transport=udp;lr"):
        alice.endpoint.request(
            "ua",
            "MESSAGE",
            "sips:bob@example.com",
            from_="<sip:alice@example.com>",
            to="<sips:bob@example.com>",
            route=[NameAddr.parse(f"<sip:{proxy.host};{params}>")],
            now=net.now,
        )
    net.run(1)
    assert {transport for transport, _ in requests(net)} <= {"TLS"}


def test_a_sips_request_does_not_leave_on_a_plain_flow_that_was_named() -> None:
    net = Network(seed=1)
    alice, bob = with_tls(net, "alice"), with_tls(net, "bob")
    flow = net.flow("UDP", Address(alice.host, 5060), Address(bob.host, 5060))
    alice.endpoint.request(
        "ua",
        "MESSAGE",
        sips(bob),
        from_="<sip:alice@example.com>",
        to="<sips:bob@example.com>",
        flow=flow,
        now=net.now,
    )
    net.run(1)
    assert requests(net) == []
    assert alice.one(RequestFailed)


def test_a_redirect_does_not_lead_out_of_tls() -> None:
    net = Network(seed=1)
    alice, bob, carol = with_tls(net, "alice"), with_tls(net, "bob"), with_tls(net, "carol")
    answering(carol)
    contacts = [("Contact", f"<sip:carol@{carol.host}>"), ("Contact", f"<{sips(carol)}>;q=0.1")]
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, 302, headers=contacts, now=net.now))
    alice.on(SessionRedirected, lambda e: alice.endpoint.redirect(e.session, e.targets[0], now=net.now))
    alice.invite(sips(bob))
    net.run(1)
    assert {transport for transport, _ in requests(net)} == {"TLS"}
    assert carol.one(SessionConfirmed)


def test_who_has_no_tls_refuses_sips() -> None:
    net = Network(seed=1)
    bob = net.agent("bob")
    net.inject(bob, raw_request("MESSAGE", uri=f"sips:bob@{bob.host}"), net.outside(bob))
    net.run(1)
    assert net.responses(416)
    assert bob.events == []


def test_a_dialog_that_is_sips_does_not_go_on_over_plain() -> None:
    """The far end moves its Contact to an address that is only reached in the clear."""
    net = Network(seed=1)
    alice, bob = with_tls(net, "alice"), with_tls(net, "bob")
    answering(bob)
    session = alice.invite(sips(bob))
    net.run(1)
    for flow in net.connections(alice):
        net.close(alice, flow)
    net.refuses = lambda destination: destination.transport == "TLS"
    net.log.clear()
    alice.endpoint.bye(session, now=net.now)
    net.run(40)
    assert requests(net) == []


@given(uris(), st.sampled_from(["sips:bob@example.com", "SIPS:bob@example.com", "sip:bob@example.com"]))
def test_a_hop_of_a_sips_request_says_tls_alone(hop: Uri, target: str) -> None:
    secured = secured_hop(hop, target)
    if target.lower().startswith("sips:") and hop.scheme == "sip":
        assert (secured.scheme, secured.transport, secured.host, secured.port) == ("sips", None, hop.host, hop.port)
    else:
        assert secured == hop


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
@pytest.mark.parametrize("line", [b"INVITE sips:a@b", b"BENOTIFY SIPS:a@b", b"INVITE sip:a@b", b"SIP/2.0 200 sips:"])
def test_only_requests_to_sips_need_tls(transport: str, line: bytes) -> None:
    flow = Flow(1, transport, Address("192.0.2.1", 5060), Address("192.0.2.2", 5060))
    assert leaves_in_the_clear(line + b" SIP/2.0\r\n", flow) == (transport != "TLS" and b"s:a@" in line.lower())


@given(st.integers(1, 200))
def test_a_long_method_does_not_hide_that_the_request_is_to_sips(length: int) -> None:
    flow = Flow(1, "TCP", Address("192.0.2.1", 5060), Address("192.0.2.2", 5060))
    assert leaves_in_the_clear(b"M" * length + b" SIPS:bob@example.com SIP/2.0\r\n", flow)


# A proxy between -----------------------------------------------------------------------------------------------------

HERE = "192.0.2.10"


def proxied(target: str, *places: str, via: str = "TLS") -> tuple[Endpoint, list[Request | Response], list[str]]:
    """What a proxy sends for an INVITE to bob, who is at some places, and over what."""
    listen = tuple(Listen(transport, HERE, 5061 if transport == "TLS" else 5060) for transport in ("UDP", "TCP", "TLS"))
    endpoint = Endpoint(EndpointConfig(listen=listen), entropy=SeededEntropy(b"proxy"))
    proxy = Proxy(
        endpoint,
        ProxyConfig(domains=("example.com",), trusted=("192.0.2.0/24",)),
        entropy=SeededEntropy(b"core"),
        location=lambda uri: [At(uri=Uri.parse(each)) for each in places],
    )
    pump = Pump(endpoint, [proxy])
    flow = Flow(1, via, Address(HERE, 5061), Address("192.0.2.1", 40000))
    events = pump.receive_data(
        raw_request("INVITE", uri=target, via=f"SIP/2.0/{via} 192.0.2.1;branch=z9hG4bK1"), flow=flow, now=0
    )
    number = 2
    while wants := [event for event in events if isinstance(event, ConnectWanted)]:
        events = []
        for want in wants:
            there = want.destination
            opened = Flow(number, there.transport, Address(HERE, 40000 + number), Address(there.host, there.port))
            number += 1
            events += pump.settle(endpoint.flow_opened(want.id, opened, now=0), now=0)
    out = pump.data_to_send(None)
    return endpoint, [parse_message(each.data) for each in out], [each.flow.transport for each in out]


class At:
    """A place of the location service."""

    def __init__(self, uri: Uri) -> None:
        self.uri, self.route, self.flow, self.q = uri, (), None, 1.0


def test_a_proxy_takes_sips_on_to_sips_alone_and_records_itself_so() -> None:
    _, messages, transports = proxied("sips:bob@example.com", "sip:bob@192.0.2.2", "sips:bob@192.0.2.3")
    forwarded = [
        (message, way) for message, way in zip(messages, transports, strict=True) if isinstance(message, Request)
    ]
    ((message, way),) = forwarded
    assert (str(message.uri), way) == ("sips:bob@192.0.2.3", "TLS")
    assert {each.uri.scheme for each in message.record_route} == {"sips"}
    assert all(each.uri.port == 5061 for each in message.record_route)


def test_somebody_who_is_there_without_sips_cannot_be_reached_for_now() -> None:
    _, messages, _ = proxied("sips:bob@example.com", "sip:bob@192.0.2.2;transport=tls", "sip:bob@192.0.2.3")
    finals = [message for message in messages if isinstance(message, Response) and message.status >= 200]
    assert [(each.status, each.headers.get("Warning")) for each in finals] == [
        (480, '380 example.com "SIPS Not Allowed"')
    ]


def test_sip_to_a_place_that_is_sips_goes_by_tls() -> None:
    _, messages, transports = proxied("sip:bob@example.com", "sips:bob@192.0.2.3", via="UDP")
    ways = [way for message, way in zip(messages, transports, strict=True) if isinstance(message, Request)]
    assert ways == ["TLS"]
