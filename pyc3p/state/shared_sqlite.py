"""One SQLite file that the nodes of one machine share: their leases, their claims, and the state of their conferences.

Each operation is a transaction that begins with the lock of the file (``BEGIN IMMEDIATE``), so that of two processes
that ask at once one comes first. A node that is killed lets go of the lock at once. What was committed outlasts the
process; after a loss of power the last moment may be missing, as it may be from a Redis.

**Time.** A lease ends by the monotonic clock, which is the same for all processes of a machine, and which nobody sets.
It begins anew when the machine does: a lease that would last longer than it was given for is one of before.

**A file that is gone**, or another one, while nodes have it open, is a store that forgot everything: each renewal looks
whether the file is still the one that is open.

Not for a file system that several machines share: SQLite's locks do not hold there, and clocks differ.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from mcu import is_factory_place
from pyc3p.placement.belonging import Belonging
from pyc3p.placement.store import Claimed, Granted, LeaseLost, Node, Nodes, Refused, Whole
from pyc3p.state import shared_sqlite_records as records
from pyc3p.state.shared import SharedStore
from pyc3p.state.shared_sqlite_records import SqliteRecords
from pyc3p.state.sqlite_file import Job, SqliteFile
from pyc3p.state.store import StoreUnavailable, is_under, key_octets, read_key
from sip import Piece

#: Seconds after its last change for which the state of a conference is kept that no node has (`RedisSettings`).
LIFETIME: Final = 24 * 3600.0
#: Seconds between two looks for such state, and for what was told long ago.
_TIDYING: Final = 600.0
#: Seconds between two looks for news; nothing waits for them that a person waits for.
_LISTENING: Final = 0.2
#: Seconds for which news are kept: whoever has not looked for so long makes up for them by looking at everything.
_NEWS: Final = 60.0

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS node (name TEXT PRIMARY KEY, incarnation TEXT NOT NULL, address TEXT NOT NULL,"
    " until REAL NOT NULL, lifetime REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS claim (key BLOB PRIMARY KEY, node TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " changed REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS claims_of ON claim (node)",
    "CREATE TABLE IF NOT EXISTS piece (conference BLOB, key BLOB, value BLOB NOT NULL, PRIMARY KEY (conference, key))"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS own (node TEXT, key BLOB, value BLOB NOT NULL, PRIMARY KEY (node, key)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS place (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS news (number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, teller TEXT NOT NULL,"
    " conference BLOB, key BLOB, value BLOB)",
    records.TABLE,
    records.NUMBERS,
    records.INDEX,
)


class SharedSqliteStore(SqliteFile, SharedStore):
    """State and placement of one node. ``clock`` and ``wall_clock`` are those of the machine, in seconds."""

    application = 0x4333504E  #: "C3PN"
    version = 1
    patience = 0.5  #: it is half of the time for an answer (`LeaseSettings`)
    locked = (StoreUnavailable, "another node has locked it for too long")

    def __init__(
        self,
        path: Path,
        node: Node,
        *,
        synchronous: str = "normal",
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises ValueError for a ``synchronous`` that is none of `pyc3p.state.sqlite_file.SYNCHRONOUS`."""
        super().__init__(path, synchronous=synchronous)
        self.counters: Counter[str] = Counter()  #: pieces that were refused, because the conference is another's
        self._node, self._clock, self._wall_clock = node, clock, wall_clock
        self._epochs: dict[str, int] = {}  #: of our claims, by conference; for the thread, as all below
        self._belonging = Belonging()
        self._identity: tuple[int, int] | None = None  #: of the file that is open
        self._tidy_at = 0.0
        self._writing = asyncio.Lock()  #: for this side: what is written whole is so after what was begun before it
        self._records = SqliteRecords(self._ask, self._transaction, wall_clock)

    @property
    def where(self) -> str:
        """What to call it."""
        return f"SQLite at {self.path}"

    @property
    def records(self) -> SqliteRecords:
        """The conference records."""
        return self._records

    def _prepare(self, database: sqlite3.Connection) -> None:
        self._check(database)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA synchronous={self._synchronous}")
        database.execute("BEGIN IMMEDIATE")
        self._check(database)  # another node may have been quicker
        self._sign(database)
        for statement in _SCHEMA:
            database.execute(statement)
        for name in ("run", "secret"):
            database.execute("INSERT OR IGNORE INTO fact VALUES (?, ?)", (name, secrets.token_hex(32)))
        database.execute("COMMIT")
        found = self.path.stat()
        self._identity = (found.st_dev, found.st_ino)

    def _fact(self, name: str) -> str:
        with self._transaction() as database:
            (value,) = database.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(value)

    # Leases ----------------------------------------------------------------------------------------------------------

    async def renew(self, node: Node, *, lifetime: float) -> Nodes:
        """`PlacementStore.renew`. Raises LeaseLost when another process has the name."""
        return await self._ask(partial(self._renew, node, lifetime))

    def _renew(self, node: Node, lifetime: float) -> Nodes:
        self._look_at_file()
        now = self._clock()
        with self._transaction() as database:
            lease = self._lease(database, node.name)
            if lease not in (None, node.incarnation):
                raise LeaseLost(f"another process is called {node.name}")
            row = (node.name, node.incarnation, node.address, now + lifetime, lifetime)
            database.execute("INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?, ?)", row)
            self._tidy(database, now)
            rows = database.execute("SELECT name, address FROM node ORDER BY name").fetchall()
            alive = {name: address for name, address in rows if self._lease(database, name) is not None}
            counted = database.execute("SELECT count(*) FROM claim WHERE node = ?", (node.name,)).fetchone()
            run = database.execute("SELECT value FROM fact WHERE name = 'run'").fetchone()
        gone = tuple(name for name, _ in rows if name not in alive)
        return Nodes(run=run[0], alive=alive, gone=gone, claims=counted[0])

    def _look_at_file(self) -> None:
        """Somebody may have removed it, or put another one in its place: that one counts."""
        try:
            found = self.path.stat()
            same = (found.st_dev, found.st_ino) == self._identity
        except FileNotFoundError:
            same = False
        if not same and self._database is not None:
            self._database.close()
            self._database = None

    def _lease(self, database: sqlite3.Connection, name: str) -> str | None:
        """The incarnation that has the lease of a name; None for nobody."""
        found = database.execute("SELECT incarnation, until, lifetime FROM node WHERE name = ?", (name,)).fetchone()
        valid = found is not None and 0.0 < found[1] - self._clock() <= found[2]
        return str(found[0]) if valid else None

    def _tidy(self, database: sqlite3.Connection, now: float) -> None:
        if now < self._tidy_at:
            return
        self._tidy_at, wall_clock = now + _TIDYING, self._wall_clock()
        database.execute("DELETE FROM news WHERE at < ? OR at > ?", (wall_clock - _NEWS, wall_clock + _NEWS))
        old = database.execute("SELECT key, node FROM claim WHERE changed < ?", (wall_clock - LIFETIME,)).fetchall()
        for key, name in old:
            if self._lease(database, name) is None:
                _drop(database, key)

    async def leave(self, node: Node) -> None:
        """`PlacementStore.leave`."""
        await self._ask(partial(self._leave, node))

    def _leave(self, node: Node) -> None:
        with self._transaction() as database:
            which = (node.name, node.incarnation)
            database.execute("UPDATE node SET until = 0 WHERE name = ? AND incarnation = ?", which)

    # Claims ----------------------------------------------------------------------------------------------------------

    async def claim(self, key: str, node: Node, *, held: int, above: int) -> Granted | Refused:
        """`PlacementStore.claim`. Raises LeaseLost when the lease of ``node`` is over."""
        return await self._ask(partial(self._claim, key, node, held, above))

    def _claim(self, key: str, node: Node, held: int, above: int) -> Granted | Refused:
        octets, pieces = key_octets(key), list[Piece]()
        with self._transaction() as database:
            if self._lease(database, node.name) != node.incarnation:
                raise LeaseLost(node.name)
            found = database.execute("SELECT node, epoch FROM claim WHERE key = ?", (octets,)).fetchone()
            owner, epoch = found or ("", 0)
            others = owner not in ("", node.name) and self._lease(database, owner) is not None
            if others and epoch >= held:
                self._forget(key)
                return Refused(node=owner)
            granted = held if epoch < held > above else max(epoch, above, held) + 1
            row = (octets, node.name, granted, self._wall_clock())
            database.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?)", row)
            if not held:
                pieces = _pieces(database, octets)
        self._epochs[key] = granted
        for piece in pieces:
            self._belonging.conference_of(piece)
        return Granted(epoch=granted, pieces=tuple(pieces))

    async def owner(self, key: str) -> Claimed | None:
        """`PlacementStore.owner`."""
        return await self._ask(partial(self._owner, key_octets(key)))

    def _owner(self, key: bytes) -> Claimed | None:
        with self._transaction() as database:
            found = database.execute("SELECT node FROM claim WHERE key = ?", (key,)).fetchone()
            if found is None:
                return None
            return Claimed(node=found[0], alive=self._lease(database, found[0]) is not None)

    async def claims_of(self, name: str) -> list[str]:
        """`PlacementStore.claims_of`."""
        return await self._ask(partial(self._claims_of, name))

    def _claims_of(self, name: str) -> list[str]:
        with self._transaction() as database:
            rows = database.execute("SELECT key FROM claim WHERE node = ?", (name,)).fetchall()
            if not rows and self._lease(database, name) is None:
                database.execute("DELETE FROM node WHERE name = ?", (name,))
        return sorted(read_key(key) for (key,) in rows)

    async def release(self, key: str, node: Node, *, epoch: int) -> None:
        """`PlacementStore.release`."""
        await self._ask(partial(self._release, key, node, epoch))

    def _release(self, key: str, node: Node, epoch: int) -> None:
        with self._transaction() as database:
            if self._is_ours(database, key, node, epoch):
                _drop(database, key_octets(key))
        if self._epochs.get(key) == epoch:
            self._forget(key)

    async def rewrite(self, key: str, node: Node, pieces: Whole) -> None:
        """`PlacementStore.rewrite`."""
        async with self._writing:
            given = pieces()
            if given is not None:
                await self._ask(partial(self._rewrite, key, node, given))

    def _rewrite(self, key: str, node: Node, pieces: Sequence[Piece]) -> None:
        octets = key_octets(key)
        with self._transaction() as database:
            if self._is_ours(database, key, node, self._epochs.get(key, 0)):
                database.execute("DELETE FROM piece WHERE conference = ?", (octets,))
                _put_pieces(database, octets, pieces)

    @staticmethod
    def _is_ours(database: sqlite3.Connection, key: str, node: Node, epoch: int) -> bool:
        found = database.execute("SELECT node, epoch FROM claim WHERE key = ?", (key_octets(key),)).fetchone()
        return bool(found == (node.name, epoch))

    def _forget(self, key: str) -> None:
        self._epochs.pop(key, None)
        self._belonging.forget(key)

    # State -----------------------------------------------------------------------------------------------------------

    async def load(self, prefix: str = "") -> list[Piece]:
        """`StateStore.load`: what belongs to the node or to all; conferences come with their claims."""
        return await self._ask(partial(self._load, prefix))

    def _load(self, prefix: str) -> list[Piece]:
        with self._transaction() as database:
            rows = database.execute("SELECT key, value FROM own WHERE node = ?", (self._node.name,)).fetchall()
            rows += database.execute("SELECT key, value FROM place").fetchall()
        pieces = [Piece(read_key(key), value) for key, value in rows]
        return [piece for piece in pieces if is_under(piece.key, prefix)]

    async def load_places(self) -> list[Piece]:
        """Which MCU has which conference, as all MCU Factories have written it. Raises StoreUnavailable."""
        return [piece for piece in await self.load() if is_factory_place(piece)]

    async def load_conference(self, key: str) -> list[Piece]:
        """What is written of one conference, whoever has it. Raises StoreUnavailable."""
        return await self._ask(lambda: _pieces(self._opened(), key_octets(key)))

    async def write(self, pieces: Sequence[Piece]) -> None:
        """`StateStore.write`. What belongs to a conference that is not ours is left out and counted."""
        async with self._writing:
            await super().write(pieces)

    def _write_pieces(self, pieces: Sequence[Piece]) -> None:
        database = self._opened()
        homes: defaultdict[str | None, list[Piece]] = defaultdict(list)
        for piece in pieces:
            if is_factory_place(piece):
                self._put_place(database, piece)
            else:
                homes[self._belonging.conference_of(piece)].append(piece)
        for conference, kept in homes.items():
            if conference is None:
                _put_own(database, self._node.name, kept)
            elif conference not in self._epochs:
                self.counters["not claimed"] += 1
            elif self._is_ours(database, conference, self._node, self._epochs[conference]):
                octets = key_octets(conference)
                _put_pieces(database, octets, kept)
                database.execute("UPDATE claim SET changed = ? WHERE key = ?", (self._wall_clock(), octets))
            else:
                self.counters["written by another node"] += 1

    def _write(self, jobs: Sequence[Job]) -> None:
        super()._write(jobs)
        self._belonging.removed([piece for job in jobs for piece in job.pieces])

    def _put_place(self, database: sqlite3.Connection, piece: Piece) -> None:
        key = key_octets(piece.key)
        if piece.value is None:
            database.execute("DELETE FROM place WHERE key = ?", (key,))
        else:
            database.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (key, piece.value))
        self._tell(database, None, key, piece.value)

    # For all nodes ---------------------------------------------------------------------------------------------------

    async def shared_secret(self) -> str:
        """`SharedStore.shared_secret`."""
        return await self._ask(partial(self._fact, "secret"))

    async def tell_changed(self, conference_uri: str) -> None:
        """`SharedStore.tell_changed`."""
        await self._ask(partial(self._tell_changed, key_octets(conference_uri)))

    def _tell_changed(self, conference: bytes) -> None:
        with self._transaction() as database:
            self._tell(database, conference, None, None)

    def _tell(
        self, database: sqlite3.Connection, conference: bytes | None, key: bytes | None, value: bytes | None
    ) -> None:
        row = (self._wall_clock(), self._node.incarnation, conference, key, value)
        database.execute("INSERT INTO news (at, teller, conference, key, value) VALUES (?, ?, ?, ?, ?)", row)

    async def news(self) -> AsyncIterator[str | Piece | None]:
        """`SharedStore.news`: the file is looked at now and then."""
        before: tuple[str, int] | None = None
        while True:
            heard, told = await self._ask(partial(self._news, before))
            if before is None or before[0] != heard[0]:
                yield None
            before = heard
            for each in told:
                yield each
            await asyncio.sleep(_LISTENING)

    def _news(self, heard: tuple[str, int] | None) -> tuple[tuple[str, int], list[str | Piece | None]]:
        """What was told since; after another file, or a long time, that everything has to be looked at."""
        with self._transaction() as database:
            (run,) = database.execute("SELECT value FROM fact WHERE name = 'run'").fetchone()
            first, last = database.execute("SELECT min(number), max(number) FROM news").fetchone()
            numbers = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'news'").fetchone()
            latest = numbers[0] if numbers is not None else 0
            if heard is None or heard[0] != run:
                return (run, latest), []
            query = "SELECT teller, conference, key, value FROM news WHERE number > ? ORDER BY number"
            rows = database.execute(query, (heard[1],)).fetchall() if last is not None else []
        missed = latest > heard[1] and (first is None or first > heard[1] + 1)
        told: list[str | Piece | None] = [None] if missed else []
        for teller, conference, key, value in rows:
            if conference is not None:
                told.append(read_key(conference))
            elif teller != self._node.incarnation:
                told.append(Piece(read_key(key), value))
        return (run, latest), told


