"""Whether the far end of a silent leg is still there: its dialog is asked before the leg is ended.

Many are silent for a good reason: on hold, with the audio switched off, with silence suppression and without RTCP. So
silence alone ends nothing. A request inside the dialog does: whoever answers it is alive, be it with a refusal;
408, 481 and no answer at all mean that nobody is there (RFC 3261 section 12.2.1.2).
"""

from __future__ import annotations

from typing import Final

from c3p import DisconnectionMethod
from mcu.config import SDP
from mcu.context import Context, Wait
from mcu.leg import Disconnection, Leg
from mcu.legs.ending import Termination
from mcu.legs.renegotiation import Renegotiation
from rtp import OfferState
from sip import LocalProtocolError, RequestFailed, RequestId, ResponseReceived

__all__ = ["Liveness"]

_GONE: Final = (408, 481)  #: answers that say that the dialog has no other end
_UNSENT: Final = ("glare", "limit", "ended")  #: failures that say nothing of the far end


class Liveness:
    """Watches every connected leg; does nothing when ``dead_media`` is ``None``."""

    def __init__(self, context: Context, termination: Termination, renegotiation: Renegotiation) -> None:
        self._context, self._termination, self._renegotiation = context, termination, renegotiation
        self._asked: dict[RequestId, Leg] = {}
        self._open: dict[Leg, RequestId] = {}

    def watch(self, leg: Leg, *, now: float) -> None:
        """The leg is connected, or gave a sign of life."""
        leg.alive_at = now
        period = self._context.config.dead_media
        if period is not None and leg.connected and leg not in self._open:
            self._context.deadlines.set((Wait.MEDIA, leg), now + period)

    def due(self, leg: Leg, *, now: float) -> None:
        """It has not been looked after for a while, or did not answer."""
        period = self._context.config.dead_media
        if period is None or not leg.connected or leg.stream is None:
            return
        if leg in self._open:
            self._dead(leg, now)
            return
        due = max(leg.stream.last_heard, leg.alive_at) + period
        if now < due:
            self._context.deadlines.set((Wait.MEDIA, leg), due)
        else:
            self._ask(leg, now)

    def _ask(self, leg: Leg, now: float) -> None:
        # Where another request of ours is open, its end tells as much; then the next turn asks if need be.
        self._context.deadlines.set((Wait.MEDIA, leg), now + self._context.config.dead_media_answer)
        try:
            request = self._question(leg, now)
        except LocalProtocolError:
            request = None
        if request is None:
            return
        self._context.counters["silent legs asked"] += 1
        self._asked[request], self._open[leg] = leg, request

    def _question(self, leg: Leg, now: float) -> RequestId | None:
        """An UPDATE when the far end allows it, since it needs no description; else the last one once more."""
        endpoint, session, negotiation = self._context.endpoint, leg.session, leg.negotiation
        assert session is not None
        if "UPDATE" in endpoint.session(session).remote_allow:
            return endpoint.update(session, now=now)
        if negotiation is None or negotiation.state is not OfferState.STABLE:
            return None
        body = bytes(negotiation.repeat_offer())
        try:
            return endpoint.reinvite(session, body=body, content_type=SDP, now=now)
        except LocalProtocolError:
            negotiation.roll_back()
            raise

    def answered(self, event: ResponseReceived | RequestFailed, *, now: float) -> None:
        """The end of a request of ours; those of others are none of its business."""
        leg = self._asked.pop(event.request_id, None)
        if leg is None:
            return
        self._open.pop(leg, None)
        if not leg.connected:
            return
        self._renegotiation.answered(leg, event.response if isinstance(event, ResponseReceived) else None, now=now)
        if isinstance(event, ResponseReceived):
            there = event.response.status not in _GONE
        else:
            there = event.reason in _UNSENT
        if there:
            self.watch(leg, now=now)
        else:
            self._dead(leg, now)

    def _dead(self, leg: Leg, now: float) -> None:
        self._open.pop(leg, None)
        self._termination.give_up(leg, Disconnection(method=DisconnectionMethod.FAILED, reason="no media"), now=now)
