"""State in one SQLite file: what a server keeps over a restart when nobody asked for more."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pyc3p.state.sqlite_file import SqliteFile
from pyc3p.state.store import StateStore, key_octets, read_key
from sip import Piece


class SqliteStore(SqliteFile, StateStore):
    """Pieces in a table of one file. Two servers cannot have one file open.

    It holds what its callers wait for and no more.
    """

    application = 0x43335053  #: "C3PS"
    version = 1

    async def load(self, prefix: str = "") -> list[Piece]:
        """`StateStore.load`."""
        found: list[Piece] = await self._ask(lambda: self._load(prefix))
        return found

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Take the file for ourselves."""
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._check(database)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA synchronous={self._synchronous}")
        database.execute("BEGIN IMMEDIATE")  # from now on the file is ours alone
        self._sign(database)
        database.execute("CREATE TABLE IF NOT EXISTS piece (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
        database.execute("COMMIT")

    def _load(self, prefix: str) -> list[Piece]:
        rows: sqlite3.Cursor
        if prefix:
            start = key_octets(prefix)
            query = "SELECT key, value FROM piece WHERE key = ? OR (key > ? AND key < ?)"
            rows = self._opened().execute(query, (start, start + b"/", start + b"0"))  # "0" follows "/"
        else:
            rows = self._opened().execute("SELECT key, value FROM piece")
        pieces = []
        for key, value in rows:
            if not isinstance(key, bytes) or not isinstance(value, bytes):  # SQLite reads some damage as NULL
                raise sqlite3.DatabaseError("the file is damaged: a piece without key or value")
            pieces.append(Piece(read_key(key), value))
        return pieces

    def _write_pieces(self, pieces: Sequence[Piece]) -> None:
        database = self._opened()
        kept = [(key_octets(piece.key), piece.value) for piece in pieces if piece.value is not None]
        gone = [(key_octets(piece.key),) for piece in pieces if piece.value is None]
        database.executemany("INSERT OR REPLACE INTO piece VALUES (?, ?)", kept)
        database.executemany("DELETE FROM piece WHERE key = ?", gone)
