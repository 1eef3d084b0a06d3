"""C3P over HTTP that a Focus starts: numbers for exchanges and requests, and who waits for which answer."""

from __future__ import annotations

from typing import Protocol

from c3p import Exchange, ExchangeFailure, Reply, Request


class Waiter(Protocol):
    """Whoever posted an exchange gets exactly one of these calls."""

    focus_uri: str  #: the conference that it is for

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """The peer answered."""

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """No usable answer came."""


class Exchanges:
    """The outbox of one Focus. Answers to exchanges that nobody waits for any more are dropped and counted."""

    def __init__(self, *, first_request_id: int = 0) -> None:
        """`first_request_id` should differ from one start of the process to the next: late answers must not match."""
        self._ids = 0
        self._request_ids = first_request_id
        self._outbox: list[Exchange] = []
        self._waiters: dict[int, Waiter | None] = {}
        self.unexpected = 0  #: answers to exchanges that are not open

    def __len__(self) -> int:
        return len(self._waiters)

    def new_request_id(self) -> str:
        """The next requestId of this Focus (C3P reference, 2.3: unique among all requests of one sender)."""
        self._request_ids += 1
        return str(self._request_ids)

    def post(self, url: str, document: Request, *, waiter: Waiter | None, timeout: float) -> int:
        """Send `document`; the driver answers with a reply or a failure within `timeout` seconds."""
        self._ids += 1
        self._waiters[self._ids] = waiter
        self._outbox.append(
            Exchange(id=self._ids, url=url, document=document, timeout=timeout, idempotent=document.command.IDEMPOTENT)
        )
        return self._ids

    def forget(self, exchange_id: int) -> None:
        """Drop the answer to an open exchange when it comes."""
        self._waiters[exchange_id] = None

    def take(self) -> list[Exchange]:
        """What is to be posted, in order."""
        taken, self._outbox = self._outbox, []
        return taken

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> Waiter | None:
        """Hand an answer to the one who waits for it, who is returned."""
        waiter = self._close(exchange_id)
        if waiter is not None:
            waiter.replied(exchange_id, reply, now=now)
        return waiter

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> Waiter | None:
        """Hand a failure to the one who waits for the answer, who is returned."""
        waiter = self._close(exchange_id)
        if waiter is not None:
            waiter.failed(exchange_id, reason, now=now)
        return waiter

    def _close(self, exchange_id: int) -> Waiter | None:
        if exchange_id not in self._waiters:
            self.unexpected += 1
            return None
        return self._waiters.pop(exchange_id)
