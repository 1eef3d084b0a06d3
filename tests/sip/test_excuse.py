"""What the property of altered conversations lets a proxy leave unanswered, and what not."""

from __future__ import annotations

import pytest

from sip import Event, RequestReceived
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
