"""How a phone of a scene answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sip.events import (
    InviteReceived,
    PrackReceived,
    ReinviteReceived,
    RequestReceived,
    SessionAnswered,
    SessionProgressed,
    SessionRedirected,
    SubscribeReceived,
    UpdateReceived,
)
from sip.ids import TransactionId
from sip.message.request import Request
from sip.testing.agent import Agent

_SDP: Final = "application/sdp"
_BODY: Final = b"v=0\r\n"  # endpoints do not look into descriptions


class Habits:
    """How a phone answers: it takes everything."""

    def __init__(self, phone: Agent, do: Callable[[Callable[[], object]], None]) -> None:
        self._phone, self._do = phone, do
        phone.on(InviteReceived, self._invited)
        phone.on(RequestReceived, lambda event: self._answer(event.transaction, event.request))
        phone.on(ReinviteReceived, lambda event: self._answer(event.transaction, event.request))
        phone.on(UpdateReceived, lambda event: self._answer(event.transaction, event.request))
        phone.on(PrackReceived, lambda event: self._answer(event.transaction, event.request))
        phone.on(
            SessionRedirected, lambda event: self._do(lambda: self._endpoint.give_up(event.session, now=self._now))
        )
        phone.on(SessionProgressed, self._progressed)
        phone.on(SessionAnswered, self._answered)
        phone.on(SubscribeReceived, self._subscribed)

    @property
    def _endpoint(self):  # type: ignore[no-untyped-def]
        return self._phone.endpoint

    @property
    def _now(self) -> float:
        return self._phone.net.now

    def _invited(self, event: InviteReceived) -> None:
        endpoint, now = self._endpoint, self._now
        user = event.request.uri.user or ""
        if user == "busy":
            self._do(lambda: endpoint.reject(event.session, 486, now=now))
            return
        if user == "moved":
            contact = ("Contact", f"<sip:bob@{self._phone.host}:5060>")
            self._do(lambda: endpoint.reject(event.session, 302, headers=[contact], now=now))
            return
        self._do(lambda: endpoint.progress(event.session, 180, now=now))
        if user == "silent":
            return
        self._do(lambda: endpoint.progress(event.session, 183, body=_BODY, content_type=_SDP, reliable=True, now=now))
        self._do(lambda: endpoint.accept(event.session, body=_BODY, content_type=_SDP, now=now))

    def _answer(self, transaction: TransactionId | None, request: Request) -> None:
        if transaction is None:
            return
        described = request.method in ("INVITE", "UPDATE", "PRACK")
        body, content_type = (_BODY, _SDP) if described else (b"", None)
        status = 202 if request.method == "REFER" else 200
        self._do(
            lambda: self._endpoint.respond(transaction, status, body=body, content_type=content_type, now=self._now)
        )

    def _progressed(self, event: SessionProgressed) -> None:
        if event.awaits_prack:
            self._do(
                lambda: self._endpoint.prack(
                    event.session, response=event.response, body=_BODY, content_type=_SDP, now=self._now
                )
            )

    def _answered(self, event: SessionAnswered) -> None:
        self._do(lambda: self._endpoint.ack(event.session, body=_BODY, content_type=_SDP, now=self._now))

    def _subscribed(self, event: SubscribeReceived) -> None:
        endpoint, now = self._endpoint, self._now
        self._do(lambda: endpoint.accept_subscription(event.subscription, now=now))
        for body in (b"<one/>", b"<two/>"):
            self._do(
                lambda body=body: endpoint.notify(  # type: ignore[misc]
                    event.subscription, body=body, content_type="application/pidf+xml", now=now
                )
            )
