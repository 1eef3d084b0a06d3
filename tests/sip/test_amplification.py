"""Who asks in the name of a victim over UDP: how much the victim gets, and how somebody shows that it is none."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Address,
    Endpoint,
    EndpointConfig,
    Flow,
    InviteReceived,
    Listen,
    PasswordStore,
    Registrar,
    RegistrarConfig,
    RequestReceived,
    SeededEntropy,
    SubscribeReceived,
)
from sip.testing.network import Agent, Network, raw_request

VICTIM, ATTACKER = "192.0.2.99", "192.0.2.66"
OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n" * 6
)


@attrs.define
class Toll:
    """What went to and fro between a server and the world."""

    net: Network
    server: Agent
    asked: int = 0

    def flow(self, host: str = VICTIM, transport: str = "UDP") -> Flow:
        return self.net.flow(transport, Address(self.server.host, 5060), Address(host, 5060))

    def ask(self, data: bytes, host: str = VICTIM) -> None:
        self.asked += len(data)
        self.net.inject(self.server, data, self.flow(host))

    def got(self, host: str = VICTIM) -> int:
        return sum(len(each.data) for each in self.net.log if each.to == f"{host}:5060")

    def heads(self, host: str = VICTIM) -> list[str]:
        return [each.head.split(" ")[1] for each in self.net.log if each.to == f"{host}:5060"]

    def last(self, host: str = VICTIM) -> str:
        return [each.data for each in self.net.log if each.to == f"{host}:5060"][-1].decode()

    @property
    def proven(self) -> bool:
        return self.server.endpoint.is_proven(self.flow())


@pytest.fixture
def toll() -> Toll:
    net = Network(trusted=())
    return Toll(net, net.agent("server"))


def registrar(toll: Toll, *, password: str | None = None) -> Registrar:
    toll.server = toll.net.agent("registrar", core=False)
    return toll.server.run_core(
        Registrar(
            toll.server.endpoint,
            RegistrarConfig(domains=("example.com",)),
            entropy=SeededEntropy(b"registrar"),
            credentials=None if password is None else PasswordStore({"bob": password}),
        )
    )


def register(contacts: int, number: int = 1, host: str = VICTIM, extra: tuple[str, ...] = ()) -> bytes:
    lines = [f"Contact: <sip:bob@{host}:{5000 + n};description={'x' * 100}>" for n in range(contacts)]
    via = f"SIP/2.0/UDP {host}:5060;branch=z9hG4bKr{number}{len(extra)};rport"
    return raw_request(
        "REGISTER",
        "sip:example.com",
        via=via,
        to="<sip:bob@example.com>",
        from_="<sip:bob@example.com>;tag=r",
        call_id=f"r{number}",
        cseq=f"{number + len(extra)} REGISTER",
        extra=(*lines, *extra),
    )


def invite(branch: str = "one", host: str = VICTIM, body: bytes = OFFER) -> bytes:
    via = f"SIP/2.0/UDP {host}:5060;branch=z9hG4bK{branch};rport"
    extra = (f"Contact: <sip:carol@{host}>", "Content-Type: application/sdp")
    return raw_request("INVITE", via=via, extra=extra, body=body)


def ack(answer: str, branch: str = "one") -> bytes:
    to = re.search(r"^To: (.*)\r$", answer, re.MULTILINE)
    assert to is not None
    return raw_request("ACK", via=f"SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bK{branch};rport", to=to[1])


# What a victim gets ---------------------------------------------------------------------------------------------------


def test_a_query_for_bindings_is_answered_with_the_advice_to_ask_over_tcp(toll: Toll) -> None:
    registrar(toll)
    phone = toll.net.agent("phone")
    _, theirs = toll.net.pair(phone, toll.server, "TCP")
    toll.net.inject(toll.server, register(10, host="192.0.2.3"), theirs)
    assert "200" in toll.net.log[-1].head
    toll.ask(register(0, 2))
    toll.net.run(40)
    assert toll.heads() == ["302"]
    assert "Contact: <sip:example.com;transport=tcp>" in toll.last()
    assert toll.got() <= 2 * toll.asked


def test_a_large_answer_of_a_core_is_redirected_too(toll: Toll) -> None:
    toll.server.on(
        RequestReceived,
        lambda e: toll.server.endpoint.respond(
            e.transaction, 200, body=b"x" * 20_000, content_type="text/plain", now=toll.net.now
        ),
    )
    toll.ask(raw_request("SERVICE"))
    toll.net.run(40)
    assert toll.heads() == ["302"]
    assert toll.got() <= 2 * toll.asked


def test_without_a_tcp_listener_the_answer_is_to_come_again(toll: Toll) -> None:
    endpoint = toll.server.endpoint
    endpoint.set_listen([Listen("UDP", toll.server.host, 5060)])
    toll.server.on(RequestReceived, lambda e: endpoint.respond(e.transaction, 200, body=b"x" * 2_000, now=toll.net.now))
    toll.ask(raw_request("SERVICE"))
    assert toll.heads() == ["503"]
    assert "Retry-After" in toll.last()


def test_a_refused_invite_is_not_repeated_beyond_what_was_asked(toll: Toll) -> None:
    toll.server.on(InviteReceived, lambda e: toll.server.endpoint.reject(e.session, 404, now=toll.net.now))
    toll.ask(invite())
    toll.net.run(60)
    assert set(toll.heads()) <= {"100", "404"}
    assert "404" in toll.heads()
    assert toll.got() <= 2 * toll.asked


def test_neither_is_an_accepted_one(toll: Toll) -> None:
    toll.server.on(
        InviteReceived,
        lambda e: toll.server.endpoint.accept(e.session, body=OFFER, content_type="a/b", now=toll.net.now),
    )
    toll.ask(invite())
    toll.net.run(30)
    assert "200" in toll.heads()
    assert toll.got() <= 2 * toll.asked


def test_nor_is_one_that_rings_for_long(toll: Toll) -> None:
    def ring(event: InviteReceived) -> None:
        for _ in range(50):
            toll.server.endpoint.progress(event.session, 180, now=toll.net.now)

    toll.server.on(InviteReceived, ring)
    toll.ask(invite())
    toll.net.run(60)
    assert toll.heads()[0] == "180"
    assert toll.got() <= 2 * toll.asked


def test_refusals_without_transaction_are_counted_too(toll: Toll) -> None:
    for number in range(50):
        toll.ask(raw_request("CANCEL", via=f"SIP/2.0/UDP {VICTIM};branch=z9hG4bK{number}"))
        toll.ask(b"OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/UDP a\r\nf: <sip:a>\r\nt: <sip:a>\r\ni: 1\r\nCSeq: 1 X\r\n\r\n")
    assert toll.heads()
    assert toll.got() <= 2 * toll.asked


def test_a_via_leads_answers_to_nobody_else(toll: Toll) -> None:
    for number in range(5):
        via = f"SIP/2.0/UDP {ATTACKER}:5060;branch=z9hG4bK{number};maddr={VICTIM}"
        toll.ask(raw_request("OPTIONS", via=via, call_id=f"m{number}"), ATTACKER)
    assert toll.got(VICTIM) == 0
    assert toll.heads(ATTACKER) == ["200"] * 5


def ends(net: Network) -> int:
    """Octets of the one BYE that ends each call which nobody acknowledged."""
    return sum(len(data) for data in {each.data for each in net.log if each.head.startswith("BYE")})


ASKED = st.sampled_from(
    [
        lambda n: invite(f"h{n}"),
        lambda n: invite("same"),
        lambda n: raw_request("OPTIONS", via=f"SIP/2.0/UDP {VICTIM};branch=z9hG4bKo{n}", call_id=f"o{n}"),
        lambda n: raw_request("SERVICE", via=f"SIP/2.0/UDP {VICTIM};branch=z9hG4bKs{n}", call_id=f"s{n}"),
        lambda n: raw_request("CANCEL", via=f"SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bKsame;rport"),
        lambda n: raw_request("BYE", to="<sip:bob@192.0.2.1>;tag=guessed"),
        lambda n: b"\r\n\r\n",
    ]
)


@given(
    st.lists(st.tuples(ASKED, st.sampled_from([0.0, 0.1, 1.0, 20.0])), max_size=12), st.sampled_from([180, 200, 404])
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_asked_in_its_name_a_victim_gets_at_most_twice_the_octets(
    asked: list[tuple[Callable[[int], bytes], float]], status: int
) -> None:
    net = Network(trusted=())
    toll = Toll(net, net.agent("server"))

    def answer(event: InviteReceived) -> None:
        if status == 200:
            toll.server.endpoint.accept(event.session, body=OFFER * 3, content_type="a/b", now=net.now)
        elif status == 404:
            toll.server.endpoint.reject(event.session, 404, now=net.now)
        else:
            toll.server.endpoint.progress(event.session, 180, now=net.now)

    toll.server.on(InviteReceived, answer)
    toll.server.on(
        RequestReceived,
        lambda e: toll.server.endpoint.respond(e.transaction, 200, body=b"x" * 3_000, content_type="a/b", now=net.now),
    )
    for number, (made, pause) in enumerate(asked):
        toll.ask(made(number))
        assert toll.got() - ends(net) <= 2 * toll.asked
        net.run(pause)
    net.run(700)
    assert toll.got() - ends(net) <= 2 * toll.asked


def test_a_subscription_costs_one_notification_more(toll: Toll) -> None:
    toll.server.on(
        SubscribeReceived,
        lambda e: toll.server.endpoint.accept_subscription(
            e.subscription, body=b"x" * 5_000, content_type="text/plain", now=toll.net.now
        ),
    )
    toll.ask(raw_request("SUBSCRIBE", extra=(f"Contact: <sip:carol@{VICTIM}>", "Event: conference")))
    toll.net.run(100)
    notify = next(each.data for each in toll.net.log if each.head.startswith("NOTIFY"))
    assert toll.got() <= 2 * toll.asked + len(notify)


# Who shows that it is there -------------------------------------------------------------------------------------------


def test_an_ack_with_our_tag_is_a_sign(toll: Toll) -> None:
    toll.server.on(InviteReceived, lambda e: toll.server.endpoint.reject(e.session, 404, now=toll.net.now))
    toll.ask(invite())
    assert not toll.proven
    toll.ask(ack(toll.last()))
    assert toll.proven


def test_a_nonce_that_comes_back_is_a_sign_whatever_the_password(toll: Toll) -> None:
    registrar(toll, password="secret")
    toll.ask(register(1))
    assert toll.heads() == ["401"]
    nonce = re.search(r'nonce="([^"]+)"', toll.last())
    assert nonce is not None
    credentials = f'Digest username="bob", realm="example.com", nonce="{nonce[1]}", uri="sip:example.com", response="0"'
    toll.ask(register(1, extra=(f"Authorization: {credentials}",)))
    assert toll.proven


def test_an_answer_to_a_request_of_ours_is_a_sign(toll: Toll) -> None:
    alice = toll.net.agent("alice")
    alice.on(RequestReceived, lambda e: alice.endpoint.respond(e.transaction, 200, now=toll.net.now))
    toll.server.ask(alice.uri())
    toll.net.run(1)
    assert toll.server.endpoint.is_proven(toll.flow(alice.host))


def test_a_phone_without_password_calls_and_is_called_as_ever(toll: Toll) -> None:
    def answer(event: InviteReceived) -> None:
        toll.server.endpoint.progress(event.session, 180, now=toll.net.now)
        toll.server.endpoint.accept(event.session, body=OFFER, content_type="application/sdp", now=toll.net.now)

    toll.server.on(InviteReceived, answer)
    alice = toll.net.agent("alice")
    alice.invite(toll.server.uri(), body=OFFER)
    toll.net.run(5)
    assert toll.heads(alice.host) == ["180", "200"]
    assert toll.server.endpoint.is_proven(toll.flow(alice.host))


def test_loopback_and_what_is_trusted_need_no_sign() -> None:
    config = EndpointConfig(trusted_networks=("127.0.0.0/8", "::1/128", "198.51.100.0/24"))
    endpoint = Endpoint(config, entropy=SeededEntropy(b"x"))
    local = Address("192.0.2.1", 5060)
    for number, host in enumerate(("127.0.0.1", "127.3.2.1", "::1", "198.51.100.7"), start=1):
        assert endpoint.is_proven(Flow(number, "UDP", local, Address(host, 5060)))
    assert not endpoint.is_proven(Flow(9, "UDP", local, Address("203.0.113.1", 5060)))
    assert endpoint.is_proven(Flow(10, "TCP", local, Address("203.0.113.1", 5060)))


# Who wants to show it for another -------------------------------------------------------------------------------------


def test_a_nonce_that_was_given_to_another_address_is_no_sign(toll: Toll) -> None:
    registrar(toll, password="secret")
    toll.ask(register(1, host=ATTACKER), ATTACKER)
    nonce = re.search(r'nonce="([^"]+)"', toll.last(ATTACKER))
    assert nonce is not None
    credentials = f'Digest username="bob", realm="example.com", nonce="{nonce[1]}", uri="sip:example.com", response="0"'
    toll.ask(register(1, extra=(f"Authorization: {credentials}",)))
    assert not toll.proven


def test_a_tag_of_ones_own_dialog_is_no_sign_for_another_address(toll: Toll) -> None:
    toll.server.on(InviteReceived, lambda e: toll.server.endpoint.accept(e.session, now=toll.net.now))
    toll.ask(invite(host=ATTACKER), ATTACKER)
    to = re.search(r"^To: (.*)\r$", toll.last(ATTACKER), re.MULTILINE)
    assert to is not None
    toll.ask(raw_request("ACK", to=to[1]))
    toll.ask(raw_request("INFO", to=to[1], cseq="2 INFO"))
    assert not toll.proven


def test_a_cancel_from_elsewhere_is_not_told_the_tag_of_the_invite(toll: Toll) -> None:
    toll.server.on(InviteReceived, lambda e: toll.server.endpoint.progress(e.session, 180, now=toll.net.now))
    toll.ask(invite())
    mine = re.search(r"^To: .*;tag=(\S+)\r$", toll.last(), re.MULTILINE)
    assert mine is not None
    cancel = raw_request("CANCEL", via=f"SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bKone;rport")
    toll.ask(cancel, ATTACKER)
    assert "200" in toll.heads(ATTACKER)
    assert mine[1] not in "".join(each.data.decode() for each in toll.net.log if ATTACKER in each.to)


def test_a_tag_that_a_contact_elsewhere_was_told_is_no_sign_any_more(toll: Toll) -> None:
    toll.server.on(
        SubscribeReceived,
        lambda e: toll.server.endpoint.accept_subscription(e.subscription, body=b"x", now=toll.net.now),
    )
    toll.ask(raw_request("SUBSCRIBE", extra=(f"Contact: <sip:carol@{ATTACKER}>", "Event: conference")))
    toll.net.run(1)
    (notify,) = {each.data.decode() for each in toll.net.log if each.to == f"{ATTACKER}:5060"}
    tag = re.search(r"^From: .*;tag=(\S+)\r$", notify, re.MULTILINE)
    assert tag is not None
    toll.ask(raw_request("ACK", to=f"<sip:bob@192.0.2.1>;tag={tag[1]}"))
    assert not toll.proven


def test_an_answer_from_elsewhere_than_where_we_asked_is_no_sign(toll: Toll) -> None:
    toll.server.ask(f"sip:a@{ATTACKER}")
    toll.net.run(0.1)
    request = toll.last(ATTACKER)
    lines = [line for line in request.split("\r\n") if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
    toll.ask("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode())
    assert not toll.proven


def test_what_is_kept_of_sources_is_bounded_and_goes_with_their_proof() -> None:
    config = EndpointConfig(max_flows=10)
    net = Network(trusted=())
    server = net.agent("server", config)
    for number in range(100):
        flow = net.flow("UDP", Address(server.host, 5060), Address(f"198.51.100.{number}", 5060))
        net.inject(server, raw_request("OPTIONS", via=f"SIP/2.0/UDP 198.51.100.{number};branch=z9hG4bKb{number}"), flow)
    sources = server.endpoint._transport.sources
    assert len(sources.unproven._credit) == len(sources.unproven.words) == 10
    assert len(net.log) == 100
