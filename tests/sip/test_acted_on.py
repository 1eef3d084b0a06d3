"""What an element acts on is read before anything changes; the rest is nobody's business."""

from __future__ import annotations

import re

import pytest

from sip import (
    Credentials,
    EndCause,
    EndpointConfig,
    FailureCause,
    InviteReceived,
    NameAddr,
    NotifyReceived,
    Proxy,
    ProxyConfig,
    Request,
    RequestReceived,
    ResponseReceived,
    SeededEntropy,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
    SubscribeReceived,
    SubscriptionAccepted,
    SubscriptionFailed,
    UpdateReceived,
)
from sip.core.acted_on import REQUESTS, RESPONSES, Action, Element
from sip.headers.table import PARSERS
from sip.testing.network import Agent, Network, raw_request

CONTACT = "Contact: <sip:carol@192.0.2.99>"
NEXT = "192.0.2.98"  #: where nobody is: what is sent there is answered by hand


@pytest.fixture
def bob(net: Network) -> Agent:
    return net.agent("bob")


def sent_to(net: Network, host: str) -> list[bytes]:
    """What was sent to a host where no agent is."""
    return [each.data for each in net.log if each.to.startswith(f"{host}:")]


def statuses(net: Network) -> list[int]:
    return [int(data[8:11]) for data in sent_to(net, "192.0.2.99") if data.startswith(b"SIP/2.0")]


def test_the_table_names_headers_that_have_a_reader_and_ends_only_what_can_be_ended() -> None:
    for rules in (*REQUESTS.values(), *RESPONSES.values()):
        assert set(rules) <= set(PARSERS)
    assert not any(Action.END in rules.values() for rules in REQUESTS.values())
    assert not any(Action.REFUSE in rules.values() for rules in RESPONSES.values())
    assert [key for key, rules in RESPONSES.items() if Action.END in rules.values()] == [("INVITE", 2)]


# Requests at a user agent --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        ("Contact: garbage",),
        ('Contact: <sip:42@192.0.2.8:5060;ob>"',),
        ("Contact: <mailto:carol@example.com>",),
        ('Contact: <sip:carol@192.0.2.99;a="b c">',),
        ("Contact: *",),
        ("Contact:",),
        (CONTACT, "Record-Route: <mailto:a@b>"),
        (CONTACT, "Record-Route: <sip:p1@192.0.2.97;lr>, garbage"),
        (CONTACT, "Session-Expires: soon"),
        (CONTACT, "Min-SE: q", "Session-Expires: 1800"),
        (CONTACT, "Session-Expires: 1800", "Session-Expires: 90"),
        (CONTACT, "Content-Type: application/sdp", "Content-Type: text/plain"),
        (CONTACT, "Require: a b"),
    ],
)
def test_a_call_is_refused_where_it_depends_on_what_cannot_be_read(
    net: Network, bob: Agent, lines: tuple[str, ...]
) -> None:
    net.inject(bob, raw_request("INVITE", extra=lines, body=b"v=0"))
    assert statuses(net) == [400]
    assert bob.events == []
    assert bob.endpoint.sizes["dialogs"] == bob.endpoint.sizes["sessions"] == 0


@pytest.mark.parametrize(
    "lines",
    [
        ("Supported: a b",),
        ("Accept: ;;",),
        ("Subject: one", "Subject: two"),
        ("Expires: later",),
        ("Event: ;;", "Event: presence"),
        ("Route: garbage",),
        ("Proxy-Require: a b",),
        ("Date: tomorrow",),
        ("Identity: abc;info=<https://a.example>", "Identity: def;info=<https://b.example>"),
        ("Record-Route:",),
    ],
)
def test_a_call_is_taken_whatever_else_is_in_it_and_every_command_works(
    net: Network, bob: Agent, lines: tuple[str, ...]
) -> None:
    def take(event: InviteReceived) -> None:
        bob.endpoint.progress(event.session, 180, reliable=True, now=net.now)
        bob.endpoint.accept(event.session, session_expires=600, now=net.now)

    bob.on(InviteReceived, take)
    net.inject(bob, raw_request("INVITE", extra=(CONTACT, "Session-Expires: 1800", *lines), body=b""))
    assert statuses(net)[-1] == 200
    session = bob.one(InviteReceived).session
    bob.endpoint.bye(session, now=net.now)
    net.run(100)
    assert bob.one(SessionEnded)
    assert bob.idle


