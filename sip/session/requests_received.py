"""Requests that come inside a session: re-INVITE, UPDATE, BYE, PRACK, ACK."""

from __future__ import annotations

from sip.errors import LocalProtocolError
from sip.events import (
    EndCause,
    PrackReceived,
    ReinviteReceived,
    SessionConfirmed,
    SessionEnded,
    UpdateReceived,
)
from sip.ids import TransactionId
from sip.message.bodies import SDP, describes, is_description, refusal_of_body
from sip.message.lines import Lines, has
from sip.message.request import Request
from sip.session.owner import SessionOwner
from sip.session.prack import PrackAnswer
from sip.session.reliable import rack_of
from sip.session.session import Session
from sip.session.session_timer import granted, too_short
from sip.session.tables import SessionInput, SessionState
from sip.timers import Timer
from sip.transactions.server import ServerTransaction


class SessionRequests:
    """Takes the requests of the other side, and the answers that the core gives to them."""

    __slots__ = ("_sessions",)

    def __init__(self, sessions: SessionOwner) -> None:
        self._sessions = sessions

    def receive(self, session: Session, transaction: ServerTransaction, now: float) -> bool:
        """Act on a request; False for a method that is the core's alone."""
        method = transaction.request.method
        if method == "BYE":
            self._bye(session, transaction, now)
        elif method == "INVITE":
            self._reinvite(session, transaction, now)
        elif method == "UPDATE":
            self._update(session, transaction, now)
        elif method == "PRACK":
            self._prack(session, transaction, now)
        else:
            return False
        return True

    # Re-INVITE and UPDATE --------------------------------------------------------------------------------------------

    def _reinvite(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        if session.reinvite is not None or session.state is SessionState.INCOMING:
            self._later(transaction, now)  # RFC 3261 section 14.2
        elif session.outgoing is not None or session.awaiting is not None or (session.updates and describes(request)):
            self._refuse(transaction, 491, now)
        elif session.state not in (SessionState.CONFIRMED, SessionState.ACCEPTED):
            self._refuse(transaction, 481, now)
        elif not self._too_short(transaction, now):
            session.reinvite = transaction
            transaction.owner = session.owner
            answerer = transaction.user = transaction.answers = self._answerer(session)
            answerer.wait(transaction, now)
            event = ReinviteReceived(
                owner=session.owner, session=session.id, transaction=transaction.id, request=request
            )
            self._sessions.context.emit(event)

    def _update(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        offered = describes(request)
        if offered:
            # RFC 3311 section 5.2: an offer of ours is open, or one of theirs.
            offering = session.received_invite is not None and session.received_invite.offering
            open_invite = session.outgoing is not None and session.state is SessionState.CONFIRMED
            if session.updates or offering or open_invite:
                self._refuse(transaction, 491, now)
                return
            owes = session.invite is not None and session.invite.owes_answer
            if session.reinvite is not None or session.update is not None or owes or self._undescribed(session):
                self._later(transaction, now)
                return
        if self._too_short(transaction, now):
            return
        answerer = self._answerer(session)
        transaction.owner = session.owner
        if not offered:
            self._refresh(session, transaction, answerer, now)
            return
        session.update = transaction
        transaction.user = transaction.answers = answerer
        event = UpdateReceived(owner=session.owner, session=session.id, transaction=transaction.id, request=request)
        self._sessions.context.emit(event)

    def _refresh(self, session: Session, transaction: ServerTransaction, answerer: RefreshAnswer, now: float) -> None:
        """Answer an UPDATE without offer, of which the core hears nothing; what else is in it must be optional."""
        refused = refusal_of_body(transaction.request, session.core.accept or (SDP,))
        if refused is None:
            answerer.answer(transaction, 200, None, [], b"", None, now)
        else:
            self._sessions.answers.send(transaction, refused.status, headers=refused.headers, now=now)

    def _undescribed(self, session: Session) -> bool:
        invite = session.received_invite
        return invite is not None and not invite.described and describes(invite.transaction.request)

    def _answerer(self, session: Session) -> RefreshAnswer:
        return RefreshAnswer(self._sessions, session)

    def _too_short(self, transaction: ServerTransaction, now: float) -> bool:
        floor = self._sessions.context.config.min_se
        if not too_short(transaction.request, floor):
            return False
        self._sessions.answers.send(transaction, 422, headers=[("Min-SE", str(floor))], now=now)
        return True

    def _later(self, transaction: ServerTransaction, now: float) -> None:
        wait = self._sessions.context.waits.integer(32) % 11
        self._sessions.answers.send(transaction, 500, headers=[("Retry-After", str(wait))], now=now)

    def _refuse(self, transaction: ServerTransaction, status: int, now: float) -> None:
        self._sessions.answers.send(transaction, status, now=now)

    # The rest --------------------------------------------------------------------------------------------------------

    def _prack(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        if session.received_invite is not None:
            session.received_invite.on_prack(transaction, now)
        elif session.late_prack and rack_of(transaction.request) == session.late_prack:
            # RFC 3262 section 3: a final answer does not excuse from answering the PRACK that it overtook.
            session.late_prack = ()
            if describes(transaction.request):
                self.offer_in_prack(session, transaction, now)
            else:
                self._sessions.answers.send(transaction, 200, now=now)
        else:
            self._refuse(transaction, 481, now)

    def offer_in_prack(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        """Let the core answer the offer in a PRACK, unless another offer is open."""
        if session.updates or session.outgoing is not None:
            self._refuse(transaction, 491, now)
        elif session.update is not None or session.reinvite is not None or self._undescribed(session):
            self._later(transaction, now)
        else:
            session.update = transaction
            transaction.owner = session.owner
            transaction.user = transaction.answers = PrackAnswer(self._sessions, session)
            self.report_prack(session, transaction.id, transaction.request)

    def report_prack(self, session: Session, transaction: TransactionId | None, request: Request) -> None:
        """Tell the core of a PRACK with a body."""
        event = PrackReceived(owner=session.owner, session=session.id, transaction=transaction, request=request)
        self._sessions.context.emit(event)

    def _bye(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        self._sessions.answers.send(transaction, 200, now=now)
        if session.received_invite is not None:
            session.received_invite.on_bye(request, now)
        elif session.process(SessionInput.RECEIVE_BYE) and session.over:
            event = SessionEnded(owner=session.owner, session=session.id, cause=EndCause.BYE_RECEIVED, request=request)
            self._sessions.finish(session, event, now)

    def acknowledge(self, session: Session, request: Request, now: float) -> None:
        """Take the ACK for a 2xx of ours."""
        retransmission = session.unacknowledged.pop(request.cseq.number, None)
        if retransmission is None:
            return  # once more
        retransmission.stop()
        first = session.state is SessionState.ACCEPTED
        answers = request.cseq.number == session.offered
        if answers:
            session.offered = None
        session.process(SessionInput.RECEIVE_ACK)
        if session.state is SessionState.ENDING:
            self._sessions.send_waiting_bye(session, now)
        elif first or answers or request.body:
            event = SessionConfirmed(owner=session.owner, session=session.id, request=request)
            self._sessions.context.emit(event)


class RefreshAnswer:
    """Answers to a re-INVITE or UPDATE: target refresh, session timer, and for INVITE the wait for ACK."""

    __slots__ = ("_lifetime", "_sessions", "session")

    def __init__(self, sessions: SessionOwner, session: Session) -> None:
        self._sessions = sessions
        self.session = session
        self._lifetime: Timer | None = None

    def wait(self, transaction: ServerTransaction, now: float) -> None:
        """Begin to wait for the core, but not for ever: no timer of its transaction ends an INVITE without answer."""
        context = self._sessions.context
        at = now + context.config.invite_lifetime
        self._lifetime = context.timers.start(at, lambda then: self._give_up(transaction, 500, then))

    def answer(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None,
        headers: Lines,
        body: bytes,
        content_type: str | None,
        now: float,
    ) -> None:
        """Send the answer of the core. Raises LocalProtocolError when the session is over."""
        sessions, session, request = self._sessions, self.session, transaction.request
        dialog = session.dialog or next(iter(session.forks.values()), None)
        if dialog is None or session.removed:
            raise LocalProtocolError("the session is over")
        lines = list(headers)
        interval = None
        if status < 300:
            interval = granted(request, wish=None, floor=sessions.context.config.min_se, current=session.interval)
            lines += sessions.answer_lines(session, transaction, headers)
            if interval is not None and status >= 200 and not has(headers, "Session-Expires"):
                lines += interval.response_lines("timer" in request.supported)
        sessions.answers.send(transaction, status, reason, headers=lines, body=body, content_type=content_type, now=now)
        if status >= 200:
            self._close(transaction)
        if 200 <= status < 300:
            dialog.refresh_target(request)
            session.hear(request)
            session.sent(body, content_type)
            if request.method == "INVITE":
                if is_description(body, content_type) and not describes(request):
                    session.offered = transaction.cseq
                sessions.await_ack(session, transaction, now)
            sessions.refreshed(session, interval, now)

    def _close(self, transaction: ServerTransaction) -> None:
        transaction.user = None  # what it still has to do is not about the session
        self._sessions.context.timers.stop(self._lifetime)
        self._lifetime = None
        if self.session.reinvite is transaction:
            self.session.reinvite = None
        if self.session.update is transaction:
            self.session.update = None

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """The other side gave its re-INVITE up; the session goes on as it was."""
        self._give_up(transaction, 487, now)

    def _give_up(self, transaction: ServerTransaction, status: int, now: float) -> None:
        transaction.cancelled = True
        self._close(transaction)
        self._sessions.answers.send(transaction, status, now=now)

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """The core let it time out: the next offer must not wait for it."""
        self._close(transaction)
