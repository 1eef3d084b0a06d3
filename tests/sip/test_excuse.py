"""What the property of altered conversations lets a proxy leave unanswered, and what not."""

from __future__ import annotations

import pytest

from sip import Event, RequestReceived
from sip.testing import Crossing, unanswered
from sip.testing.scenes import DOMAIN, TRANSPORTS, Scene


def message(scene: Scene, target: str) -> None:
    scene.alice.endpoint.request(
        "ua",
        "MESSAGE",
        target,
        from_=f"<sip:alice@{DOMAIN}>",
        to=f"<sip:bob@{DOMAIN}>",
        route=scene.route,
        now=scene.net.now,
    )
    scene.net.run(40.0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_proxy_that_drops_a_message_at_once_is_found(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(transport)
    scene.register(scene.bob)
    honest = scene.proxy.handle_event

    def drops(event: Event, *, now: float) -> list[Event]:
        dropped = isinstance(event, RequestReceived) and event.request.method == "MESSAGE"
        return [] if dropped else honest(event, now=now)

    monkeypatch.setattr(scene.proxy, "handle_event", drops)
    message(scene, f"sip:bob@{DOMAIN}")
    assert any(each.startswith("site answered nothing to MESSAGE") for each in scene.complaints())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_proxy_that_keeps_an_answer_is_found(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(transport)
    scene.register(scene.bob)
    monkeypatch.setattr(scene.proxy, "_on_final", lambda *given: None)
    message(scene, f"sip:bob@{DOMAIN}")
    assert any(each.startswith("site answered nothing to MESSAGE") for each in scene.complaints())


def test_a_proxy_whose_branch_is_silent_may_be_silent() -> None:
    scene = Scene("udp")
    message(scene, "sip:carol@192.0.2.77")
    assert not [each for each in scene.complaints() if each.startswith("site answered")]


def test_an_answer_whose_cseq_has_leading_zeros_is_an_answer() -> None:
    head = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\nCall-ID: 1\r\n"
    asked = f"OPTIONS sip:b@example.com SIP/2.0\r\n{head}To: <sip:b@example.com>\r\nCSeq: 1 OPTIONS\r\n\r\n".encode()
    said = f"SIP/2.0 200 OK\r\n{head}To: <sip:b@example.com>;tag=2\r\nCSeq: 0001 OPTIONS\r\n\r\n".encode()
    there = Crossing(sender="alice", receiver="bob", sent=asked, arrived=asked)
    back = Crossing(sender="bob", receiver="alice", sent=said, arrived=said)
    assert unanswered([there]) != []
    assert unanswered([there, back]) == []
