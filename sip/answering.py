"""Answers to requests: one way to build and send them (RFC 3261 section 8.2.6)."""

from collections.abc import Iterable
from typing import Protocol

from sip.context import Context
from sip.errors import LocalProtocolError
from sip.response import Response
from sip.transactions.layer import Transactions
from sip.transactions.server import ServerTransaction
from sip.transactions.tables import State


class Answerer(Protocol):
    """A usage that adds its own rules to the answers of a transaction (``ServerTransaction.answers``)."""

    def answer(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None,
        headers: list[tuple[str, object]],
        body: bytes,
        content_type: str | None,
        now: float,
    ) -> None:
        """Send the answer, and change the usage accordingly."""
        ...


class Answers:
    """Builds answers and sends them in their transactions."""

    def __init__(self, context: Context, transactions: Transactions) -> None:
        self._context = context
        self._transactions = transactions
        self._server: tuple[tuple[str, object], ...] = ()
        if context.config.user_agent is not None:
            self._server = (("Server", context.config.user_agent),)

    def send(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, object]] = (),
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
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        """Build an answer; every answer of a transaction but 100 carries the same To tag."""
        request = transaction.request
        if transaction.to_tag is None and status > 100 and request.to.tag is None:
            transaction.to_tag = self._context.new_tag()
        return request.response(
            status,
            reason,
            to_tag=transaction.to_tag if status > 100 else None,
            headers=(*headers, *self._server),
            body=body,
            content_type=content_type,
        )

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
        transaction = self._transactions.server(transaction_id)
        if transaction is None or transaction.cancelled:
            if not self._context.was_id(transaction_id):
                raise LocalProtocolError(f"no such transaction: {transaction_id}")
            self._context.count("dropped: answer after the transaction ended")
            return
        if transaction.state not in (State.TRYING, State.PROCEEDING):
            raise LocalProtocolError(f"transaction {transaction_id} was answered {transaction.status}")
        if transaction.request.method != "INVITE" and 100 < status < 200:
            raise LocalProtocolError("only 100 may precede the answer to this method (RFC 4320 section 4.1)")
        usage = transaction.answers
        if usage is None:
            self.send(transaction, status, reason, headers=headers, body=body, content_type=content_type, now=now)
        else:
            usage.answer(transaction, status, reason, list(headers), body, content_type, now)