def _pieces(database: sqlite3.Connection, conference: bytes) -> list[Piece]:
    rows = database.execute("SELECT key, value FROM piece WHERE conference = ?", (conference,)).fetchall()
    return [Piece(read_key(key), value) for key, value in rows]


def _put_pieces(database: sqlite3.Connection, conference: bytes, pieces: Sequence[Piece]) -> None:
    kept = [(conference, key_octets(piece.key), piece.value) for piece in pieces if piece.value is not None]
    gone = [(conference, key_octets(piece.key)) for piece in pieces if piece.value is None]
    database.executemany("INSERT OR REPLACE INTO piece VALUES (?, ?, ?)", kept)
    database.executemany("DELETE FROM piece WHERE conference = ? AND key = ?", gone)


def _put_own(database: sqlite3.Connection, node: str, pieces: Sequence[Piece]) -> None:
    kept = [(node, key_octets(piece.key), piece.value) for piece in pieces if piece.value is not None]
    gone = [(node, key_octets(piece.key)) for piece in pieces if piece.value is None]
    database.executemany("INSERT OR REPLACE INTO own VALUES (?, ?, ?)", kept)
    database.executemany("DELETE FROM own WHERE node = ? AND key = ?", gone)


def _drop(database: sqlite3.Connection, conference: bytes) -> None:
    database.execute("DELETE FROM claim WHERE key = ?", (conference,))
    database.execute("DELETE FROM piece WHERE conference = ?", (conference,))
