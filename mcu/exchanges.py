"""Numbers for exchanges, and who waits for the outcome of which."""

from __future__ import annotations

from typing import Protocol

from c3p import Exchange, ExchangeFailure, Notify, Reply, Request, Response

__all__ = ["Exchanges", "Waiter"]


class Waiter(Protocol):
    """Whoever posts an exchange gets exactly one of these calls."""

    def replied(self, reply: Reply, *, now: float) -> None: ...

    def failed(self, reason: ExchangeFailure, *, now: float) -> None: ...


class Exchanges:
    """What one machine posts over HTTP. Outcomes of exchanges that are not open are dropped and counted."""

    def __init__(self) -> None:
        self._last_id = 0
        self._ready: list[Exchange] = []
        self._open: dict[int, Waiter] = {}
        self.unexpected = 0

    def post(
        self, url: str, document: Request | Response | Notify, waiter: Waiter, *, timeout: float, idempotent: bool
    ) -> None:
        """Have ``document`` posted to ``url``; ``timeout`` is in seconds."""
        self._last_id += 1
        self._open[self._last_id] = waiter
        self._ready.append(
            Exchange(id=self._last_id, url=url, document=document, timeout=timeout, idempotent=idempotent)
        )

    def take(self) -> list[Exchange]:
        """What is to be posted now, in order."""
        ready, self._ready = self._ready, []
        return ready

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        waiter = self._close(exchange_id)
        if waiter is not None:
            waiter.replied(reply, now=now)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        waiter = self._close(exchange_id)
        if waiter is not None:
            waiter.failed(reason, now=now)

    def _close(self, exchange_id: int) -> Waiter | None:
        waiter = self._open.pop(exchange_id, None)
        self.unexpected += waiter is None
        return waiter
