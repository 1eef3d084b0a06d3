"""Answers to requests: one way to build and send them (RFC 3261 section 8.2.6)."""

from __future__ import annotations

from collections.abc import Iterable

from sip.context import Context
from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.message.headers import Field
from sip.message.lines import Lines, checked
from sip.message.request import Request
from sip.message.response import Response, checked_reason, checked_status
from sip.transactions.server import ServerTransaction
from sip.transactions.tables import State
from sip.transactions.transactions import Transactions


class Answers:
    """Builds answers and sends them in their transactions."""

    def __init__(self, context: Context, transactions: Transactions) -> None:
        self._context = context
        self._transactions = transactions
        self._server: Lines = []
        if context.config.user_agent is not None:
            self._server = checked([("Server", context.config.user_agent)])

    def send(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> None:
        """Build an answer and send it."""
        response = self.build(transaction, status, reason, headers=headers, body=body, content_type=content_type)
        transaction.respond(response, now)

    def build(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        """Build an answer; every answer of a transaction but 100 carries the same To tag."""
        request = transaction.request
        phrase = checked_reason(checked_status(status), reason)
        if transaction.to_tag is None and status > 100 and request.to.tag is None:
            transaction.to_tag = self._context.new_tag()
        lines: Lines = [*headers, *self._server]
        sources = self._transactions.transport.sources
        if status > 100 and transaction.flow.remote.host not in sources.proven.hosts:
            # The answer to CANCEL has the tag of the INVITE, which another may have sent.
            sources.tells(transaction.flow, request, None if request.method == "CANCEL" else transaction.to_tag, lines)
        if content_type is not None:
            lines.append(("Content-Type", content_type))
        return request._answered(status, phrase, transaction.to_tag if status > 100 else None, lines, body)

    def refuse_statelessly(self, request: Request, status: int, flow: Flow, reason: str | None = None) -> None:
        """Answer without a transaction, to where the request came from."""
        if request.method not in ("ACK", "BENOTIFY"):
            self.answer_statelessly(request, status, flow, None, reason)

    def answer_statelessly(
        self, request: Request, status: int, flow: Flow, to_tag: str | None, reason: str | None = None
    ) -> None:
        """Answer without a transaction; without ``to_tag`` with one that is the same for a repetition."""
        try:
            headers = (("Retry-After", "5"),) if status == 503 else ()
            tag = to_tag or self._context.tag_for(request, flow)
            response = request.response(status, reason, to_tag=tag, headers=headers)
            self._transactions.transport.sources.tells(flow, request, None if to_tag else tag, headers)
            self._transactions.transport.answer(flow, bytes(response))
        except ValueError:
            self._context.count("dropped: request that cannot even be refused")

    def waiting(self, transaction_id: int) -> ServerTransaction | None:
        """Return a transaction that waits for its answer, None when it has ended.

        Raises LocalProtocolError when there never was one, or when it was answered.
        """
        transaction = self._transactions.server(transaction_id)
        if transaction is None or transaction.cancelled:
            if not self._context.was_id(transaction_id):
                raise LocalProtocolError(f"no such transaction: {transaction_id}")
            return None
        if transaction.state not in (State.TRYING, State.PROCEEDING):
            raise LocalProtocolError(f"transaction {transaction_id} was answered {transaction.status}")
        return transaction

    def respond(
        self,
        transaction_id: int,
        status: int,
        reason: str | None,
        headers: Iterable[tuple[str, object]],
        body: bytes,
        content_type: str | None,
        now: float,
    ) -> None:
        """Answer on behalf of a core; raises LocalProtocolError when that is not possible."""
        transaction = self.waiting(transaction_id)
        if transaction is None:
            self._context.count("dropped: answer after the transaction ended")
            return
        if transaction.request.method != "INVITE" and 100 < status < 200:
            raise LocalProtocolError("only 100 may precede the answer to this method (RFC 4320 section 4.1)")
        lines, usage = checked(headers, content_type), transaction.answers
        if usage is None:
            self.send(transaction, status, reason, headers=lines, body=body, content_type=content_type, now=now)
        else:
            usage.answer(transaction, status, reason, lines, body, content_type, now)
