"""Requests and answers that a proxy passes on (RFC 3261 section 16)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sip.context import Context
from sip.core.routing import Cores
from sip.core.uac import Once, Requests
from sip.errors import LocalProtocolError
from sip.events import ProvisionalReceived, RequestFailed, ResponseReceived, ServerTransactionEnded
from sip.flow import Flow
from sip.ids import RequestId, TransactionId
from sip.message.lines import checked
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.transactions.client import IGNORING, ClientTransaction
from sip.transactions.server import ServerTransaction
from sip.transport.secure import secured_hop

#: What an answer has from its request (RFC 3261 section 8.2.6.2). Who asked knows it by that, and may go by all of it;
#: we knew it by our branch (section 17.1.3).
_ASKED: Final = ("Via", "From", "Call-ID", "CSeq")


class Forwarded:
    """A request of a proxy: responses are handed up without our Via."""

    __slots__ = ("_context", "owner")

    def __init__(self, context: Context, owner: str) -> None:
        self._context = context
        self.owner = owner

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Report it; an answer without another Via was for us, and goes no further (RFC 3261 section 16.7 step 3)."""
        vias = response.via[1:]
        if not vias:
            self._context.count("dropped: response without a way back")
            if response.status >= 200:
                self.on_failure(transaction, "unusable", now)
            return
        below = response.evolve(set={"Via": vias})
        event = ProvisionalReceived if response.status < 200 else ResponseReceived
        self._context.emit(event(owner=self.owner, request_id=transaction.id, response=below))

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Report it."""
        event = RequestFailed(owner=self.owner, request_id=transaction.id, reason=reason)
        self._context.emit(event)


class TransparentInvite:
    """Tells a proxy core when its INVITE server transaction is over."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Reported by `CancelServer`, with the request."""

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """Report it."""
        event = ServerTransactionEnded(owner=transaction.owner, transaction=transaction.id)
        self._context.emit(event)


class Forwarding:
    """Passes requests and answers on for the transparent cores of an endpoint."""

    def __init__(self, requests: Requests, cores: Cores) -> None:
        self._requests = requests
        self._cores = cores
        self._proxies: dict[str, Forwarded] = {}

    def forward(
        self,
        owner: str,
        request: Request,
        *,
        flow: Flow | None,
        next_hop: Uri | None,
        branch: str | None,
        alone: bool,
        now: float,
    ) -> RequestId:
        """Send a request on, with a transaction."""
        self._cores.by_owner(owner)
        return self._requests.transactions.send(
            request.method,
            self._forwarded(owner),
            lambda flow, via: request.evolve(prepend=[("Via", via)]),
            flow=flow,
            next_hop=next_hop or next_hop_of(request),
            size=len(bytes(request)),
            branch=branch and f"z9hG4bK{branch}",
            # Whoever sent it has given up by then (RFC 4320 section 4.1).
            after_silence=request.method == "INVITE",
            passed_on=True,
            alone=alone,
            now=now,
        ).id

    def _forwarded(self, owner: str) -> Forwarded:
        """The one user that all forwarded requests of a core have."""
        user = self._proxies.get(owner)
        if user is None:
            user = self._proxies[owner] = Forwarded(self._requests.context, owner)
        return user

    def forward_stateless(
        self, request: Request, *, flow: Flow | None, next_hop: Uri | None, branch: str | None, now: float
    ) -> None:
        """Send a request on, without a transaction."""

        def finish(flow: Flow, via: str) -> bytes:
            return bytes(request.evolve(prepend=[("Via", via)]))

        once = Once(self._requests, finish, f"z9hG4bK{branch}" if branch else self._requests.context.new_branch())
        self._requests.send_once(once, flow, next_hop or next_hop_of(request), now)

    def send_response(self, transaction_id: TransactionId, response: Response, now: float) -> None:
        """Send a response of a transparent core. Raises LocalProtocolError when there is no such transaction."""
        transaction = self._requests.transactions.server(transaction_id)
        if transaction is None:
            if not self._requests.context.was_id(transaction_id):
                raise LocalProtocolError(f"no such transaction: {transaction_id}")
            self._requests.context.count("dropped: answer after the transaction ended")
            return
        changes: dict[str, object] = {
            name: asked for name in _ASKED if (asked := transaction.asked(name)) != response.headers.get_all(name)
        }
        if "Via" in changes and transaction.asked("Via")[:1] == response.headers.get_all("Via")[:1]:
            del changes["Via"]  # those below are of no use to anybody
        changes = {name: asked for name, asked in changes.items() if asked}
        if changes:
            # Where the request came from, and what it was, we know ourselves, whatever an answer from further on says.
            self._requests.context.count("answer that does not say what it is an answer to")
            response = response.evolve(set=changes)
        transaction.respond(response, now)

    def cancel(self, request_id: RequestId, *, headers: Iterable[tuple[str, object]], now: float) -> None:
        """Cancel a forwarded INVITE. Raises LocalProtocolError when there is no such request, or it is no INVITE."""
        transaction = self._requests.transactions.client(request_id)
        if transaction is None:
            if not self._requests.context.was_id(request_id):
                raise LocalProtocolError(f"no such request: {request_id}")
            return
        if transaction.method != "INVITE":
            raise LocalProtocolError("only an INVITE can be cancelled")
        self._requests.transactions.cancel(transaction, IGNORING, headers=checked(headers), now=now)


def next_hop_of(request: Request) -> Uri:
    """Return where a request goes: the first Route, else the Request-URI (RFC 3261 section 16.6 step 6)."""
    routes = request.route if "Route" in request.headers else ()
    return secured_hop(routes[0].uri, request.uri) if routes else request.uri
