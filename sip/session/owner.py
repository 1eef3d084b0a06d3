"""What the parts of a session need of those that keep the sessions: the rest of their element, and each other."""

from __future__ import annotations

from typing import Protocol

from sip.context import Context
from sip.core.dialog import Dialog
from sip.core.dialogs import Dialogs
from sip.core.uac import Requests
from sip.core.uas import Answers
from sip.events import EndCause, Event
from sip.ids import RequestId, TransactionId
from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.session.ended import EndedSessions
from sip.session.session import Session
from sip.session.session_timer import Interval
from sip.transactions.client import ClientTransaction
from sip.transactions.server import ServerTransaction
from sip.transactions.transactions import Transactions
from sip.transport.transport import Transport


class PrackOwner(Protocol):
    """Who takes a PRACK with a body, before the final answer or after it."""

    def offer_in_prack(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        """Let the core answer the offer in a PRACK, unless another offer is open."""
        ...

    def report_prack(self, session: Session, transaction: TransactionId | None, request: Request) -> None:
        """Tell the core of a PRACK with a body."""
        ...


class SessionOwner(Protocol):
    """The registry of sessions (`sip.session.sessions`), as the parts of one session see it."""

    context: Context
    transport: Transport
    transactions: Transactions
    dialogs: Dialogs
    requests: Requests
    answers: Answers
    ended: EndedSessions

    @property
    def received(self) -> PrackOwner:
        """Return who takes the requests of the other side."""
        ...

    # Header lines

    def answer_lines(self, session: Session, transaction: ServerTransaction, given: Lines) -> Lines:
        """Return Contact, Allow and Supported of an answer inside or at the start of a session."""
        ...

    def refresh_lines(self, session: Session, given: Lines) -> Lines:
        """Return what a re-INVITE or UPDATE of ours says about the timer, and about what we can do."""
        ...

    # The life of a session

    def confirm(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        """Our 2xx to the first INVITE is out."""
        ...

    def await_ack(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        """Repeat a 2xx until its ACK comes."""
        ...

    def negotiated_routes(self, session: Session, dialog: Dialog) -> None:
        """Note whether both ends let later Record-Routes replace the route set."""
        ...

    def restart_timer(self, session: Session, interval: Interval | None, now: float) -> None:
        """Begin a new interval of the session timer."""
        ...

    def refreshed(self, session: Session, interval: Interval | None, now: float) -> None:
        """Either side refreshed the session."""
        ...

    def refresh_refused(self, session: Session, method: str, response: Response, now: float) -> None:
        """Try a refresh of ours again that the other side refused."""
        ...

    def refresh_unsent(self, session: Session, now: float) -> None:
        """Try a refresh of ours again that could not be sent."""
        ...

    # Its end

    def fail_request(self, session_id: int, owner: str | None, reason: str) -> RequestId:
        """Report a request that cannot be sent because of what the other side did in the meantime."""
        ...

    def send_waiting_bye(self, session: Session, now: float) -> None:
        """Send the BYE that had to wait."""
        ...

    def bye_answered(self, session: Session, now: float) -> None:
        """Report the end, if the other side did not end it first."""
        ...

    def lose(self, session: Session, cause: EndCause, *, say_bye: bool, now: float) -> None:
        """End a session that nobody wants to end."""
        ...

    def finish(self, session: Session, event: Event, now: float) -> None:
        """Report the end and forget the session."""
        ...

    def refuse_pending(self, session: Session, now: float) -> None:
        """Answer 487 to requests that the core has not answered."""
        ...

    def give_up_reinvite(self, transaction: ClientTransaction, now: float) -> None:
        """Cancel a re-INVITE of ours."""
        ...

    def remove(self, session: Session, now: float) -> None:
        """Forget a session and let go of its dialog."""
        ...