def test_an_answer_by_respond_needs_nothing_that_cannot_be_read(net: Network, bob: Agent) -> None:
    bob.on(InviteReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))
    net.inject(bob, raw_request("INVITE", extra=(CONTACT, "Session-Expires: 1800", "Supported: a b")))
    assert statuses(net) == [200]
    assert bob.one(InviteReceived).request.supported == ()
    assert "Supported: cannot be read" in map(str, bob.one(InviteReceived).request.defects)


@pytest.mark.parametrize("line", ["Event: ;;", "Event: a\r\nEvent: b", "Expires: later", "Record-Route: <mailto:a@b>"])
def test_a_subscription_is_refused_where_it_depends_on_what_cannot_be_read(net: Network, bob: Agent, line: str) -> None:
    event = () if line.startswith("Event") else ("Event: presence",)
    net.inject(bob, raw_request("SUBSCRIBE", extra=(CONTACT, *event, line)))
    assert statuses(net) == [400]
    assert bob.endpoint.sizes["subscriptions"] == 0


def test_a_subscriber_with_unreadable_options_gets_its_document(net: Network, bob: Agent) -> None:
    def take(event: SubscribeReceived) -> None:
        bob.endpoint.accept_subscription(event.subscription, now=net.now)
        bob.endpoint.notify(event.subscription, now=net.now)

    bob.on(SubscribeReceived, take)
    net.inject(bob, raw_request("SUBSCRIBE", extra=(CONTACT, "Event: presence", "Supported: a b")))
    net.run(0.1)
    assert [data[:6] for data in sent_to(net, "192.0.2.99")][1:] == [b"NOTIFY"]
    assert statuses(net) == [200]


def confirmed(net: Network, bob: Agent) -> str:
    """A call from 192.0.2.99; returns the To of its requests."""
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, now=net.now))
    net.inject(bob, raw_request("INVITE"))
    answer = sent_to(net, "192.0.2.99")[-1].decode()
    to = re.search(r"\r\nTo: ([^\r]*)", answer)
    assert to is not None
    net.inject(bob, raw_request("ACK", to=to[1], via="SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKack"))
    assert bob.one(SessionConfirmed)
    net.log.clear()
    return to[1]


@pytest.mark.parametrize("contact", ["garbage", "<mailto:a@b>", "*", ""])
def test_inside_a_dialog_a_contact_that_cannot_be_used_changes_nothing(net: Network, bob: Agent, contact: str) -> None:
    to = confirmed(net, bob)
    update = raw_request(
        "UPDATE",
        to=to,
        cseq="2 UPDATE",
        via="SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKtwo",
        extra=(f"Contact: {contact}", "Record-Route: <mailto:a@b>"),
    )
    net.inject(bob, update)
    assert statuses(net) == [200]
    assert str(bob.endpoint.session(bob.one(InviteReceived).session).remote_target) == "sip:carol@192.0.2.99"
    assert not bob.of(UpdateReceived)


def test_a_refused_request_inside_a_dialog_leaves_its_order_as_it_was(net: Network, bob: Agent) -> None:
    to = confirmed(net, bob)
    for branch, cseq, line in (("z9hG4bK2", 9, "Session-Expires: soon"), ("z9hG4bK3", 2, "Supported: timer")):
        wire = raw_request(
            "UPDATE", to=to, cseq=f"{cseq} UPDATE", via=f"SIP/2.0/UDP 192.0.2.99;branch={branch}", extra=(line,)
        )
        net.inject(bob, wire)
    assert statuses(net) == [400, 200]


# A proxy -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(net: Network) -> Agent:
    edge = net.agent("edge", core=False)
    edge.run_core(Proxy(edge.endpoint, ProxyConfig(open_relay=True), entropy=SeededEntropy(b"proxy")))
    return edge


