"""What the far end changes while a call is up: hold, resume, another address or codec (RFC 3264 section 8)."""

from __future__ import annotations

from typing import Final

from mcu.config import SDP
from mcu.context import Context
from mcu.diagnostics import refusal_headers
from mcu.events import LegHeld, LegResumed
from mcu.leg import Leg
from mcu.leg_state import Input, State
from mcu.media import Media
from rtp import (
    DTMF_TYPES,
    Agreement,
    DtmfInfo,
    KeyWay,
    OfferAnswerSession,
    OfferState,
    RemoteRtpError,
    SessionDescription,
)
from sip import (
    ReinviteReceived,
    RequestReceived,
    Response,
    SessionConfirmed,
    TransactionId,
    UpdateReceived,
    body_of,
    refusal_of_body,
)

BODIES: Final = (SDP, *DTMF_TYPES)  #: media types of bodies that are read


class Renegotiation:
    """Answers requests inside the sessions of legs."""

    def __init__(self, context: Context, media: Media) -> None:
        self._context, self._media = context, media

    def offered(self, leg: Leg, event: ReinviteReceived | UpdateReceived, *, now: float) -> None:
        """A re-INVITE, or an UPDATE with a body."""
        negotiation = leg.negotiation
        if leg.connected and negotiation is not None and isinstance(event, ReinviteReceived):
            self._forget_offer(negotiation)
        if negotiation is None or not leg.connected or negotiation.state is not OfferState.STABLE:
            # Our own offer is open: RFC 3311 section 5.2.
            self._context.endpoint.respond(event.transaction, 491, now=now)
        elif offer := body_of(event.request, SDP):
            self._answer(leg, negotiation, event.transaction, offer, now)
        else:
            self._accept(event.transaction, bytes(negotiation.make_offer()), now)

    def _forget_offer(self, negotiation: OfferAnswerSession) -> None:
        """Our offer in a 2xx was not answered: the ACK had nothing, or another INVITE came before it."""
        if negotiation.state is not OfferState.STABLE:
            self._context.counters["offers never answered"] += 1
            negotiation.roll_back()

    def _answer(
        self, leg: Leg, negotiation: OfferAnswerSession, transaction: TransactionId, body: bytes, now: float
    ) -> None:
        try:
            answer, agreement = negotiation.receive_offer(SessionDescription.parse(body))
        except RemoteRtpError as error:
            self._refuse(transaction, error, now)
        else:
            self._accept(transaction, bytes(answer), now)
            self._apply(leg, agreement, now)

    def confirmed(self, leg: Leg, event: SessionConfirmed, *, now: float) -> None:
        """The ACK of our 2xx; it has the answer when our 2xx had the offer."""
        negotiation = leg.negotiation
        if negotiation is None or negotiation.state is OfferState.STABLE:
            return
        answer = body_of(event.request, SDP)
        if not answer:
            self._forget_offer(negotiation)
            return
        try:
            agreement = negotiation.receive_answer(SessionDescription.parse(answer))
        except RemoteRtpError:
            # Nothing can be answered to an ACK: the session goes on as before.
            self._context.counters["unusable answers in ACK"] += 1
            negotiation.roll_back()
        else:
            self._apply(leg, agreement, now)

    def answered(self, leg: Leg, response: Response | None, *, changed: bool = False, now: float) -> None:
        """The final answer to an offer of ours, if one is open; ``None`` when there was none.

        ``changed``: the roster is to be told of the leg, even when the direction is as before.
        """
        negotiation = leg.negotiation
        if negotiation is None or negotiation.state is OfferState.STABLE:
            return
        body = b"" if response is None or response.status >= 300 else body_of(response, SDP)
        if not body:
            negotiation.roll_back()
            return
        try:
            agreement = negotiation.receive_answer(SessionDescription.parse(body))
        except RemoteRtpError:
            self._context.counters["unusable answers in 2xx"] += 1
            negotiation.roll_back()
        else:
            self._apply(leg, agreement, now, changed=changed)

    def requested(self, leg: Leg | None, event: RequestReceived, *, now: float) -> None:
        """INFO and the like, inside a session or not: a key, or understood when there is nothing in it that must be."""
        assert event.transaction is not None  # only a proxy is given requests that are not to be answered
        request = event.request
        key = body_of(request, *DTMF_TYPES) if request.method == "INFO" else b""
        refused = refusal_of_body(request, DTMF_TYPES if key else ())
        if refused is not None:
            status = refused.status
        else:
            status = self._key(leg, key, now) if key else 200
        self._context.endpoint.respond(event.transaction, status, headers=(("Accept", ", ".join(BODIES)),), now=now)

    def _key(self, leg: Leg | None, body: bytes, now: float) -> int:
        """A key in an INFO; the status to answer with."""
        try:
            key = DtmfInfo.parse(body)
        except RemoteRtpError:
            return 400
        if leg is not None and leg.connected:
            self._media.key(leg, key.digit or str(key.event), KeyWay.INFO, now=now)
        return 200

    def _accept(self, transaction: TransactionId, body: bytes, now: float) -> None:
        self._context.endpoint.respond(transaction, 200, body=body, content_type=SDP, now=now)

    def _refuse(self, transaction: TransactionId, error: RemoteRtpError, now: float) -> None:
        headers = refusal_headers(error, str(error), self._context.config)
        self._context.endpoint.respond(transaction, 488, headers=headers, now=now)

    def _apply(self, leg: Leg, agreement: Agreement, now: float, *, changed: bool = False) -> None:
        state, direction, audio = leg.state, leg.direction, agreement.audio
        leg.life.process(Input.HOLD if audio is None or audio.held else Input.RESUME)
        self._media.renegotiate(leg, agreement, now=now)
        if changed or leg.state is not state or leg.direction is not direction:
            self._context.notify(leg.conference, self._context.documents.media(leg), now=now)
        if leg.state is not state:
            kind = LegHeld if leg.state is State.HELD else LegResumed
            self._context.emit(kind(**leg.about(self._context.config.owner)))
