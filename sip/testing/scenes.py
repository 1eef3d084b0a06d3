"""Whole conversations with a man in the middle: phones, a registrar and a proxy, which have to survive him.

A `Scene` is one site and two phones; `CONVERSATIONS` are what they can do. `play` lets them do it while one message is
altered, lets everything come to its end, and makes a proper call; `complaints` says what did not hold::

    @given(st.data())
    def test_nothing_that_is_sent_breaks_us(data):
        plan = plan_of(Drawn(data.draw))
        assert not play(plan), plan
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

import attrs

from sip.testing.altering import Alteration, Chooser, alteration
from sip.testing.scene import DOMAIN, Scene

__all__ = ["CONVERSATIONS", "DOMAIN", "TRANSPORTS", "Plan", "Scene", "plan_of", "play"]

TRANSPORTS: Final = ("udp", "tcp")


# Conversations -------------------------------------------------------------------------------------------------------


def _direct_call(scene: Scene) -> None:
    scene.talk(scene.call(scene.bob.uri(scene.transport), through_site=False))


def _late_offer(scene: Scene) -> None:
    scene.talk(scene.call(scene.bob.uri(scene.transport), through_site=False, offer=False))


def _refused_calls(scene: Scene) -> None:
    for user in ("busy", "moved", "silent"):
        target = scene.bob.uri(scene.transport).replace("sip:bob@", f"sip:{user}@")
        session = scene.call(target, through_site=False)
        scene.net.run(3.0)
        scene._do(lambda session=session: scene.alice.endpoint.cancel(session, now=scene.net.now))  # type: ignore[misc]
        scene.net.run(3.0)


def _call_through_proxy(scene: Scene) -> None:
    scene.register(scene.bob)
    scene.talk(scene.call(f"sip:bob@{DOMAIN}", through_site=True))


def _cancelled_through_proxy(scene: Scene) -> None:
    target = scene.bob.uri(scene.transport).replace("sip:bob@", "sip:silent@")
    session = scene.call(target, through_site=True)
    scene.net.run(3.0)
    scene._do(lambda: scene.alice.endpoint.cancel(session, now=scene.net.now))
    scene.net.run(3.0)


def _message_through_proxy(scene: Scene) -> None:
    scene.register(scene.bob)
    scene._do(
        lambda: scene.alice.endpoint.request(
            "ua",
            "MESSAGE",
            f"sip:bob@{DOMAIN}",
            from_=f"<sip:alice@{DOMAIN}>",
            to=f"<sip:bob@{DOMAIN}>",
            body=b"hello",
            content_type="text/plain",
            route=scene.route,
            now=scene.net.now,
        )
    )
    scene.net.run(3.0)


def _subscription(scene: Scene) -> None:
    _watch(scene, scene.bob.uri(scene.transport), through_site=False)


def _subscription_through_proxy(scene: Scene) -> None:
    scene.register(scene.bob)
    _watch(scene, f"sip:bob@{DOMAIN}", through_site=True)


def _watch(scene: Scene, target: str, *, through_site: bool) -> None:
    subscription = scene.subscribe(target, through_site=through_site)
    scene.net.run(5.0)
    scene._do(lambda: scene.alice.endpoint.refresh(subscription, now=scene.net.now))
    scene.net.run(700.0)
    scene._do(lambda: scene.alice.endpoint.unsubscribe(subscription, now=scene.net.now))
    scene.net.run(5.0)


def _refer(scene: Scene) -> None:
    scene.refer(scene.bob.uri(scene.transport))
    scene.net.run(10.0)


def _registration(scene: Scene) -> None:
    for expires in (300, 300, 0):
        scene.register(scene.alice, expires)


CONVERSATIONS: Final[Mapping[str, Callable[[Scene], None]]] = {
    "call": _direct_call,
    "call without offer": _late_offer,
    "refused calls": _refused_calls,
    "call through proxy": _call_through_proxy,
    "cancelled call through proxy": _cancelled_through_proxy,
    "message through proxy": _message_through_proxy,
    "subscription": _subscription,
    "subscription through proxy": _subscription_through_proxy,
    "REFER": _refer,
    "registration": _registration,
}


# Playing -------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Plan:
    """One conversation, and what is done to it."""

    conversation: str
    transport: str
    alteration: Alteration

    def __str__(self) -> str:
        return f"{self.conversation} over {self.transport}, {self.alteration}"


@cache
def _messages(conversation: str, transport: str) -> int:
    """How many different messages a conversation has that nobody disturbs."""
    scene = Scene(transport)
    CONVERSATIONS[conversation](scene)
    return scene.different


def plan_of(choose: Chooser) -> Plan:
    """Any plan."""
    names = tuple(CONVERSATIONS)
    name, transport = names[choose.index(len(names))], TRANSPORTS[choose.index(len(TRANSPORTS))]
    return Plan(name, transport, alteration(choose, _messages(name, transport)))


def play(plan: Plan) -> list[str]:
    """Let it happen; return what did not hold."""
    scene = Scene(plan.transport, plan.alteration)
    CONVERSATIONS[plan.conversation](scene)
    scene.finish()
    wrong, shown = scene.complaints(), _shown(scene)
    wrong += scene.proper_call()
    wrong += [f"after a proper call: {each}" for each in scene.complaints() if each not in wrong]
    return [f"{each}\n{shown}" for each in wrong[:1]] + wrong[1:]


def _shown(scene: Scene) -> str:
    changed: Iterator[str] = (
        f"{each.sender} -> {each.receiver}: {each.arrived.decode('utf-8', 'replace')}"
        for each in scene.crossings
        if each.arrived != each.sent
    )
    return next(changed, "")
