"""All INVITE sessions of an endpoint: how they begin, are refreshed and end."""

from __future__ import annotations

from sip.core.dialog import ROUTE_SET_UPDATE, Dialog, DialogInput
from sip.core.retrying import Retrying, retry_after_of
from sip.core.routing import CoreEntry
from sip.core.stack import Stack
from sip.errors import LocalProtocolError
from sip.events import (
    EndCause,
    Event,
    InviteReceived,
    RequestFailed,
    SessionEnded,
    SessionFlowLost,
    SessionRefreshed,
)
from sip.ids import RequestId, SessionId
from sip.message.lines import Lines, has
from sip.message.request import Request
from sip.message.response import Response
from sip.session.callee import ReceivedInvite
from sip.session.ended import EndedSessions
from sip.session.joining import Joining, joining
from sip.session.replacing import Replacement, replacement
from sip.session.requests_received import SessionRequests
from sip.session.requests_sent import Bye, InSession
from sip.session.retransmission import Retransmission
from sip.session.session import Session, session_of
from sip.session.session_timer import MAX_422, Interval, SessionTimer, too_short
from sip.session.tables import SessionInput, SessionState
from sip.session.view import SessionView
from sip.transactions.client import IGNORING, ClientTransaction
from sip.transactions.server import ServerTransaction
from sip.transactions.tables import State
from sip.transport.secure import begins_securely

#: Counted for a command whose session ended before the core was told.
_TOO_LATE = "ignored: command for a session that is over"


