"""Requests of ours inside a session: BYE, re-INVITE, UPDATE, INFO and the like."""

from __future__ import annotations

from typing import Final

from sip.core.retrying import send_with_credentials
from sip.events import EndCause, ProvisionalReceived, RequestFailed, ResponseReceived
from sip.ids import RequestId
from sip.message.bodies import describes, is_description
from sip.message.lines import Lines
from sip.message.response import Response
from sip.session.ack import Ack
from sip.session.owner import SessionOwner
from sip.session.session import Session
from sip.session.session_timer import agreed
from sip.timers import Timer
from sip.transactions.client import ClientTransaction

#: Methods whose 408, or silence, ends nothing (docs/design-decisions.rst: a client that never answers INFO stays).
_HARMLESS_SILENCE: Final = frozenset(("INFO", "MESSAGE", "NOTIFY"))
_REFRESHES: Final = frozenset(("INVITE", "UPDATE"))


class InSession:
    """One request inside a session, through its tries. ``report`` False keeps a refresh of ours from the core."""

    __slots__ = (
        "_sessions",
        "ack",
        "body",
        "challenged",
        "content_type",
        "cseq",
        "given_up",
        "headers",
        "lifetime",
        "method",
        "report",
        "session",
    )

    def __init__(
        self,
        sessions: SessionOwner,
        session: Session,
        method: str,
        headers: Lines,
        body: bytes,
        content_type: str | None,
        report: bool,
    ) -> None:
        self._sessions = sessions
        self.session = session
        self.method = method
        self.headers = headers
        self.body = body
        self.content_type = content_type
        self.report = report
        self.cseq = 0
        self.challenged = 0
        self.given_up = False  #: an INVITE that took too long: whatever the answer, it is not tried again
        self.ack: Ack | None = None
        self.lifetime: Timer | None = None  #: of an INVITE: after a provisional answer its transaction has no end

    @property
    def offers(self) -> bool:
        """Whether it opens an offer that its answer closes."""
        return self.method == "UPDATE" and is_description(self.body, self.content_type)

    def send(self, now: float, authorization: Lines | None = None, request_id: RequestId | None = None) -> RequestId:
        """Send it, or send it again under the same number."""
        sessions, session = self._sessions, self.session
        dialog = session.dialog or next(iter(session.forks.values()))
        lines = [*self.headers, *(authorization or [])]
        if self.method in _REFRESHES:
            lines += sessions.refresh_lines(session, self.headers)
        self.cseq = dialog.next_cseq()
        self.ack = None
        transaction = sessions.requests.send_in_dialog(
            dialog,
            self.method,
            self,
            headers=lines,
            body=self.body,
            content_type=self.content_type,
            contact=session.contact,
            cseq=self.cseq,
            request_id=request_id,
            now=now,
        )
        if self.method == "INVITE" and sessions.transactions.client(transaction.id) is transaction:
            session.outgoing = transaction
            if self.lifetime is None:  # one for all tries
                lifetime = sessions.context.config.invite_lifetime
                self.lifetime = sessions.context.timers.start(now + lifetime, self._on_lifetime)
        session.updates += self.offers
        session.sent(self.body, self.content_type)
        return transaction.id

    def _on_lifetime(self, now: float) -> None:
        self.lifetime, self.given_up = None, True
        if self.session.outgoing is not None:
            self._sessions.give_up_reinvite(self.session.outgoing, now)

    # Answers ---------------------------------------------------------------------------------------------------------

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take an answer."""
        if response.status < 200:
            self._progressed(transaction, response)
            return
        if self.ack is not None:  # the 2xx again
            self.ack.send_again()
            return
        self._closed()
        over = self.session.removed or self.given_up
        if not over and send_with_credentials(self._sessions.context, self, transaction, response, now):
            return
        self._stop_lifetime()
        if response.status < 300:
            self._succeeded(transaction, response, now)
        if self.report:
            event = ResponseReceived(owner=self.session.owner, request_id=transaction.id, response=response)
            self._sessions.context.emit(event)
        self._judge(response, now)

    def _progressed(self, transaction: ClientTransaction, response: Response) -> None:
        if self.report:
            event = ProvisionalReceived(owner=self.session.owner, request_id=transaction.id, response=response)
            self._sessions.context.emit(event)

    def _closed(self) -> None:
        if self.method == "INVITE":
            self.session.outgoing = None
        self.session.updates -= self.offers

    def _stop_lifetime(self) -> None:
        self._sessions.context.timers.stop(self.lifetime)
        self.lifetime = None

    def _succeeded(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        session, dialog = self.session, self.session.dialog
        if self.method == "INVITE":
            self._acknowledge(response, now)
        if self.method not in _REFRESHES or dialog is None or session.removed:
            return
        dialog.refresh_target(response)
        session.hear(response)
        interval = agreed(response, floor=self._sessions.context.config.min_se, current=session.interval)
        self._sessions.refreshed(session, interval, now)

    def _acknowledge(self, response: Response, now: float) -> None:
        dialog = self.session.dialog
        if dialog is None:
            return
        self.ack = Ack(self._sessions.requests, dialog, self.cseq, [])
        offered = is_description(self.body, self.content_type)
        if offered or not describes(response) or self.session.removed or not self.report:
            self.ack.send(now)
        else:
            self.session.awaiting = self.ack

    def _judge(self, response: Response, now: float) -> None:
        """End the session where RFC 3261 section 12.2.1.2 says so; look after our own refreshes."""
        sessions, session, status = self._sessions, self.session, response.status
        if session.removed:
            return
        if self.method == "NOTIFY" and status >= 300:
            return  # whatever it says is about a subscription, and there is none
        if status == 481 or (status == 408 and self.method not in _HARMLESS_SILENCE):
            # After a refresh to a 481 too (RFC 4028 section 10): it may be that of a proxy, which the BYE gets past.
            say_bye = status == 408 or self.method in _REFRESHES
            sessions.lose(session, EndCause.DIALOG_GONE, say_bye=say_bye, now=now)
        elif status >= 300 and not self.report:
            sessions.refresh_refused(session, self.method, response, now)
        elif status == 422:
            session.hear_min_se(response)  # for the next try, which is the core's

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Report silence, and end the session where it says that nobody is there."""
        sessions, session = self._sessions, self.session
        self._closed()
        self._stop_lifetime()
        if self.report:
            sessions.context.emit(RequestFailed(owner=session.owner, request_id=transaction.id, reason=reason))
        if reason == "timeout" and self.method not in _HARMLESS_SILENCE and not session.removed:
            sessions.lose(session, EndCause.DIALOG_GONE, say_bye=True, now=now)
        elif not self.report and not session.removed:
            sessions.refresh_unsent(session, now)


class Bye:
    """Our BYE: whatever the answer, the session is over (RFC 3261 section 15.1.1)."""

    __slots__ = ("_sessions", "challenged", "headers", "session")

    def __init__(self, sessions: SessionOwner, session: Session, headers: Lines) -> None:
        self._sessions = sessions
        self.session = session
        self.headers = headers
        self.challenged = 0

    def send(self, now: float, authorization: Lines | None = None, request_id: RequestId | None = None) -> None:
        """Send it, or send it again under the same number."""
        dialog = self.session.dialog
        assert dialog is not None
        lines = [*self.headers, *(authorization or [])]
        self._sessions.requests.send_in_dialog(dialog, "BYE", self, headers=lines, request_id=request_id, now=now)

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take the answer."""
        if response.status < 200:
            return
        if not self.session.removed and send_with_credentials(self._sessions.context, self, transaction, response, now):
            return
        self._sessions.bye_answered(self.session, now)

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Take silence for an answer."""
        self._sessions.bye_answered(self.session, now)
