"""C3P over HTTP that a machine starts: numbers for exchanges and requests, and who is told the end of which."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from c3p.envelope import Notify, Request, Response
from c3p.exchange import Exchange, ExchangeFailure, Reply


class ExchangeOwner(Protocol):
    """Whoever posts an exchange gets exactly one of these calls, unless it has the exchange forgotten."""

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """The peer answered."""

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """No usable answer came."""


Owner = TypeVar("Owner", bound=ExchangeOwner)


class Exchanges(Generic[Owner]):
    """What one machine posts over HTTP. How many are open is for their owners to limit.

    Outcomes of exchanges that are not open, or that their owner has had forgotten, are dropped.
    """

    def __init__(self, *, first_request_id: int = 0) -> None:
        """``first_request_id`` should differ from one start of the process to the next: late answers must not match."""
        self._last_id = 0
        self._last_request_id = first_request_id
        self.unposted: list[Exchange] = []  #: what `take` gives; always the same list, so that a look tells
        self._open: dict[int, Owner | None] = {}
        self.unexpected = 0  #: outcomes of exchanges that are not open

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def new_request_id(self) -> str:
        """The next requestId (MS-CONFBAS: unique among all requests of one sender)."""
        self._last_request_id += 1
        return str(self._last_request_id)

    def post(
        self, url: str, document: Request | Response | Notify, *, owner: Owner | None, timeout: float, peer: str = ""
    ) -> int:
        """Have ``document`` posted to ``url``; the driver says how it ended within ``timeout`` seconds.

        ``peer`` is the principal that it is meant for, if that is known. Without an ``owner`` nobody is told. Returns
        the id of the exchange. A request may be sent again after a connect failure when its command can be carried out
        twice; responses and notifications always may, since requestId and version tell the receiver
        that it has them.
        """
        self._last_id += 1
        self._open[self._last_id] = owner
        idempotent = document.command.IDEMPOTENT if isinstance(document, Request) else True
        self.unposted.append(Exchange(self._last_id, url, document, timeout=timeout, idempotent=idempotent, peer=peer))
        return self._last_id

    def forget(self, exchange_id: int) -> None:
        """Drop the outcome of an open exchange when it comes; of any other there is none to drop."""
        if exchange_id in self._open:
            self._open[exchange_id] = None

    def take(self) -> list[Exchange]:
        """What is to be posted now, in order."""
        taken = self.unposted[:]
        self.unposted.clear()
        return taken

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> Owner | None:
        """Hand an answer to the owner of the exchange, who is returned."""
        owner = self._close(exchange_id)
        if owner is not None:
            owner.replied(exchange_id, reply, now=now)
        return owner

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> Owner | None:
        """Hand a failure to the owner of the exchange, who is returned."""
        owner = self._close(exchange_id)
        if owner is not None:
            owner.failed(exchange_id, reason, now=now)
        return owner

    def _close(self, exchange_id: int) -> Owner | None:
        if exchange_id not in self._open:
            self.unexpected += 1
            return None
        return self._open.pop(exchange_id)
