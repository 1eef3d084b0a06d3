"""Where records are asked for: a store that answers at once, or the application, which answers later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from focus.errors import RecordExists, StoreFull
from focus.events import RecordsWanted, RecordWanted, RecordWriteWanted
from focus.questions.procedure import Kind, Later
from focus.questions.procedures import Procedures
from focus.records import ConferenceRecord, ConferenceStore, Written
from sip import AddressOfRecord, ConferenceAddress


class Records(Protocol):
    """Where records are found, at once or later."""

    def find(self, address: ConferenceAddress) -> ConferenceRecord | Later[ConferenceRecord | None] | None:
        """The record of a conference, None when there is none."""


class RecordStore(Records, Protocol):
    """What procedures ask. Each answer is there at once, or comes later."""

    def of_organizer(
        self, organizer_key: str, limit: int
    ) -> tuple[ConferenceRecord, ...] | Later[tuple[ConferenceRecord, ...]]:
        """The records of an organizer, oldest first."""

    def write(self, before: ConferenceRecord | None, after: ConferenceRecord | None) -> Written | Later[Written]:
        """Add a record (``before`` None), replace one, or remove it (``after`` None)."""

    def next_timeout(self) -> float | None:
        """When the next record expires, in monotonic seconds; None where that is not ours to watch."""

    def expire(self, *, now: float) -> Iterable[ConferenceRecord]:
        """Drop the records whose time has come and return them."""


def record_store(store: ConferenceStore | None, procedures: Procedures, owner: str) -> RecordStore:
    """What to ask: the store that is given, or the application when none is."""
    return DeferredStore(procedures, owner) if store is None else StoreAtHand(store)


class StoreAtHand:
    """A `ConferenceStore` as answers that are there at once."""

    def __init__(self, store: ConferenceStore) -> None:
        self._store = store

    def find(self, address: ConferenceAddress) -> ConferenceRecord | None:
        """The record of a conference, None when there is none."""
        return self._store.get(address.key)

    def of_organizer(self, organizer_key: str, limit: int) -> tuple[ConferenceRecord, ...]:
        """The records of an organizer, oldest first."""
        return self._store.of_organizer(organizer_key)[:limit]

    def write(self, before: ConferenceRecord | None, after: ConferenceRecord | None) -> Written:
        """Add a record (``before`` None), replace one, or remove it (``after`` None)."""
        key = _key_of(before, after)
        try:
            if after is None:
                self._store.remove(key)
            elif before is None:
                self._store.add(key, after)
            else:
                self._store.replace(key, after)
        except RecordExists:
            return Written.EXISTS
        except StoreFull:
            return Written.FULL
        except KeyError:
            return Written.CHANGED
        return Written.DONE

    def next_timeout(self) -> float | None:
        """When the next record expires, in monotonic seconds."""
        return self._store.next_timeout()

    def expire(self, *, now: float) -> Iterable[ConferenceRecord]:
        """Drop the records whose time has come and return them."""
        return self._store.expire(now=now)


class DeferredStore:
    """The application, asked by events. That records expire is for its store to see to."""

    def __init__(self, procedures: Procedures, owner: str) -> None:
        self._procedures = procedures
        self._owner = owner

    def find(self, address: ConferenceAddress) -> Later[ConferenceRecord | None]:
        """Ask for the record of a conference."""
        number = self._procedures.new_id()
        wanted = RecordWanted(owner=self._owner, id=number, key=address.key, conference_uri=address.text)
        return Later(kind=Kind.RECORD, id=number, question=wanted)

    def of_organizer(self, organizer_key: str, limit: int) -> Later[tuple[ConferenceRecord, ...]]:
        """Ask for the records of an organizer."""
        number = self._procedures.new_id()
        wanted = RecordsWanted(owner=self._owner, id=number, organizer_key=organizer_key, limit=limit)
        return Later(kind=Kind.RECORDS, id=number, question=wanted)

    def write(self, before: ConferenceRecord | None, after: ConferenceRecord | None) -> Later[Written]:
        """Ask for a record to be written."""
        number = self._procedures.new_id()
        written = before or after
        assert written is not None
        wanted = RecordWriteWanted(
            owner=self._owner,
            id=number,
            key=_key_of(before, after),
            conference_uri=written.focus_uri,
            organizer_key=AddressOfRecord.read(written.organizer).key,
            before=before,
            after=after,
        )
        return Later(kind=Kind.WRITE, id=number, question=wanted)

    def next_timeout(self) -> None:
        """Nothing expires here."""

    def expire(self, *, now: float) -> Iterable[ConferenceRecord]:
        """Nothing expires here."""
        return ()


def _key_of(before: ConferenceRecord | None, after: ConferenceRecord | None) -> str:
    written = before or after
    assert written is not None
    return ConferenceAddress.read(written.focus_uri).key
