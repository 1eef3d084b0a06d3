"""Which part of an MCU acts on which event of its endpoint."""

from __future__ import annotations

from typing import Protocol

from c3p import DisconnectionMethod
from mcu.context import Context
from mcu.leg import Disconnection, Leg
from mcu.leg_state import State
from mcu.legs.dial_in import DialIn
from mcu.legs.dial_out import DialOut
from mcu.legs.termination import Termination
from sip import (
    EndCause,
    Event,
    InviteReceived,
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionProgressed,
    SessionRedirected,
    SessionRefreshed,
    UpdateReceived,
)

_REASONS = {
    EndCause.BYE_RECEIVED: None,
    EndCause.BYE_SENT: None,
    EndCause.NO_ACK: "our answer was never acknowledged",
    EndCause.EXPIRED: "the session timer ran out",
    EndCause.DIALOG_GONE: "the far end does not know the call any more",
    EndCause.FLOW_LOST: "the connection broke",
}


class InSession(Protocol):
    """What the far end does within the session of a leg."""

    def offered(self, leg: Leg, event: ReinviteReceived | UpdateReceived, *, now: float) -> None:
        """A re-INVITE, or an UPDATE with a body."""

    def confirmed(self, leg: Leg, event: SessionConfirmed, *, now: float) -> None:
        """The ACK of our answer to one."""

    def requested(self, leg: Leg | None, event: RequestReceived, *, now: float) -> None:
        """Any other request, inside a session or not."""


class Answers(Protocol):
    """What becomes of requests of ours within sessions, and what that tells of the far end."""

    def answered(self, event: ResponseReceived | RequestFailed, *, now: float) -> None:
        """One of them has ended."""

    def watch(self, leg: Leg, *, now: float) -> None:
        """The leg is connected, or gave a sign of life."""


class SessionEvents:
    """Hands events of sessions to what drives their legs."""

    def __init__(
        self,
        context: Context,
        termination: Termination,
        dial_out: DialOut,
        dial_in: DialIn,
        in_session: InSession,
        answers: Answers,
    ) -> None:
        self._context, self._termination, self._answers = context, termination, answers
        self._dial_out, self._dial_in, self._in_session = dial_out, dial_in, in_session

    def handle(self, event: Event, *, now: float) -> None:
        """Act on one event; those of sessions that are no longer of any leg have nothing to say."""
        match event:
            case InviteReceived():
                self._dial_in.invited(event, now=now)
            case RequestReceived():
                self._in_session.requested(self._heard_of(event, now), event, now=now)
            case ResponseReceived() | RequestFailed():
                self._answers.answered(event, now=now)
            case SessionFailed() | SessionCancelled() | SessionEnded():
                self._over(event, now)
            case _:
                leg = self._leg(event)
                if leg is not None:
                    self._going_on(leg, event, now)

    def _leg(self, event: Event) -> Leg | None:
        session: SessionId | None = getattr(event, "session", None)
        return None if session is None else self._context.sessions.get(session)

    def _heard_of(self, event: Event, now: float) -> Leg | None:
        """The leg of a request, which thereby shows that its far end is there."""
        leg = self._leg(event)
        if leg is not None:
            self._answers.watch(leg, now=now)
        return leg

    def _going_on(self, leg: Leg, event: Event, now: float) -> None:
        match event:
            case SessionProgressed():
                self._dial_out.progressed(leg, event, now=now)
            case SessionAnswered():
                self._dial_out.answered(leg, event, now=now)
                self._answers.watch(leg, now=now)
            case SessionRedirected():
                self._dial_out.redirected(leg, event, now=now)
            case SessionConfirmed() if leg.state is State.ACCEPTING:
                self._dial_in.confirmed(leg, event, now=now)
                self._answers.watch(leg, now=now)
            case SessionConfirmed():
                self._in_session.confirmed(leg, event, now=now)
            case ReinviteReceived() | UpdateReceived():
                self._in_session.offered(leg, event, now=now)
                self._answers.watch(leg, now=now)
            case SessionRefreshed():
                self._answers.watch(leg, now=now)

    def _over(self, event: SessionFailed | SessionCancelled | SessionEnded, now: float) -> None:
        leg = self._context.sessions.get(event.session)
        if leg is None:
            return
        if isinstance(event, SessionFailed):
            self._dial_out.failed(leg, event, now=now)
        elif isinstance(event, SessionCancelled):
            self._termination.ended(
                leg, Disconnection(method=DisconnectionMethod.DEPARTED, reason="the caller gave up"), now=now
            )
        else:
            left = event.cause is EndCause.BYE_RECEIVED
            method = DisconnectionMethod.DEPARTED if left else DisconnectionMethod.FAILED
            self._termination.ended(leg, Disconnection(method=method, reason=_REASONS[event.cause]), now=now)
