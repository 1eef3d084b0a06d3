"""Whether the far end of a silent leg is still there: its dialog is asked before the leg is ended.

Many are silent for a good reason: on hold, with the audio switched off, with silence suppression and without RTCP. So
silence alone ends nothing. A request inside the dialog does: 408, 481 and no answer at all mean that nobody is there
(RFC 3261 section 12.2.1.2), and an answer that only the far end itself can give shows that it is.

Where a proxy is on the way the others say neither: it makes them too, of a hop that failed (section 16.9), and then
one comes at once, each time. So after such an answer, and after a transport failure of our own, the far end is asked
again, by a re-INVITE then, for some phones stumble over UPDATE alone. When nothing better and no packet came, nobody
is there.
"""

from __future__ import annotations

from typing import Final

from c3p import DisconnectionMethod
from mcu.config import SDP, McuConfig
from mcu.context import Context, Wait
from mcu.leg import Disconnection, Leg
from mcu.legs.renegotiation import Renegotiation
from mcu.legs.termination import Termination
from rtp import OfferState
from sip import LocalProtocolError, RequestFailed, RequestId, ResponseReceived

_GONE: Final = (408, 481)  #: answers that say that the dialog has no other end
_UNSENT: Final = ("glare", "limit", "ended")  #: failures that say nothing of the far end
#: Refusals that no proxy makes of a hop that failed: they are about the user, the request or its body.
_ITS_OWN: Final = frozenset((401, 405, 406, 413, 415, 420, 421, 422, 486, 488, 491, 493, 494, 501, 600, 603, 606))


class Liveness:
    """Watches every connected leg; does nothing when ``dead_media`` is ``None``."""

    def __init__(
        self, context: Context, config: McuConfig, termination: Termination, renegotiation: Renegotiation
    ) -> None:
        self._config = config
        self._context, self._termination, self._renegotiation = context, termination, renegotiation
        self._asked: dict[RequestId, Leg] = {}
        self._open: dict[Leg, RequestId] = {}

    def watch(self, leg: Leg, *, now: float) -> None:
        """The leg is connected, or gave a sign of life."""
        leg.alive_at, leg.doubted_at, leg.unproven = now, None, 0
        period = self._config.dead_media
        if period is not None and leg.connected and leg not in self._open:
            self._context.deadlines.set((Wait.MEDIA, leg), now + period)

    def due(self, leg: Leg, *, now: float) -> None:
        """It has not been looked after for a while, did not answer, or is to be asked again."""
        period = self._config.dead_media
        if period is None or not leg.connected or leg.stream is None:
            return
        heard = max(leg.stream.last_heard, leg.alive_at)
        if leg.doubted_at is not None and heard <= leg.doubted_at:
            if leg in self._open or now >= self._deadline(leg.doubted_at):
                self._dead(leg, now)
            else:
                self._ask(leg, now)
            return
        leg.doubted_at, leg.unproven = None, 0
        if now < heard + period:
            self._context.deadlines.set((Wait.MEDIA, leg), heard + period)
        elif leg in self._open:
            # The question is older than the last sign of life; its end is near, and tells as much as another's.
            self._doubt(leg, now)
        else:
            self._ask(leg, now)

    def _deadline(self, doubted_at: float) -> float:
        return doubted_at + self._config.dead_media_answer

    def _doubt(self, leg: Leg, now: float) -> None:
        if leg.doubted_at is None:
            leg.doubted_at = now
        self._context.deadlines.set((Wait.MEDIA, leg), self._deadline(leg.doubted_at))

    def _ask(self, leg: Leg, now: float) -> None:
        try:
            request = self._question(leg, now)
        except LocalProtocolError:
            request = None
        if request is None:
            # Another request of ours, or of the far end, is open; when that is over it can be asked, if need be.
            self._context.deadlines.set((Wait.MEDIA, leg), now + self._config.dead_media_again)
            return
        self._context.counters["silent legs asked"] += 1
        self._asked[request], self._open[leg] = leg, request
        self._doubt(leg, now)

    def _question(self, leg: Leg, now: float) -> RequestId | None:
        """An UPDATE at first, where it is allowed, since it needs no description; else the last one once more."""
        endpoint, session, negotiation = self._context.endpoint, leg.session, leg.negotiation
        assert session is not None
        if not leg.unproven and "UPDATE" in endpoint.session(session).remote_allow:
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
        there = self._is_there(leg, event)
        if there:
            self.watch(leg, now=now)
        elif there is None:
            self._unproven(leg, now)
        else:
            self._dead(leg, now)

    def _is_there(self, leg: Leg, event: ResponseReceived | RequestFailed) -> bool | None:
        """What the end of a question says of the far end; ``None`` where somebody on the way may have said it."""
        if isinstance(event, RequestFailed):
            if event.reason in _UNSENT:
                return True
            return False if event.reason == "timeout" else None
        status = event.response.status
        if status in _GONE:
            return False
        if status < 300 or status in _ITS_OWN or self._is_direct(leg):
            return True
        return None

    def _is_direct(self, leg: Leg) -> bool:
        """Whether nobody is on the way, so that every answer is the far end's own."""
        try:
            return leg.session is not None and not self._context.endpoint.session(leg.session).route_set
        except LocalProtocolError:  # it is over, as an event that is still to come says
            return False

    def _unproven(self, leg: Leg, now: float) -> None:
        config, deadlines = self._config, self._context.deadlines
        leg.unproven += 1
        since = leg.doubted_at
        heard = leg.alive_at if leg.stream is None else max(leg.stream.last_heard, leg.alive_at)
        if since is None or heard > since:  # a sign of life has come while it was asked
            deadlines.set((Wait.MEDIA, leg), now)
        elif leg.unproven >= config.dead_media_questions:
            self._dead(leg, now)
        else:
            deadlines.set((Wait.MEDIA, leg), min(now + config.dead_media_again, self._deadline(since)))

    def _dead(self, leg: Leg, now: float) -> None:
        self._open.pop(leg, None)
        self._termination.give_up(leg, Disconnection(method=DisconnectionMethod.FAILED, reason="no media"), now=now)
