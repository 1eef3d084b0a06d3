"""A client whose subscription alone uses a connection: of a half of it that is gone nobody could tell."""

from __future__ import annotations

from typing import cast

import pytest

from focus import ClientConfig
from focus.client.watch import QUIET, Watch
from sip import Endpoint, Event, NotifyReceived, Request, Response, SubscriptionId, parse_message

CONFERENCE = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:7BA9D7E4"
SUBSCRIPTION = SubscriptionId(7)


class Refreshing:
    """What the watch commands at its endpoint."""

    def __init__(self) -> None:
        self.refreshed: list[float] = []
        self.ended = 0

    def subscribe(self, owner: str, target: str, **more: object) -> SubscriptionId:
        return SUBSCRIPTION

    def refresh(self, subscription: SubscriptionId, *, now: float) -> None:
        self.refreshed.append(now)

    def unsubscribe(self, subscription: SubscriptionId, *, now: float) -> None:
        self.ended += 1


def message(first: str, transport: str) -> bytes:
    lines = (
        f"{first}",
        f"Via: SIP/2.0/{transport} 192.0.2.1;branch=z9hG4bK1",
        f"From: <{CONFERENCE}>;tag=1",
        "To: <sip:ann@example.com>;tag=2",
        "Call-ID: c",
        "CSeq: 1 BENOTIFY" if first.startswith("BENOTIFY") else "CSeq: 1 INVITE",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def notified(transport: str, body: bytes = b"junk") -> Event:
    request = parse_message(message("BENOTIFY sip:ann@192.0.2.2 SIP/2.0", transport))
    assert isinstance(request, Request)
    return NotifyReceived(
        owner="client", subscription=SUBSCRIPTION, request=request, body=body, content_type=None, state="active"
    )


def watch(session: str) -> tuple[Watch, Refreshing]:
    endpoint = Refreshing()
    made = Watch(cast(Endpoint, endpoint), ClientConfig(aor="sip:ann@example.com"))
    answer = parse_message(message("SIP/2.0 200 OK", session))
    assert isinstance(answer, Response)
    made.joined_over(answer)
    made.start(CONFERENCE, now=0.0)
    return made, endpoint


def test_a_connection_that_carries_only_the_subscription_is_tried_when_it_was_quiet() -> None:
    made, endpoint = watch("UDP")
    for now in (10.0, 100.0):
        made.handle(notified("TCP"), now=now)
    assert made.first == 100.0 + QUIET
    made.handle_timeout(now=made.first - 0.1)
    assert endpoint.refreshed == []
    made.handle_timeout(now=made.first)
    assert endpoint.refreshed == [100.0 + QUIET]
    assert made.first is None  # until the answer


@pytest.mark.parametrize(("session", "subscription"), [("TCP", "TCP"), ("TLS", "TLS"), ("UDP", "UDP"), ("TCP", "UDP")])
def test_where_something_else_would_show_it_nothing_is_tried(session: str, subscription: str) -> None:
    made, endpoint = watch(session)
    made.handle(notified(subscription), now=10.0)
    assert made.first is None
    assert endpoint.refreshed == []


@pytest.mark.parametrize("how", ["suspend", "close", "start"])
def test_no_timer_is_left_of_a_subscription_that_is_over(how: str) -> None:
    made, _ = watch("UDP")
    made.handle(notified("TCP"), now=10.0)
    if how == "start":
        made.start(CONFERENCE, now=11.0)
    else:
        getattr(made, how)(now=11.0)
    assert made.first is None
