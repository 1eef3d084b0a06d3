"""Requests of a registrar or proxy that wait to hear who sent them: bounded, and not for ever."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import attrs

from sip.authentication.identification import Identification, Pending, Refused
from sip.endpoint.endpoint import Endpoint
from sip.errors import LocalProtocolError
from sip.events import Event, RequestReceived
from sip.flow import Flow
from sip.ids import TransactionId
from sip.message.request import Request
from sip.networks import Networks, source_of
from sip.shares import Shares

#: Requests of one core that wait; about 4 KiB each. With more of them whoever is asked does not answer: 503.
MAX_WAITING: Final = 1_000
#: ... of one source (an address, of IPv6 a /64): a large site behind one NAT whose phones register all at once.
MAX_WAITING_PER_SOURCE: Final = 100
#: Seconds that a request waits, then 503: a client sends it again for 32 (Timer F), and should hear something before.
LONGEST_WAIT: Final = 10.0
#: The answer to a request that waited in vain, or may not wait.
UNKNOWN_IN_TIME: Final = Refused(status=503, headers=(("Retry-After", "5"),))
#: Questions that were given up and are remembered, so that a late answer is told from a wrong one.
_MAX_LATE: Final = 1_000


@attrs.frozen(kw_only=True)
class IdentificationPending(Event):
    """A core waits to hear who sent a request: answer by its ``identified`` within 10 s, or the request gets 503."""

    pending_id: str


@attrs.frozen(kw_only=True)
class Undecided:
    """A request that waits."""

    transaction: TransactionId
    request: Request
    flow: Flow

    @classmethod
    def of(cls, event: RequestReceived, transaction: TransactionId) -> Undecided:
        """What an event brought."""
        return cls(transaction=transaction, request=event.request, flow=event.flow)


class UndecidedRequests:
    """The requests of one core that wait, by the id of the answer; of trusted networks as many as there is room for."""

    def __init__(self, owner: str, endpoint: Endpoint, events: list[Event]) -> None:
        """``events`` are those of the core, which hands them to the application."""
        self._owner, self._events = owner, events
        self.first: float | None = None  #: when the next one is given up; plain, since it is asked for after every step
        trusted = Networks(endpoint.config.trusted_networks)
        self._shares = Shares(MAX_WAITING_PER_SOURCE, exempt=trusted.holds)
        self._items: OrderedDict[str, tuple[float, Undecided]] = OrderedDict()
        self._late: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def hold(self, pending: Pending, undecided: Undecided, *, now: float) -> bool:
        """Keep a request, of which an event tells the application; False for too many, in all or of its source.

        Raises LocalProtocolError for an id that something waits for already.
        """
        if pending.id in self._items:
            raise LocalProtocolError(f"something waits for {pending.id!r} already")
        if len(self._items) >= MAX_WAITING or not self._shares.take(source_of(undecided.flow.remote.host)):
            return False
        self._late.pop(pending.id, None)
        self._items[pending.id] = now + LONGEST_WAIT, undecided
        self._find_first()
        self._events.append(IdentificationPending(owner=self._owner, pending_id=pending.id))
        return True

    def decided(self, pending_id: str, identification: Identification) -> Undecided | None:
        """The request that an answer is for, None when it has been given up.

        Raises LocalProtocolError, and nothing changes, when nothing waits for it or the answer is to wait again.
        """
        if isinstance(identification, Pending):
            raise LocalProtocolError("an answer that is to come later is none")
        if pending_id not in self._items and pending_id not in self._late:
            raise LocalProtocolError(f"nothing waits for {pending_id!r}")
        self._late.pop(pending_id, None)
        return self._take(pending_id) if pending_id in self._items else None

    def forget(self, transaction: TransactionId) -> Undecided | None:
        """Give a request up, because it was cancelled or is over; None when it does not wait."""
        for pending_id, (_, undecided) in self._items.items():
            if undecided.transaction == transaction:
                return self._give_up(pending_id)
        return None

    def flow_closed(self, flow: Flow) -> list[Undecided]:
        """Those that came by a connection that is closed; they wait no more."""
        return self._give_up_all(lambda end, undecided: undecided.flow == flow)

    def _find_first(self) -> None:
        self.first = next(iter(self._items.values()))[0] if self._items else None

    def expire(self, now: float) -> list[Undecided]:
        """Those that have waited for too long; they wait no more."""
        return self._give_up_all(lambda end, undecided: end <= now)

    def _give_up_all(self, which: Callable[[float, Undecided], bool]) -> list[Undecided]:
        ids = [pending_id for pending_id, item in self._items.items() if which(*item)]
        return [self._give_up(pending_id) for pending_id in ids]

    def _give_up(self, pending_id: str) -> Undecided:
        self._late[pending_id] = None
        if len(self._late) > _MAX_LATE:
            self._late.popitem(last=False)
        return self._take(pending_id)

    def _take(self, pending_id: str) -> Undecided:
        _, undecided = self._items.pop(pending_id)
        self._find_first()
        self._shares.give_back(source_of(undecided.flow.remote.host))
        return undecided
