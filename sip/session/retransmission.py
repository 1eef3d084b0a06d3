"""2xx to an INVITE, sent again until its ACK arrives, on every transport (RFC 3261 section 13.3.1.4)."""

from __future__ import annotations

from collections.abc import Callable

from sip.context import Context
from sip.timers import Timer
from sip.transactions.server import ServerTransaction


class Retransmission:
    """Repeats the last answer of one INVITE server transaction at T1, doubling up to T2, for 64*T1."""

    __slots__ = ("_context", "_interval", "_no_ack", "_timer", "_transaction", "_until")

    def __init__(
        self, context: Context, transaction: ServerTransaction, no_ack: Callable[[float], None], now: float
    ) -> None:
        self._context = context
        self._transaction = transaction
        self._no_ack = no_ack
        self._interval = context.config.t1
        self._until = now + 64 * context.config.t1
        self._timer: Timer | None = context.timers.start(now + self._interval, self._on_timer)

    def stop(self) -> None:
        """The ACK came, or nobody waits for it any more."""
        self._context.timers.stop(self._timer)
        self._timer = None
        self._transaction.acknowledged()

    def _on_timer(self, now: float) -> None:
        if now >= self._until:
            self._timer = None
            self._no_ack(now)
            return
        self._transaction.repeat(now)
        self._interval = min(2 * self._interval, self._context.config.t2)
        self._timer = self._context.timers.start(min(now + self._interval, self._until), self._on_timer)