@pytest.mark.parametrize("method", ["INVITE", "SUBSCRIBE", "REFER", "MESSAGE"])
@pytest.mark.parametrize(
    "lines",
    [
        ("Contact: garbage",),
        ('Contact: <sip:42@192.0.2.8:5060;ob>"',),
        ("Record-Route: <<>",),
        ("Content-Type: nonsense", "Content-Type: text/plain"),
        ("Session-Expires: a", "Session-Expires: b", "Event: ;;", "Require: a b"),
        ("Identity: abc;info=<https://a.example>", "Identity: def;info=<https://b.example>"),
        ("ms-im-format: text/plain", "ms-im-format: text/html"),
        ("Supported: a b", "Max-Breadth: many", "Refer-To: one", "Refer-To: two"),
    ],
)
def test_a_proxy_forwards_what_it_does_not_act_on_as_it_came(
    net: Network, proxy: Agent, method: str, lines: tuple[str, ...]
) -> None:
    net.inject(proxy, raw_request(method, f"sip:bob@{NEXT}", extra=lines))
    (forwarded,) = sent_to(net, NEXT)
    kept = [line for line in lines if not line.startswith("Max-Breadth")]  # which a proxy counts down
    came = [line for line in forwarded.decode().split("\r\n") if line in kept]
    assert came == kept


@pytest.mark.parametrize(
    "line", ["Route: garbage", "Route: <sip:a@[::1>", 'Route: <sip:a@192.0.2.8;x="y">', "Proxy-Require: a b"]
)
def test_a_proxy_refuses_what_it_cannot_follow(net: Network, proxy: Agent, line: str) -> None:
    net.inject(proxy, raw_request("MESSAGE", f"sip:bob@{NEXT}", extra=(line,)))
    assert statuses(net) == [400]
    net.inject(proxy, raw_request("ACK", f"sip:bob@{NEXT}", extra=(line,), via="SIP/2.0/UDP h;branch=z9hG4bKack"))
    assert sent_to(net, NEXT) == []
    net.run(40)
    assert proxy.idle


@pytest.mark.parametrize("route", ["", ",", " , ,"])
@pytest.mark.parametrize("method", ["MESSAGE", "INVITE"])
def test_an_empty_route_is_none(net: Network, proxy: Agent, route: str, method: str) -> None:
    net.inject(proxy, raw_request(method, f"sip:bob@{NEXT}", extra=(f"Route: {route}", CONTACT)))
    assert len(sent_to(net, NEXT)) == 1


# 2xx to INVITE -------------------------------------------------------------------------------------------------------


def answer(request: bytes, *lines: str, status: str = "200 OK", tag: str = "peer", **other: str) -> bytes:
    """A response with the headers of the request, or others in their place."""
    copied = []
    for line in request.decode().partition("\r\n\r\n")[0].split("\r\n"):
        name, _, value = line.partition(": ")
        if name in ("Via", "From", "To", "Call-ID", "CSeq"):
            value = other.get(name.replace("-", "_").lower(), value)
            copied.append(f"{name}: {value}{f';tag={tag}' if name == 'To' else ''}")
    return "\r\n".join([f"SIP/2.0 {status}", *copied, *lines, "Content-Length: 0", "", ""]).encode()


USELESS = [
    (),
    ("Contact: garbage",),
    ("Contact: *",),
    ("Contact: <mailto:bob@example.com>",),
    ("Contact: <sip:a@192.0.2.98>, <sip:b@192.0.2.98>",),
    ("Contact: <sip:bob@192.0.2.98>", "Record-Route: <mailto:a@b>"),
    ("Contact: <sip:bob@192.0.2.98>", "Record-Route: <sip:p1@192.0.2.97;lr>, garbage"),
    ("Contact: <sip:bob@192.0.2.98>", "Session-Expires: soon"),
    ("Contact: <sip:bob@192.0.2.98>", "Session-Expires: 1800", "Session-Expires: 90"),
]


