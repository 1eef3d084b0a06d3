"""One message with one header that is junk, doubled, emptied or missing: nothing raises, everything has an end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sip import (
    Credentials,
    EndpointConfig,
    InviteReceived,
    Proxy,
    ProxyConfig,
    Registrar,
    RegistrarConfig,
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SeededEntropy,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionRedirected,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionFailed,
    UpdateReceived,
)
from sip.headers.table import PARSERS
from sip.servers.proxy_route import TOKEN
from sip.testing.network import Agent, Network, raw_request

#: Every header that has a type, and some that have none.
NAMES: Final = sorted([*PARSERS, "user-agent", "subject", "identity", "ms-conversation-id", "x-unknown"])
#: What peers have been seen to write, and what they could.
JUNK: Final = (
    *("garbage", "", ",", ";;", "a b", '"', "*", "q", "0", "-1", "99999999999", "1 2 3", "<", "<>", "timer, a b"),
    *("<mailto:a@b>", "<tel:+123>", '<sip:42@192.0.2.8:5060;ob>"', '<sip:a@192.0.2.8;x="y">', "sip:a@192.0.2.8;lr"),
    *("<sip:a@192.0.2.8>, <sip:b@192.0.2.8>", "<sip:p@192.0.2.8>", "<sip:_.a-@-b.example;lr>", "<sip:%ff%fe@[::1];lr>"),
    *("<sip:a b@192.0.2.8;lr>", "<sip:a@192.0.2.8?X=Y>", "\udcff\udcfe", 'Digest realm="\udcff", nonce="x"', "a/"),
    *("Digest realm=example, nonce=a, algorithm=MD5, qop=\udcff", "application/sdp;\udcff", "multipart/mixed", "0;x="),
    *(f"<sip:192.0.2.1;lr;{TOKEN}=1.2.%ff>", "<sip:192.0.2.1;lr>", "<sip:192.0.2.1;lr>, <mailto:a@b>"),
)
#: Header lines that a request of a method has in ordinary traffic.
USUAL: Final = {
    "INVITE": ("Contact: <sip:carol@192.0.2.99>", "Supported: timer, 100rel", "Session-Expires: 1800;refresher=uac"),
    "SUBSCRIBE": ("Contact: <sip:carol@192.0.2.99>", "Event: presence", "Expires: 600"),
    "NOTIFY": ("Contact: <sip:carol@192.0.2.99>", "Event: presence", "Subscription-State: active;expires=60"),
    "BENOTIFY": ("Contact: <sip:carol@192.0.2.99>", "Event: presence", "Subscription-State: active;expires=60"),
    "REFER": ("Contact: <sip:carol@192.0.2.99>", "Refer-To: <sip:dave@192.0.2.98>"),
    "REGISTER": ("Contact: <sip:carol@192.0.2.99>", "Expires: 600", "Supported: path, gruu"),
    "UPDATE": ("Contact: <sip:carol@192.0.2.99>", "Supported: timer", "Session-Expires: 1800;refresher=uac"),
    "PRACK": ("RAck: 1 1 INVITE",),
    "PUBLISH": ("Event: presence", "Expires: 600"),
}
METHODS: Final = (*USUAL, "OPTIONS", "MESSAGE", "INFO", "BYE", "ACK", "CANCEL", "SERVICE", "NEWMETHOD")
BODIES: Final = ("INVITE", "MESSAGE", "INFO", "UPDATE", "PUBLISH", "NOTIFY", "BENOTIFY")

Change = tuple[str, str, str]
names: Final = st.sampled_from(NAMES)
changes: Final = st.tuples(
    names,
    st.sampled_from(("replaced", "added", "doubled", "emptied", "gone")),
    st.sampled_from(JUNK) | st.text(max_size=9),
)


def changed(wire: bytes, change: Change) -> bytes:
    """The message with one header changed."""
    name, how, junk = change
    head, _, body = wire.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    same = [line for line in lines if line.partition(":")[0].strip().lower() == name]
    others = [line for line in lines if line not in same]
    value = re.sub(r"[\r\n\0]", "", junk)
    made = {
        "replaced": [f"{name}: {value}"],
        "added": [*same, f"{name}: {value}"],
        "doubled": [*same, *(same or [f"{name}: {value}"] * 2)],
        "emptied": [f"{name}:"],
        "gone": [],
    }[how]
    return "\r\n".join([start, *made, *others, "", body]).encode("utf-8", "surrogateescape")


def request(method: str, *, to: str = "<sip:bob@192.0.2.1>", cseq: int = 1) -> bytes:
    """What somebody at 192.0.2.99 sends."""
    body = b"v=0 x" if method in BODIES else b""
    kind = ("Content-Type: application/sdp",) if body else ()
    via = f"SIP/2.0/TCP 192.0.2.99;branch=z9hG4bK{method}{cseq}"
    return raw_request(
        method, via=via, to=to, cseq=f"{cseq} {method}", extra=(*USUAL.get(method, ()), *kind), body=body
    )


def finals(net: Network) -> list[str]:
    """The CSeq of each final answer that 192.0.2.99 got; over a connection nothing is sent twice but a 2xx."""
    found = {}
    for sent in net.log:
        if sent.to.startswith("192.0.2.99") and re.match(rb"SIP/2.0 [2-6]", sent.data):
            found[sent.data] = re.search(rb"\r\nCSeq: *([^\r]*)", sent.data)
    return [match[1].decode("utf-8", "replace") for match in found.values() if match is not None]


def willing(agent: Agent) -> None:
    """A core that does everything that it is asked for, with all commands that read the request."""
    endpoint, net = agent.endpoint, agent.net

    def invited(event: InviteReceived) -> None:
        endpoint.replacement(event.request)
        endpoint.joining(event.request)
        endpoint.progress(event.session, 180, now=net.now)
        endpoint.accept(event.session, session_expires=600, body=b"v=0 y", content_type="application/sdp", now=net.now)
        endpoint.session(event.session)

    def asked(event: RequestReceived) -> None:
        if event.transaction is not None:
            endpoint.respond(event.transaction, 200, now=net.now)

    def subscribed(event: SubscribeReceived) -> None:
        endpoint.accept_subscription(event.subscription, body=b"document", content_type="text/plain", now=net.now)
        endpoint.notify(event.subscription, body=b"document", content_type="text/plain", benotify=True, now=net.now)

    agent.on(InviteReceived, invited)
    agent.on(RequestReceived, asked)
    agent.on(SubscribeReceived, subscribed)
    agent.on(ReinviteReceived, lambda event: endpoint.respond(event.transaction, 200, now=net.now))
    agent.on(UpdateReceived, lambda event: endpoint.respond(event.transaction, 200, now=net.now))


def user_agent() -> tuple[Network, Agent]:
    net = Network()
    bob = net.agent("bob", core=False)
    bob.add_core(supported=("replaces", "join"), methods=("NOTIFY", "BYE", "PRACK", *METHODS[:9], "OPTIONS", "MESSAGE"))
    willing(bob)
    return net, bob


def in_dialog() -> tuple[Network, Agent, str]:
    """A user agent with a call from 192.0.2.99, and its To."""
    net, bob = user_agent()
    flow = net.outside(bob, "TCP")
    net.inject(bob, request("INVITE"), flow)
    net.run(0.1)
    to = next(
        match[1].decode() for each in net.log if (match := re.search(rb"200 OK\r\n.*\r\nTo: ([^\r]*)", each.data, re.S))
    )
    net.inject(bob, request("ACK", to=to), flow)
    assert bob.one(SessionConfirmed)
    net.log.clear()
    return net, bob, to


def proxy() -> tuple[Network, Agent]:
    net = Network()
    edge, bob = net.agent("edge", core=False), net.agent("bob")
    willing(bob)
    config = ProxyConfig(open_relay=True, domains=("example.com",))
    edge.run_core(Proxy(edge.endpoint, config, entropy=SeededEntropy(b"proxy")))
    return net, edge


def registrar() -> tuple[Network, Agent]:
    net = Network()
    edge = net.agent("edge", core=False)
    edge.run_core(Registrar(edge.endpoint, RegistrarConfig(), entropy=SeededEntropy(b"registrar")))
    return net, edge


def settled(net: Network, agents: Iterable[Agent]) -> None:
    """End what is still going on, and see that nothing is left."""
    for agent in agents:
        for event in [*agent.of(InviteReceived), *agent.of(SessionAnswered)]:
            if not agent.endpoint.is_over(event.session):
                agent.endpoint.bye(event.session, now=net.now)
    net.run(4000)
    for agent in agents:
        assert agent.idle, f"{agent.endpoint.sizes}\n{net.ladder()}"


def expected(wire: bytes, cseq: str) -> list[str]:
    return [] if re.match(rb"(ACK|BENOTIFY) ", wire) else [cseq]


def one_answer(net: Network, wire: bytes, method: str, change: Change, cseq: int = 1) -> None:
    """Exactly one final answer, as far as the request says where answers go and to what."""
    if change[0] in ("via", "cseq", "call-id", "from", "to", "content-length"):
        assert len(finals(net)) <= 1
    else:
        assert finals(net) == expected(wire, f"{cseq} {method}"), net.ladder()


@example("INVITE", ("contact", "replaced", '<sip:42@192.0.2.8:5060;ob>"'))
@example("INVITE", ("supported", "replaced", "a b"))
@example("INVITE", ("min-se", "replaced", "q"))
@example("INVITE", ("record-route", "replaced", "<mailto:a@b>"))
@example("INVITE", ("content-type", "replaced", "garbage"))
@example("SUBSCRIBE", ("supported", "replaced", "a b"))
@given(st.sampled_from(METHODS), changes)
def test_a_user_agent_answers_each_request_once(method: str, change: Change) -> None:
    net, bob = user_agent()
    wire = changed(request(method), change)
    net.inject(bob, wire, net.outside(bob, "TCP"))
    net.run(100)
    one_answer(net, wire, method, change)
    settled(net, [bob])


@given(st.sampled_from([method for method in METHODS if method != "CANCEL"]), changes)
def test_inside_a_dialog_each_request_is_answered_once(method: str, change: Change) -> None:
    net, bob, to = in_dialog()
    wire = changed(request(method, to=to, cseq=2), change)
    net.inject(bob, wire, net.outside(bob, "TCP"))
    net.run(100)
    one_answer(net, wire, method, change, cseq=2)
    settled(net, [bob])


@example("MESSAGE", ("route", "emptied", ""))
@example("MESSAGE", ("route", "replaced", ","))
@example("MESSAGE", ("route", "replaced", '<sip:a@192.0.2.8;x="y">'))
@example("INVITE", ("contact", "replaced", "garbage"))
@example("REFER", ("contact", "replaced", '<sip:42@192.0.2.8:5060;ob>"'))
@given(st.sampled_from([method for method in METHODS if method != "CANCEL"]), changes)
def test_a_proxy_sees_that_each_request_is_answered_once(method: str, change: Change) -> None:
    net, edge = proxy()
    wire = changed(
        request(method, to="<sip:bob@192.0.2.2>").replace(b" sip:bob@192.0.2.1 ", b" sip:bob@192.0.2.2 "), change
    )
    net.inject(edge, wire, net.outside(edge, "TCP"))
    net.run(300)
    if not _leads_astray(change):
        one_answer(net, wire, method, change)
    bob = net._agents["192.0.2.2"]
    settled(net, [edge, bob])


def _leads_astray(change: Change) -> bool:
    # RFC 4320 section 4.2: a proxy is silent about a request other than INVITE that the next hop did not answer.
    return change[0] in ("route", "content-length") and change[1] in ("replaced", "added", "doubled")


@given(changes)
def test_a_registrar_answers_each_request_once(change: Change) -> None:
    net, edge = registrar()
    wire = changed(request("REGISTER"), change)
    net.inject(edge, wire, net.outside(edge, "TCP"))
    net.run(100)
    one_answer(net, wire, "REGISTER", change)


# Responses -----------------------------------------------------------------------------------------------------------

COMMANDS: Final[dict[str, Callable[[Agent], object]]] = {
    "INVITE": lambda alice: alice.invite("sip:bob@192.0.2.98", session_expires=600),
    "SUBSCRIBE": lambda alice: subscribe(alice),
    "REFER": lambda alice: refer(alice),
    **{
        method: lambda alice, method=method: alice.ask("sip:bob@192.0.2.98", method)  # type: ignore[misc]
        for method in ("MESSAGE", "REGISTER", "PUBLISH", "OPTIONS")
    },
}
STATUSES: Final = (100, 180, 183, 200, 202, 204, 300, 302, 401, 407, 420, 422, 423, 481, 486, 489, 491, 500, 503, 603)


def subscribe(alice: Agent) -> None:
    alice.endpoint.subscribe(
        "ua",
        "sip:bob@192.0.2.98",
        event="presence",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        expires=600,
        now=alice.net.now,
    )


def refer(alice: Agent) -> None:
    alice.endpoint.refer(
        "ua",
        "sip:bob@192.0.2.98",
        refer_to="<sip:carol@example.com>",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        now=alice.net.now,
    )


def response(sent: bytes, status: int) -> bytes:
    """What somebody answers who has everything in it that a response may have."""
    lines = sent.decode().split("\r\n")
    copied = [line for line in lines if line.partition(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
    to = next(line for line in lines if line.startswith("To:"))
    more = [
        f"{to};tag=peer" if status > 100 else to,
        "Contact: <sip:bob@192.0.2.98>",
        "Record-Route: <sip:p1@192.0.2.97;lr>",
        "Supported: timer",
        "Session-Expires: 600;refresher=uac",
        "Expires: 600",
        'WWW-Authenticate: Digest realm="example.com", nonce="a", qop="auth"',
        *(["Require: 100rel", "RSeq: 1"] if status in (180, 183) else ()),
        "Content-Type: application/sdp",
        "Content-Length: 5",
    ]
    return "\r\n".join([f"SIP/2.0 {status} Words", *copied, *more, "", "v=0 z"]).encode()


@example("INVITE", 200, ("session-expires", "replaced", "garbage"))
@example("INVITE", 200, ("record-route", "replaced", "<mailto:a@b>"))
@example("INVITE", 200, ("contact", "gone", ""))
@example("INVITE", 422, ("min-se", "added", "q"))
@example("INVITE", 302, ("contact", "replaced", "garbage"))
@example("INVITE", 183, ("rseq", "replaced", "garbage"))
@example("SUBSCRIBE", 200, ("expires", "replaced", "garbage"))
@example("SUBSCRIBE", 200, ("supported", "replaced", "a b"))
@example("SUBSCRIBE", 423, ("min-expires", "added", "garbage"))
@example("INVITE", 401, ("www-authenticate", "replaced", 'Digest realm="\udcff", nonce="x"'))
@given(st.sampled_from(sorted(COMMANDS)), st.sampled_from(STATUSES), changes)
def test_whatever_is_answered_each_command_comes_to_one_end(method: str, status: int, change: Change) -> None:
    net = Network()
    config = EndpointConfig(credentials=lambda realm: Credentials("alice", "secret"), reliable_provisionals=True)
    alice = net.agent("alice", config)
    alice.on(SessionAnswered, lambda event: alice.endpoint.session(event.session))
    alice.on(SessionRedirected, lambda event: alice.endpoint.give_up(event.session, now=net.now))
    COMMANDS[method](alice)
    net.flush()
    wire = changed(response(net.log[0].data, status), change)
    net.inject(alice, wire)
    net.run(1)
    net.inject(alice, wire)
    net.run(1000)
    settled(net, [alice])
    ends = [*alice.of(SessionFailed), *alice.of(SessionEnded), *alice.of(SessionCancelled)]
    ends += [*alice.of(SubscriptionEnded), *alice.of(SubscriptionFailed)]
    ends += [*alice.of(ResponseReceived), *alice.of(RequestFailed)]
    assert len(ends) == 1, f"{alice.events}\n{net.ladder()}"


@pytest.mark.parametrize("method", ["INVITE", "SUBSCRIBE", "REFER", "MESSAGE"])
def test_the_messages_that_are_changed_are_good_as_they_are(method: str) -> None:
    net, bob = user_agent()
    net.inject(bob, request(method), net.outside(bob, "TCP"))
    net.run(100)
    assert finals(net) == [f"1 {method}"]
    assert b"SIP/2.0 200" in b"".join(each.data for each in net.log)
