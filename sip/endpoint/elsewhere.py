"""Requests of a dialog that come by another flow than the dialog does.

Call-ID and tags are no secret: whoever sees the messages of others, or guesses well, can write a request of their
dialog. RFC 3261 section 22 asks every request for credentials that can be asked. A core that knows its users does so
for what comes from elsewhere: from another connection, over UDP from another address or port. Until it has said that
the sender is who he should be, nothing of the dialog changes, its CSeq included.

An ACK cannot be asked for anything, and only ends repetitions of a 2xx; it is taken from anywhere.
"""

from __future__ import annotations

from sip.core.acted_on import Element, check_request
from sip.core.dialog import Dialog
from sip.core.routing import CoreEntry
from sip.core.stack import Stack
from sip.errors import LocalProtocolError
from sip.events import RequestFromElsewhere
from sip.ids import TransactionId
from sip.message.request import Request
from sip.transactions.server import ServerTransaction


class FromElsewhere:
    """Asks the core of a dialog about such requests: the user of their transactions meanwhile."""

    __slots__ = ("_answers", "_context")

    def __init__(self, stack: Stack) -> None:
        self._context = stack.context
        self._answers = stack.answers

    def holds(self, transaction: ServerTransaction, dialog: Dialog, core: CoreEntry | None) -> bool:
        """Whether a request waits for what its core says. Raises RemoteProtocolError for one that makes no sense."""
        if core is None or not core.guards_dialogs or dialog.is_from(transaction.flow):
            return False
        check_request(transaction.request, Element.IN_DIALOG)
        transaction.owner, transaction.user = core.owner, self
        self._context.emit(
            RequestFromElsewhere(
                owner=core.owner,
                transaction=transaction.id,
                request=transaction.request,
                flow=transaction.flow,
                session=None if dialog.session is None else dialog.session.id,
                subscriptions=tuple(each.id for each in dialog.subscriptions.values()),
            )
        )
        return True

    def taken(self, transaction_id: TransactionId) -> ServerTransaction | None:
        """A request that its core takes, None when it has ended meanwhile.

        Raises LocalProtocolError for one that does not wait for that.
        """
        transaction = self._answers.waiting(transaction_id)
        if transaction is None:
            self._context.count("dropped: answer after the transaction ended")
            return None
        if transaction.user is not self:
            raise LocalProtocolError(f"transaction {transaction_id} did not come from elsewhere")
        transaction.user = None
        return transaction

    # The user of a server transaction

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A re-INVITE is given up."""
        transaction.cancelled = True
        self._answers.send(transaction, 487, now=now)

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """It timed out; nothing is kept."""
