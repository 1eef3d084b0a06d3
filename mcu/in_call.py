"""What the far end changes while a call is up: hold, resume, another address or codec (RFC 3264 section 8)."""

from __future__ import annotations

from mcu.config import SDP
from mcu.context import Context
from mcu.events import LegHeld, LegResumed
from mcu.leg import Leg
from mcu.leg_state import Input, State
from mcu.media import Media
from rtp import Agreement, LocalRtpError, RemoteRtpError, SessionDescription
from sip.events import ReinviteReceived, RequestReceived, SessionConfirmed, UpdateReceived
from sip.ids import TransactionId
from sip.request import Request

__all__ = ["InCall", "diagnostics"]


def diagnostics(error_id: int, source: str, text: str) -> tuple[str, str]:
    """An ``ms-diagnostics`` header (c3p 8)."""
    words = " ".join(text.replace("\\", " ").replace('"', "'").split())
    return "ms-diagnostics", f'{error_id};source="{source}";reason="{words}"'


class InCall:
    """Answers requests inside the sessions of legs."""

    def __init__(self, context: Context, media: Media) -> None:
        self._context, self._media = context, media

    def offered(self, leg: Leg, event: ReinviteReceived | UpdateReceived, *, now: float) -> None:
        """A re-INVITE, or an UPDATE with a body."""
        request, negotiation = event.request, leg.negotiation
        if negotiation is None or not leg.connected:
            # Our own offer is open: RFC 3311 section 5.2.
            self._context.endpoint.respond(event.transaction, 491, now=now)
        elif not request.body:
            self._offer(leg, event.transaction, now)
        elif request.content_type not in (SDP, None):
            self._context.endpoint.respond(event.transaction, 415, headers=(("Accept", SDP),), now=now)
        else:
            self._answer(leg, event.transaction, request, now)

    def _offer(self, leg: Leg, transaction: TransactionId, now: float) -> None:
        assert leg.negotiation is not None
        try:
            offer = leg.negotiation.make_offer()
        except LocalRtpError:
            self._context.endpoint.respond(transaction, 491, now=now)
            return
        self._accept(transaction, bytes(offer), now)

    def _answer(self, leg: Leg, transaction: TransactionId, request: Request, now: float) -> None:
        assert leg.negotiation is not None
        try:
            answer, agreement = leg.negotiation.receive_offer(SessionDescription.parse(request.body))
        except RemoteRtpError as error:
            self._refuse(transaction, str(error), now)
        except LocalRtpError:
            self._context.endpoint.respond(transaction, 491, now=now)
        else:
            self._accept(transaction, bytes(answer), now)
            self._apply(leg, agreement, now)

    def confirmed(self, leg: Leg, event: SessionConfirmed, *, now: float) -> None:
        """The ACK of our 2xx; it has the answer when our 2xx had the offer."""
        negotiation = leg.negotiation
        if negotiation is None or not event.request.body:
            return
        try:
            agreement = negotiation.receive_answer(SessionDescription.parse(event.request.body))
        except RemoteRtpError:
            # Nothing can be answered to an ACK: the session goes on as before.
            self._context.counters["unusable answers in ACK"] += 1
            negotiation.roll_back()
        except LocalRtpError:
            self._context.counters["answers without offer"] += 1
        else:
            self._apply(leg, agreement, now)

    def requested(self, event: RequestReceived, *, now: float) -> None:
        """INFO and the like, inside a session or not: understood when there is nothing in it."""
        status = 200 if event.request.method == "OPTIONS" or not event.request.body else 415
        if event.transaction is not None:
            headers = (("Accept", SDP),)
            self._context.endpoint.respond(event.transaction, status, headers=headers, now=now)

    def _accept(self, transaction: TransactionId, body: bytes, now: float) -> None:
        self._context.endpoint.respond(transaction, 200, body=body, content_type=SDP, now=now)

    def _refuse(self, transaction: TransactionId, text: str, now: float) -> None:
        header = diagnostics(7008, self._context.config.mcu_id, text)
        self._context.endpoint.respond(transaction, 488, headers=(header,), now=now)

    def _apply(self, leg: Leg, agreement: Agreement, now: float) -> None:
        state, direction, audio = leg.state, leg.direction, agreement.audio
        leg.life.process(Input.HOLD if audio is None or audio.held else Input.RESUME)
        self._media.renegotiate(leg, agreement, now=now)
        if leg.state is not state or leg.direction is not direction:
            leg.conference.outbox.notify(self._context.documents.media(leg), now=now)
        if leg.state is not state:
            kind = LegHeld if leg.state is State.HELD else LegResumed
            self._context.emit(kind(**leg.about(self._context.config.owner)))
