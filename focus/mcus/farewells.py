"""MCUs that are to drop a conference, and have not said yet that they did.

An MCU is owed a deleteConference when the conference ends, when it was given up, and when nothing was heard of the
addConference by which it would have got it. Whoever held the link may be gone by then, so this is the Focus's. It is
told until it answers, or for as long as it may take to find out by itself. Each names the assignment that is over, so
that one that is late never ends what was assigned anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from c3p import ConferenceKeys, DeleteConference, ExchangeFailure, Exchanges, Reply, Request
from focus.config import FocusConfig
from focus.exchange_owner import ConferenceExchangeOwner
from focus.mcus.address import McuAddress
from sip import Deadlines

#: Seconds before an MCU is told again; doubles, as notifications do the other way (docs/design-decisions.rst).
_WAIT_FIRST: Final = 1.0
_WAIT_LONGEST: Final = 30.0


@attrs.frozen
class Assignment:
    """An MCU that has, or may have, a conference."""

    focus_uri: str  #: Conference-URI
    mcu_uri: str  #: MCU-Conference-URI
    address: McuAddress
    id: str | None  #: requestId of the addConference that the MCU was sent; None: not known any more
    epoch: int = 0  #: of the claim under which it was sent

    @property
    def key(self) -> tuple[str, str]:
        """One MCU has a conference once."""
        return self.focus_uri, self.address.mcu_id

    def end(self, request_id: str, *, epoch: int = 0) -> Request:
        """The request that ends it; ``epoch``: of a later claim."""
        keys = ConferenceKeys(conf_entity=self.focus_uri)
        command = DeleteConference(conference_keys=keys, assignment=self.id)
        claim = max(epoch, self.epoch) or None
        return Request(request_id=request_id, from_=self.focus_uri, to=self.mcu_uri, command=command, epoch=claim)


@attrs.define(eq=False)
class _Farewell:
    """One of them; the owner of its exchanges."""

    all: Farewells
    assignment: Assignment
    until: float  #: monotonic seconds
    wait: float = 0.0
    exchange: int | None = None

    @property
    def focus_uri(self) -> str:
        return self.assignment.focus_uri

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """What the MCU says, other than that it is too busy to say anything, is that it does not have it any more."""
        self.exchange = None
        if reply.status < 500:
            self.all.settled(self.assignment)
        else:
            self.all.put_off(self, now=now)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """No answer."""
        self.exchange = None
        self.all.put_off(self, now=now)


class Farewells:
    """All of one Focus."""

    def __init__(self, exchanges: Exchanges[ConferenceExchangeOwner], config: FocusConfig) -> None:
        self._exchanges, self._config = exchanges, config
        self._owed: dict[tuple[str, str], _Farewell] = {}
        self._deadlines: Deadlines[tuple[str, str]] = Deadlines()

    def __len__(self) -> int:
        return len(self._owed)

    def __iter__(self) -> Iterator[Assignment]:
        return (one.assignment for one in self._owed.values())

    def owe(self, assignment: Assignment, *, now: float) -> None:
        """Have an MCU drop a conference; nothing more when it is being told already. The oldest give way."""
        if assignment.key in self._owed:
            return
        while len(self._owed) >= self._config.max_farewells:
            self.settled(next(iter(self._owed.values())).assignment)
        farewell = self._owed[assignment.key] = _Farewell(self, assignment, now + self._config.farewell_timeout)
        self._tell(farewell)

    def owed(self, focus_uri: str, mcu_id: str) -> Assignment | None:
        """What an MCU has not dropped yet."""
        farewell = self._owed.get((focus_uri, mcu_id))
        return farewell.assignment if farewell is not None else None

    def settled(self, assignment: Assignment) -> None:
        """It is over."""
        farewell = self._owed.pop(assignment.key, None)
        self._deadlines.set(assignment.key, None)
        if farewell is not None and farewell.exchange is not None:
            self._exchanges.forget(farewell.exchange)

    def put_off(self, farewell: _Farewell, *, now: float) -> None:
        """It is told again later, unless it must know by itself by then."""
        farewell.wait = min(2 * farewell.wait or _WAIT_FIRST, _WAIT_LONGEST)
        if now + farewell.wait > farewell.until:
            self.settled(farewell.assignment)
        else:
            self._deadlines.set(farewell.assignment.key, now + farewell.wait)

    def next_timeout(self) -> float | None:
        """When somebody is told again."""
        return self._deadlines.first

    def handle_timeout(self, *, now: float) -> None:
        """Tell them again."""
        for key in self._deadlines.pop_due(now):
            farewell = self._owed.get(key)
            if farewell is not None:  # pragma: no branch (what is over has no deadline)
                self._tell(farewell)

    def _tell(self, farewell: _Farewell) -> None:
        one = farewell.assignment
        document = one.end(self._exchanges.new_request_id())
        farewell.exchange = self._exchanges.post(
            one.address.http_url, document, owner=farewell, timeout=self._config.http_timeout, peer=one.address.mcu_id
        )
