"""What strangers, and users of ours, cannot have the proxy do; and what a restart of it leaves possible."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    BindingsChanged,
    Claim,
    Endpoint,
    EndpointConfig,
    Flow,
    Listen,
    LocalProtocolError,
    PasswordStore,
    Proxy,
    ProxyConfig,
    Pump,
    Registrar,
    RegistrarConfig,
    Request,
    Response,
    SeededEntropy,
)
from tests.sip.test_proxy import ALICE, BOB, CAROL, HERE, Town, answer, of_bob, request

MCU, TRUNK, ELSEWHERE = "192.0.2.20", "203.0.113.5", "203.0.113.9"
PREMIUM = f"sip:+19005550100@{TRUNK};user=phone"


class Office(Town):
    """A domain on a network where nobody is trusted for an address; whoever sends a REGISTER is registered."""

    def __init__(
        self, *, seed: bytes = b"one", secret: str = "shared", passwords: bool = False, **more: object
    ) -> None:
        super().__init__()
        self.settings: dict[str, object] = {
            "domains": ("example.com",),
            "trusted": (),
            "parts": (f"{MCU}:5070",),
            "secret": secret,
            **more,
        }
        self.passwords = PasswordStore({"bob": "secret"}) if passwords else None
        self.start(b"one")

    def start(self, seed: bytes) -> None:
        """A new process in the same place: it has the settings, and no memory and no connection."""
        entropy = SeededEntropy(seed)
        config = EndpointConfig(listen=(Listen("UDP", HERE, 5060), Listen("TCP", HERE, 5060)))
        self.endpoint = Endpoint(config, entropy=entropy)
        self.registrar = Registrar(self.endpoint, RegistrarConfig(domains=("example.com",)), entropy=entropy)
        self.proxy = Proxy(
            self.endpoint,
            ProxyConfig(**self.settings),  # type: ignore[arg-type]
            entropy=entropy,
            location=self.registrar.lookup,
            moved=self.registrar.flow_after,
            bound=self.registrar.at,
            registered=self.registrar.knows,
            credentials=self.passwords,
            claims=lambda request, flow: request.method != "REGISTER",
            claim=Claim.ELEMENT,
        )
        self.pump = Pump(self.endpoint, [self.registrar, self.proxy])
        self._flows = {key: flow for key, flow in self._flows.items() if key[0] == "UDP"}

    def _handle(self, events: Sequence[object]) -> None:
        super()._handle([each for each in events if not isinstance(each, BindingsChanged)])

    def register(self, user: str, flow: Flow, contact: str, *, cseq: int = 1) -> None:
        """Somebody sends a REGISTER, and is believed."""
        register = request(
            "REGISTER",
            "sip:example.com",
            host=flow.remote.host,
            transport=flow.transport,
            contact=f"<{contact}>",
            cseq=cseq,
            call_id=f"register-{user}-{flow.id}",
        )
        self.receive(register.evolve(set={"To": f"<sip:{user}@example.com>"}), flow)
        assert [each.status for each in self.sent(flow.remote.host) if isinstance(each, Response)] == [200]

    def refused(self, asked: Request, flow: Flow) -> int:
        """The status that somebody gets whose request must not leave."""
        self.receive(asked, flow)
        (refusal,) = self.sent(flow.remote.host)
        assert isinstance(refusal, Response)
        assert self._sent == [], "something left"
        return refusal.status

    def answered_call(self, caller: Flow, callee: Flow, **more: str) -> list[str]:
        """A call to Bob; the Record-Route that both ends have."""
        self.receive(request(host=caller.remote.host, transport=caller.transport, **more), caller)
        invite = next(each for each in self.sent(callee.remote.host) if isinstance(each, Request))
        self.receive(answer(invite, 200, contact=f"<{invite.uri}>"), callee)
        self.sent(caller.remote.host)
        return [str(each) for each in invite.record_route]


# Relaying ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_stranger_is_not_relayed_to_any_domain_after_one_invented_register(transport: str) -> None:
    office = Office()
    stranger = office.flow(CAROL, transport, 40001)
    office.register("invented", stranger, f"sip:invented@{CAROL}:40001")
    for target in (f"sip:dave@{ELSEWHERE}", PREMIUM, "sip:dave@anywhere.example", "sip:x@127.0.0.1:22"):
        asked = request(uri=target, host=CAROL, transport=transport)
        assert office.refused(asked, stranger) == 403, target
        routed = request(host=CAROL, transport=transport, route=[f"<sip:{HERE};lr>", f"<sip:{ELSEWHERE};lr>"])
        assert office.refused(routed, stranger) == 403


def test_a_stranger_has_no_number_called_through_a_trunk() -> None:
    office = Office(relay_to=(TRUNK,))
    assert office.refused(request(uri=PREMIUM, host=CAROL), office.flow(CAROL)) == 403
    assert office.refused(request(uri="tel:+19005550100", host=CAROL), office.flow(CAROL)) == 416
    assert office.refused(request(uri="sip:+19005550100@example.com", host=CAROL), office.flow(CAROL)) == 480
    asking = Office(relay_to=(TRUNK,), passwords=True)
    assert asking.refused(request(uri=PREMIUM, host=CAROL), asking.flow(CAROL)) == 407


def test_users_call_each_other_and_where_a_setting_says() -> None:
    office = Office(relay_to=(TRUNK, ".partner.example"))
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    office.receive(request(uri=f"sip:dave@{TRUNK}", host=BOB), office.flow(BOB))
    assert office.request_to(TRUNK).method == "INVITE"
    assert office.refused(request(uri=f"sip:dave@{ELSEWHERE}", host=BOB), office.flow(BOB)) == 403
    office.receive(request(host=CAROL), office.flow(CAROL))
    assert office.request_to(BOB).method == "INVITE"


def test_a_part_of_the_system_is_reached_by_all_and_trusted_by_its_address() -> None:
    office = Office()
    office.receive(request("BYE", f"sip:mcu@{MCU}:5070", host=CAROL, to_tag="m"), office.flow(CAROL))
    assert office.request_to(MCU).method == "BYE"
    assert office.refused(request("BYE", f"sip:mcu@{MCU}:22", host=CAROL, to_tag="m"), office.flow(CAROL)) == 403
    office.receive(request(uri=f"sip:dave@{ELSEWHERE}", host=MCU), office.flow(MCU, port=5070))
    assert office.request_to(ELSEWHERE).method == "INVITE"


@pytest.mark.parametrize("bad", ["not a host", "192.0.2.0/99", "sip:x@example.com", "a..b", ""])
def test_a_setting_that_is_no_place_is_a_mistake_of_whoever_wrote_it(bad: str) -> None:
    with pytest.raises(LocalProtocolError):
        Office(relay_to=(bad,))


# Dialogs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["BYE", "INVITE", "MESSAGE", "REFER", "INFO"])
def test_a_to_tag_without_a_token_opens_nothing(method: str) -> None:
    office = Office()
    asked = request(method, PREMIUM, host=CAROL, to_tag="x", route=[f"<sip:{HERE};lr>"])
    assert office.refused(asked, office.flow(CAROL)) == 403
    office.receive(request("ACK", PREMIUM, host=CAROL, to_tag="x"), office.flow(CAROL))
    assert office._sent == []


def test_without_a_token_a_request_of_a_dialog_reaches_our_users_at_their_contacts() -> None:
    office = Office()
    phone = office.flow(BOB, "TCP", 40001)
    office.register("bob", phone, "sip:bob@10.0.0.7:5062;transport=tcp")
    office.receive(request("BYE", "sip:bob@10.0.0.7:5062;transport=tcp", host=CAROL, to_tag="b"), office.flow(CAROL))
    assert office.request_to(BOB).method == "BYE"
    other = request("BYE", "sip:bob@10.0.0.8:5062;transport=tcp", host=CAROL, to_tag="b")
    assert office.refused(other, office.flow(CAROL)) == 403


def test_a_forged_token_opens_nothing() -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    (own,) = office.answered_call(office.flow(CAROL), office.flow(BOB))
    token = own.partition("flow=")[2].rstrip(">")
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), "B" + token[1:], token[:-4], "nonsense", "%FF%00"):
        asked = request("INVITE", PREMIUM, host=CAROL, to_tag="b", route=[own.replace(token, forged)])
        assert office.refused(asked, office.flow(CAROL)) == 403, forged


def test_a_token_of_another_dialog_opens_nothing() -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    route = office.answered_call(office.flow(CAROL), office.flow(BOB))
    for changes in ({"call_id": "another"}, {"from_tag": "z"}, {"to_tag": ""}):
        asked = request("BYE", PREMIUM, host=CAROL, route=route, **{"to_tag": "b", **changes})  # type: ignore[arg-type]
        assert office.refused(asked, office.flow(CAROL)) == 403, changes


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "REFER", "INFO", "UPDATE"])
def test_a_token_of_a_strangers_own_call_leads_to_the_other_end_of_that_call_only(method: str) -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    route = office.answered_call(office.flow(CAROL), office.flow(BOB))
    assert office.refused(request(method, PREMIUM, host=CAROL, to_tag="b", route=route), office.flow(CAROL)) == 403
    # The same, as if the stranger were the other end.
    assert office.refused(of_bob(method, PREMIUM, host=CAROL, route=route), office.flow(CAROL)) == 403
    office.receive(request(method, f"sip:bob@{BOB}", host=CAROL, to_tag="b", route=route, cseq=3), office.flow(CAROL))
    assert office.request_to(BOB).method == method


def test_a_token_of_another_flow_leads_down_its_own_flow_whoever_sends_it() -> None:
    office = Office()
    phone = office.flow(BOB, "TCP", 40001)
    office.register("bob", phone, "sip:bob@10.0.0.7;transport=tcp")
    route = office.answered_call(office.flow(ALICE), phone)
    # Somebody else on another connection has seen it: what is asked for is not where it goes.
    thief = office.flow(CAROL, "TCP", 40009)
    office.receive(request("INVITE", PREMIUM, host=CAROL, transport="TCP", to_tag="b", route=route, cseq=3), thief)
    assert [flow.remote.host for flow, message in office._sent if isinstance(message, Request)] == [BOB]


def test_a_user_of_ours_follows_the_other_end_where_it_goes() -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    route = office.answered_call(office.flow(CAROL), office.flow(BOB))
    moved = "sip:carol@203.0.113.77"  # Carol said so in a re-INVITE
    office.receive(of_bob("INVITE", moved, host=BOB, route=route), office.flow(BOB))
    assert office.request_to("203.0.113.77").method == "INVITE"


@given(
    method=st.sampled_from(["INVITE", "MESSAGE", "SUBSCRIBE", "REFER", "INFO", "UPDATE", "OPTIONS", "NOTIFY", "FOO"]),
    target=st.sampled_from(
        [
            *(PREMIUM, "tel:+19005550100", f"sip:dave@{ELSEWHERE}", "sip:dave@anywhere.example", "sip:bob@example.com"),
            *(f"sip:bob@{BOB}", f"sip:x@{BOB}:5070", f"sip:mcu@{MCU}:5070", f"sip:{HERE};lr", f"sip:x@{ELSEWHERE};lr"),
            *(f"sip:bob@example.com;maddr={ELSEWHERE}", f"sip:x@{ELSEWHERE};maddr={HERE}", "sip:x@127.0.0.1:22"),
            *(
                f"sip:bob@{BOB};maddr={ELSEWHERE}",
                f"sip:mcu@{MCU}:5070;maddr={ELSEWHERE}",
                f"sip:x@{HERE};maddr={TRUNK}",
            ),
            *(f"sip:{HERE};lr;maddr={ELSEWHERE}", f"sip:bob@{BOB};maddr=-"),
        ]
    ),
    route=st.lists(
        st.sampled_from(
            [
                *("own", "bare", f"<sip:{ELSEWHERE};lr>", f"<sip:{ELSEWHERE}>", "<sip:bob@example.com;lr>"),
                *(f"<sip:{HERE};lr;maddr={ELSEWHERE}>", f"<sip:{MCU}:5070;lr;maddr={ELSEWHERE}>"),
                *(f"<sip:{BOB};maddr={ELSEWHERE}>", f"<sip:{ELSEWHERE};lr;maddr={BOB}>"),
            ]
        ),
        max_size=3,
    ),
    tags=st.sampled_from([("a", "b"), ("b", "a"), ("a", ""), ("x", "y"), ("a", "a")]),
    call_id=st.sampled_from(["call", "another"]),
    again=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_a_stranger_sends_it_reaches_our_users_and_parts_alone(
    method: str, target: str, route: list[str], tags: tuple[str, str], call_id: str, again: bool
) -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    (own,) = office.answered_call(office.flow(CAROL), office.flow(BOB))
    if again:
        office.start(b"two")
    routes = [{"own": own, "bare": f"<sip:{HERE};lr>"}.get(each, each) for each in route]
    asked = request(method, target, host=CAROL, route=routes, from_tag=tags[0], to_tag=tags[1], call_id=call_id, cseq=7)
    office.receive(asked, office.flow(CAROL))
    assert {flow.remote.host for flow, _ in office._sent} <= {BOB, MCU, CAROL}


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "BYE", "ACK"])
@pytest.mark.parametrize(
    ("target", "route"),
    [
        (f"sip:mcu@{MCU}:5070;maddr={ELSEWHERE}", []),
        (f"sip:bob@{HERE};maddr={ELSEWHERE}", []),
        (f"sip:bob@example.com;maddr={ELSEWHERE}", []),
        (f"sip:bob@{BOB};maddr={ELSEWHERE}", []),
        ("sip:bob@example.com", [f"<sip:{MCU}:5070;lr;maddr={ELSEWHERE}>"]),
        (f"sip:x@{MCU}:5070", [f"<sip:{HERE};lr>", f"<sip:{MCU}:5070;maddr={ELSEWHERE}>"]),
    ],
)
@pytest.mark.parametrize("to_tag", ["", "b"])
def test_maddr_leads_nobody_past_what_may_be_reached(method: str, target: str, route: list[str], to_tag: str) -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    office.receive(request(method, target, host=CAROL, to_tag=to_tag, route=route), office.flow(CAROL))
    assert {flow.remote.host for flow, _ in office._sent} <= {CAROL, BOB}


def test_a_token_of_a_strangers_own_call_leads_nowhere_else_by_maddr() -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    route = office.answered_call(office.flow(CAROL), office.flow(BOB))
    asked = request("INVITE", f"sip:bob@{BOB};maddr={ELSEWHERE}", host=CAROL, to_tag="b", route=route, cseq=3)
    assert office.refused(asked, office.flow(CAROL)) == 403


def test_a_user_is_relayed_to_where_a_setting_says_and_not_by_maddr_to_elsewhere() -> None:
    office = Office(relay_to=(TRUNK,))
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    office.receive(request(uri=f"sip:dave@anywhere.example;maddr={TRUNK}", host=BOB), office.flow(BOB))
    assert office.request_to(TRUNK).method == "INVITE"
    assert office.refused(request(uri=f"{PREMIUM};maddr={ELSEWHERE}", host=BOB), office.flow(BOB)) == 403


def test_a_contact_with_maddr_has_nobody_else_called() -> None:
    office = Office()
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB};maddr={ELSEWHERE}")
    office.receive(request(host=CAROL), office.flow(CAROL))
    assert {flow.remote.host for flow, _ in office._sent} <= {CAROL, BOB}


@pytest.mark.parametrize("more", [{"Via": "SIP/2.0/UDP x.example;branch=z9hG4bKx"}, {"Path": f"<sip:{TRUNK};lr>"}])
def test_a_registration_is_no_way_to_anywhere(more: dict[str, str]) -> None:
    office = Office()
    bob = office.flow(BOB)
    register = request("REGISTER", "sip:example.com", host=BOB, contact=f"<{PREMIUM}>", call_id="registration")
    register = register.evolve(set={"To": "<sip:bob@example.com>"}, add=list(more.items()))
    office.receive(register, bob)
    assert [each.status for each in office.sent(BOB) if isinstance(each, Response)] == [200]
    for uri in ("sip:bob@example.com", PREMIUM):
        office.receive(request(uri=uri, host=BOB, call_id=uri[4:7]), bob)
    assert {flow.remote.host for flow, _ in office._sent} == {BOB}


# Restarts ------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Ends:
    """How the two ends of a call are reached."""

    caller: tuple[str, int]
    caller_contact: str
    callee: tuple[str, int]
    callee_contact: str


CALLS = {
    "phones that listen": Ends(("UDP", 5060), f"sip:alice@{CAROL}", ("UDP", 5060), f"sip:bob@{BOB}"),
    "behind NATs": Ends(("UDP", 61001), "sip:alice@10.0.0.1", ("UDP", 61002), "sip:bob@10.0.0.7:5062"),
    "connections": Ends(
        ("TCP", 41001),
        f"sip:alice@{CAROL}:5062;transport=tcp",
        ("TCP", 41002),
        "sip:bob@10.0.0.7:5062;transport=tcp",
    ),
}


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize("ends", CALLS.values(), ids=list(CALLS))
def test_after_a_restart_in_the_middle_of_a_dialog_both_ends_can_hang_up(ends: Ends, who: str) -> None:
    office = Office()
    caller, callee = office.flow(CAROL, *ends.caller), office.flow(BOB, *ends.callee)
    office.register("bob", callee, ends.callee_contact)
    route = office.answered_call(caller, callee, contact=f"<{ends.caller_contact}>")
    office.start(b"two")
    caller, callee = office.flow(CAROL, *ends.caller), office.flow(BOB, *ends.callee)
    if callee.reliable:  # a phone without its server comes back to it
        office.register("bob", office.flow(BOB, "TCP", 42002), ends.callee_contact, cseq=2)
    if who == "caller":
        bye = request("BYE", ends.callee_contact, host=CAROL, transport=caller.transport, to_tag="b", route=route)
        office.receive(bye, caller)
        there = BOB
    else:
        office.receive(of_bob("BYE", ends.caller_contact, host=BOB, transport=callee.transport, route=route), callee)
        there = CAROL
    (arrived,) = [(flow, each) for flow, each in office._sent if isinstance(each, Request)]
    assert (arrived[0].remote.host, arrived[1].method) == (there, "BYE")
    if not caller.reliable:
        assert arrived[0].remote.port == (ends.callee if who == "caller" else ends.caller)[1]


def test_another_secret_is_another_proxy() -> None:
    office = Office()
    office.register("bob", office.flow(BOB, port=61002), "sip:bob@10.0.0.7:5062")
    route = office.answered_call(office.flow(CAROL), office.flow(BOB, port=61002))
    office.settings["secret"] = "another"
    office.start(b"two")
    asked = request("BYE", "sip:bob@10.0.0.7:5062", host=CAROL, to_tag="b", route=route)
    assert office.refused(asked, office.flow(CAROL)) == 403


def test_the_secret_is_not_shown() -> None:
    assert "hunter2" not in repr(ProxyConfig(secret="hunter2"))


# Where things come in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["a..b", "-", "x" * 64 + ".example", "\u00fcber.example", ".", "a.-b"])
def test_hosts_that_nobody_can_be_asked_for_are_refused_where_they_come_in(host: str) -> None:
    office = Office(relay_to=("*",))
    office.register("bob", office.flow(BOB), f"sip:bob@{BOB}")
    for asked in (
        request(uri=f"sip:dave@{host}", host=BOB),
        request(host=BOB, uri="sip:dave@example.org", route=[f"<sip:{host};lr>"]),
    ):
        assert office.refused(asked, office.flow(BOB)) in (400, 403)
