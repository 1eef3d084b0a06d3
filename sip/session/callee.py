"""An INVITE that begins a session, on the side that answers it (RFC 3261 section 13.3, RFC 3262)."""

from __future__ import annotations

from typing import Final

from sip.errors import LocalProtocolError
from sip.events import SessionCancelled
from sip.message.bodies import describes, is_description
from sip.message.lines import Lines, has
from sip.message.request import Request
from sip.session.owner import SessionOwner
from sip.session.reliable import Provisional, ReliableProvisionals, may_be_reliable, rack_of, wants_reliable
from sip.session.session import Session
from sip.session.session_timer import granted
from sip.session.tables import SessionInput, SessionState
from sip.timers import Timer
from sip.transactions.server import ServerTransaction

#: RFC 3262 section 3 leaves the 5xx open; this one says which clock ran out.
_NO_PRACK: Final = 504


class ReceivedInvite:
    """The server side of one session until its final answer."""

    __slots__ = ("_lifetime", "_sessions", "accepting", "described", "offering", "reliable", "session", "transaction")

    def __init__(self, sessions: SessionOwner, session: Session, transaction: ServerTransaction) -> None:
        self._sessions = sessions
        self.session = session
        self.transaction = transaction
        self.reliable: ReliableProvisionals | None = None
        self.described = False  #: whether a reliable provisional carried our session description
        self.offering = False  #: whether that is an offer without answer: the INVITE had none
        self.accepting: tuple[int, Lines, bytes, str | None, int | None] | None = None  #: waits for a PRACK
        self._lifetime: Timer | None = None

    def start(self, now: float) -> None:
        """Begin to wait for the core, but not for ever: the caller may be gone without a word that arrived."""
        context = self._sessions.context
        self._lifetime = context.timers.start(now + context.config.invite_lifetime, self._on_lifetime)

    def _on_lifetime(self, now: float) -> None:
        self._lifetime = None
        self._give_up(SessionInput.LOST, 480, None, now)

    # What the core does ----------------------------------------------------------------------------------------------

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
        """Answer through ``Endpoint.respond``, which is the same as the commands of a session."""
        if status < 200:
            self.progress(status, reason, headers, body, content_type, False, now)
        elif status < 300:
            self.accept(status, headers, body, content_type, None, now)
        else:
            self.reject(status, reason, headers, body, content_type, now)

    def progress(
        self,
        status: int,
        reason: str | None,
        headers: Lines,
        body: bytes,
        content_type: str | None,
        reliable: bool,
        now: float,
    ) -> None:
        """Send a provisional answer, reliably where that is wanted and possible.

        Raises LocalProtocolError for a status that is none of 101 to 199.
        """
        self.session.check(SessionInput.PROGRESS)
        if not 100 <= status < 200:
            raise LocalProtocolError(f"not a provisional status: {status}")
        request = self.transaction.request
        provisional: Provisional = (status, reason, headers, body, content_type)
        if status > 100 and (wants_reliable(request) or (reliable and may_be_reliable(request))):
            if self.reliable is None:
                self.reliable = ReliableProvisionals(
                    self._sessions.context, self.transaction, self._send_provisional, self._no_prack
                )
            if not self.described and is_description(body, content_type):
                self.described, self.offering = True, not describes(request)
            self.reliable.put(provisional, now)
        else:
            self._send_provisional(provisional, now)

    def _send_provisional(self, provisional: Provisional, now: float) -> None:
        status, reason, headers, body, content_type = provisional
        sessions, session = self._sessions, self.session
        lines = list(headers)
        if status > 100:
            lines += sessions.answer_lines(session, self.transaction, headers)
        sessions.answers.send(
            self.transaction, status, reason, headers=lines, body=body, content_type=content_type, now=now
        )
        session.sent(body, content_type)

    def accept(
        self,
        status: int,
        headers: Lines,
        body: bytes,
        content_type: str | None,
        session_expires: int | None,
        now: float,
    ) -> None:
        """Send a 2xx, or keep it until a description that is under way is acknowledged (RFC 3262 section 3).

        Raises LocalProtocolError for another status, and when it was accepted already.
        """
        self.session.check(SessionInput.ACCEPT)
        if not 200 <= status < 300:
            raise LocalProtocolError(f"not a 2xx: {status}")
        if self.accepting is not None:
            raise LocalProtocolError("the session is accepted already")
        if self._blocked:
            self.accepting = (status, headers, body, content_type, session_expires)
            return
        sessions, session, request = self._sessions, self.session, self.transaction.request
        interval = granted(request, wish=session_expires, floor=sessions.context.config.min_se)
        lines = [*headers, *sessions.answer_lines(session, self.transaction, headers)]
        if interval is not None and not has(headers, "Session-Expires"):
            lines += interval.response_lines("timer" in request.supported)
        sessions.answers.send(self.transaction, status, headers=lines, body=body, content_type=content_type, now=now)
        session.command(SessionInput.ACCEPT)
        session.sent(body, content_type)
        self._rest()
        sessions.confirm(session, self.transaction, now)
        sessions.restart_timer(session, interval, now)

    def reject(
        self, status: int, reason: str | None, headers: Lines, body: bytes, content_type: str | None, now: float
    ) -> None:
        """Send a final refusal. Raises LocalProtocolError for a status that refuses nothing."""
        self.session.check(SessionInput.REJECT)
        if status < 300:
            raise LocalProtocolError(f"not a refusal: {status}")
        self._sessions.answers.send(
            self.transaction, status, reason, headers=headers, body=body, content_type=content_type, now=now
        )
        self.session.command(SessionInput.REJECT)
        self._close(now)

    # What the caller does --------------------------------------------------------------------------------------------

    def on_prack(self, prack: ServerTransaction, now: float) -> None:
        """Take a PRACK."""
        reliable = self.reliable
        if reliable is None or not reliable.expected or rack_of(prack.request) != reliable.expected:
            self._sessions.answers.send(prack, 481, now=now)
            return
        # Its answer first: what it releases comes after it on the wire, as callers expect.
        self._answer_prack(prack, now)
        reliable.acknowledge(now)
        self.go_on(now)

    def _answer_prack(self, prack: ServerTransaction, now: float) -> None:
        request, received = prack.request, self._sessions.received
        if not describes(request):
            self._sessions.answers.send(prack, 200, now=now)
        elif self.offering and self.reliable is not None and self.reliable.blocks_final:
            self.offering = False
            self._sessions.answers.send(prack, 200, now=now)
            received.report_prack(self.session, None, request)
        else:
            received.offer_in_prack(self.session, prack, now)

    @property
    def _blocked(self) -> bool:
        """Whether a 2xx has to wait: for a PRACK (RFC 3262 section 3), or for the answer to the offer in one."""
        described = self.reliable is not None and self.reliable.blocks_final
        return described or (self.session.update is not None and self.session.update.request.method == "PRACK")

    def go_on(self, now: float) -> None:
        """Send the 2xx that waited, if nothing keeps it back any more."""
        if self.accepting is not None and not self._blocked:
            (status, headers, body, content_type, session_expires), self.accepting = self.accepting, None
            self.accept(status, headers, body, content_type, session_expires, now)

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """The caller gave up."""
        self._give_up(SessionInput.RECEIVE_CANCEL, 487, request, now)

    def on_bye(self, request: Request, now: float) -> None:
        """The caller ended an early dialog with BYE (section 15)."""
        self._give_up(SessionInput.RECEIVE_BYE, 487, request, now)

    def on_lost(self, now: float) -> None:
        """The caller does not know the early dialog any more."""
        self._give_up(SessionInput.LOST, 487, None, now)

    def on_fault(self, status: int, now: float, reason: str | None = None) -> None:
        """Something of ours raised while the INVITE was handled, or it cannot be read."""
        self._give_up(SessionInput.LOST, status, None, now, reason)

    def _no_prack(self, now: float) -> None:
        self._give_up(SessionInput.LOST, _NO_PRACK, None, now)

    def _give_up(
        self, given: SessionInput, status: int, request: Request | None, now: float, reason: str | None = None
    ) -> None:
        session = self.session
        if session.state is not SessionState.INCOMING or not session.process(given):
            return
        self.transaction.cancelled = True
        self._sessions.answers.send(self.transaction, status, reason, now=now)
        self._close(now)
        self._sessions.context.emit(SessionCancelled(owner=session.owner, session=session.id, request=request))

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """The transaction is over; the session does not depend on it."""

    def _rest(self) -> None:
        self._sessions.context.timers.stop(self._lifetime)
        self.transaction.user = None  # what it still has to do is not about the session
        if self.reliable is not None:
            self.session.late_prack = self.reliable.expected
            self.reliable.abandon()
        self.session.received_invite = None

    def _close(self, now: float) -> None:
        self._rest()
        self._sessions.refuse_pending(self.session, now)
        self._sessions.remove(self.session, now)