@pytest.mark.parametrize("lines", USELESS)
def test_a_2xx_that_cannot_be_used_is_acknowledged_and_ended_where_the_invite_went(
    net: Network, bob: Agent, lines: tuple[str, ...]
) -> None:
    session = bob.invite(f"sip:callee@{NEXT}", body=b"")
    net.flush()
    (invite,) = sent_to(net, NEXT)
    ok = answer(invite, *lines)
    net.inject(bob, ok)
    ack, bye = net.requests("ACK")[-1], net.requests("BYE")[-1]
    assert len(sent_to(net, NEXT)) == 3
    for request in (ack, bye):
        assert str(request.uri) == f"sip:callee@{NEXT}"
        assert (request.to.tag, request.from_.tag) == ("peer", net.requests("INVITE")[0].from_.tag)
        assert not request.route
    assert (ack.cseq.number, bye.cseq.number) == (1, 2)
    failed = bob.one(SessionFailed)
    assert (failed.session, failed.cause, failed.status) == (session, FailureCause.UNUSABLE, 200)
    assert any(name in failed.detail for name in ("Contact", "Record-Route", "Session-Expires"))
    net.inject(bob, ok)
    assert net.requests("ACK") == [ack, ack]
    net.inject(bob, answer(sent_to(net, NEXT)[2]))
    net.run(100)
    assert len(net.requests("BYE")) == 1
    assert bob.idle


def test_the_ack_for_an_unusable_2xx_takes_the_route_of_the_invite(net: Network, bob: Agent) -> None:
    for route, uri in (("<sip:p@192.0.2.98;lr>", "sip:callee@example.com"), ("<sip:p@192.0.2.98>", "sip:p@192.0.2.98")):
        net.log.clear()
        bob.endpoint.invite(
            "ua",
            "sip:callee@example.com",
            from_="<sip:bob@example.com>",
            to="<sip:callee@example.com>",
            route=[NameAddr.parse(route)],
            now=net.now,
        )
        net.flush()
        (invite,) = sent_to(net, NEXT)
        net.inject(bob, answer(invite))
        first, ack, bye = sent_to(net, NEXT)
        lines = [line for line in first.decode().split("\r\n") if line.startswith("Route")]
        for request in (ack, bye):
            assert request.decode().split(" ")[1] == uri
            assert [line for line in request.decode().split("\r\n") if line.startswith("Route")] == lines


def test_a_useless_fork_ends_alone(net: Network, bob: Agent) -> None:
    session = bob.invite(f"sip:callee@{NEXT}")
    net.flush()
    (invite,) = sent_to(net, NEXT)
    net.inject(bob, answer(invite, "Contact: <sip:one@192.0.2.98>", status="180 Ringing", tag="two"))
    net.inject(bob, answer(invite, "Contact: <sip:one@192.0.2.98>", tag="one"))
    net.inject(bob, answer(invite, "Contact: garbage", tag="two"))
    assert bob.one(SessionAnswered).session == session
    assert not bob.of(SessionFailed)
    assert [request.to.tag for request in net.requests("ACK")] == ["one", "two"]
    assert [request.to.tag for request in net.requests("BYE")] == ["two"]
    assert bob.endpoint.session(session).remote_tag == "one"
    assert bob.endpoint.sizes["dialogs"] == 1
    bob.endpoint.bye(session, now=net.now)
    net.run(100)
    assert bob.idle


def test_an_early_dialog_goes_with_the_useless_2xx_of_its_fork(net: Network, bob: Agent) -> None:
    bob.invite(f"sip:callee@{NEXT}")
    net.flush()
    (invite,) = sent_to(net, NEXT)
    net.inject(bob, answer(invite, "Contact: <sip:one@192.0.2.98>", status="180 Ringing", tag="one"))
    assert bob.endpoint.sizes["dialogs"] == 1
    net.inject(bob, answer(invite, "Contact: garbage", tag="one"))
    assert bob.one(SessionFailed).cause is FailureCause.UNUSABLE
    assert bob.endpoint.sizes["dialogs"] == bob.endpoint.sizes["sessions"] == 0
    # The next fork that answers is acknowledged and ended too: nobody waits for it any more.
    net.inject(bob, answer(invite, "Contact: <sip:two@192.0.2.98>", tag="two"))
    assert [request.to.tag for request in net.requests("BYE")] == ["one", "two"]
    net.run(100)
    assert bob.idle


