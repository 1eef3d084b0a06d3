"""What is done about a request or an answer in whose handling code of ours raised: it comes to its end all the same.

The orderly way is tried first, so that sessions and subscriptions end with their events; then the bare answer; then the
transaction is dropped. What raises in the course of that is one more fault, and no more than that.
"""

from __future__ import annotations

from typing import Final

from sip.core.stack import Stack
from sip.events import (
    EndCause,
    Event,
    RequestFailed,
    ResponseReceived,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionRedirected,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
)
from sip.flow import Flow
from sip.message.request import Request
from sip.message.response import Response
from sip.session.callee import ReceivedInvite
from sip.session.session import Session
from sip.session.sessions import Sessions
from sip.subscription.notifier import Notifier
from sip.transactions.client import ClientTransaction
from sip.transactions.server import ServerTransaction
from sip.transactions.tables import State

#: Events that say what became of a request of ours: a core needs no more than one of them.
_OUTCOMES: Final = (
    *(ResponseReceived, RequestFailed, SessionAnswered, SessionFailed, SessionEnded, SessionRedirected),
    *(SubscriptionAccepted, SubscriptionEnded, SubscriptionFailed),
)


class Mending:
    """Ends what a fault left open."""

    def __init__(self, stack: Stack, sessions: Sessions) -> None:
        self._context = stack.context
        self._transactions = stack.transactions
        self._answers = stack.answers
        self._sessions = sessions

    def message(self, message: Request | Response, error: Exception, flow: Flow, now: float) -> None:
        """Note what a message did to us, and answer it if it is a request: in its transaction if it has one."""
        name = message.method if isinstance(message, Request) else str(message.status)
        self._context.fault(error, f"receive {name}", message=message)
        if isinstance(message, Request):
            self._context.attempt("refuse a request", self._refuse, message, flow, now)

    def _refuse(self, request: Request, flow: Flow, now: float) -> None:
        key = self._transactions.key_of(request, request.via[0], flow, request.method)
        transaction = self._transactions.find_server(key)
        if transaction is not None:
            self.request(transaction, 500, now)
        else:
            self._answers.refuse_statelessly(request, 500, flow)

    def request(self, transaction: ServerTransaction, status: int, now: float, reason: str | None = None) -> None:
        """Answer a request that is still open, end what it began, and let its transaction come to its end."""
        user, usage = transaction.user, transaction.answers
        if isinstance(user, ReceivedInvite):
            self._context.attempt("give up a session", user.on_fault, status, now, reason)
        elif usage is not None:
            self._context.attempt("refuse a request", usage.answer, transaction, status, reason, [], b"", None, now)
        elif isinstance(user, Notifier) and user.asked is transaction:
            self._context.attempt("refuse a subscription", user.reject, status, reason, [], now)
        if _is_open(transaction):
            self._context.attempt("answer a request", self._answer, transaction, status, now, reason)
        if _is_open(transaction):
            self._context.attempt("answer a request", self._answer_barely, transaction, status, now)
        if _is_open(transaction):
            self._context.attempt("drop a request", transaction.abandon, now)

    def _answer(self, transaction: ServerTransaction, status: int, now: float, reason: str | None) -> None:
        self._answers.send(transaction, status, reason, now=now)

    def _answer_barely(self, transaction: ServerTransaction, status: int, now: float) -> None:
        request = transaction.request
        tag = transaction.to_tag or (None if request.to.tag else self._context.new_tag())
        transaction.respond(request.response(status, to_tag=tag), now)

    def answer(self, transaction: ClientTransaction, caused: list[Event], now: float) -> None:
        """Tell whoever sent a request that it came to nothing, when a final answer could not be handled.

        ``caused`` is what was reported before that: who has heard of the outcome is not told another.
        """
        self._context.attempt("end a request", transaction.settle)
        if not any(isinstance(event, _OUTCOMES) for event in caused):
            self._context.attempt("fail a request", transaction.user.on_failure, transaction, "transport", now)
        session = getattr(transaction.user, "session", None)
        if transaction.method == "INVITE" and isinstance(session, Session) and not session.removed:
            self._context.attempt("end a session", self._lose, session, now)

    def _lose(self, session: Session, now: float) -> None:
        self._sessions.lose(session, EndCause.DIALOG_GONE, say_bye=session.dialog is not None, now=now)


def _is_open(transaction: ServerTransaction) -> bool:
    return transaction.state in (State.TRYING, State.PROCEEDING)
