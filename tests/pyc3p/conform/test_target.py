"""What a target says of its users."""

from __future__ import annotations

import pytest

from pyc3p.conform import Verdict, parse_sip_target
from sip import Request, Response
from tests.pyc3p.conform.element import Plain, element, outcome_of, told, tried


@pytest.mark.parametrize(
    ("text", "domain", "address"),
    [
        ("udp:127.0.0.1:15210", None, "sip:bob@127.0.0.1:15210"),
        ("tcp:[::1]:15210", None, "sip:bob@[::1]:15210"),
        ("udp:127.0.0.1:5060", None, "sip:bob@127.0.0.1"),
        ("tls:127.0.0.1", None, "sip:bob@127.0.0.1"),
        ("udp:127.0.0.1:15210", "example.com", "sip:bob@example.com"),
        ("udp:127.0.0.1:15210", "127.0.0.1", "sip:bob@127.0.0.1"),
    ],
)
def test_users_are_at_the_port_of_the_target_unless_their_domain_is_named(
    text: str, domain: str | None, address: str
) -> None:
    target = parse_sip_target(text, domain=domain)
    assert str(target.aor("bob")) == address
    assert str(target.registrar) == address.replace("bob@", "")
    assert (
        parse_sip_target(target.words[0], domain=dict([target.words[1:3]])["--domain"] if target.words[1:] else None)
        == target
    )
    assert target.authority == address.partition("@")[2]


def test_nothing_is_sent_to_users_at_another_port_of_the_host() -> None:
    seen: list[tuple[str, int | None]] = []

    def noted(request: Request, times: int) -> list[Response | bytes]:
        if request.uri.host == "127.0.0.1":
            seen.append((request.method, request.uri.port))
        return Plain()(request, times)

    with element(noted) as port:
        tried(port, "transactions")
    assert {"REGISTER", "INVITE"} <= {method for method, _ in seen}
    assert {where for _, where in seen} == {port}


def test_without_a_refusal_nothing_is_said_of_how_it_is_repeated() -> None:
    def mute(request: Request, times: int) -> list[Response | bytes]:
        return [] if request.method == "INVITE" else Plain()(request, times)

    with element(mute) as port:
        report = tried(port, "transactions.refusal")
    assert not told(report)
    for case in ("transactions.refusal-repeated", "transactions.refusal-acknowledged"):
        assert outcome_of(report, case).verdict is Verdict.SKIPPED
