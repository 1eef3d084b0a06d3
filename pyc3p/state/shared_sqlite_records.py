"""Conference records in the file that all nodes of a machine share."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final

from focus import ConferenceRecord, Written, read_record, written_record
from pyc3p.state.store import key_octets
from sip import SipError

#: Records of one organizer; beyond it the store is full for him (`focus.MemoryStore`).
PER_ORGANIZER: Final = 1_000

#: Seconds for which a number is kept for a record that is about to be written.
_RESERVED: Final = 60.0

TABLE: Final = """
CREATE TABLE IF NOT EXISTS record (
  key BLOB PRIMARY KEY, organizer BLOB NOT NULL, made REAL NOT NULL, ends REAL, version INTEGER NOT NULL,
  value TEXT NOT NULL
)
"""
#: Dial-in numbers; ``until`` is the end of the record, or of the time for which one is kept for it.
NUMBERS: Final = "CREATE TABLE IF NOT EXISTS number (number TEXT PRIMARY KEY, key BLOB NOT NULL, until REAL)"
INDEX: Final = "CREATE INDEX IF NOT EXISTS records_of ON record (organizer, made)"


class SqliteRecords:
    """`pyc3p.state.shared.SharedRecords`. ``ask`` has the thread of the file do something."""

    def __init__(
        self,
        ask: Callable[[Callable[[], object]], Awaitable[object]],
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        clock: Callable[[], float],
    ) -> None:
        """``clock`` gives POSIX seconds: the end of a record is such a time."""
        self._ask, self._transaction, self._clock = ask, transaction, clock

    async def find(self, key: str) -> ConferenceRecord | None:
        """The record of a conference."""
        found = await self._ask(lambda: self._rows("key = ?", key_octets(key), 1))
        assert isinstance(found, list)
        return found[0] if found else None

    async def of_organizer(self, organizer_key: str, limit: int) -> tuple[ConferenceRecord, ...]:
        """Those of an organizer, oldest first."""
        found = await self._ask(lambda: self._rows("organizer = ?", key_octets(organizer_key), limit))
        assert isinstance(found, list)
        return tuple(found)

    async def of_number(self, number: str) -> ConferenceRecord | None:
        """The record with a dial-in number."""
        found = await self._ask(
            lambda: self._rows("key = (SELECT key FROM number WHERE number = ?)", number, 1),
        )
        assert isinstance(found, list)
        return found[0] if found and found[0].dial_in == number else None

    async def reserve(self, number: str, key: str) -> bool:
        """Keep a number for the record with that key, which is about to be written; false when another has it."""
        return bool(await self._ask(lambda: self._reserve(number, key_octets(key))))

    async def write(
        self,
        key: str,
        organizer_key: str,
        before: ConferenceRecord | None,
        after: ConferenceRecord | None,
        *,
        wall_clock: float,
    ) -> Written:
        """Add a record, replace one, or remove it, in one step."""
        written = await self._ask(
            lambda: self._write(key_octets(key), key_octets(organizer_key), before, after, wall_clock)
        )
        assert isinstance(written, Written)
        return written

    # In the thread ---------------------------------------------------------------------------------------------------

    def _rows(self, which: str, value: bytes | str, limit: int) -> list[ConferenceRecord]:
        query = f"SELECT value FROM record WHERE {which} AND (ends IS NULL OR ends > ?) ORDER BY made, key LIMIT ?"
        with self._transaction() as database:
            rows = database.execute(query, (value, self._clock(), limit)).fetchall()
        return [record for (text,) in rows if (record := _read(text)) is not None]

    def _write(
        self,
        key: bytes,
        organizer: bytes,
        before: ConferenceRecord | None,
        after: ConferenceRecord | None,
        wall_clock: float,
    ) -> Written:
        number = next((each.dial_in for each in (after, before) if each is not None and each.dial_in), None)
        with self._transaction() as database:
            self._forget_old(database)
            if after is None:
                database.execute("DELETE FROM record WHERE key = ?", (key,))
                database.execute("DELETE FROM number WHERE number = ? AND key = ?", (number, key))
                return Written.DONE
            present = database.execute("SELECT version, made FROM record WHERE key = ?", (key,)).fetchone()
            made = wall_clock
            if before is None:
                if present is not None:
                    return Written.EXISTS
                counted = database.execute("SELECT count(*) FROM record WHERE organizer = ?", (organizer,)).fetchone()
                if counted[0] >= PER_ORGANIZER:
                    return Written.FULL
            elif present is None or present[0] != before.version:
                return Written.CHANGED
            else:
                made = present[1]
            if number is not None:
                holder = database.execute("SELECT key FROM number WHERE number = ?", (number,)).fetchone()
                if holder is not None and holder[0] != key:
                    return Written.FULL
                held = (number, key, after.expires_at)
                database.execute("INSERT OR REPLACE INTO number VALUES (?, ?, ?)", held)
            row = (key, organizer, made, after.expires_at, after.version, json.dumps(written_record(after)))
            database.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?)", row)
        return Written.DONE

    def _reserve(self, number: str, key: bytes) -> bool:
        with self._transaction() as database:
            self._forget_old(database)
            kept = (number, key, self._clock() + _RESERVED)
            return database.execute("INSERT OR IGNORE INTO number VALUES (?, ?, ?)", kept).rowcount == 1

    def _forget_old(self, database: sqlite3.Connection) -> None:
        database.execute("DELETE FROM record WHERE ends <= ?", (self._clock(),))
        database.execute("DELETE FROM number WHERE until <= ?", (self._clock(),))


def _read(text: str) -> ConferenceRecord | None:
    """A record as it was written; what is none counts as absent."""
    with contextlib.suppress(SipError, KeyError, TypeError, ValueError):
        return read_record(json.loads(text))
    return None
