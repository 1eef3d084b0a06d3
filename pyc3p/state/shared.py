"""What several nodes share: their leases and claims, state, records, and what they tell each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from focus import ConferenceRecord, Written
from pyc3p.placement.store import PlacementStore
from pyc3p.state.store import StateStore
from sip import Piece


class SharedRecords(Protocol):
    """Conference records that every node finds. Each call raises `StoreUnavailable` when the store is away."""

    async def find(self, key: str) -> ConferenceRecord | None:
        """The record of a conference."""
        ...

    async def of_organizer(self, organizer_key: str, limit: int) -> tuple[ConferenceRecord, ...]:
        """Those of an organizer, oldest first."""
        ...

    async def of_number(self, number: str) -> ConferenceRecord | None:
        """The record with a dial-in number."""
        ...

    async def reserve(self, number: str, key: str) -> bool:
        """Keep a number for the record with that key, which is about to be written; false when another has it."""
        ...

    async def write(
        self,
        key: str,
        organizer_key: str,
        before: ConferenceRecord | None,
        after: ConferenceRecord | None,
        *,
        wall_clock: float,
    ) -> Written:
        """Add a record, replace one, or remove it, in one step; a number that is another's is `Written.FULL`."""
        ...


class SharedStore(StateStore, PlacementStore, Protocol):
    """Everything of one node that others see too."""

    @property
    def where(self) -> str:
        """What to call it, without a password."""
        ...

    @property
    def records(self) -> SharedRecords:
        """The conference records."""
        ...

    async def load_places(self) -> list[Piece]:
        """Which MCU has which conference, as all MCU Factories have written it. Raises StoreUnavailable."""
        ...

    async def shared_secret(self) -> str:
        """A secret that every node knows who can read this store; made by the first one. Raises StoreUnavailable."""
        ...

    async def tell_changed(self, conference_uri: str) -> None:
        """Let all nodes know that a record is another one. Raises StoreUnavailable."""
        ...

    def news(self) -> AsyncIterator[str | Piece | None]:
        """What nodes tell each other, for ever. Raises StoreUnavailable.

        The Conference-URI of a record that any node has changed, and which MCU an MCU Factory of another node has
        given a conference to, as its piece. None comes first, and after each interruption: from now on everything is
        heard, what was told before was not.
        """
        ...
