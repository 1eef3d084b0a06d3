"""Calls that a proxy sends to a UDP address which was registered, perhaps in a victim's name."""

from __future__ import annotations

import pytest

from sip import InviteReceived, Proxy, ProxyConfig, Registrar, RegistrarConfig, RequestReceived, SeededEntropy
from sip.testing.network import Network, raw_request
from tests.sip.test_amplification import ATTACKER, VICTIM, Toll, register


@pytest.fixture
def toll() -> Toll:
    """A registrar and a proxy that ask nobody for a password."""
    net = Network(trusted=())
    toll = Toll(net, net.agent("server", core=False))
    endpoint, entropy = toll.server.endpoint, SeededEntropy(b"server")
    registrar = toll.server.run_core(Registrar(endpoint, RegistrarConfig(domains=("example.com",)), entropy=entropy))
    config = ProxyConfig(domains=("example.com",))
    toll.server.run_core(Proxy(endpoint, config, entropy=entropy, location=registrar.lookup))
    return toll


def call(toll: Toll, number: int, method: str = "INVITE") -> None:
    via = f"SIP/2.0/UDP {ATTACKER}:5060;branch=z9hG4bKc{number};rport"
    toll.ask(raw_request(method, "sip:bob@example.com", via=via, call_id=f"c{number}"), ATTACKER)


def sent_to_victim(toll: Toll) -> int:
    return sum(each.head.startswith(("INVITE", "MESSAGE")) for each in toll.net.log if each.to.startswith(VICTIM))


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_ten_bindings_at_a_victim_and_many_calls_make_no_flood(toll: Toll, method: str) -> None:
    toll.ask(register(10))
    for number in range(20):
        call(toll, number, method)
        toll.net.run(1)
    assert sent_to_victim(toll) == 3


def test_calls_that_find_the_way_closed_are_told_that_nobody_is_there(toll: Toll) -> None:
    toll.ask(register(1))
    call(toll, 1)
    call(toll, 2)
    toll.net.run(0.1)
    assert toll.heads(ATTACKER) == ["480"]


def test_when_the_first_call_is_over_the_next_one_goes_out(toll: Toll) -> None:
    toll.ask(register(1))
    call(toll, 1)
    toll.net.run(70)
    call(toll, 2)
    toll.net.run(70)
    assert sent_to_victim(toll) == 6


def test_a_phone_that_is_called_for_the_first_time_rings_and_is_called_as_ever_from_then_on(toll: Toll) -> None:
    phone = toll.net.agent("phone")
    phone.on(InviteReceived, lambda e: phone.endpoint.progress(e.session, 180, now=toll.net.now))
    toll.ask(register(1, 1, phone.host), phone.host)  # where it was before it was switched off and on
    toll.net.run(1)
    toll.ask(register(1, 2, phone.host).replace(b":5000", b":5060"), phone.host)
    for number in range(3):
        call(toll, number)
        toll.net.run(1)
    assert toll.server.endpoint.is_proven(toll.flow(phone.host))
    invites = {each.data for each in toll.net.log if each.to == f"{phone.host}:5060" and "INVITE" in each.head}
    assert len(invites) == 3


def test_a_victim_of_others_calls_is_answered_when_it_asks_itself(toll: Toll) -> None:
    toll.ask(register(10))
    for number in range(5):
        call(toll, number)
    toll.net.run(10)
    before = len(toll.heads())
    toll.ask(register(1, 2))
    assert len(toll.heads()) == before + 1


def test_so_is_one_that_our_own_requests_went_to() -> None:
    net = Network(trusted=())
    toll = Toll(net, net.agent("server"))
    toll.server.on(RequestReceived, lambda e: toll.server.endpoint.respond(e.transaction, 200, now=net.now))
    toll.ask(raw_request("OPTIONS", via=f"SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bKo1", call_id="o1"))
    for _ in range(5):
        toll.server.ask(f"sip:a@{VICTIM}:5060")
        net.run(0.1)
    toll.ask(raw_request("OPTIONS", via=f"SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bKo2", call_id="o2"))
    assert toll.heads().count("200") == 2
