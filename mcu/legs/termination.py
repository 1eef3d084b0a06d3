"""How a leg ends: once, whatever ended it."""

from __future__ import annotations

from c3p import DisconnectionMethod, legible
from mcu.context import Context, Wait
from mcu.events import LegEnded
from mcu.leg import Disconnection, Leg
from mcu.leg_state import Input, State
from mcu.medium import Medium
from mcu.outcome import OUTCOMES, Ending
from mcu.responses import failed
from sip import SessionId


def disconnection_of(
    ending: Ending,
    *,
    status: int | None = None,
    reason: str | None = None,
    diagnostics: str | None = None,
    error_id: int | None = None,
    by: str | None = None,
) -> Disconnection:
    """The end of an attempt, with the ``disconnection-method`` of its row; words of the far end become legible."""
    return Disconnection(
        ending=ending,
        method=OUTCOMES[ending].method or DisconnectionMethod.FAILED,
        status=status,
        reason=None if reason is None else legible(reason),
        diagnostics=None if diagnostics is None else legible(diagnostics),
        error_id=error_id,
        by=by,
    )


class Termination:
    """Ends legs and tells everybody."""

    def __init__(self, context: Context, medium: Medium) -> None:
        self._context, self._medium = context, medium

    def give_up(self, leg: Leg, disconnection: Disconnection, *, now: float, at_once: bool = False) -> None:
        """We end it: CANCEL, BYE or nothing, by its state. A leg that is ending already goes on as it was.

        After a CANCEL the leg is over when its final answer is there, or ``at_once`` when the conference is gone.
        """
        if not leg.allows(Input.GIVE_UP):
            if at_once:
                self.over(leg, leg.disconnection or disconnection, now=now)
            return
        accepting = leg.state is State.ACCEPTING
        state = leg.life.process(Input.GIVE_UP)
        leg.disconnection = disconnection
        if leg.session is not None:
            self._end_session(leg, state, accepting, now)
        if state is State.CANCELLING and not at_once:
            self._stop_waiting(leg)
            self._context.notify(leg.conference, self._context.documents.status(leg), now=now)
        else:
            self.over(leg, disconnection, now=now)

    def _end_session(self, leg: Leg, state: State, accepting: bool, now: float) -> None:
        assert leg.session is not None
        endpoint = self._context.endpoint
        if state is State.CANCELLING:
            endpoint.cancel(leg.session, now=now)
        elif not accepting:
            endpoint.bye(leg.session, now=now)
        else:
            self._turn_away(leg, leg.session, now)

    def _turn_away(self, leg: Leg, session: SessionId, now: float) -> None:
        """End a dial-in that is not connected; what becomes of its session is of no interest any more."""
        self._context.sessions.pop(session, None)
        if leg.accepted:
            self._context.endpoint.bye(session, now=now)
        else:
            self._context.endpoint.reject(session, 480, now=now)

    def refused(self, leg: Leg, disconnection: Disconnection, *, now: float) -> None:
        """Its INVITE came to nothing."""
        leg.life.process(Input.REFUSED)
        self._forget_session(leg)
        # What we decided counts, whatever the far end said while it was being cancelled.
        self.over(leg, leg.disconnection or disconnection, now=now)

    def ended(self, leg: Leg, disconnection: Disconnection, *, now: float) -> None:
        """Its session is over."""
        leg.life.process(Input.ENDED)
        self._forget_session(leg)
        self.over(leg, leg.disconnection or disconnection, now=now)

    def over(self, leg: Leg, disconnection: Disconnection, *, now: float) -> None:
        """Take it out of the conference: roster, response, event. Only the first call does anything."""
        context, conference = self._context, leg.conference
        if context.legs.pop(leg.id, None) is None:
            return
        leg.disconnection = disconnection
        self._stop_waiting(leg)
        self._medium.release(leg, now=now)
        context.notify(conference, context.documents.disconnected(leg, disconnection, now), now=now)
        conference.remove(leg)
        conference.commanded_at = now
        context.notify(conference, context.documents.removed(leg), now=now)
        # The one who ejected hears of it before the end of the call that it cancelled, which may end its interest.
        context.respond_ejected(conference, now=now)
        self._respond(leg, disconnection, now)
        context.emit(self._event(leg, disconnection, now))

    def _respond(self, leg: Leg, disconnection: Disconnection, now: float) -> None:
        request = leg.request
        if request is None or disconnection.ending is None:
            return
        response = failed(
            request,
            disconnection.ending,
            source=self._context.config.mcu_id,
            status=disconnection.status,
            reason=disconnection.reason,
            far_end=disconnection.diagnostics,
            error_id=disconnection.error_id,
        )
        self._context.answer(leg, response, now=now)

    def _event(self, leg: Leg, disconnection: Disconnection, now: float) -> LegEnded:
        return LegEnded(
            **leg.about(self._context.config.owner),
            ending=disconnection.ending,
            method=disconnection.method,
            status=disconnection.status,
            reason=disconnection.reason,
            diagnostics=disconnection.diagnostics,
            retry_safe=disconnection.ending is not None and OUTCOMES[disconnection.ending].retry_safe,
            connected_for=None if leg.connected_at is None else now - leg.connected_at,
        )

    def _stop_waiting(self, leg: Leg) -> None:
        for wait in Wait:
            self._context.deadlines.set((wait, leg), None)

    def _forget_session(self, leg: Leg) -> None:
        if leg.session is not None:  # pragma: no branch - without a session only when its INVITE could not be written
            self._context.sessions.pop(leg.session, None)
            leg.session = None
