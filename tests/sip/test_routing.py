"""Which core gets a request, and what is refused before any core sees it (RFC 3261 section 8.2)."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Flow,
    InviteReceived,
    LocalProtocolError,
    Request,
    RequestReceived,
    Routing,
    SeededEntropy,
)
from sip.testing.network import Agent, Network, raw_request


def claiming(user: str) -> Callable[[Request, Flow], bool]:
    return lambda request, flow: request.uri.user == user


@pytest.fixture
def bob(net: Network) -> Agent:
    agent = net.agent("bob", core=False)
    endpoint = agent.endpoint
    endpoint.add_core(
        "proxy", lambda request, flow: "Route" in request.headers, claim=Claim.PROXY, methods=(), transparent=True
    )
    endpoint.add_core("registrar", claiming("reg"), claim=Claim.REGISTRAR, methods=("REGISTER",))
    endpoint.add_core(
        "ua",
        claiming("bob"),
        claim=Claim.ELEMENT,
        methods=("INVITE", "INFO", "MESSAGE", "SUBSCRIBE"),
        supported=("replaces",),
        accept=("application/sdp", "text/plain"),
        events=("conference",),
    )
    endpoint.add_core("focus", claiming("conf"), claim=Claim.CONFERENCE, methods=("SERVICE",))
    return agent


def answer(net: Network, bob: Agent, method: str, uri: str = "sip:bob@192.0.2.1", **options: object) -> str | None:
    """Return the status that a request is refused with, None when it got to a core."""
    before = len(net.log)
    net.inject(bob, raw_request(method, uri, **options))  # type: ignore[arg-type]
    return net.heads()[before] if len(net.log) > before else None


CONTACT = "Contact: <sip:carol@192.0.2.99>"


@pytest.mark.parametrize(
    ("user", "method", "owner"),
    [("conf", "SERVICE", "focus"), ("bob", "MESSAGE", "ua"), ("reg", "REGISTER", "registrar")],
)
def test_each_core_gets_what_it_claims(net: Network, bob: Agent, user: str, method: str, owner: str) -> None:
    assert answer(net, bob, method, f"sip:{user}@192.0.2.1") is None
    assert bob.one(RequestReceived).owner == owner


def test_cores_are_asked_in_the_order_of_their_claims(net: Network, bob: Agent) -> None:
    assert answer(net, bob, "MESSAGE", extra=("Route: <sip:192.0.2.1;lr>",)) is None
    assert bob.one(RequestReceived).owner == "ua"
    assert (
        answer(net, bob, "MESSAGE", "sip:else@192.0.2.1", call_id="c2", via="SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK2")
        == "404"
    )
    answer(
        net,
        bob,
        "MESSAGE",
        "sip:else@192.0.2.1",
        call_id="c3",
        via="SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK3",
        extra=("Route: <sip:192.0.2.1;lr>",),
    )
    assert bob.of(RequestReceived)[-1].owner == "proxy"


def test_unknown_and_disallowed_methods(net: Network, bob: Agent) -> None:
    assert answer(net, bob, "DANCE") == "501"
    assert answer(net, bob, "REGISTER", call_id="c2", via="SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK2") == "405"
    allow = net.responses(405)[0].allow
    assert {"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "PRACK", "OPTIONS", "NOTIFY", "MESSAGE"} <= set(allow)


def test_options_that_are_not_supported(net: Network, bob: Agent) -> None:
    extra = (CONTACT, "Require: replaces, timer, 100rel, gruu, foo")
    assert answer(net, bob, "INVITE", extra=extra) == "420"
    assert net.responses(420)[0].unsupported == ("gruu", "foo")


def test_bodies_that_are_not_accepted(net: Network, bob: Agent) -> None:
    assert answer(net, bob, "MESSAGE", body=b"x", extra=("Content-Type: text/html",)) == "415"
    assert net.responses(415)[0].headers.get("Accept") == "application/sdp, text/plain"
    via = "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK2"
    extra = ("Content-Type: text/plain", "Content-Encoding: gzip")
    assert answer(net, bob, "MESSAGE", body=b"x", extra=extra, call_id="c2", via=via) == "415"
    assert net.responses(415)[1].headers.get("Accept-Encoding") == "identity"
    assert answer(net, bob, "MESSAGE", body=b"x", extra=(), call_id="c3", via=via + "3") == "415"
    extra = ("Content-Type: Text/Plain; charset=utf-8",)
    assert answer(net, bob, "MESSAGE", body=b"x", extra=extra, call_id="c4", via=via + "4") is None


def test_schemes_that_nobody_knows(net: Network, bob: Agent) -> None:
    assert answer(net, bob, "MESSAGE", "nobody:knows@this") == "416"


def test_requests_that_need_a_dialog(net: Network, bob: Agent) -> None:
    for number, method in enumerate(("BYE", "INFO", "UPDATE", "PRACK", "NOTIFY")):
        via = f"SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK{number}"
        assert answer(net, bob, method, call_id=f"c{number}", via=via) == "481", method
    via, to = "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx", "<sip:bob@192.0.2.1>;tag=unknown"
    assert answer(net, bob, "INVITE", to=to, via=via, call_id="cx") == "481"
    assert answer(net, bob, "ACK", to=to, via=via + "y", call_id="cx") is None


def test_requests_in_foreign_dialogs_go_to_a_proxy(net: Network, bob: Agent) -> None:
    to = "<sip:bob@192.0.2.1>;tag=unknown"
    assert answer(net, bob, "BYE", "sip:other@192.0.2.50", to=to, extra=("Route: <sip:192.0.2.1;lr>",)) is None
    assert bob.one(RequestReceived).owner == "proxy"


def test_options_is_answered_for_the_core(net: Network, bob: Agent) -> None:
    assert answer(net, bob, "OPTIONS") == "200"
    response = net.responses(200)[0]
    assert "INVITE" in response.allow
    assert "replaces" in response.supported
    assert response.headers.get("Accept") == "application/sdp, text/plain"
    assert response.headers.get("Allow-Events") == "conference"
    assert bob.events == []


def test_a_malformed_optional_header_is_refused_where_it_is_read(net: Network, bob: Agent) -> None:
    assert answer(net, bob, "INVITE", extra=("Contact: <sip:carol@192.0.2.99>", "Require: @@@, ???")) == "400"
    via = "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK2"
    assert answer(net, bob, "INVITE", extra=(), call_id="c2", via=via) == "400"
    assert answer(net, bob, "INVITE", extra=("Contact: <<<>>>",), call_id="c3", via=via + "3") == "400"
    assert bob.of(InviteReceived) == []
    net.run(80)
    assert bob.idle


def test_a_broken_request_that_names_its_sender_is_refused(net: Network, bob: Agent) -> None:
    good = raw_request("MESSAGE")
    for broken in (
        good.replace(b"CSeq: 1 MESSAGE", b"CSeq: 1 INVITE"),
        good.replace(b"CSeq: 1 MESSAGE", b"CSeq: x MESSAGE"),
        good.replace(b"Max-Forwards: 70", b"Max-Forwards: many"),
        good.replace(b"To: <sip:bob@192.0.2.1>", b"To: <sip:bob@192.0.2.1>\r\nTo: <sip:bob@192.0.2.1>"),
    ):
        net.inject(bob, broken)
    assert net.heads() == ["400"] * 4
    assert bob.events == []
    assert bob.endpoint.sizes["transactions"] == 0
    net.inject(bob, raw_request("ACK").replace(b"CSeq: 1 ACK", b"CSeq: x ACK"))
    assert len(net.log) == 4


def test_route_changes_nothing_and_says_the_same(net: Network, bob: Agent) -> None:
    request = Request.build(
        "MESSAGE",
        "sip:conf@192.0.2.1",
        [
            ("Via", "SIP/2.0/UDP x"),
            ("From", "<sip:a@x.org>;tag=1"),
            ("To", "<sip:b@x.org>"),
            ("Call-ID", "1"),
            ("CSeq", "1 MESSAGE"),
        ],
    )
    assert bob.endpoint.route(request, net.outside(bob)) == Routing(
        owner="focus", status=405, headers=(("Allow", "OPTIONS, SERVICE"),)
    )
    assert not any(bob.endpoint.sizes.values())


def test_a_core_needs_a_name_of_its_own() -> None:
    endpoint = Endpoint(EndpointConfig(), entropy=SeededEntropy(b"x"))
    endpoint.add_core("one", lambda request, flow: True, claim=Claim.ELEMENT, methods=())
    for name in ("one", ""):
        with pytest.raises(LocalProtocolError):
            endpoint.add_core(name, lambda request, flow: True, claim=Claim.ELEMENT, methods=())
    with pytest.raises(LocalProtocolError):
        endpoint.request("two", "MESSAGE", "sip:b@x.org", from_="<sip:a@x.org>", to="<sip:b@x.org>", now=0)


def test_servers_and_agents_say_who_they_are_when_told_to(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(user_agent="pyc3p/test"))
    bob = net.agent("bob", EndpointConfig(user_agent="pyc3p/other"))
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))
    alice.ask(bob.uri())
    net.run(0.1)
    assert bob.one(RequestReceived).request.headers.get("User-Agent") == "pyc3p/test"
    assert net.responses(200)[0].headers.get("Server") == "pyc3p/other"


MUTATIONS = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255) | st.just(None)), max_size=6)


@given(
    st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "SUBSCRIBE", "NOTIFY", "BENOTIFY", "REFER", "OPTIONS", "PRACK"]),
    MUTATIONS,
)
def test_nothing_that_a_peer_sends_raises(method: str, mutations: list[tuple[int, int | None]]) -> None:
    net = Network()
    bob = net.agent("bob")
    extra = (CONTACT, "Event: conference", "Subscription-State: active;expires=60", "RAck: 1 1 INVITE", "Expires: 600")
    data = bytearray(raw_request(method, extra=(*extra, "Refer-To: <sip:x@example.com>", "Supported: timer, 100rel")))
    for at, octet in mutations:
        if at < len(data):
            if octet is None:
                del data[at]
            else:
                data[at] = octet
    for flow in (net.outside(bob), net.outside(bob, "TCP")):
        net.inject(bob, bytes(data), flow)
    net.run(100)


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    net = Network()
    bob = net.agent("bob")
    for flow in (net.outside(bob), net.outside(bob, "TCP")):
        net.inject(bob, data, flow)
