"""The MCUs that a Factory knows: those that announced themselves, and those of its list."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from c3p import RegisterMcu
from mcu.config import FactoryConfig
from mcu.factory.selection import Candidate


@attrs.define(kw_only=True)
class KnownMcu:
    """One MCU, as it was last heard of."""

    mcu_id: str
    http_url: str
    sip_uri: str
    mcu_types: tuple[str, ...]
    capacity: int
    conferences: int = 0
    legs: int = 0
    draining: bool = False
    principal: str | None = None  #: who announced it; ``None`` for one of the list
    heard: float | None = None  #: monotonic seconds of the last announcement; ``None`` for one of the list
    answered: float | None = None  #: ... or of an answer to a probe, whichever was later; ``None`` before the first
    given: int = 0  #: conferences given to it since it last said how busy it is
    misses: int = 0  #: probes in a row that failed
    alive: bool = True
    stale: bool = False  #: not heard since a restart of the Factory

    def candidate(self, expected_legs: int) -> Candidate:
        """What the selection looks at."""
        return Candidate(
            mcu_id=self.mcu_id,
            mcu_types=self.mcu_types,
            legs=self.legs + self.given * expected_legs,
            conferences=self.conferences + self.given,
            capacity=self.capacity,
            draining=self.draining,
            stale=self.stale,
        )

    def report(
        self, *, conferences: int | None, legs: int | None, capacity: int | None, draining: bool | None, now: float
    ) -> None:
        """Take over what it says of itself; what it leaves out stays."""
        self.answered = now
        self.conferences = self.conferences if conferences is None else conferences
        self.legs = self.legs if legs is None else legs
        self.capacity = self.capacity if capacity is None else capacity
        self.draining = self.draining if draining is None else draining
        self.given, self.misses, self.alive, self.stale = 0, 0, True, False


class Registry:
    """Bounded; an MCU that announced itself is forgotten after ``forget_after`` of silence."""

    def __init__(self, config: FactoryConfig) -> None:
        self._config = config
        self._mcus: dict[str, KnownMcu] = {
            each.mcu_id: KnownMcu(
                mcu_id=each.mcu_id,
                http_url=each.http_url,
                sip_uri=each.sip_uri,
                mcu_types=each.mcu_types,
                capacity=each.capacity,
            )
            for each in config.mcus
        }

    def __iter__(self) -> Iterator[KnownMcu]:
        return iter(tuple(self._mcus.values()))

    def get(self, mcu_id: str) -> KnownMcu | None:
        return self._mcus.get(mcu_id)

    def candidates(self) -> list[Candidate]:
        """Those that are alive."""
        return [each.candidate(self._config.expected_legs) for each in self._mcus.values() if each.alive]

    def may_announce(self, command: RegisterMcu, peer: str) -> bool:
        """Whether ``peer`` may speak for that id: it is free, or was announced by the same principal for the same URL.

        Two MCUs under one id would take each other's conferences in turn. One that has moved is taken as soon as its
        old announcement is forgotten.
        """
        known = self._mcus.get(command.mcu_id)
        if known is None or known.principal is None:
            return True
        return known.principal == peer and command.http_url in (None, "", known.http_url)

    @property
    def full(self) -> bool:
        return len(self._mcus) >= self._config.max_mcus

    def announce(self, command: RegisterMcu, *, peer: str, now: float) -> bool:
        """Take an announcement in; true when the MCU was not known."""
        known = self._mcus.get(command.mcu_id)
        new = known is None
        if known is None:
            known = self._mcus[command.mcu_id] = KnownMcu(
                mcu_id=command.mcu_id, http_url="", sip_uri="", mcu_types=(), capacity=0, principal=peer
            )
        known.http_url = command.http_url or known.http_url
        known.sip_uri = command.sip_uri or known.sip_uri
        known.mcu_types = command.mcu_types or known.mcu_types
        known.heard, known.principal = now, peer
        known.report(
            conferences=command.conferences,
            legs=command.legs,
            capacity=command.capacity,
            draining=command.draining,
            now=now,
        )
        return new

    def recall(self, mcu: KnownMcu) -> None:
        """Know one again that had announced itself before a restart; those of the list are known anyhow."""
        self._mcus.setdefault(mcu.mcu_id, mcu)

    def next_expiry(self) -> float | None:
        """When the next MCU will be forgotten if it stays silent."""
        heard = [each.heard for each in self._mcus.values() if each.heard is not None]
        return min(heard) + self._config.forget_after if heard else None

    def expire(self, *, now: float) -> list[KnownMcu]:
        """Forget those that were silent for too long, and return them."""
        # The same sum as in next_expiry: with a difference, rounding could put the timer before the expiry.
        silence = self._config.forget_after
        gone = [each for each in self._mcus.values() if each.heard is not None and each.heard + silence <= now]
        for each in gone:
            del self._mcus[each.mcu_id]
        return gone
