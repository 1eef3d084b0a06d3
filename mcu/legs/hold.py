"""Holding legs ourselves: a re-INVITE that lets the far end hear music, and nobody hear it (RFC 3264 section 8.4).

Who was put on hold is out of the mix as soon as that is agreed, and is back in it with the answer to the next offer.
A 491 says that both sides offered at once; then it is tried again, once, after the wait of RFC 3261 section 14.1.
"""

from __future__ import annotations

from typing import Final

import attrs

from c3p import Code, CommandReason, Reason, Request
from mcu.audio.prompts import Playback
from mcu.config import SDP, McuConfig
from mcu.context import Context
from mcu.errors import LocalProtocolError
from mcu.events import HoldChanged, HoldFailed
from mcu.leg import Leg
from mcu.legs.renegotiation import Renegotiation
from mcu.media import Media
from rtp import Direction
from rtp import LocalProtocolError as NoOfferNow
from sip import LocalProtocolError as NoRequestNow
from sip import RequestFailed, RequestId, Response, ResponseReceived

_GLARE: Final = 491  #: RFC 3261 section 21.4.27


@attrs.define(eq=False)
class _Change:
    """One command to hold a leg, or to take it back. A part of the MCU with a deadline of its own (`Prompt`)."""

    holds: Holds
    leg: Leg
    holding: bool
    request: Request | None
    tried_again: bool = False

    def due(self, *, now: float) -> None:
        """It is tried again."""
        self.holds.try_again(self, now=now)


class Holds:
    """Puts legs of one MCU on hold."""

    def __init__(self, context: Context, config: McuConfig, media: Media, renegotiation: Renegotiation) -> None:
        self._context, self._config, self._media, self._renegotiation = context, config, media, renegotiation
        self._sent: dict[RequestId, _Change] = {}
        self._open: set[Leg] = set()

    def change(self, leg: Leg, *, holding: bool, request: Request | None = None, now: float) -> None:
        """Offer it; ends in `HoldChanged` or `HoldFailed`, and in the response to ``request``.

        Raises ``LocalProtocolError``, with nothing changed, when the leg is not connected, is held so already, or an
        offer of either side is open.
        """
        if not leg.connected or leg.session is None:
            raise LocalProtocolError("that leg is not connected")
        if leg in self._open:
            raise LocalProtocolError("it is being put on hold, or taken back")
        if leg.held_here == holding:
            raise LocalProtocolError("it is on hold already" if holding else "it is not on hold")
        self._offer(_Change(self, leg, holding, request), now)

    def _offer(self, change: _Change, now: float) -> None:
        leg, negotiation = change.leg, change.leg.negotiation
        assert leg.session is not None
        assert negotiation is not None
        try:
            offer = negotiation.make_offer(direction=Direction.SENDONLY if change.holding else Direction.SENDRECV)
        except NoOfferNow as error:
            raise LocalProtocolError(str(error)) from error
        try:
            sent = self._context.endpoint.reinvite(leg.session, body=bytes(offer), content_type=SDP, now=now)
        except NoRequestNow as error:
            negotiation.roll_back()
            raise LocalProtocolError(str(error)) from error
        self._sent[sent] = change
        self._open.add(leg)

    def try_again(self, change: _Change, *, now: float) -> None:
        """The wait after a 491 is over."""
        leg = change.leg
        self._open.discard(leg)
        if not leg.connected:
            self._failed(change, None, "the call is over", now)
            return
        try:
            self._offer(change, now)
        except LocalProtocolError as error:
            self._failed(change, _GLARE, str(error), now)

    def answered(self, event: ResponseReceived | RequestFailed, *, now: float) -> bool:
        """The end of a request of ours; false when it was not for a hold."""
        change = self._sent.pop(event.request_id, None)
        if change is None:
            return False
        leg = change.leg
        response = event.response if isinstance(event, ResponseReceived) else None
        if not leg.connected:
            self._open.discard(leg)
            self._failed(change, None, "the call is over", now)
        elif response is not None and response.status == _GLARE and not change.tried_again:
            change.tried_again = True
            self._renegotiation.answered(leg, None, now=now)
            assert leg.session is not None
            wait = self._context.endpoint.glare_delay(leg.session)
            self._context.deadlines.set(change, now + wait)
        else:
            self._open.discard(leg)
            self._settle(change, response, now)
        return True

    def _settle(self, change: _Change, response: Response | None, now: float) -> None:
        leg, negotiation = change.leg, change.leg.negotiation
        assert negotiation is not None
        before = negotiation.agreement
        leg.held_here = change.holding  # so that the roster is told once, with all that is new
        self._renegotiation.answered(leg, response, changed=True, now=now)
        if negotiation.agreement is before:
            leg.held_here = not change.holding
            status = None if response is None else response.status
            self._failed(change, status, "no answer" if response is None else response.reason, now)
            return
        music = self._config.hold_music
        self._media.play(leg, Playback(music, every=0.0) if change.holding and music else None)
        self._context.emit(HoldChanged(**leg.about(self._context.config.owner), holding=change.holding))
        if change.request is not None:
            self._context.respond(leg.conference, change.request.respond(Code.SUCCESS), now=now)

    def _failed(self, change: _Change, status: int | None, reason: str, now: float) -> None:
        leg, request = change.leg, change.request
        about = leg.about(self._context.config.owner)
        self._context.emit(HoldFailed(**about, holding=change.holding, status=status, reason=reason))
        if request is not None:
            refused = request.respond(
                Code.FAILURE, reason=Reason.OTHER_FAILURE, command_reason=CommandReason.OTHER_FAILURE
            )
            self._context.respond(leg.conference, refused, now=now)
