"""PRACK, with or without a session description (RFC 3262 sections 3 to 5): ours, and answers to the other side's."""

from __future__ import annotations

import attrs

from sip.core.dialog import Dialog
from sip.core.retrying import send_with_credentials
from sip.events import RequestFailed, ResponseReceived
from sip.ids import RequestId
from sip.message.bodies import is_description
from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.session.owner import SessionOwner
from sip.session.session import Session
from sip.transactions.client import ClientTransaction
from sip.transactions.server import ServerTransaction


def rseq_of(response: Response) -> int:
    """Return the number of a reliable provisional answer, -1 when it has none that can be read."""
    number = response.header("RSeq")
    return int(number) if isinstance(number, int) or (isinstance(number, str) and number.isdecimal()) else -1


@attrs.frozen
class Unacknowledged:
    """A reliable provisional answer that the core is to acknowledge."""

    dialog: Dialog
    rack: str
    offers: bool  #: its body is an offer, which the PRACK has to answer


class Prack:
    """Our PRACK. ``report`` False keeps one that the endpoint sends by itself from the core."""

    __slots__ = ("_sessions", "body", "challenged", "content_type", "dialog", "lines", "offers", "report", "session")

    def __init__(
        self,
        sessions: SessionOwner,
        session: Session,
        waiting: Unacknowledged,
        headers: Lines,
        body: bytes,
        content_type: str | None,
        report: bool,
    ) -> None:
        self._sessions = sessions
        self.session = session
        self.dialog = waiting.dialog
        self.lines: Lines = [("RAck", waiting.rack), *headers]
        self.body = body
        self.content_type = content_type
        self.report = report
        self.challenged = 0
        self.offers = not waiting.offers and is_description(
            body, content_type
        )  #: whether it opens an offer that its answer closes
        session.updates += self.offers
        session.open_pracks += 1
        session.sent(body, content_type)

    def send(self, now: float, authorization: Lines | None = None, request_id: RequestId | None = None) -> RequestId:
        """Send it, or send it again under the same number."""
        return self._sessions.requests.send_in_dialog(
            self.dialog,
            "PRACK",
            self,
            headers=[*self.lines, *(authorization or [])],
            body=self.body,
            content_type=self.content_type,
            request_id=request_id,
            now=now,
        ).id

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take the answer. Whatever it is, the INVITE goes on."""
        if response.status < 200:
            return
        if not self.session.removed and send_with_credentials(self._sessions.context, self, transaction, response, now):
            return
        self._closed()
        if self.report:
            event = ResponseReceived(owner=self.session.owner, request_id=transaction.id, response=response)
            self._sessions.context.emit(event)

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Report silence."""
        self._closed()
        if self.report:
            event = RequestFailed(owner=self.session.owner, request_id=transaction.id, reason=reason)
            self._sessions.context.emit(event)

    def _closed(self) -> None:
        self.session.updates -= self.offers
        self.session.open_pracks -= 1


class PrackAnswer:
    """The answer of a core to the offer in a PRACK; a 2xx to the INVITE waits for it."""

    __slots__ = ("_sessions", "session")

    def __init__(self, sessions: SessionOwner, session: Session) -> None:
        self._sessions = sessions
        self.session = session

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
        """Send the answer of the core, and what waited for it."""
        self._sessions.answers.send(
            transaction, status, reason, headers=headers, body=body, content_type=content_type, now=now
        )
        if status < 200:
            return
        if status < 300:
            self.session.sent(body, content_type)
        self._close(transaction, now)

    def _close(self, transaction: ServerTransaction, now: float) -> None:
        session = self.session
        if session.update is transaction:
            session.update = None
            if session.received_invite is not None:
                session.received_invite.go_on(now)

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """PRACK cannot be cancelled."""

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """The core let it time out: what waits for it goes on without."""
        self._close(transaction, now)