@pytest.mark.parametrize("lines", [("Contact: garbage",), ("Contact: <sip:b@192.0.2.98>", "Record-Route: garbage")])
def test_a_provisional_answer_without_a_usable_way_makes_no_dialog(
    net: Network, bob: Agent, lines: tuple[str, ...]
) -> None:
    session = bob.invite(f"sip:callee@{NEXT}")
    net.flush()
    (invite,) = sent_to(net, NEXT)
    net.inject(bob, answer(invite, *lines, "Require: 100rel", "RSeq: x", status="183 Session Progress"))
    assert bob.one(SessionProgressed).session == session
    assert bob.endpoint.sizes["dialogs"] == 0
    net.inject(bob, answer(invite, "Contact: <sip:callee@192.0.2.98>"))
    assert bob.one(SessionAnswered)


def test_a_refresh_whose_answer_cannot_be_read_keeps_the_timer(net: Network, bob: Agent) -> None:
    session = bob.invite(f"sip:callee@{NEXT}", session_expires=600)
    net.flush()
    contact = "Contact: <sip:callee@192.0.2.98>"
    net.inject(bob, answer(sent_to(net, NEXT)[0], contact, "Session-Expires: 600;refresher=uac", "Allow: UPDATE"))
    net.run(301)
    update = next(data for data in sent_to(net, NEXT) if data.startswith(b"UPDATE"))
    net.inject(bob, answer(update, contact, "Session-Expires: soon"))
    assert bob.endpoint.session(session).session_interval == 600
    net.run(301)
    updates = {request.cseq.number for request in net.requests("UPDATE")}
    assert len(updates) == 2
    net.run(1000)
    assert bob.one(SessionEnded).cause in (EndCause.DIALOG_GONE, EndCause.EXPIRED)


# What we chose -------------------------------------------------------------------------------------------------------

OTHERS = {"from_": "<sip:bob@example.com>;tag=other", "call_id": "other@example.com", "cseq": "77 INVITE"}


def test_a_dialog_has_the_names_that_we_chose_whatever_the_answer_says(net: Network, bob: Agent) -> None:
    session = bob.invite(f"sip:callee@{NEXT}")
    net.flush()
    (invite,) = sent_to(net, NEXT)
    other = {"from": OTHERS["from_"], "call_id": OTHERS["call_id"], "cseq": OTHERS["cseq"]}
    net.inject(bob, answer(invite, "Contact: <sip:callee@192.0.2.98>", **other))
    (sent,) = net.requests("INVITE")
    (ack,) = net.requests("ACK")
    assert (ack.call_id, ack.from_, ack.cseq.number) == (sent.call_id, sent.from_, 1)
    view = bob.endpoint.session(session)
    assert (view.call_id, view.local_tag) == (sent.call_id, sent.from_.tag)
    bob.endpoint.bye(session, now=net.now)
    net.flush()
    bye = net.requests("BYE")[0]
    assert (bye.call_id, bye.from_, bye.cseq.number) == (sent.call_id, sent.from_, 2)


def subscribed(net: Network, bob: Agent) -> bytes:
    bob.endpoint.subscribe(
        "ua",
        f"sip:callee@{NEXT}",
        event="presence",
        from_='"Bob" <sip:bob@example.com>',
        to="<sip:callee@example.com>",
        expires=600,
        now=net.now,
    )
    net.flush()
    return sent_to(net, NEXT)[-1]


def test_a_subscription_has_the_names_that_we_chose(net: Network, bob: Agent) -> None:
    subscribe = subscribed(net, bob)
    other = {"from": "<sip:x@example.com>;tag=other", "call_id": "other", "cseq": "77 SUBSCRIBE"}
    net.inject(bob, answer(subscribe, "Contact: <sip:callee@192.0.2.98>", "Expires: 600", **other))
    bob.endpoint.refresh(bob.one(SubscriptionAccepted).subscription, now=net.now)
    net.flush()
    first, second = net.requests("SUBSCRIBE")
    assert (second.call_id, second.from_, second.cseq.number) == (first.call_id, first.from_, 2)


