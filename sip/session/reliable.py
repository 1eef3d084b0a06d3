"""Reliable provisional answers of ours (RFC 3262 section 3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sip.context import Context
from sip.message.bodies import is_description
from sip.message.lines import Lines
from sip.message.request import Request
from sip.timers import Timer
from sip.transactions.server import ServerTransaction

#: What sends one provisional answer: status, reason, header lines, body, content type.
Provisional = tuple[int, str | None, Lines, bytes, str | None]


class ReliableProvisionals:
    """One at a time goes out and is repeated until its PRACK; the others wait."""

    __slots__ = (
        "_context",
        "_give_up",
        "_interval",
        "_queue",
        "_rseq",
        "_send",
        "_timer",
        "_transaction",
        "_until",
        "pending",
    )

    def __init__(
        self,
        context: Context,
        transaction: ServerTransaction,
        send: Callable[[Provisional, float], None],
        give_up: Callable[[float], None],
    ) -> None:
        self._context = context
        self._transaction = transaction
        self._send = send
        self._give_up = give_up
        # RFC 3262 section 3: 1 to 2**31 - 1, chosen at random so that they do not look alike.
        self._rseq = 1 + context.waits.integer(24)
        self._queue: deque[Provisional] = deque()
        self.pending: Provisional | None = None
        self._timer: Timer | None = None
        self._interval = 0.0
        self._until = 0.0

    @property
    def blocks_final(self) -> bool:
        """Whether a 2xx has to wait: the one that is not acknowledged carries a session description."""
        return self.pending is not None and is_description(self.pending[3], self.pending[4])

    def put(self, provisional: Provisional, now: float) -> None:
        """Send one, or queue it behind the one that is not acknowledged."""
        if self.pending is not None:
            self._queue.append(provisional)
            return
        status, reason, lines, body, content_type = self.pending = provisional
        required: Lines = [("Require", "100rel"), ("RSeq", str(self._rseq))]
        self._send((status, reason, [*lines, *required], body, content_type), now)
        self._interval = self._context.config.t1
        self._until = now + 64 * self._context.config.t1
        self._timer = self._context.timers.start(now + self._interval, self._on_timer)

    @property
    def expected(self) -> tuple[str, ...]:
        """RAck of the PRACK that is waited for, word by word; empty when none is."""
        if self.pending is None:
            return ()
        return (str(self._rseq), str(self._transaction.cseq), "INVITE")

    def acknowledge(self, now: float) -> None:
        """Repeat it no more, and send the next."""
        self.stop()
        self._rseq += 1
        if self._queue:
            self.put(self._queue.popleft(), now)

    def stop(self) -> None:
        """Repeat no more."""
        self._context.timers.stop(self._timer)
        self._timer = None
        self.pending = None

    def abandon(self) -> None:
        """A final answer makes all of them pointless."""
        self.stop()
        self._queue.clear()

    def _on_timer(self, now: float) -> None:
        self._timer = None
        if now >= self._until:
            self.abandon()
            self._give_up(now)
            return
        self._transaction.repeat(now)
        self._interval *= 2  # section 3: doubling without the ceiling of T2
        self._timer = self._context.timers.start(min(now + self._interval, self._until), self._on_timer)


def rack_of(prack: Request) -> tuple[str, ...]:
    """Return what a PRACK acknowledges, word by word."""
    return tuple(prack.headers.get("RAck", "").split())


def wants_reliable(request: Request) -> bool:
    """Whether the caller requires reliable provisional answers."""
    return "100rel" in request.require


def may_be_reliable(request: Request) -> bool:
    """Whether the caller understands them."""
    return "100rel" in request.supported or wants_reliable(request)
