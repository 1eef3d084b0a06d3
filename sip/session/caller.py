"""Our INVITE that begins a session (RFC 3261 sections 13.2, 9.1, 8.1.3; RFC 4028 for 422)."""

from __future__ import annotations

from typing import Final

from sip.core.acted_on import check_2xx
from sip.core.dialog import Dialog, DialogInput
from sip.core.uac import Outline, size_of
from sip.errors import RemoteProtocolError
from sip.events import FailureCause, SessionAnswered, SessionFailed, SessionProgressed, SessionRedirected
from sip.flow import Flow
from sip.ids import RequestId
from sip.message.bodies import describes, is_description
from sip.message.lines import NO_LINES, Lines, assemble, has
from sip.message.request import Request
from sip.message.response import Response
from sip.session.ack import Ack
from sip.session.invite_tries import InviteTries
from sip.session.owner import SessionOwner
from sip.session.redirecting import targets_of
from sip.session.reliable_received import ReliableReceived
from sip.session.session import Session
from sip.session.session_timer import agreed
from sip.session.tables import SessionInput, SessionState
from sip.syntax.uri import Uri
from sip.timers import Timer
from sip.transactions.client import IGNORING, ClientTransaction
from sip.transactions.tables import State
from sip.transport.secure import secured_hop

_CAUSES: Final = {"timeout": FailureCause.TIMEOUT, "transport": FailureCause.TRANSPORT, "limit": FailureCause.LIMIT}


