"""What the transactions of a proxy report to."""

from typing import TYPE_CHECKING

from sip.events import ProvisionalReceived, RequestFailed, ResponseReceived, ServerTransactionEnded
from sip.message.request import Request
from sip.message.response import Response
from sip.transactions.client import ClientTransaction
from sip.transactions.server import ServerTransaction

if TYPE_CHECKING:
    from sip.core.uac import Requests


class Forwarded:
    """A request of a proxy: responses are handed up without our Via."""

    __slots__ = ("layer", "owner")

    def __init__(self, layer: "Requests", owner: str) -> None:
        self.layer = layer
        self.owner = owner

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Report it; an answer without another Via was for us, and goes no further (RFC 3261 section 16.7 step 3)."""
        vias = response.via[1:]
        if not vias:
            self.layer.context.count("dropped: response without a way back")
            if response.status >= 200:
                self.on_failure(transaction, "unusable", now)
            return
        below = response.evolve(set={"Via": vias})
        event = ProvisionalReceived if response.status < 200 else ResponseReceived
        self.layer.context.emit(event(owner=self.owner, request_id=transaction.id, response=below))

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Report it."""
        event = RequestFailed(owner=self.owner, request_id=transaction.id, reason=reason)
        self.layer.context.emit(event)


class TransparentInvite:
    """Tells a proxy core when its INVITE server transaction is over."""

    __slots__ = ("layer",)

    def __init__(self, layer: "Requests") -> None:
        self.layer = layer

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Reported by the receiver."""

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """Report it."""
        event = ServerTransactionEnded(owner=transaction.owner, transaction=transaction.id)
        self.layer.context.emit(event)