class Sessions:
    """Registry of sessions, and what the parts of sip.session share."""

    def __init__(self, stack: Stack) -> None:
        self.context = stack.context
        self.transport = stack.transport
        self.transactions = stack.transactions
        self.cores = stack.cores
        self.dialogs = stack.dialogs
        self.requests = stack.requests
        self.answers = stack.answers
        self.received = SessionRequests(self)
        self.ended = EndedSessions(stack.context)
        self._sessions: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    # Looking up ------------------------------------------------------------------------------------------------------

    def get(self, session_id: int) -> Session:
        """Return a session that is not over; raises LocalProtocolError."""
        session = self._sessions.get(session_id)
        if session is None:
            raise LocalProtocolError(f"no such session, or it is over: {session_id}")
        return session

    def find(self, session_id: int) -> Session | None:
        """Return a session, None when it is over; raises LocalProtocolError when it never was."""
        session = self._sessions.get(session_id)
        if session is None:
            if not self.context.was_id(session_id):
                raise LocalProtocolError(f"no such session: {session_id}")
            self.context.count(_TOO_LATE)
        return session

    def live(self, session_id: int) -> Session | None:
        """Return a session, None when it has just ended; raises LocalProtocolError when it was never or long ago."""
        session = self._sessions.get(session_id)
        if session is None:
            if self.ended.owner_of(session_id) is None:
                raise LocalProtocolError(f"no such session, or it is over: {session_id}")
            self.context.count(_TOO_LATE)
        return session

    def is_over(self, session_id: int) -> bool:
        """Whether a session is over; raises LocalProtocolError when it never was."""
        if session_id in self._sessions:
            return False
        if not self.context.was_id(session_id):
            raise LocalProtocolError(f"no such session: {session_id}")
        return True

    def fail_request(self, session_id: int, owner: str | None, reason: str) -> RequestId:
        """Report a request that cannot be sent because of what the other side did in the meantime."""
        request_id = RequestId(self.context.new_id())
        owner = owner or self.ended.owner_of(session_id) or ""
        self.context.emit(RequestFailed(owner=owner, request_id=request_id, reason=reason))
        return request_id

    def view(self, session_id: SessionId) -> SessionView:
        """Return a frozen picture of a session."""
        return self.get(session_id).view()

    def replacement(self, request: Request) -> Replacement:
        """Match the Replaces header of an INVITE."""
        return replacement(request, self.dialogs, self.ended)

    def joining(self, request: Request, *, conference: bool) -> Joining:
        """Match the Join header of an INVITE."""
        return joining(request, self.dialogs, self.ended, conference=conference)

    def new(self, core: CoreEntry, state: SessionState) -> Session:
        session = Session(SessionId(self.context.new_id()), core, state)
        self._sessions[session.id] = session
        return session

    # The caller ------------------------------------------------------------------------------------------------------

    def abilities(self, core: CoreEntry, given: Lines) -> Lines:
        lines: Lines = []
        if not has(given, "Allow"):
            lines.append(("Allow", core.allow))
        if not has(given, "Supported"):
            rel = self.context.config.reliable_provisionals
            lines.append(("Supported", core.supported_line if rel else core.supported_without_100rel))
        return lines

    # The callee ------------------------------------------------------------------------------------------------------

    def receive_invite(self, transaction: ServerTransaction, core: CoreEntry, now: float) -> None:
        """Take an INVITE that begins a session."""
        request, config = transaction.request, self.context.config
        tag = transaction.to_tag = self.context.new_tag()
        dialog = Dialog.from_request(request, transaction.flow, tag, local_cseq=0)
        if too_short(request, config.min_se):
            self.answers.send(transaction, 422, headers=[("Min-SE", str(config.min_se))], now=now)
            return
        if len(self._sessions) >= config.max_sessions or self.dialogs.is_full():
            self.context.count("refused: too many sessions")
            self.answers.send(transaction, 503, headers=[("Retry-After", "10")], now=now)
            return
        source = transaction.source
        if not self.context.limits.sessions.take(source):
            self.context.count("refused: too many sessions of one source")
            self.answers.send(transaction, 503, headers=[("Retry-After", "10")], now=now)
            return
        session = self.new(core, SessionState.INCOMING)
        session.source = source
        session.dialog, dialog.session = dialog, session
        session.hear(request)
        self.dialogs.add(dialog)
        invite = session.received_invite = ReceivedInvite(self, session, transaction)
        transaction.owner = core.owner
        transaction.user = transaction.answers = invite
        invite.start(now)
        event = InviteReceived(
            owner=core.owner,
            session=session.id,
            transaction=transaction.id,
            request=request,
            flow=transaction.flow,
        )
        self.context.emit(event)

    def unanswered_invite(self, session_id: SessionId, given: SessionInput) -> ReceivedInvite | None:
        session = self.live(session_id)
        if session is None:
            return None
        session.check(given)
        assert isinstance(session.received_invite, ReceivedInvite)
        return session.received_invite

    def answer_lines(self, session: Session, transaction: ServerTransaction, given: Lines) -> Lines:
        """Return Contact, Allow and Supported of an answer inside or at the start of a session."""
        lines = self.abilities(session.core, given)
        if not has(given, "Contact"):
            user = None if session.dialog is None else session.dialog.local_user
            secure = begins_securely(transaction.request)
            contact = self.transport.contact(transaction.flow, user, given=session.contact, secure=secure)
            lines.append(("Contact", contact))
        return lines

    def confirm(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        """Our 2xx to the first INVITE is out."""
        assert session.dialog is not None
        session.dialog.process(DialogInput.ANSWERED)
        self.negotiated_routes(session, session.dialog)
        self.await_ack(session, transaction, now)

    def await_ack(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        """Repeat a 2xx until its ACK comes."""
        cseq = transaction.cseq
        retransmission = Retransmission(self.context, transaction, lambda then: self._no_ack(session, cseq, then), now)
        session.unacknowledged[cseq] = retransmission

    def _no_ack(self, session: Session, cseq: int, now: float) -> None:
        session.unacknowledged.pop(cseq, None)
        if session.state is SessionState.ENDING:
            self.send_waiting_bye(session, now)
        elif session.process(SessionInput.NO_ACK):
            # RFC 3261 section 13.3.1.4: the dialog is confirmed, but the session is to be ended.
            self._say_bye(session, now)
            self.finish(session, _ended(session, EndCause.NO_ACK), now)

    # Inside ----------------------------------------------------------------------------------------------------------

    def with_dialog(self, session_id: SessionId) -> Session | None:
        """Return a session, None when it is over; raises LocalProtocolError when it has no dialog yet, or is ending."""
        session = self.live(session_id)
        if session is None:
            return None
        if session.dialog is None and not session.forks:
            raise LocalProtocolError("the session has no dialog yet")
        if session.state is SessionState.ENDING:
            raise LocalProtocolError("the session is ending")
        return session

    def send_waiting_bye(self, session: Session, now: float) -> None:
        """Send the BYE that had to wait."""
        headers, session.bye_headers = session.bye_headers, None
        if headers is not None:
            Bye(self, session, headers).send(now)

    def bye_answered(self, session: Session, now: float) -> None:
        """Report the end, if the other side did not end it first."""
        if session.process(SessionInput.BYE_ANSWERED):
            self.finish(session, _ended(session, EndCause.BYE_SENT), now)

    # Session timer ---------------------------------------------------------------------------------------------------

    def restart_timer(self, session: Session, interval: Interval | None, now: float) -> None:
        """Begin a new interval."""
        if session.timer is None:
            if interval is None:
                return
            session.timer = self.new_timer(session)
        session.timer.restart(interval, now)
        if session.dialog is not None:
            session.dialog.touch()

    def new_timer(self, session: Session) -> SessionTimer:
        config = self.context.config
        return SessionTimer(
            self.context.timers,
            Retrying(config.refresh_retry, config.refresh_retry_longest),
            lambda then: self._refresh(session, then),
            lambda then: self.lose(session, EndCause.EXPIRED, say_bye=True, now=then),
        )

    def refreshed(self, session: Session, interval: Interval | None, now: float) -> None:
        """Either side refreshed the session."""
        had = session.interval is not None
        session.raised = 0
        self.restart_timer(session, interval, now)
        if had or interval is not None:
            self.context.emit(SessionRefreshed(owner=session.owner, session=session.id))

    def refresh_lines(self, session: Session, given: Lines) -> Lines:
        """Return what a re-INVITE or UPDATE of ours says about the timer, and about what we can do."""
        lines = self.abilities(session.core, given)
        if session.interval is not None and not has(given, "Session-Expires"):
            lines += session.interval.request_lines(session.min_se)
        if session.min_se and not has(given, "Min-SE"):
            lines.append(("Min-SE", str(session.min_se)))
        return lines

    def _refresh(self, session: Session, now: float) -> None:
        if session.state is not SessionState.CONFIRMED:
            self._try_again(session, now)  # the ACK is not there yet
        elif "UPDATE" in session.remote_allow:
            InSession(self, session, "UPDATE", [], b"", None, report=False).send(now)
        elif session.outgoing is None and session.reinvite is None:
            body, content_type = session.last_body
            InSession(self, session, "INVITE", [], body, content_type, report=False).send(now)
        else:
            self._try_again(session, now)  # what is open may be refused, and then refreshes nothing

    def _try_again(self, session: Session, now: float, at_least: float = 0.0, *, glare: bool = False) -> None:
        assert session.timer is not None  # nobody else begins a refresh
        session.timer.try_again(now, at_least=at_least, glare=glare)

    def refresh_refused(self, session: Session, method: str, response: Response, now: float) -> None:
        """Try a refresh again that the other side refused, as its refusal says (RFC 4028 section 10).

        The session lasts until its timer expires, whatever the answer is.
        """
        status = response.status
        self.context.count("session refresh refused")
        if status == 422 and session.hear_min_se(response) and session.raised < MAX_422:
            session.raised += 1
            self._refresh(session, now)
        elif status == 491:
            self._try_again(session, now, self.glare_delay(session), glare=True)
        elif method == "UPDATE" and status in (405, 501):
            session.disallow("UPDATE")
            self._refresh(session, now)
        else:
            self._try_again(session, now, retry_after_of(response))

    def refresh_unsent(self, session: Session, now: float) -> None:
        """A refresh could not be sent, or its connection broke: that is as good as a 503 (RFC 3261 section 8.1.3.1)."""
        self.context.count("session refresh failed")
        self._try_again(session, now)

    def glare_delay(self, session: Session) -> float:
        """Return the wait after a 491, in seconds (RFC 3261 section 14.1)."""
        if session.called:
            return 2.1 + round(self.context.waits.uniform() * 190) / 100
        return round(self.context.waits.uniform() * 200) / 100

    # The end ---------------------------------------------------------------------------------------------------------

    def lose(self, session: Session, cause: EndCause, *, say_bye: bool, now: float) -> None:
        """End a session that nobody wants to end: the other side, or the timer, is gone."""
        if session.received_invite is not None:
            session.received_invite.on_lost(now)
            return
        if not session.process(SessionInput.LOST):
            return
        if say_bye:
            self._say_bye(session, now)
        self.finish(session, _ended(session, cause), now)

    def _say_bye(self, session: Session, now: float) -> None:
        if session.awaiting is not None:  # a 2xx is acknowledged in any case
            session.awaiting.send(now)
            session.awaiting = None
        Bye(self, session, []).send(now)

    def finish(self, session: Session, event: Event, now: float) -> None:
        """Report the end and forget the session."""
        if session.removed:
            return
        self.refuse_pending(session, now)
        if session.dialog is not None:
            self.ended.add_dialog(session.dialog.key, now)
        self.remove(session, now)
        self.context.emit(event)

    def refuse_pending(self, session: Session, now: float) -> None:
        """Answer 487 to requests that the core has not answered (RFC 3261 section 15.1.2)."""
        for transaction in (session.reinvite, session.update):
            if transaction is not None and transaction.state in (State.TRYING, State.PROCEEDING):
                if transaction.user is not None:
                    transaction.user.on_ended(transaction, now)
                transaction.cancelled = True
                self.answers.send(transaction, 487, now=now)

    def remove(self, session: Session, now: float) -> None:
        """Forget a session and let go of its dialog."""
        session.removed = True
        self.stop(session)
        for retransmission in session.unacknowledged.values():
            retransmission.stop()
        session.unacknowledged.clear()
        if self._sessions.pop(session.id, None) is not None and session.source is not None:
            self.context.limits.sessions.give_back(session.source)
        self.ended.add(session.id, session.owner, now)
        if session.outgoing is not None:
            # The other side should refuse it now; without that nothing would end a re-INVITE that it answered 1xx.
            self.give_up_reinvite(session.outgoing, now)
        if session.dialog is not None and session.dialog.session is session:
            session.dialog.session = None
            self.dialogs.release(session.dialog)
        session.release()

    def give_up_reinvite(self, transaction: ClientTransaction, now: float) -> None:
        """Cancel a re-INVITE of ours: it ends with its final answer, or 64*T1 after the CANCEL."""
        # Or the one for another server that took its place.
        self.transactions.cancel(self.transactions.client(transaction.id) or transaction, IGNORING, now=now)

    def forget(self, session: Session, now: float) -> None:
        """End a session without a word to anybody."""
        session.process(SessionInput.LOST)
        self.remove(session, now)

    def stop(self, session: Session) -> None:
        if session.timer is not None:
            session.timer.stop()

    def flow_lost(self, dialog: Dialog) -> None:
        """Report that the connection of a dialog is gone."""
        session = session_of(dialog)
        if session is not None and not session.removed:
            self.context.emit(SessionFlowLost(owner=session.owner, session=session.id))

    def negotiated_routes(self, session: Session, dialog: Dialog) -> None:
        """Note whether both ends let later Record-Routes replace the route set."""
        ours = ROUTE_SET_UPDATE in session.core.supported
        dialog.route_set_updates = ours and ROUTE_SET_UPDATE in session.remote_supported


def _ended(session: Session, cause: EndCause) -> SessionEnded:
    return SessionEnded(owner=session.owner, session=session.id, cause=cause)