class SentInvite:
    """One INVITE through all its tries: credentials, longer session intervals, other targets."""

    __slots__ = (
        "_prack_by_core",
        "_reliable",
        "_sessions",
        "acks",
        "authorization",
        "body",
        "content_type",
        "cseq",
        "flow",
        "hop",
        "lifetime",
        "lines",
        "ours",
        "provisional",
        "redirected",
        "remote_value",
        "routes",
        "session",
        "timed_out",
        "transaction",
        "tries",
        "uri",
    )

    def __init__(
        self,
        sessions: SessionOwner,
        session: Session,
        outline: Outline,
        *,
        flow: Flow | None,
        body: bytes,
        content_type: str | None,
        session_expires: int | None,
        prack_by_core: bool,
    ) -> None:
        self._sessions = sessions
        self.session = session
        self.uri = outline.uri
        self.hop = outline.hop
        self.lines = outline.lines
        self.flow = flow
        self.body = body
        self.content_type = content_type
        self.tries = InviteTries(sessions.context, session_expires)
        self.cseq = 1
        self.ours = outline.begun
        self.remote_value = outline.remote_value
        self.routes = outline.routes
        self.transaction: ClientTransaction | None = None
        self.acks: dict[str, Ack] = {}
        self.authorization = NO_LINES  #: credentials of the last try
        self._prack_by_core = prack_by_core
        self._reliable: ReliableReceived | None = None  # since a provisional answer came reliably
        self.provisional = False
        self.timed_out = False
        self.redirected: Response | None = None  #: the 3xx that the core is to follow or not
        #: One for all tries: whoever refuses again and again does not keep us longer than whoever rings.
        self.lifetime: Timer | None = None

    # Sending ---------------------------------------------------------------------------------------------------------

    def send(self, now: float) -> None:
        """Send the INVITE in a new transaction."""
        sessions = self._sessions
        if self.lifetime is None:
            self.lifetime = sessions.context.timers.start(
                now + sessions.context.config.invite_lifetime, self._on_lifetime
            )
        transaction = sessions.transactions.send(
            "INVITE",
            self,
            self._finish,
            flow=self.flow,
            next_hop=self.hop,
            size=size_of(self.lines, self.body),
            server=None if self.transaction is None else self.transaction.server,
            now=now,
        )
        if not self.session.over:
            self.transaction = transaction

    def _finish(self, flow: Flow, via: str) -> Request:
        lines: Lines = [("Via", via), *self.lines, ("CSeq", f"{self.cseq} INVITE"), *self.authorization]
        given, user, secure = self.session.contact, self.ours.local_user, self.uri[:5].lower() == "sips:"
        lines.append(("Contact", self._sessions.transport.contact(flow, user, given=given, secure=secure)))
        lines += self.tries.timer_lines
        return assemble("INVITE", self.uri, lines, self.body, self.content_type)

    def redirect(self, target: Uri, now: float) -> None:
        """Send it to a target of a 3xx; a Route of the core stays."""
        self.uri = str(target.without_headers())
        if not has(self.lines, "Route"):
            self.hop, self.flow = target, None
        else:
            self.hop = secured_hop(self.hop, target)
        self.again(now)

    def again(self, now: float) -> None:
        """Send it once more with the next CSeq."""
        self.cseq += 1
        self.send(now)

    def cancel(self, headers: Lines, now: float) -> None:
        """Give up; the end is reported when it comes."""
        transaction = self.transaction
        if transaction is not None:  # or the one for another server that took its place
            transaction = self._sessions.transactions.client(transaction.id) or transaction
        if transaction is None or transaction.state is State.WAITING:
            if transaction is not None:
                transaction.abandon()
            self._failed(SessionInput.NO_ANSWER, None, FailureCause.CANCELLED, now)
        else:
            self._sessions.transactions.cancel(transaction, IGNORING, headers=headers, now=now)

    def _on_lifetime(self, now: float) -> None:
        self.lifetime = None
        if self.session.process(SessionInput.CANCEL):
            self.timed_out = True
            self.cancel([], now)

    # Answers ---------------------------------------------------------------------------------------------------------

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take an answer."""
        if response.status < 200:
            self._progressed(transaction, response, now)
        elif response.status < 300:
            self._answered(transaction, response, now)
        else:
            self._refused(transaction, response, now)

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Report that nobody answered."""
        self._failed(SessionInput.NO_ANSWER, None, _CAUSES[reason], now)

    def _progressed(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        self.provisional = True
        session = self.session
        if response.status == 100 or not session.process(SessionInput.RECEIVE_1XX):
            return
        tag = response.to.tag
        if tag and "Contact" in response.headers:
            dialog = self._early(transaction, response, tag)
            if dialog is not None and "100rel" in response.require:
                described = is_description(self.body, self.content_type)
                if self._reliable is None:
                    self._reliable = ReliableReceived(self._sessions, session, by_core=self._prack_by_core)
                if not self._reliable.take(dialog, response, cseq=self.cseq, described=described, now=now):
                    return
        session.hear(response)
        waits = self._reliable is not None and self._reliable.awaits_prack(response)
        event = SessionProgressed(owner=session.owner, session=session.id, response=response, awaits_prack=waits)
        self._sessions.context.emit(event)

    def _early(self, transaction: ClientTransaction, response: Response, tag: str) -> Dialog | None:
        session, dialogs = self.session, self._sessions.dialogs
        dialog = session.forks.get(tag)
        if dialog is None:
            if len(session.forks) >= self._sessions.context.config.max_forks or dialogs.is_full():
                self._sessions.context.count("ignored: too many early dialogs")
                return None
            try:
                dialog = self._dialog(transaction, response)
            except RemoteProtocolError:
                self._sessions.context.count("provisional answer without usable Contact or Record-Route")
                return None
            dialog.session = session
            session.forks[tag] = dialog
            dialogs.add(dialog)
        else:
            dialog.refresh_target(response)
        return dialog

    @property
    def owes_answer(self) -> bool:
        """Whether the offer in a provisional answer waits for our PRACK."""
        return self._reliable is not None and self._reliable.owes_answer

    def prack(
        self, response: Response | None, headers: Lines, body: bytes, content_type: str | None, now: float
    ) -> RequestId:
        """Acknowledge a reliable provisional answer on behalf of the core."""
        reliable = self._reliable or ReliableReceived(self._sessions, self.session, by_core=self._prack_by_core)
        return reliable.acknowledge(response, headers, body, content_type, now)

    def _answered(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        tag = response.to.tag or ""
        known = self.acks.get(tag)
        if known is not None:
            known.send_again()
            return
        if len(self.acks) >= self._sessions.context.config.max_forks:
            self._sessions.context.count("dropped: too many 2xx of other dialogs to one INVITE")
            return
        session = self.session
        try:
            check_2xx(response)
            useless, dialog = "", self._confirmed(transaction, response, tag)
        except RemoteProtocolError as error:
            useless, dialog = str(error), self._astray(transaction, response)
        # RFC 3261 section 22.1: the ACK for a 2xx carries the credentials of the INVITE.
        ack = self.acks[tag] = Ack(self._sessions.requests, dialog, self.cseq, self.authorization)
        cause = None
        if useless:
            cause = FailureCause.UNUSABLE
        elif session.dialog is not None or not session.process(SessionInput.RECEIVE_2XX) or session.over:
            cause = FailureCause.CANCELLED
        elif self._sessions.dialogs.is_full():
            cause = FailureCause.LIMIT
        if cause is not None:
            self._unwanted(dialog, ack, response, cause, now, useless)
            return
        self._win(dialog, response, now)
        offered = is_description(self.body, self.content_type)
        if offered or not describes(response) or self._offered_before(tag):
            session.process(SessionInput.ACK)
            ack.send(now)
        else:
            session.awaiting = ack
        self._sessions.context.emit(SessionAnswered(owner=session.owner, session=session.id, response=response))

    def _offered_before(self, tag: str) -> bool:
        """Whether the callee's offer came in a provisional answer, and has its answer."""
        reliable = self._reliable
        return reliable is not None and tag in reliable.offered and not reliable.owes_answer

    def _confirmed(self, transaction: ClientTransaction, response: Response, tag: str) -> Dialog:
        fresh = self._dialog(transaction, response)
        dialog = self.session.forks.pop(tag, None)
        if dialog is not None:
            # RFC 3261 section 13.2.2.4: the route set is computed again from the 2xx.
            dialog.target, dialog.route_set = fresh.target, fresh.route_set
            dialog.forget_hop()
        else:
            dialog = fresh
        dialog.process(DialogInput.ANSWERED)
        return dialog

    def _dialog(self, transaction: ClientTransaction, response: Response) -> Dialog:
        return Dialog.from_response(response, transaction.flow, self.ours, self.cseq)

    def _astray(self, transaction: ClientTransaction, response: Response) -> Dialog:
        """A dialog with somebody of whom nobody knows where it is: its requests go where the INVITE went."""
        self._sessions.context.count("2xx to INVITE that cannot be used")
        return Dialog.like_request(self.uri, self.routes, self.hop, transaction.flow, response, self.ours, self.cseq)

    def _win(self, dialog: Dialog, response: Response, now: float) -> None:
        session = self.session
        session.dialog, dialog.session = dialog, session
        self._sessions.dialogs.add(dialog)
        self._drop_forks(now)
        self._close()
        session.hear(response)
        self._sessions.negotiated_routes(session, dialog)
        self._sessions.restart_timer(session, agreed(response, floor=self._sessions.context.config.min_se), now)

    def _unwanted(
        self, dialog: Dialog, ack: Ack, response: Response, cause: FailureCause, now: float, why: str
    ) -> None:
        """Acknowledge and end a 2xx that we have no use for: a second fork, or one that crossed our CANCEL."""
        dialog.session = None
        ack.send(now)
        self._sessions.requests.send_in_dialog(dialog, "BYE", IGNORING, now=now)
        self._sessions.dialogs.release(dialog)
        if self.session.dialog is None:
            self._failed(SessionInput.RECEIVE_USELESS, response, cause, now, why)

    def _refused(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        session, context = self.session, self._sessions.context
        if session.removed:
            return
        cancelling = session.state is SessionState.CANCELLING
        if not cancelling:
            self.transaction = transaction  # which may have taken the place of the first
            if self.tries.is_worth_another(transaction.request, response):
                self.authorization = self.tries.authorization
                self.again(now)
                return
        self._drop_forks(now)
        if not cancelling and response.status < 400:
            targets = targets_of(response, secure=self.uri[:5].lower() == "sips:")
            if targets and self.tries.may_be_redirected() and session.process(SessionInput.RECEIVE_3XX):
                self.transaction = None  # the lifetime goes on: it is also how long the core has to choose
                self.redirected = response
                event = SessionRedirected(owner=session.owner, session=session.id, response=response, targets=targets)
                context.emit(event)
                return
        self._failed(SessionInput.RECEIVE_FAILURE, response, FailureCause.RESPONSE, now)

    def _failed(
        self, given: SessionInput, response: Response | None, cause: FailureCause, now: float, why: str = ""
    ) -> None:
        session = self.session
        if session.dialog is not None or session.removed:
            return
        if session.state is SessionState.CANCELLING or self.timed_out:
            cause = FailureCause.TIMEOUT if self.timed_out else FailureCause.CANCELLED
        self._close()
        self._drop_forks(now)
        session.process(given)
        self._sessions.remove(session, now)
        event = SessionFailed(
            owner=session.owner,
            session=session.id,
            status=None if response is None else response.status,
            response=response,
            cause=cause,
            before_provisional=not self.provisional and response is None,
            detail=why,
        )
        self._sessions.context.emit(event)

    def _close(self) -> None:
        """Wait no more for an answer to what was sent last."""
        self._sessions.context.timers.stop(self.lifetime)
        self.lifetime = self.transaction = None

    def release(self) -> None:
        """Keep only what acknowledges a late 2xx: the session is over, the transaction not yet."""
        self.lines, self.body, self._reliable = NO_LINES, b"", None
        del self.tries

    def give_up(self, now: float) -> None:
        """Report the redirection as the failure that it is when nobody follows it."""
        self._failed(SessionInput.GIVE_UP, self.redirected, FailureCause.RESPONSE, now)

    def _drop_forks(self, now: float) -> None:
        forks, self.session.forks = self.session.forks, {}
        if self._reliable is not None:
            self._reliable.keep_only(self.session.dialog)
        for dialog in forks.values():
            self._sessions.ended.add_dialog(dialog.key, now)
            dialog.session = None
            self._sessions.dialogs.release(dialog)
