"""What an endpoint does for transparent cores: proxies, and those that find out whom a request is for."""

from __future__ import annotations

from collections.abc import Iterable

from sip.core.forwarding import Forwarding
from sip.endpoint.dispatch import Receiver
from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.ids import RequestId, TransactionId
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.transactions.transactions import Transactions


class TransparentCommands:
    """Passing on requests and answers, or giving a request back."""

    _forwarding: Forwarding
    _receiver: Receiver
    _transactions: Transactions

    def send_response(self, transaction: TransactionId, response: Response, *, now: float) -> None:
        """Send ``response`` as it is in a transaction of a transparent core; its top Via must be the request's."""
        self._forwarding.send_response(transaction, response, now)

    def hand_on(self, transaction: TransactionId, *, owner: str, now: float) -> None:
        """Give a request back that the transparent core ``owner`` was given and has not answered.

        It goes to the dialog that it belongs to by now, or to the next core that claims it, as if ``owner`` were not
        there. Nothing happens when the transaction is over. Raises LocalProtocolError when it is another core's.
        """
        found = self._transactions.server(transaction)
        if found is None:
            return
        if found.owner != owner or found.status >= 200:
            raise LocalProtocolError(f"not a request that {owner} has open: {transaction}")
        self._receiver.hand_on(found, now)

    def forward(
        self,
        owner: str,
        request: Request,
        *,
        flow: Flow | None = None,
        next_hop: Uri | None = None,
        branch: str | None = None,
        alone: bool = False,
        now: float,
    ) -> RequestId:
        """Send a request of a proxy with a Via of ours on top, in a new client transaction.

        It goes down ``flow``, else to ``next_hop``, else to its top Route, else to its Request-URI. ``branch``
        replaces the random part of the Via branch (RFC 5393 puts a hash there). Responses are reported with that Via
        removed, each 2xx of an INVITE by itself. ``alone`` lets it fail (``"withheld"``) while another such request
        is open to the same host over UDP and that has not shown that it is there (`is_proven`).
        """
        return self._forwarding.forward(
            owner, request, flow=flow, next_hop=next_hop, branch=branch, alone=alone, now=now
        )

    def forward_stateless(
        self,
        request: Request,
        *,
        flow: Flow | None = None,
        next_hop: Uri | None = None,
        branch: str | None = None,
        now: float,
    ) -> None:
        """Send an ACK or BENOTIFY on with a Via of ours on top and no transaction; answers are dropped."""
        self._forwarding.forward_stateless(request, flow=flow, next_hop=next_hop, branch=branch, now=now)

    def cancel_request(self, request_id: RequestId, *, headers: Iterable[tuple[str, object]] = (), now: float) -> None:
        """Send CANCEL for a forwarded INVITE, once a provisional answer came; the final answer is reported.

        Nothing happens when it was answered already.
        """
        self._forwarding.cancel(request_id, headers=headers, now=now)
