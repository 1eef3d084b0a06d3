"""Dialogs: route sets of both ends, strict routers, target refresh, order of requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    Address,
    Flow,
    InviteReceived,
    MalformedHeader,
    RemoteProtocolError,
    Request,
    SessionAnswered,
)
from sip.core.dialog import Begun, Dialog, DialogInput, DialogState
from sip.testing.network import Network, raw_request

FLOW = Flow(1, "TCP", Address("192.0.2.1", 5060), Address("192.0.2.9", 41000))


def invite(*, record_route: str = "", contact: str = "<sip:carol@192.0.2.9>", route: str = "") -> Request:
    lines: list[tuple[str, object]] = [
        ("Via", "SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKx"),
        ("From", "Carol <sip:carol@example.com>;tag=c;epid=0a"),
        ("To", "<sip:bob@example.com>"),
        ("Call-ID", "id"),
        ("CSeq", "7 INVITE"),
        ("Contact", contact),
    ]
    if record_route:
        lines.append(("Record-Route", record_route))
    if route:
        lines.append(("Route", route))
    return Request.build("INVITE", "sip:bob@192.0.2.1", lines)


def both(record_route: str = "", route: str = "") -> tuple[Dialog, Dialog]:
    request = invite(record_route=record_route, route=route)
    answer = request.response(200, to_tag="b", headers=[("Contact", "<sip:bob@192.0.2.1>")])
    ours = Begun("id", request.headers.get("From", ""), "c", "carol", bool(route))
    caller = Dialog.from_response(answer, FLOW, ours, 7)
    return caller, Dialog.from_request(request, FLOW, "b", local_cseq=0)


def test_both_ends_have_the_same_dialog_the_other_way_round() -> None:
    caller, callee = both()
    assert caller.key == ("id", "c", "b")
    assert callee.key == ("id", "b", "c")
    assert caller.local_value == callee.remote_value == "Carol <sip:carol@example.com>;tag=c;epid=0a"
    assert caller.remote_value == callee.local_value == "<sip:bob@example.com>;tag=b"
    assert (caller.local_cseq, caller.remote_cseq) == (7, None)
    assert (callee.local_cseq, callee.remote_cseq) == (0, 7)


def test_the_route_set_is_reversed_at_the_caller_only() -> None:
    caller, callee = both("<sip:p2@192.0.2.3;lr>, <sip:p1@192.0.2.2;lr=on>")
    assert callee.route_set == ("<sip:p2@192.0.2.3;lr>", "<sip:p1@192.0.2.2;lr=on>")
    assert caller.route_set == ("<sip:p1@192.0.2.2;lr=on>", "<sip:p2@192.0.2.3;lr>")
    request = caller.build("INFO", "SIP/2.0/TCP x", 8)
    assert str(request.uri) == "sip:bob@192.0.2.1"
    assert [str(route) for route in request.route] == list(caller.route_set)
    assert caller.next_hop.user == "p1"
    assert callee.next_hop.user == "p2"


def test_a_strict_router_comes_first_and_the_target_last() -> None:
    _, callee = both("<sip:p2@192.0.2.3>, <sip:p1@192.0.2.2;lr>")
    request = callee.build("INFO", "SIP/2.0/TCP x", 1)
    assert str(request.uri) == "sip:p2@192.0.2.3"
    assert [str(route) for route in request.route] == ["<sip:p1@192.0.2.2;lr>", "<sip:carol@192.0.2.9>"]


def test_the_connection_is_kept_unless_the_proxy_on_it_steps_aside() -> None:
    caller, callee = both()
    assert caller.flow is callee.flow is FLOW
    caller, _ = both(route="<sip:192.0.2.9;lr>")
    assert caller.flow is None
    caller, _ = both("<sip:192.0.2.9;lr>", route="<sip:192.0.2.9;lr>")
    assert caller.flow is FLOW


@pytest.mark.parametrize("contact", ["*", "<sip:a@192.0.2.9>, <sip:b@192.0.2.9>"])
def test_a_dialog_needs_exactly_one_contact(contact: str) -> None:
    with pytest.raises(RemoteProtocolError):
        Dialog.from_request(invite(contact=contact), FLOW, "b", local_cseq=0)
    with pytest.raises(MalformedHeader):
        Dialog.from_request(invite(contact="<<>"), FLOW, "b", local_cseq=0)


def test_a_contact_that_cannot_be_used_does_not_replace_the_target() -> None:
    _, callee = both()
    for contact in ("<<>", "*"):
        callee.refresh_target(invite(contact=contact))
    assert str(callee.target) == "sip:carol@192.0.2.9"
    assert callee.next_hop.host == "192.0.2.9"
    callee.refresh_target(invite(contact="<sip:carol@192.0.2.10>"))
    assert callee.next_hop.host == "192.0.2.10"


def test_the_route_set_changes_only_where_both_ends_agreed_on_that() -> None:
    caller, callee = both("<sip:p1@192.0.2.2;lr>")
    later = invite(record_route="<sip:p9@192.0.2.8;lr>, <sip:p8@192.0.2.7;lr>")
    callee.refresh_target(later)
    assert callee.next_hop.user == "p1"
    callee.route_set_updates = caller.route_set_updates = True
    callee.refresh_target(later)
    assert callee.next_hop.user == "p9"
    caller.refresh_target(later.response(200, to_tag="b"))
    assert caller.next_hop.user == "p8"


@given(st.lists(st.integers(0, 50), max_size=30))
def test_requests_are_taken_in_order_only(numbers: list[int]) -> None:
    _, callee = both()
    highest = 7
    for number in numbers:
        assert callee.takes(number) == (number >= highest)
        highest = max(highest, number)


def test_numbers_of_requests_stay_below_two_to_the_31() -> None:
    caller, _ = both()
    caller.local_cseq = 2**31 - 2
    assert [caller.next_cseq(), caller.next_cseq()] == [2**31 - 1, 1]


def test_states() -> None:
    dialog, _ = both()
    assert dialog.state is DialogState.EARLY
    dialog.process(DialogInput.ANSWERED)
    assert dialog.confirmed
    dialog.process(DialogInput.USAGES_GONE)
    dialog.process(DialogInput.ANSWERED)
    assert dialog.state is DialogState.TERMINATED


def test_the_route_set_of_the_2xx_replaces_that_of_the_180() -> None:
    net = Network()
    alice = net.agent("alice")
    session = alice.invite("sip:bob@192.0.2.99;transport=udp")
    net.flush()
    request = net.requests("INVITE")[0]
    for status, route in ((180, "<sip:early@192.0.2.50;lr>"), (200, "<sip:late@192.0.2.51;lr>")):
        headers = [("Contact", "<sip:bob@192.0.2.99>"), ("Record-Route", route)]
        net.inject(alice, bytes(request.response(status, to_tag="b", headers=headers)))
    assert alice.one(SessionAnswered)
    assert [route.uri.user for route in alice.endpoint.session(session).route_set] == ["late"]
    assert net.log[-1].to == "192.0.2.51:5060"
    assert [route.uri.user for route in net.requests("ACK")[0].route] == ["late"]


def test_routes_of_kamailio_are_kept_in_every_request() -> None:
    net = Network()
    bob = net.agent("bob")
    routes = ("Record-Route: <sip:192.0.2.60;r2=on;lr=on>", "Record-Route: <sip:192.0.2.60;transport=tcp;r2=on;lr=on>")
    net.inject(bob, raw_request("INVITE", extra=("Contact: <sip:carol@192.0.2.99>", *routes)))
    session = bob.one(InviteReceived).session
    bob.endpoint.accept(session, now=net.now)
    net.flush()
    assert len(net.responses(200)[0].record_route) == 2
    to = net.responses(200)[0].headers.get("To")
    net.inject(bob, raw_request("ACK", to=to, via="SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKack"))
    bob.endpoint.bye(session, now=net.now)
    net.flush()
    bye = net.requests("BYE")[0]
    assert [str(route) for route in bye.route] == [
        "<sip:192.0.2.60;r2=on;lr=on>",
        "<sip:192.0.2.60;transport=tcp;r2=on;lr=on>",
    ]
    assert net.log[-1].to == "192.0.2.60:5060"
