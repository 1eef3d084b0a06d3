"""The proxy between phones that the tests play themselves, message by message."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Address,
    CancelReceived,
    Claim,
    ConnectWanted,
    Credentials,
    DigestClient,
    DomainNotServed,
    Endpoint,
    EndpointConfig,
    Flow,
    FlowLost,
    Listen,
    NameAddr,
    PasswordStore,
    ProvisionalReceived,
    Proxy,
    ProxyConfig,
    Pump,
    Registrar,
    RegistrarConfig,
    Request,
    RequestFailed,
    RequestId,
    Response,
    ResponseReceived,
    SeededEntropy,
    ServerTransactionEnded,
    TransactionId,
    Uri,
    parse_message,
)

HERE = "192.0.2.10"
ALICE, BOB, BOBS_DESK, CAROL = "192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.7"
SDP = b"v=0\r\n"


@attrs.frozen(kw_only=True)
class Place:
    """A target of the location service."""

    uri: Uri
    route: tuple[NameAddr, ...] = ()
    flow: Flow | None = None
    q: float = 1.0


def place(uri: str, **more: object) -> Place:
    return Place(uri=Uri.parse(uri), **more)  # type: ignore[arg-type]


class Town:
    """One proxy at HERE, and a network that only records."""

    def __init__(
        self,
        users: dict[str, Sequence[Place]] | None = None,
        *,
        may_relay: Callable[[Request, Flow], bool] | None = None,
        credentials: PasswordStore | None = None,
        **more: object,
    ) -> None:
        self.users = users or {}
        entropy = SeededEntropy(b"town")
        config = EndpointConfig(
            listen=(Listen("UDP", HERE, 5060), Listen("TCP", HERE, 5060)),
            user_agent="town",
            trusted_networks=("192.0.2.0/24",),
        )
        self.endpoint = Endpoint(config, entropy=entropy)
        more = {"domains": ("example.com",), "trusted": ("192.0.2.0/24",), **more}
        self.proxy = Proxy(
            self.endpoint,
            ProxyConfig(**more),  # type: ignore[arg-type]
            entropy=entropy,
            location=lambda uri: self.users.get(uri.user or "", ()),
            may_relay=may_relay,
            credentials=credentials,
        )
        self.pump = Pump(self.endpoint, [self.proxy])
        self.now = 0.0
        self.unreachable: set[str] = set()
        self.not_served: list[DomainNotServed] = []
        self._flows: dict[tuple[str, str, int], Flow] = {}
        self._sent: list[tuple[Flow, Request | Response]] = []

    def flow(self, host: str, transport: str = "UDP", port: int = 5060) -> Flow:
        key = (transport, host, port)
        if key not in self._flows:
            self._flows[key] = Flow(len(self._flows) + 1, transport, Address(HERE, 5060), Address(host, port))
        return self._flows[key]

    def receive(self, message: Request | Response, flow: Flow) -> None:
        self._handle(self.pump.receive_data(bytes(message), flow=flow, now=self.now))

    def _handle(self, events: Sequence[object]) -> None:
        waiting = list(events)
        while waiting:
            event = waiting.pop(0)
            if isinstance(event, DomainNotServed):
                self.not_served.append(event)
                continue
            assert isinstance(event, ConnectWanted), event
            there = event.destination
            if there.host in self.unreachable:
                caused = self.endpoint.flow_failed(event.id, "refused", now=self.now)
            else:
                flow = self.flow(there.host, there.transport, there.port)
                caused = self.endpoint.flow_opened(event.id, flow, now=self.now)
            waiting += self.pump.settle(caused, now=self.now)
        for out in self.pump.data_to_send():
            self._sent.append((out.flow, parse_message(out.data)))

    def sent(self, to: str) -> list[Request | Response]:
        """What was sent to a host since the last call, without 100."""
        found = [message for flow, message in self._sent if flow.remote.host == to]
        self._sent = [each for each in self._sent if each[0].remote.host != to]
        return [each for each in found if not (isinstance(each, Response) and each.status == 100)]

    def request_to(self, host: str) -> Request:
        (message,) = self.sent(host)
        assert isinstance(message, Request)
        return message

    def response_to(self, host: str) -> Response:
        (message,) = self.sent(host)
        assert isinstance(message, Response)
        return message

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.pump.next_timeout()) is not None and due <= end:
            self.now = max(due, self.now)
            self._handle(self.pump.handle_timeout(now=self.now))
        self.now = end


_branches = iter(range(1, 1_000_000))


def request(
    method: str = "INVITE",
    uri: str = "sip:bob@example.com",
    *,
    host: str = ALICE,
    transport: str = "UDP",
    contact: str | None = None,
    from_tag: str = "a",
    to_tag: str = "",
    cseq: int = 1,
    route: Sequence[str] = (),
    branch: str | None = None,
    call_id: str = "call",
    headers: Sequence[tuple[str, str]] = (),
) -> Request:
    return Request.build(
        method,
        uri,
        [
            ("Via", f"SIP/2.0/{transport} {host}:5060;branch={branch or f'z9hG4bK{next(_branches)}'}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:alice@example.com>;tag={from_tag}"),
            ("To", f"<sip:bob@example.com>{to_tag and ';tag=' + to_tag}"),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", contact or f"<sip:alice@{host}:5060>"),
            *[("Route", each) for each in route],
            *headers,
        ],
    )


def of_bob(method: str, uri: str, **more: object) -> Request:
    """A request of whom Alice called, in their dialog."""
    return request(method, uri, from_tag="b", to_tag="a", **more)  # type: ignore[arg-type]


def answer(to: Request, status: int, *, tag: str = "b", contact: str = f"<sip:bob@{BOB}>", **more: str) -> Response:
    headers = [("Contact", contact), *[(name.replace("_", "-"), value) for name, value in more.items()]]
    return to.response(status, to_tag=tag, headers=headers)


BOB_AT_HOME = {"bob": (place(f"sip:bob@{BOB}"),)}
BOB_TWICE = {"bob": (place(f"sip:bob@{BOB}", q=0.5), place(f"sip:bob@{BOBS_DESK}", q=0.9))}


def call(town: Town, *, users: str = BOB) -> Request:
    """Alice invites Bob; the INVITE as it arrives at his phone."""
    town.receive(request(), town.flow(ALICE))
    return town.request_to(users)


# A call --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [(), ("<sip:example.com.;lr>",)])
def test_a_domain_with_the_dot_of_the_root_is_ours(route: Sequence[str]) -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request(uri="sip:bob@Example.com.", route=route), town.flow(ALICE))
    assert str(town.request_to(BOB).uri) == f"sip:bob@{BOB}"


def test_an_invite_goes_to_the_contact_of_the_user() -> None:
    town = Town(BOB_AT_HOME)
    arrived = call(town)
    assert str(arrived.uri) == f"sip:bob@{BOB}"
    assert arrived.max_forwards == 69
    assert [via.host for via in arrived.via] == [HERE, ALICE]
    assert [str(each.uri.host_port) for each in arrived.record_route] == [f"{HERE}:5060"]
    assert arrived.record_route[0].uri.lr


def test_answers_go_back_without_our_via_and_the_ack_and_bye_follow_the_route() -> None:
    town = Town(BOB_AT_HOME)
    arrived = call(town)
    town.receive(answer(arrived, 180), town.flow(BOB))
    assert town.response_to(ALICE).status == 180
    town.receive(answer(arrived, 200), town.flow(BOB))
    ok = town.response_to(ALICE)
    assert [via.host for via in ok.via] == [ALICE]
    route = [str(each) for each in ok.record_route]
    town.receive(request("ACK", f"sip:bob@{BOB}", to_tag="b", route=route), town.flow(ALICE))
    ack = town.request_to(BOB)
    assert (ack.method, ack.route, ack.via[0].host) == ("ACK", (), HERE)
    town.receive(request("BYE", f"sip:bob@{BOB}", to_tag="b", route=route, cseq=2), town.flow(ALICE))
    bye = town.request_to(BOB)
    assert bye.record_route == ()
    town.receive(answer(bye, 200), town.flow(BOB))
    assert town.response_to(ALICE).status == 200


def test_every_2xx_of_an_invite_goes_back() -> None:
    town = Town(BOB_AT_HOME)
    arrived = call(town)
    for tag in ("b1", "b2", "b1"):
        town.receive(answer(arrived, 200, tag=tag), town.flow(BOB))
    assert [each.to.tag for each in town.sent(ALICE)] == ["b1", "b2", "b1"]


def test_calls_that_were_answered_hold_no_messages_while_their_transactions_linger() -> None:
    # Half a minute of calls is a lot; what they hold decides about memory, and about the pauses of the collector.
    town = Town(BOB_AT_HOME)
    gc.collect()
    before = messages_alive()
    for number in range(20):
        town.receive(request(call_id=f"call-{number}"), town.flow(ALICE))
        arrived = town.request_to(BOB)
        town.receive(answer(arrived, 180), town.flow(BOB))
        town.receive(answer(arrived, 486 if number % 2 else 200), town.flow(BOB))
        del arrived
        town.sent(ALICE), town.sent(BOB)
    assert town.endpoint.sizes["transactions"] == 40
    gc.collect()
    assert messages_alive() == before
    town.advance(40.0)
    assert town.endpoint.sizes["transactions"] == 0


def messages_alive() -> int:
    return sum(isinstance(each, Request | Response) for each in gc.get_objects())


def test_a_refusal_goes_back_and_is_acknowledged_hop_by_hop() -> None:
    town = Town(BOB_AT_HOME)
    arrived = call(town)
    town.receive(answer(arrived, 486), town.flow(BOB))
    assert town.request_to(BOB).method == "ACK"
    refusal = town.response_to(ALICE)
    assert (refusal.status, refusal.to.tag) == (486, "b")


def test_a_cancel_is_passed_on_and_487_comes_back() -> None:
    town = Town(BOB_AT_HOME)
    invite = request()
    town.receive(invite, town.flow(ALICE))
    arrived = town.request_to(BOB)
    town.receive(answer(arrived, 180), town.flow(BOB))
    town.sent(ALICE)
    cancel = Request.build(
        "CANCEL",
        invite.uri,
        [(n, v) for n, v in invite.headers if n in ("Via", "From", "To", "Call-ID")]
        + [("CSeq", "1 CANCEL"), ("Reason", "SIP;cause=486"), ("Max-Forwards", "70")],
    )
    town.receive(cancel, town.flow(ALICE))
    assert town.response_to(ALICE).status == 200
    passed = town.request_to(BOB)
    assert (passed.method, passed.via, passed.uri) == ("CANCEL", arrived.via[:1], arrived.uri)
    assert passed.headers.get("Reason") == "SIP;cause=486"
    town.receive(answer(passed, 200), town.flow(BOB))
    town.receive(answer(arrived, 487), town.flow(BOB))
    assert town.response_to(ALICE).status == 487


def test_a_cancelled_phone_that_says_nothing_more_ends_in_487() -> None:
    town = Town(BOB_AT_HOME)
    invite = request(branch="z9hG4bKx")
    town.receive(invite, town.flow(ALICE))
    town.receive(answer(town.request_to(BOB), 180), town.flow(BOB))
    town.sent(ALICE)
    town.receive(request("CANCEL", branch="z9hG4bKx"), town.flow(ALICE))
    town.advance(40.0)
    assert [each.status for each in town.sent(ALICE) if isinstance(each, Response)][:2] == [200, 487]


def test_nobody_answers() -> None:
    town = Town(BOB_AT_HOME)
    call(town)
    town.advance(33.0)
    statuses = {each.status for each in town.sent(ALICE) if isinstance(each, Response)}
    assert statuses == {408}


def test_timer_c_ends_a_call_that_rings_for_ever() -> None:
    town = Town(BOB_AT_HOME, timer_c=200.0)
    arrived = call(town)
    town.receive(answer(arrived, 180), town.flow(BOB))
    town.sent(ALICE)
    town.advance(150.0)
    town.receive(answer(arrived, 180), town.flow(BOB))
    town.sent(ALICE)
    town.advance(199.0)
    assert town.sent(BOB) == []
    town.advance(1.1)
    cancel = town.request_to(BOB)
    assert cancel.method == "CANCEL"
    town.receive(answer(arrived, 487), town.flow(BOB))
    assert town.response_to(ALICE).status == 408


# Other requests ------------------------------------------------------------------------------------------------------


def test_a_message_is_forwarded_and_not_record_routed() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request("MESSAGE"), town.flow(ALICE))
    arrived = town.request_to(BOB)
    assert arrived.record_route == ()
    town.receive(answer(arrived, 200), town.flow(BOB))
    assert town.response_to(ALICE).status == 200


def test_an_unanswered_message_is_not_answered_408() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request("MESSAGE"), town.flow(ALICE))
    town.advance(60.0)
    assert town.sent(ALICE) == []


def test_a_benotify_passes_without_any_state() -> None:
    town = Town(BOB_AT_HOME)
    subscribe = request("SUBSCRIBE")
    town.receive(subscribe, town.flow(ALICE))
    arrived = town.request_to(BOB)
    ours = str(arrived.record_route[0])
    benotify = of_bob("BENOTIFY", f"sip:alice@{ALICE}", host=BOB, route=[ours])
    town.receive(benotify, town.flow(BOB))
    (passed,) = [each for each in town.sent(ALICE) if isinstance(each, Request)]
    assert (passed.method, str(passed.uri)) == ("BENOTIFY", f"sip:alice@{ALICE}")
    town.receive(passed.response(481), town.flow(ALICE))
    town.advance(60.0)
    assert town.sent(BOB)[1:] == [] or all(isinstance(each, Request) for each in town.sent(BOB))


def test_options_about_the_proxy_is_answered_by_it() -> None:
    town = Town()
    town.receive(request("OPTIONS", f"sip:{HERE}"), town.flow(ALICE))
    assert town.response_to(ALICE).status == 200


def test_a_method_that_nobody_knows_is_not_implemented_at_the_proxy_itself() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request("FOO", f"sip:{HERE}"), town.flow(ALICE))
    refusal = town.response_to(ALICE)
    assert refusal.status == 501
    assert {"INVITE", "OPTIONS"} <= set(refusal.allow)
    town.receive(request("FOO"), town.flow(ALICE))
    assert town.request_to(BOB).method == "FOO"  # for somebody else it is passed on (section 16.3)


@pytest.mark.parametrize(
    "asked",
    [
        request("OPTIONS", f"sip:{HERE}"),
        request("FOO", f"sip:{HERE}"),
        request(uri="sip:nobody@example.com"),
        request(),
    ],
)
def test_what_the_proxy_says_itself_names_it_once(asked: Request) -> None:
    town = Town(BOB_AT_HOME)
    town.unreachable.add(BOB)
    town.receive(asked, town.flow(ALICE))
    assert town.response_to(ALICE).headers.get_all("Server") == ("town",)


def test_options_about_an_element_with_both_tells_what_registrar_and_proxy_do() -> None:
    town = Town()
    Registrar(town.endpoint, RegistrarConfig(domains=("example.com",)), entropy=SeededEntropy(b"registrar"))
    town.receive(request("OPTIONS", "sip:example.com"), town.flow(ALICE))
    told = town.response_to(ALICE)
    assert told.status == 200
    assert {"OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE", "MESSAGE"} <= set(told.headers.get("Allow", "").split(", "))
    assert {"path", "outbound", "ms-benotify"} <= set(told.headers.get("Supported", "").split(", "))
    assert told.headers.get("Accept") == "*/*"


# What is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (request(uri="sip:nobody@example.com"), 480),
        (request(uri="mailto:bob@example.com"), 416),
        (request().evolve(set={"Max-Forwards": 0}), 483),
        (request(headers=[("Proxy-Require", "ms-benotify, sec-agree")]), 420),
        (request(headers=[("Max-Breadth", "0")]), 440),
    ],
)
def test_what_cannot_be_forwarded_is_refused(bad: Request, status: int) -> None:
    town = Town(BOB_AT_HOME)
    town.receive(bad, town.flow(ALICE))
    refusal = town.response_to(ALICE)
    assert refusal.status == status
    assert refusal.to.tag is not None
    if status == 420:
        assert refusal.unsupported == ("sec-agree",)


def test_a_loop_is_found_and_a_spiral_is_not_taken_for_one() -> None:
    town = Town({"bob": (place(f"sip:bob@{BOB}"),), "robert": (place(f"sip:bob@{BOBS_DESK}"),)})
    arrived = call(town)
    looped = arrived.evolve(uri="sip:bob@example.com", prepend=[("Via", f"SIP/2.0/UDP {BOB};branch=z9hG4bKl")])
    town.receive(looped, town.flow(BOB))
    assert town.response_to(BOB).status == 482
    spiral = arrived.evolve(uri="sip:robert@example.com", prepend=[("Via", f"SIP/2.0/UDP {BOB};branch=z9hG4bKs")])
    town.receive(spiral, town.flow(BOB))
    assert str(town.request_to(BOBS_DESK).uri) == f"sip:bob@{BOBS_DESK}"


# Who may leave -------------------------------------------------------------------------------------------------------


def test_strangers_may_call_our_users_but_not_others() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request(host=CAROL), town.flow(CAROL))
    assert town.request_to(BOB).method == "INVITE"
    town.receive(request(uri="sip:dave@203.0.113.5", host=CAROL), town.flow(CAROL))
    assert town.response_to(CAROL).status == 403


def test_trusted_networks_and_those_that_the_application_names_may_leave() -> None:
    town = Town(may_relay=lambda request, flow: flow.remote.host == CAROL)
    for number, host in enumerate((ALICE, CAROL)):
        town.receive(request(uri=f"sip:dave@203.0.113.{number}", host=host), town.flow(host))
        assert town.request_to(f"203.0.113.{number}").method == "INVITE"


def test_peers_that_proved_their_domain_may_leave() -> None:
    town = Town(trusted_peers=("gateway.example",))
    flow = Flow(99, "TLS", Address(HERE, 5061), Address(CAROL, 40000), ("gateway.example",))
    town.receive(request(uri="sip:dave@203.0.113.5", host=CAROL, transport="TLS"), flow)
    assert town.request_to("203.0.113.5").method == "INVITE"


def test_with_credentials_strangers_are_asked_for_theirs_and_we_keep_them() -> None:
    town = Town(credentials=PasswordStore({"carol": "secret"}), relay_to=("203.0.113.0/24",))
    first = request(uri="sip:dave@203.0.113.5", host=CAROL)
    town.receive(first, town.flow(CAROL))
    challenge = town.response_to(CAROL)
    assert challenge.status == 407
    client = DigestClient({"example.com": Credentials("carol", "secret")}.get, entropy=SeededEntropy(b"carol"))
    other = ("Proxy-Authorization", 'Digest realm="elsewhere", username="carol"')
    headers = [*client.answer(challenge, first), other]
    town.receive(request(uri="sip:dave@203.0.113.5", host=CAROL, cseq=2, headers=headers), town.flow(CAROL))
    arrived = town.request_to("203.0.113.5")
    assert arrived.headers.get_all("Proxy-Authorization") == (other[1],)


def test_credentials_answer_a_challenge_that_was_sent_to_their_source() -> None:
    town = Town(credentials=PasswordStore({"carol": "secret"}), relay_to=("203.0.113.0/24",))
    first = request(uri="sip:dave@203.0.113.5", host=CAROL)
    town.receive(first, town.flow(CAROL))
    challenge = town.response_to(CAROL)
    client = DigestClient({"example.com": Credentials("carol", "secret")}.get, entropy=SeededEntropy(b"carol"))
    headers = client.answer(challenge, first)
    overheard = request(uri="sip:dave@203.0.113.5", host="198.51.100.8", cseq=2, headers=headers)
    town.receive(overheard, town.flow("198.51.100.8"))
    assert "stale=true" in town.response_to("198.51.100.8").headers.get("Proxy-Authenticate", "")
    town.receive(request(uri="sip:dave@203.0.113.5", host=CAROL, cseq=2, headers=headers), town.flow(CAROL))
    assert town.request_to("203.0.113.5").method == "INVITE"


def test_a_route_of_ours_in_a_strangers_request_is_no_pass() -> None:
    town = Town(BOB_AT_HOME)
    for route in (f"<sip:{HERE};lr>", f"<sip:{HERE};lr;flow=1.0.AAAAAAAAAAAAAAAA>"):
        bye = request("BYE", "sip:dave@203.0.113.5", host=CAROL, route=[route], to_tag="x")
        town.receive(bye, town.flow(CAROL))
        assert town.response_to(CAROL).status == 403


def test_a_dialog_that_went_through_us_may_go_anywhere() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request(host=CAROL), town.flow(CAROL))
    arrived = town.request_to(BOB)
    route = [str(each) for each in arrived.record_route]
    town.receive(request("BYE", "sip:bob@203.0.113.9", host=CAROL, route=route, to_tag="b"), town.flow(CAROL))
    assert town.request_to("203.0.113.9").method == "BYE"


def test_who_somebody_is_is_believed_of_trusted_senders_only() -> None:
    town = Town(BOB_AT_HOME)
    asserted = ("P-Asserted-Identity", "<sip:boss@example.com>")
    for host, believed in ((ALICE, True), (CAROL, False)):
        town.receive(request("MESSAGE", host=host, headers=[asserted]), town.flow(host))
        assert ("P-Asserted-Identity" in town.request_to(BOB).headers) is believed


CLAIMS = [
    ("Remote-Party-ID", "<sip:boss@example.com>;party=calling;screen=yes"),
    ("P-Charge-Info", "<sip:boss@example.com>"),
    ("P-Served-User", "<sip:boss@example.com>"),
    ("P-Asserted-Service", "urn:urn-7:3gpp-service.ims.icsi.mmtel"),
    ("P-Charging-Vector", "icid-value=1"),
    ("P-Charging-Function-Addresses", "ccf=192.0.2.8"),
    ("Diversion", "<sip:boss@example.com>;reason=unconditional"),
    ("History-Info", "<sip:boss@example.com>;index=1"),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=[name for name, _ in CLAIMS])
def test_what_only_trusted_peers_can_say_of_somebody_is_taken_from_others(claim: tuple[str, str]) -> None:
    town = Town({**BOB_AT_HOME, "dave": [place(f"sip:dave@{CAROL}")]})
    for host, believed in ((ALICE, True), (CAROL, False)):
        town.receive(request("MESSAGE", host=host, headers=[claim]), town.flow(host))
        arrived = town.request_to(BOB)
        assert (claim[0] in arrived.headers) is believed
        town.receive(arrived.response(200, to_tag="b"), town.flow(BOB))
        town.sent(host)
    town.receive(request("INVITE", "sip:dave@example.com", host=ALICE), town.flow(ALICE))
    invite = town.request_to(CAROL)
    for status in (180, 200):
        town.receive(invite.response(status, to_tag="b", headers=[claim]), town.flow(CAROL))
        assert claim[0] not in town.response_to(ALICE).headers


def test_what_is_for_trusted_peers_alone_is_told_to_nobody_else() -> None:
    town = Town({"bob": [place(f"sip:bob@{BOB}")], "carol": [place(f"sip:carol@{CAROL}")]})
    hides = [("Privacy", "id"), ("P-Asserted-Identity", "<sip:boss@example.com>")]
    for headers, gone in (
        (CLAIMS[1:6], {name for name, _ in CLAIMS[1:6]}),
        ([*hides, CLAIMS[0]], {"P-Asserted-Identity", "Remote-Party-ID"}),
        ([("Remote-Party-ID", '"B" <sip:b@x>;party=calling ; Privacy= "full"')], {"Remote-Party-ID"}),
        ([("Remote-Party-ID", "<sip:b@x>;privacy=off, <sip:c@x>;privacy=later")], {"Remote-Party-ID"}),
        ([("Remote-Party-ID", "<sip:b@x>;privacy=off"), CLAIMS[6], CLAIMS[7]], set()),
    ):
        for user, host, seen in (("bob", BOB, True), ("carol", CAROL, False)):
            town.receive(request("MESSAGE", f"sip:{user}@example.com", headers=headers), town.flow(ALICE))
            arrived = town.request_to(host)
            assert {name for name, _ in headers if name not in arrived.headers} == (set() if seen else gone)
            town.receive(arrived.response(200, to_tag="b"), town.flow(host))
            town.sent(ALICE)


def test_an_ack_that_may_not_pass_is_dropped_and_counted() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request("ACK", "sip:dave@203.0.113.5", host=CAROL, to_tag="x"), town.flow(CAROL))
    assert town.sent(CAROL) == []
    assert town.sent("203.0.113.5") == []
    assert town.proxy.counters == {"dropped: ACK that may not pass": 1}


def test_a_proxy_without_location_service_knows_nobody_and_says_400_to_nonsense() -> None:
    entropy = SeededEntropy(b"alone")
    endpoint = Endpoint(EndpointConfig(listen=(Listen("UDP", HERE, 5060),)), entropy=entropy)
    pump = Pump(endpoint, [Proxy(endpoint, ProxyConfig(domains=("example.com",)), entropy=entropy)])
    flow = Flow(1, "UDP", Address(HERE, 5060), Address(ALICE, 5060))
    for uri, headers, status in (
        ("sip:bob@example.com", [], 480),
        ("sip:bob@example.com", [("Proxy-Require", "two words")], 400),
    ):
        pump.receive_data(bytes(request(uri=uri, headers=headers)), flow=flow, now=0.0)
        statuses = [m.status for m in (parse_message(t.data) for t in pump.data_to_send()) if isinstance(m, Response)]
        assert statuses == [status]


def test_a_route_is_recorded_even_over_transports_that_we_do_not_listen_on() -> None:
    town = Town(trusted_peers=("gateway.example",))
    flow = Flow(99, "TLS", Address(HERE, 5061), Address(CAROL, 40000), ("gateway.example",))
    town.receive(request(uri="sips:dave@203.0.113.5", host=CAROL, transport="TLS"), flow)
    assert [each.uri.host_port for each in town.request_to("203.0.113.5").record_route] == [f"{HERE}:5060"]


def test_credentials_that_make_no_sense_get_400() -> None:
    town = Town(credentials=PasswordStore({"carol": "secret"}))
    bad = ("Proxy-Authorization", 'Digest realm="example.com", qop=auth, uri="sip:elsewhere"')
    town.receive(request(uri="sip:dave@203.0.113.5", host=CAROL, headers=[bad]), town.flow(CAROL))
    assert town.response_to(CAROL).status == 400


def test_a_peer_without_an_address_is_not_trusted() -> None:
    town = Town()
    town.receive(request(uri="sip:dave@203.0.113.5", host="phone.example"), town.flow("phone.example"))
    assert town.response_to("phone.example").status == 403


def test_an_open_relay_forwards_for_anybody() -> None:
    town = Town(open_relay=True)
    town.receive(request(uri="sip:dave@203.0.113.5", host=CAROL), town.flow(CAROL))
    assert town.request_to("203.0.113.5").method == "INVITE"


def test_a_proxy_that_does_not_record_its_route_stays_out_of_the_dialog() -> None:
    assert call(Town(BOB_AT_HOME, record_route=False)).record_route == ()


def test_a_proxy_without_tls_takes_no_sips_on() -> None:
    town = Town()
    town.receive(request(uri="sips:dave@203.0.113.5"), town.flow(ALICE))
    assert town.sent("203.0.113.5") == []
    assert town.response_to(ALICE).status == 416


# Forking -------------------------------------------------------------------------------------------------------------


def test_all_phones_ring_and_the_first_answer_cancels_the_others() -> None:
    town = Town(BOB_TWICE)
    town.receive(request(), town.flow(ALICE))
    home, desk = town.request_to(BOB), town.request_to(BOBS_DESK)
    assert home.via[0].branch != desk.via[0].branch
    assert [home.header("Max-Breadth"), desk.header("Max-Breadth")] == [30, 30]
    town.receive(answer(home, 180, tag="h"), town.flow(BOB))
    town.receive(answer(desk, 180, tag="d"), town.flow(BOBS_DESK))
    assert [each.to.tag for each in town.sent(ALICE)] == ["h", "d"]
    town.receive(answer(desk, 200, tag="d"), town.flow(BOBS_DESK))
    assert town.response_to(ALICE).status == 200
    cancel = town.request_to(BOB)
    assert cancel.method == "CANCEL"
    assert "Call completed elsewhere" in cancel.headers.get("Reason", "")
    town.receive(answer(home, 487, tag="h"), town.flow(BOB))
    assert town.sent(ALICE) == []


def test_of_two_calls_answered_at_once_the_caller_hears_of_both() -> None:
    town = Town(BOB_TWICE)
    town.receive(request(), town.flow(ALICE))
    home, desk = town.request_to(BOB), town.request_to(BOBS_DESK)
    town.receive(answer(home, 200, tag="h"), town.flow(BOB))
    town.receive(answer(desk, 200, tag="d"), town.flow(BOBS_DESK))
    assert [each.to.tag for each in town.sent(ALICE)] == ["h", "d"]


@pytest.mark.parametrize(
    ("first", "second", "best"),
    [
        (486, 404, 486),
        (404, 302, 302),
        (503, 486, 486),
        (408, 486, 486),
        (486, 407, 407),
        (503, 503, 500),
        (500, 415, 415),
        (486, 600, 600),
    ],
)
def test_the_best_refusal_goes_back(first: int, second: int, best: int) -> None:
    town = Town(BOB_TWICE)
    town.receive(request(), town.flow(ALICE))
    home, desk = town.request_to(BOB), town.request_to(BOBS_DESK)
    town.receive(answer(home, first), town.flow(BOB))
    assert town.sent(ALICE) == []
    town.receive(answer(desk, second), town.flow(BOBS_DESK))
    assert town.response_to(ALICE).status == best


def test_a_refusal_for_all_cancels_the_other_phones() -> None:
    town = Town(BOB_TWICE)
    town.receive(request(), town.flow(ALICE))
    home, desk = town.request_to(BOB), town.request_to(BOBS_DESK)
    town.receive(answer(desk, 180), town.flow(BOBS_DESK))
    town.sent(ALICE)
    town.receive(answer(home, 603), town.flow(BOB))
    assert town.request_to(BOBS_DESK).method == "CANCEL"
    assert town.sent(ALICE) == []
    town.receive(answer(desk, 487), town.flow(BOBS_DESK))
    assert town.response_to(ALICE).status == 603


def test_challenges_of_all_branches_go_back_together() -> None:
    town = Town(BOB_TWICE)
    town.receive(request(), town.flow(ALICE))
    home, desk = town.request_to(BOB), town.request_to(BOBS_DESK)
    town.receive(answer(home, 401, WWW_Authenticate='Digest realm="h", nonce="1"'), town.flow(BOB))
    town.receive(answer(desk, 407, Proxy_Authenticate='Digest realm="d", nonce="2"'), town.flow(BOBS_DESK))
    back = town.response_to(ALICE)
    assert back.status == 401
    assert back.headers.get("WWW-Authenticate") == 'Digest realm="h", nonce="1"'
    assert back.headers.get("Proxy-Authenticate") == 'Digest realm="d", nonce="2"'


def test_one_preference_after_the_other_when_told_so() -> None:
    town = Town(BOB_TWICE, sequential=True)
    town.receive(request(), town.flow(ALICE))
    assert town.sent(BOB) == []
    town.receive(answer(town.request_to(BOBS_DESK), 486), town.flow(BOBS_DESK))
    assert town.sent(ALICE) == []
    town.receive(answer(town.request_to(BOB), 200), town.flow(BOB))
    assert town.response_to(ALICE).status == 200


def test_no_more_branches_at_once_than_the_breadth_allows() -> None:
    town = Town(BOB_TWICE)
    town.receive(request(headers=[("Max-Breadth", "1")]), town.flow(ALICE))
    assert town.sent(BOB) == []
    desk = town.request_to(BOBS_DESK)
    assert desk.header("Max-Breadth") == 1
    town.receive(answer(desk, 486), town.flow(BOBS_DESK))
    assert town.request_to(BOB).method == "INVITE"


def test_a_phone_that_cannot_be_reached_leaves_the_other_one_ringing() -> None:
    town = Town({"bob": (place(f"sip:bob@{BOB};transport=tcp"), place(f"sip:bob@{BOBS_DESK}"))})
    town.unreachable = {BOB}
    town.receive(request(), town.flow(ALICE))
    town.receive(answer(town.request_to(BOBS_DESK), 200), town.flow(BOBS_DESK))
    assert town.response_to(ALICE).status == 200


def test_without_a_way_to_any_phone_500_goes_back() -> None:
    town = Town({"bob": (place(f"sip:bob@{BOB};transport=tcp"),)})
    town.unreachable = {BOB}
    town.receive(request(), town.flow(ALICE))
    refusal = town.response_to(ALICE)
    assert (refusal.status, refusal.reason) == (500, "Server Internal Error")  # section 16.7 step 6


def test_whoever_asks_this_server_for_a_domain_of_its_own_hears_that_it_is_not_served() -> None:
    """A client with a mistaken domain, whom we would pass on: RFC 3261 section 21.4.5."""
    town = Town(trusted=("192.0.2.0/24",))
    town.unreachable = {"203.0.113.9"}
    register = request("REGISTER", "sip:203.0.113.9").evolve(set={"From": "<sip:ann@203.0.113.9>;tag=a"})
    town.receive(register, town.flow(ALICE))
    refusal = town.response_to(ALICE)
    assert (refusal.status, refusal.reason) == (404, "This server does not serve 203.0.113.9")
    assert [(each.domain, each.method, each.sender, each.source) for each in town.not_served] == [
        ("203.0.113.9", "REGISTER", "sip:ann@203.0.113.9", ALICE)
    ]
    town.receive(request("MESSAGE", "sip:eve@203.0.113.9"), town.flow(ALICE))  # for somebody else's domain
    assert town.response_to(ALICE).status == 500
    assert len(town.not_served) == 1


def test_whoever_may_not_leave_our_domains_hears_which_one_is_not_served() -> None:
    town = Town(trusted=())
    town.receive(request("MESSAGE", "sip:eve@203.0.113.9"), town.flow(ALICE))
    refusal = town.response_to(ALICE)
    assert (refusal.status, refusal.reason) == (403, "This server does not serve 203.0.113.9")
    assert [each.domain for each in town.not_served] == ["203.0.113.9"]


# Ways there ----------------------------------------------------------------------------------------------------------


def test_a_path_leads_to_the_contact() -> None:
    path = (NameAddr.parse("<sip:203.0.113.1;lr>"),)
    town = Town({"bob": (place("sip:bob@10.0.0.7", route=path),)})
    town.receive(request(), town.flow(ALICE))
    arrived = town.request_to("203.0.113.1")
    assert (str(arrived.uri), arrived.route) == ("sip:bob@10.0.0.7", path)


def test_a_preloaded_route_is_ours_and_goes_no_further() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request(route=[f"<sip:{HERE};lr>"]), town.flow(ALICE))
    assert town.request_to(BOB).route == ()


def test_other_proxies_in_the_route_come_first() -> None:
    town = Town()
    route = [f"<sip:{HERE}:5060;lr>", "<sip:203.0.113.1;lr>"]
    town.receive(request(uri="sip:x@203.0.113.2", route=route), town.flow(ALICE))
    arrived = town.request_to("203.0.113.1")
    assert [str(each) for each in arrived.route] == route[1:]


def test_a_strict_router_gets_what_it_wants_and_one_before_us_is_undone() -> None:
    town = Town()
    town.receive(request(uri="sip:x@203.0.113.2", route=["<sip:203.0.113.1>"]), town.flow(ALICE))
    arrived = town.request_to("203.0.113.1")
    assert (str(arrived.uri), [str(r) for r in arrived.route]) == ("sip:203.0.113.1", ["<sip:x@203.0.113.2>"])
    town.receive(request(uri=f"sip:{HERE};lr", route=["<sip:x@203.0.113.2>"]), town.flow(ALICE))
    arrived = town.request_to("203.0.113.2")
    assert (str(arrived.uri), arrived.route) == ("sip:x@203.0.113.2", ())


def test_a_maddr_that_is_ours_is_taken_off() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request(uri=f"sip:bob@example.com;maddr={HERE}"), town.flow(ALICE))
    assert str(town.request_to(BOB).uri) == f"sip:bob@{BOB}"


def test_where_the_transport_changes_two_routes_are_recorded() -> None:
    town = Town({"bob": (place(f"sip:bob@{BOB};transport=tcp"),)})
    arrived = call(town)
    assert [each.uri.transport for each in arrived.record_route] == ["tcp", None]
    route = [str(each) for each in reversed(arrived.record_route)]
    town.receive(request("BYE", f"sip:bob@{BOB};transport=tcp", to_tag="b", route=route), town.flow(ALICE))
    assert town.request_to(BOB).route == ()


def test_requests_to_a_client_behind_a_connection_go_down_that_connection() -> None:
    town = Town(BOB_AT_HOME)
    connection = town.flow(CAROL, "TCP", 40001)
    invite = request(host=CAROL, transport="TCP", contact="<sip:carol@10.0.0.7;transport=tcp>")
    town.receive(invite, connection)
    arrived = town.request_to(BOB)
    town.receive(answer(arrived, 200), town.flow(BOB))
    town.sent(CAROL)
    route = [str(each) for each in arrived.record_route]
    town.receive(
        of_bob("BYE", "sip:carol@10.0.0.7;transport=tcp", host=BOB, route=route),
        town.flow(BOB),
    )
    assert town.request_to(CAROL).method == "BYE"


def test_requests_to_a_registered_connection_go_down_it_in_both_directions() -> None:
    town = Town()
    phone = town.flow(CAROL, "TCP", 40002)
    town.receive(request("OPTIONS", f"sip:{HERE}", host=CAROL, transport="TCP"), phone)  # so that it is known
    town.sent(CAROL)
    town.users = {"bob": (place("sip:bob@10.0.0.9;transport=tcp", flow=phone),)}
    caller = town.flow(ALICE, "TCP", 40003)
    town.receive(request(transport="TCP"), caller)
    arrived = town.request_to(CAROL)
    route = [str(each) for each in arrived.record_route]
    town.receive(answer(arrived, 200), phone)
    town.sent(ALICE)
    ack = request("ACK", "sip:bob@10.0.0.9;transport=tcp", transport="TCP", to_tag="b", route=route)
    town.receive(ack, caller)
    assert town.request_to(CAROL).method == "ACK"
    town.receive(of_bob("BYE", f"sip:alice@{ALICE}", host=CAROL, transport="TCP", route=route), phone)
    assert town.request_to(ALICE).method == "BYE"


def test_a_phone_behind_a_nat_is_reached_where_its_invite_came_from() -> None:
    town = Town(BOB_AT_HOME)
    town.receive(request(host="10.0.0.7", contact="<sip:carol@10.0.0.7>"), town.flow(CAROL, "UDP", 61000))
    arrived = town.request_to(BOB)
    route = [str(each) for each in arrived.record_route]
    town.receive(of_bob("BYE", "sip:carol@10.0.0.7", host=BOB, route=route), town.flow(BOB))
    assert town.request_to(CAROL).method == "BYE"


@pytest.mark.parametrize("records", [True, False])
def test_what_came_by_another_proxy_goes_back_by_it_only_if_it_stays_on_the_way(records: bool) -> None:
    town = Town(BOB_AT_HOME)
    upstream = town.flow(CAROL, "TCP", 40006)
    invite = request(host=CAROL, transport="TCP", contact="<sip:carol@203.0.113.7>")
    invite = invite.evolve(add=[("Via", "SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKc")])
    if records:
        invite = invite.evolve(add=[("Record-Route", f"<sip:{CAROL};transport=tcp;lr>")])
    town.receive(invite, upstream)
    route = [str(each) for each in town.request_to(BOB).record_route]
    town.receive(of_bob("BYE", "sip:carol@203.0.113.7", host=BOB, route=route), town.flow(BOB))
    assert town.request_to(CAROL if records else "203.0.113.7").method == "BYE"


def test_who_listens_everywhere_knows_itself_by_the_address_that_was_used() -> None:
    town = Town(BOB_AT_HOME)
    town.endpoint.set_listen([Listen("UDP", "0.0.0.0", 5060)])
    town.receive(request(uri=f"sip:bob@{HERE}", route=[f"<sip:{HERE};lr>"]), town.flow(ALICE))
    assert [str(each.uri.host) for each in town.request_to(BOB).record_route] == [HERE]


def test_a_registration_for_others_gets_our_path_and_calls_come_back_by_it() -> None:
    town = Town(add_path=True)
    phone = town.flow(CAROL, "TCP", 40004)
    town.receive(request("REGISTER", "sip:203.0.113.1", transport="TCP"), town.flow(ALICE, "TCP", 40005))
    town.users = {}
    register = town.request_to("203.0.113.1")
    (path,) = register.headers.get_all("Path")
    incoming = request("INVITE", "sip:alice@10.0.0.1", host="203.0.113.1", route=[path])
    town.receive(incoming, town.flow("203.0.113.1"))
    assert town.request_to(ALICE).method == "INVITE"
    assert phone.id > 0


def test_a_proxy_that_claims_few_requests_gets_those_of_its_dialogs_as_well() -> None:
    entropy = SeededEntropy(b"two")
    endpoint = Endpoint(EndpointConfig(listen=(Listen("UDP", HERE, 5060),)), entropy=entropy)
    mcu = Place(uri=Uri.parse(f"sip:mcu@{BOB}"))
    media = Proxy(
        endpoint,
        ProxyConfig(owner="media", domains=("example.com",), trusted=()),
        entropy=entropy,
        location=lambda uri: [mcu],
        claims=lambda request, flow: request.uri.opaque is not None,
        claim=Claim.CONFERENCE,
    )
    endpoint.add_core("other", lambda request, flow: True, claim=Claim.ELEMENT, methods=("MESSAGE",))
    pump = Pump(endpoint, [media])
    client = Flow(1, "TCP", Address(HERE, 5060), Address(CAROL, 40000))
    wanted = pump.receive_data(
        bytes(request(uri="sip:alice@example.com;opaque=app:conf:audio-video:id:1", transport="TCP")),
        flow=client,
        now=0.0,
    )
    (want,) = [each for each in wanted if isinstance(each, ConnectWanted)]
    there = Flow(2, "UDP", Address(HERE, 5060), Address(BOB, 5060))
    endpoint.flow_opened(want.id, there, now=0.0)
    (sent,) = pump.data_to_send()
    invite = parse_message(sent.data)
    route = [str(each) for each in invite.record_route]
    pump.receive_data(
        bytes(of_bob("BYE", "sip:carol@10.0.0.1", host=BOB, route=route)),
        flow=there,
        now=0.0,
    )
    (passed,) = pump.data_to_send()
    assert passed.flow == client
    assert endpoint.route(request("BYE", "sip:carol@10.0.0.1", host=BOB, to_tag="a"), there).owner != "media"


def test_news_of_what_is_over_changes_nothing() -> None:
    town = Town(BOB_AT_HOME)
    late = answer(request(), 200)
    gone, unknown = RequestId(998), TransactionId(999)
    for event in (
        ProvisionalReceived(owner="proxy", request_id=gone, response=late),
        ResponseReceived(owner="proxy", request_id=gone, response=late),
        RequestFailed(owner="proxy", request_id=gone, reason="timeout"),
        CancelReceived(owner="proxy", transaction=unknown, request=request("CANCEL")),
        ServerTransactionEnded(owner="proxy", transaction=unknown),
        FlowLost(owner="proxy", flow=town.flow(BOB), reason="test"),
    ):
        assert town.proxy.handle_event(event, now=0.0) == []
    assert town.pump.data_to_send() == []


@pytest.mark.parametrize("status", [180, 200, 487])
@pytest.mark.parametrize(
    ("name", "value"),
    [("CSeq", "5 INVITE"), ("Call-ID", "another"), ("From", "<sip:alice@example.com>;tag=other")],
)
def test_an_answer_says_to_what_it_is_one_whatever_becomes_of_it_further_on(status: int, name: str, value: str) -> None:
    town = Town(BOB_AT_HOME)
    invite = request()
    town.receive(invite, town.flow(ALICE))
    arrived = town.request_to(BOB)
    town.receive(answer(arrived, status).evolve(set={name: value}), town.flow(BOB))
    told = town.response_to(ALICE)
    assert told.status == status
    assert [told.headers.get(each) for each in ("From", "Call-ID", "CSeq")] == [
        invite.headers.get(each) for each in ("From", "Call-ID", "CSeq")
    ]


def test_a_response_100_is_not_passed_on() -> None:
    town = Town(BOB_AT_HOME)
    arrived = call(town)
    town.receive(answer(arrived, 100), town.flow(BOB))
    assert town.sent(ALICE) == []


def test_the_proxy_forgets_what_is_over() -> None:
    town = Town(BOB_TWICE)
    town.receive(request(), town.flow(ALICE))
    home, desk = town.request_to(BOB), town.request_to(BOBS_DESK)
    town.receive(answer(home, 200), town.flow(BOB))
    town.receive(answer(desk, 487), town.flow(BOBS_DESK))
    town.receive(request("MESSAGE", cseq=2), town.flow(ALICE))
    town.advance(600.0)
    assert town.proxy.next_timeout() is None
    assert town.endpoint.next_timeout() is None
    assert not town.proxy._contexts
    assert not town.proxy._branches


STEP = st.tuples(
    st.sampled_from(["request", "answer", "answer", "answer", "again", "cancel", "ack", "wait"]),
    st.integers(0, 10),
    st.sampled_from([100, 180, 183, 200, 200, 302, 401, 404, 407, 408, 480, 486, 487, 503, 600, 603]),
    st.sampled_from(["INVITE", "INVITE", "INVITE", "MESSAGE", "SUBSCRIBE"]),
)


@given(st.lists(STEP, max_size=25), st.booleans())
@settings(max_examples=100, deadline=None)
def test_whatever_phones_do_each_request_gets_one_final_answer_and_nothing_stays(
    steps: list[tuple[str, int, int, str]], sequential: bool
) -> None:
    town = Town(BOB_TWICE, sequential=sequential)
    asked: list[Request] = []
    arrived: list[tuple[str, Request]] = []
    finals: dict[tuple[str, int], list[int]] = {}

    def look() -> None:
        for host in (BOB, BOBS_DESK):
            arrived.extend((host, m) for m in town.sent(host) if isinstance(m, Request) and m.method not in SILENT)
        for message in town.sent(ALICE):
            if isinstance(message, Response) and message.status >= 200 and message.cseq.method != "CANCEL":
                finals.setdefault((message.cseq.method, message.cseq.number), []).append(message.status)

    for kind, which, status, method in steps:
        if kind == "request":
            asked.append(request(method, cseq=len(asked) + 1))
            town.receive(asked[-1], town.flow(ALICE))
        elif kind == "answer" and arrived:
            host, invited = arrived[which % len(arrived)]
            town.receive(answer(invited, status, tag=host.replace(".", "")), town.flow(host))
        elif kind == "again" and asked:
            again = asked[which % len(asked)]
            if (again.method, again.cseq.number) not in finals:  # nobody repeats what was answered
                town.receive(again, town.flow(ALICE))
        elif kind in ("cancel", "ack") and asked:
            invite = asked[which % len(asked)]
            same = {"branch": invite.via[0].branch, "cseq": invite.cseq.number}
            if invite.method == "INVITE":
                town.receive(request(kind.upper(), **same), town.flow(ALICE))  # type: ignore[arg-type]
        elif kind == "wait":
            town.advance(float(which * 5))
        look()
    for _ in range(12):
        town.advance(60.0)
        look()
    for sent in asked:
        got = finals.get((sent.method, sent.cseq.number), [])
        if sent.method == "INVITE":
            assert got, "an INVITE stayed without answer"
            assert len({each for each in got if each >= 300}) <= 1
            assert not (any(each >= 300 for each in got) and any(each < 300 for each in got))
        else:
            assert len(set(got)) <= 1
            assert 408 not in got
    assert town.proxy.next_timeout() is None
    assert not town.proxy._contexts
    assert not town.proxy._branches


SILENT = ("ACK", "CANCEL")