def notify(first: Request, *lines: str) -> bytes:
    return (
        raw_request(
            "NOTIFY",
            f"sip:bob@{first.contact[0]}",
            to=f"<sip:somebody@example.com>;tag={first.from_.tag}",
            from_="<sip:callee@example.com>;tag=peer",
            call_id=first.call_id,
            extra=("Event: presence", "Subscription-State: active;expires=600", *lines),
        )
        .replace(b" sip:bob@<", b" ", 1)
        .replace(b"> SIP/2.0", b" SIP/2.0", 1)
    )


def test_the_from_of_a_dialog_that_a_notify_makes_is_ours(net: Network, bob: Agent) -> None:
    subscribed(net, bob)
    (first,) = net.requests("SUBSCRIBE")
    net.inject(bob, notify(first, CONTACT))
    event = bob.one(NotifyReceived)
    bob.endpoint.refresh(event.subscription, now=net.now)
    net.flush()
    second = net.requests("SUBSCRIBE")[-1]
    assert (second.from_, second.call_id) == (first.from_, first.call_id)


def test_a_notify_that_makes_no_dialog_leaves_the_one_that_is_there(net: Network, bob: Agent) -> None:
    subscribe = subscribed(net, bob)
    net.inject(bob, answer(subscribe, "Contact: <sip:callee@192.0.2.98>", "Expires: 600", tag="first"))
    (first,) = net.requests("SUBSCRIBE")
    net.inject(bob, notify(first, "Contact: garbage"))
    assert statuses(net) == [400]
    bob.endpoint.refresh(bob.one(SubscriptionAccepted).subscription, now=net.now)
    net.flush()
    assert net.requests("SUBSCRIBE")[-1].to.tag == "first"


@pytest.mark.parametrize("status", ["200 OK", "423 Interval Too Brief"])
def test_answers_to_a_subscription_with_unreadable_durations_end_as_without_them(
    net: Network, bob: Agent, status: str
) -> None:
    subscribe = subscribed(net, bob)
    lines = ("Contact: <sip:callee@192.0.2.98>", "Expires: later", "Min-Expires: later", "Supported: a b")
    net.inject(bob, answer(subscribe, *lines, status=status))
    if status.startswith("2"):
        assert bob.one(SubscriptionAccepted).expires == 600
    else:
        assert bob.one(SubscriptionFailed).status == 423


def test_a_challenge_that_is_no_utf8_is_answered_octet_by_octet(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(credentials=lambda realm: Credentials("alice", "secret")))
    alice.ask(f"sip:bob@{NEXT}")
    net.flush()
    challenge = answer(sent_to(net, NEXT)[0], 'WWW-Authenticate: Digest realm="R", nonce="N"', status="401 No")
    net.inject(alice, challenge.replace(b'"R"', b'"\xff"'))
    assert b'realm="\xff"' in sent_to(net, NEXT)[1]
    assert not alice.of(ResponseReceived)


@pytest.mark.parametrize("element", list(Element))
def test_every_element_has_a_rule_for_every_method(element: Element) -> None:
    assert (element, "") in REQUESTS


@pytest.mark.parametrize("accept", [(), ("text/plain",)])
def test_a_body_of_a_type_that_cannot_be_read_is_refused_by_who_reads_bodies(
    net: Network, accept: tuple[str, ...]
) -> None:
    dan = net.agent("dan", core=False)
    dan.add_core(accept=accept)

    def take(event: RequestReceived) -> None:
        assert event.transaction is not None
        assert event.request.content_type is None
        dan.endpoint.respond(event.transaction, 200, now=net.now)

    dan.on(RequestReceived, take)
    net.inject(dan, raw_request("MESSAGE", extra=("Content-Type: x",), body=b"text"))
    assert statuses(net) == [400 if accept else 200]
