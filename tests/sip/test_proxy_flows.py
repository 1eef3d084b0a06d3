"""Requests for clients whose connection is gone: the registrar and the proxy together (RFC 5626 sections 5.3 and 7)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Binding,
    BindingsChanged,
    Claim,
    Flow,
    NameAddr,
    Proxy,
    ProxyConfig,
    Pump,
    Registrar,
    RegistrarConfig,
    Request,
    Response,
    SeededEntropy,
    Uri,
)
from tests.sip.test_proxy import ALICE, BOB, CAROL, HERE, Place, Town, answer, place, request

INSTANCE = '+sip.instance="<urn:uuid:4b1682a8-f968-5701-83fc-7c6741dc6697>"'
PRIVATE = "10.0.0.7"


class Office(Town):
    """A town whose users register."""

    def __init__(self, **more: object) -> None:
        super().__init__()
        entropy = SeededEntropy(b"office")
        self.registrar = Registrar(self.endpoint, RegistrarConfig(domains=("example.com",)), entropy=entropy)
        self.proxy = Proxy(
            self.endpoint,
            ProxyConfig(owner="office", domains=("example.com",), trusted=("192.0.2.0/24",), **more),  # type: ignore[arg-type]
            entropy=entropy,
            location=self.registrar.lookup,
            moved=self.registrar.flow_after,
            claims=lambda request, flow: request.method != "REGISTER",
            claim=Claim.ELEMENT,
        )
        self.pump = Pump(self.endpoint, [self.registrar, self.proxy])

    def register(self, flow: Flow, contact: str, *, cseq: int = 1, supported: str = "") -> None:
        headers = [("Supported", supported)] if supported else []
        register = request(
            "REGISTER",
            "sip:example.com",
            host=PRIVATE,
            transport="TCP",
            contact=contact,
            cseq=cseq,
            call_id=f"reg {flow.id}".replace(" ", "-"),
            headers=headers,
        )
        self.receive(register, flow)
        assert [each.status for each in self.sent(flow.remote.host) if isinstance(each, Response)] == [200]

    def _handle(self, events: Sequence[object]) -> None:
        super()._handle([each for each in events if not isinstance(each, BindingsChanged)])

    def connection(self, number: int) -> Flow:
        return self.flow(CAROL, "TCP", 40000 + number)

    def close(self, flow: Flow) -> None:
        self._handle(self.pump.settle(self.endpoint.flow_closed(flow, now=self.now), now=self.now))


CONTACT = f"<sip:bob@{PRIVATE}:5060;transport=tcp>"


def answered_call(office: Office, flow: Flow) -> list[str]:
    """Alice calls Bob; the route set of the dialog as Alice has it."""
    office.receive(request(), office.flow(ALICE))
    invite = office.request_to(CAROL)
    office.receive(answer(invite, 200, contact=CONTACT), flow)
    ok = office.response_to(ALICE)
    assert isinstance(ok, Response)
    return [str(each) for each in reversed(ok.record_route)]


def bye(route: Sequence[str], cseq: int = 2) -> Request:
    return request("BYE", f"sip:bob@{PRIVATE}:5060;transport=tcp", to_tag="b", route=route, cseq=cseq)


def test_the_caller_of_a_user_whose_connection_died_hears_that_the_user_is_away() -> None:
    office = Office()
    office.register(office.connection(1), CONTACT)
    office.close(office.connection(1))
    office.receive(request(), office.flow(ALICE))
    assert office.response_to(ALICE).status == 480
    assert office.sent(PRIVATE) == []


def test_a_connection_that_dies_while_the_phone_rings_is_no_fault_of_the_server() -> None:
    office = Office()
    office.register(office.connection(1), CONTACT)
    office.receive(request(), office.flow(ALICE))
    office.receive(answer(office.request_to(CAROL), 180), office.connection(1))
    office.sent(ALICE)
    office.close(office.connection(1))
    assert office.response_to(ALICE).status == 480
    assert office.sent(PRIVATE) == []


def test_a_contact_that_can_be_dialled_is_dialled() -> None:
    office = Office()
    office.register(office.connection(1), f"<sip:bob@{CAROL}:5070;transport=tcp>")
    office.close(office.connection(1))
    office.receive(request(), office.flow(ALICE))
    assert str(office.request_to(CAROL).uri) == f"sip:bob@{CAROL}:5070;transport=tcp"
    office.unreachable = {CAROL}
    office._flows.clear()
    other = Office()
    other.register(other.connection(1), f"<sip:bob@{CAROL}:5070;transport=tcp>")
    other.close(other.connection(1))
    other.unreachable = {CAROL}
    other.receive(request(), other.flow(ALICE))
    assert other.response_to(ALICE).status == 480


def test_a_request_of_a_dialog_goes_down_the_new_connection_of_the_client() -> None:
    office = Office()
    office.register(office.connection(1), f"{CONTACT};{INSTANCE}")
    route = answered_call(office, office.connection(1))
    office.close(office.connection(1))
    office.register(office.connection(2), f"<sip:bob@{PRIVATE}:5062;transport=tcp>;{INSTANCE}")
    office.receive(bye(route), office.flow(ALICE))
    arrived = office.request_to(CAROL)
    assert (arrived.method, str(arrived.uri)) == ("BYE", f"sip:bob@{PRIVATE}:5060;transport=tcp")
    office.receive(answer(arrived, 200), office.connection(2))
    assert office.response_to(ALICE).status == 200


def test_without_a_new_connection_the_flow_has_failed_and_nothing_goes_to_the_old_address() -> None:
    office = Office()
    office.register(office.connection(1), CONTACT)
    route = answered_call(office, office.connection(1))
    office.close(office.connection(1))
    office.receive(bye(route), office.flow(ALICE))
    assert office.response_to(ALICE).status == 430
    for method in ("ACK", "BENOTIFY"):
        office.receive(bye(route, cseq=3).evolve(method=method, set={"CSeq": f"3 {method}"}), office.flow(ALICE))
    assert office.sent(PRIVATE) == []
    assert office.proxy.counters == {f"dropped: {m} that may not pass": 1 for m in ("ACK", "BENOTIFY")}


def test_a_phone_that_listens_where_it_came_from_is_dialled_when_its_connection_was_closed() -> None:
    office = Office()
    contact = f"sip:bob@{CAROL}:5070;transport=tcp"
    office.register(office.connection(1), f"<{contact}>")
    route = answered_call(office, office.connection(1))
    office.close(office.connection(1))
    office.receive(request("BYE", contact, to_tag="b", route=route, cseq=2), office.flow(ALICE))
    assert office.request_to(CAROL).method == "BYE"


# Several flows of one device -----------------------------------------------------------------------------------------


def two_flows(office: Office) -> tuple[Flow, Flow]:
    """One phone with two connections; the calls go down the second first."""
    one, two = office.connection(1), office.connection(2)
    for number, flow in enumerate((one, two), 1):
        office.now += 1
        office.register(flow, f"{CONTACT};{INSTANCE};reg-id={number}", supported="outbound")
    return one, two


def test_a_device_with_two_flows_is_called_once() -> None:
    office = Office()
    two_flows(office)
    office.receive(request(), office.flow(ALICE))
    invite = office.request_to(CAROL)
    office.receive(answer(invite, 486), office.connection(2))
    assert [each.method for each in office.sent(CAROL) if isinstance(each, Request)] == ["ACK"]
    assert office.response_to(ALICE).status == 486


@pytest.mark.parametrize("how", ["430", "closed"])
def test_the_other_flow_of_a_device_is_tried_when_one_fails(how: str) -> None:
    office = Office()
    _, two = two_flows(office)
    office.receive(request(), office.flow(ALICE))
    invite = office.request_to(CAROL)
    if how == "430":
        office.receive(answer(invite, 430), two)
    else:
        office.close(two)
    again = [each for each in office.sent(CAROL) if isinstance(each, Request) and each.method == "INVITE"]
    assert len(again) == 1
    office.receive(answer(again[0], 200), office.connection(1))
    assert office.response_to(ALICE).status == 200


def test_when_all_flows_of_a_device_fail_the_user_is_away() -> None:
    office = Office()
    one, two = two_flows(office)
    office.receive(request(), office.flow(ALICE))
    office.sent(CAROL)
    office.close(two)
    office.close(one)
    assert office.response_to(ALICE).status == 480
    office.advance(600.0)
    assert office.endpoint.sizes == dict.fromkeys(office.endpoint.sizes, 0)
    assert not office.proxy._branches
    assert not office.proxy._contexts


# What comes back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("status", [180, 200, 302, 486, 503])
def test_an_answer_without_a_way_back_goes_no_further(method: str, status: int) -> None:
    town = Town({"bob": (place(f"sip:bob@{BOB}"),)})
    town.receive(request(method), town.flow(ALICE))
    arrived = town.request_to(BOB)
    bare = answer(arrived, status).evolve(set={"Via": str(arrived.via[0])})
    town.receive(bare, town.flow(BOB))
    if status < 200:
        assert town.sent(ALICE) == []
        town.receive(answer(arrived, 200), town.flow(BOB))
        assert town.response_to(ALICE).status == 200
    else:
        assert town.response_to(ALICE).status == 502
        town.receive(bare, town.flow(BOB))
        assert town.sent(ALICE) == []
    town.advance(600.0)
    assert not town.proxy._branches
    assert not town.proxy._contexts
    assert town.endpoint.next_timeout() is None


@pytest.mark.parametrize(
    ("statuses", "best"),
    [((503,), (500, "Server Internal Error")), ((503, 501), (501, "Not Implemented")), ((430, 503), (480, None))],
)
def test_a_503_is_not_passed_on_as_it_is(statuses: Sequence[int], best: tuple[int, str | None]) -> None:
    hosts = (BOB, "192.0.2.3")
    town = Town({"bob": tuple(place(f"sip:bob@{host}") for host in hosts[: len(statuses)])})
    town.receive(request(), town.flow(ALICE))
    for host, status in zip(hosts, statuses, strict=False):
        refusal = answer(town.request_to(host), status).evolve(reason="Gateway Is Tired")
        town.receive(refusal, town.flow(host))
    back = town.response_to(ALICE)
    assert back.status == best[0]
    assert back.reason in (best[1], "Temporarily Unavailable", "Gateway Is Tired")
    assert (back.status, back.reason) != (500, "Gateway Is Tired")


# Targets that are none -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uri", ["mailto:bob@example.com", "tel:+1212", "http://example.com/", 'sip:b"o"b@192.0.2.2'])
def test_a_location_service_may_name_what_cannot_be_called(uri: str) -> None:
    town = Town({"bob": (place(uri), place(f"sip:bob@{BOB}")), "carol": (place(uri),)})
    town.receive(request(), town.flow(ALICE))
    assert town.request_to(BOB).method == "INVITE"
    town.receive(request(uri="sip:carol@example.com"), town.flow(ALICE))
    assert [each.status for each in town.sent(ALICE) if isinstance(each, Response)] == [480]


@pytest.mark.parametrize(
    ("route", "uri", "status"),
    [
        (["<mailto:a@b>"], "sip:x@203.0.113.5", 400),
        ([f"<sip:{HERE};lr>", "<tel:1>"], "sip:x@203.0.113.5", 400),
        ([f"<sip:{HERE};lr;flow=\udcff.\udcfe>"], "sip:bob@example.com", None),
        ([f"<sip:{HERE};lr;flow=1.1.%ff%00>"], "sip:bob@example.com", None),
        ([f"<sip:{HERE};lr;flow>", ""], "sip:bob@example.com", None),
        ([f"sip:{HERE};lr"], "sip:bob@example.com", None),
        ([" , "], "sip:bob@example.com", None),
        ([], "sip:bob@example.com;maddr=%00%22", None),
        ([], "sip:bob@example.com;maddr=[::zz]", None),
    ],
)
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "ACK", "BENOTIFY"])
def test_routes_and_places_that_make_no_sense_are_refused_or_do_no_harm(
    route: list[str], uri: str, status: int | None, method: str
) -> None:
    town = Town({"bob": (place(f"sip:bob@{BOB}"),)})
    town.receive(request(method, uri, route=route), town.flow(ALICE))
    answers = [each.status for each in town.sent(ALICE) if isinstance(each, Response)]
    if method in ("ACK", "BENOTIFY"):
        assert answers == []
    elif status is not None:
        assert answers == [status]
    else:
        assert answers or town.request_to(BOB).route == ()
    town.advance(600.0)
    assert not town.proxy._contexts
    assert town.endpoint.next_timeout() is None


def test_what_a_proxy_does_not_need_it_forwards_as_it_came() -> None:
    town = Town({"bob": (place(f"sip:bob@{BOB}"),)})
    for method in ("INVITE", "SUBSCRIBE", "REFER", "MESSAGE"):
        for contact in ("garbage", '<sip:42@192.0.2.8:5060;ob>"', "<<>>", "\udcff"):
            town.receive(
                request(method, contact=contact, headers=[("Event", ";;"), ("Expires", "x")]), town.flow(ALICE)
            )
            arrived = town.request_to(BOB)
            assert arrived.headers.get("Contact") == contact
            assert (arrived.headers.get("Event"), arrived.headers.get("Expires")) == (";;", "x")


def test_an_ipv6_address_of_ours_is_ours_however_it_is_written() -> None:
    assert Place(uri=Uri.parse("sip:a@[::1]")).uri == Uri.parse("sip:a@[0:0::1]")
    binding = Binding(aor="b", contact=NameAddr.parse("<sip:a@[0:0::1]>"), expires_at=1.0, call_id="c", cseq=1)
    assert binding.names(None, None, Uri.parse("sip:a@[::1]"))


# Whatever happens ----------------------------------------------------------------------------------------------------

STEP = st.tuples(
    st.sampled_from(["register", "register", "close", "close", "call", "call", "answer", "answer", "bye", "wait"]),
    st.integers(0, 3),
    st.sampled_from([180, 200, 200, 408, 430, 486, 503]),
)
EXTRAS = ["", f";{INSTANCE}", f";{INSTANCE};reg-id=1", f";{INSTANCE};reg-id=2"]


@given(st.lists(STEP, min_size=10, max_size=30))
@settings(max_examples=100, deadline=None)
def test_whatever_becomes_of_connections_nothing_goes_to_a_private_address_and_all_is_answered(
    steps: list[tuple[str, int, int]],
) -> None:
    office = Office()
    closed: set[int] = set()
    flows = {number: number for number in range(4)}  # the connection that each phone has at the moment
    numbers = itertools.count(1)
    asked: list[Request] = []
    finals: Counter[tuple[str, int]] = Counter()
    arrived: list[tuple[Request, Flow]] = []
    dialogs: list[tuple[str, list[str]]] = []

    def look() -> None:
        for flow, message in office._sent:
            assert flow.remote.host != PRIVATE
            assert flow.transport == "UDP" or office.endpoint.is_open(flow)
            if isinstance(message, Request) and flow.transport == "TCP" and message.method not in ("ACK", "CANCEL"):
                arrived.append((message, flow))
            elif isinstance(message, Response) and message.status >= 200 and flow.remote.host == ALICE:
                if message.cseq.method == "INVITE" and message.status < 300:
                    dialogs.append((message.call_id, [str(each) for each in reversed(message.record_route)]))
                finals[message.cseq.method, message.cseq.number] += message.cseq.method != "ACK"
        office._sent.clear()

    begun = [("register", 0, 0), ("register", 1, 0), ("call", 0, 0), ("answer", 0, 200), ("answer", 0, 200)]
    for kind, which, status in (*begun, *steps):
        if kind == "register":
            if flows[which] in closed:
                flows[which] += 4
            flow = office.connection(flows[which])
            contact = f"<sip:bob@{PRIVATE}:{5060 + which};transport=tcp>{EXTRAS[which]}"
            office.now += 0.01
            office.register(flow, contact, cseq=next(numbers), supported="outbound")
        elif (
            kind == "close" and flows[which] not in closed and office.endpoint.is_open(office.connection(flows[which]))
        ):
            closed.add(flows[which])
            office.close(office.connection(flows[which]))
        elif kind == "call":
            asked.append(request(cseq=len(asked) + 1, call_id=f"call-{len(asked)}"))
            office.receive(asked[-1], office.flow(ALICE))
        elif kind == "answer" and arrived:
            message, flow = arrived.pop(which % len(arrived))
            if office.endpoint.is_open(flow):
                office.receive(answer(message, status, contact=CONTACT), flow)
                if status == 180:
                    arrived.append((message, flow))
        elif kind == "bye" and dialogs:
            call_id, route = dialogs[which % len(dialogs)]
            asked.append(bye(route, cseq=len(asked) + 1).evolve(set={"Call-ID": call_id}))
            office.receive(asked[-1], office.flow(ALICE))
        elif kind == "wait":
            office.advance(5.0 * which)
        look()
    for _ in range(8):
        office.advance(60.0)
        look()
    for sent in asked:
        # A non-INVITE that nobody answered in time is not answered either (RFC 4320 section 4.2).
        assert finals[sent.method, sent.cseq.number] >= (sent.method == "INVITE")
    office.advance(8000.0)
    assert not office.proxy._contexts
    assert not office.proxy._branches
    assert office.pump.next_timeout() is None
