"""A SQLite file in a thread of its own: SQLite blocks, and machines must not.

Writes that wait while it writes become one transaction: the disk is asked once for all of them.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import attrs

from pyc3p.state.store import StoreInUse, StoreUnavailable
from sip import Piece

T = TypeVar("T")

#: Seconds in which the thread has to finish what was begun when the store is closed; a disk may hang for ever.
_LAST: Final = 5.0
#: Writes that become one transaction at most, so that the first of them does not wait for ever.
_MOST_TOGETHER: Final = 1_000
#: What SQLite says, what that means for a server, and how an operator would say it.
_REASONS: Final = (
    ("not a database", StoreInUse, "it is no SQLite database"),
    ("readonly", StoreUnavailable, "it cannot be written"),
    ("full", StoreUnavailable, "the disk is full"),
)
#: Ways to write: ``full`` waits until the disk has it, and outlasts a loss of power; ``normal`` outlasts a loss of the
#: process, and is quicker on slow disks.
SYNCHRONOUS: Final = ("full", "normal")


@attrs.frozen(eq=False)
class Job:
    """Something for the thread: pieces to write, or anything else to do with the database."""

    future: asyncio.Future[Any]
    pieces: Sequence[Piece] = ()
    action: Callable[[], Any] | None = None

    def done(self, result: object) -> None:
        """Tell the caller what came of it."""
        self._tell(lambda: self.future.set_result(result))

    def failed(self, error: Exception) -> None:
        """Tell the caller that it failed."""
        self._tell(lambda: self.future.set_exception(error))

    def _tell(self, tell: Callable[[], None]) -> None:
        def unless_done() -> None:  # a caller may have been cancelled
            if not self.future.done():
                tell()

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.future.get_loop().call_soon_threadsafe(unless_done)


class SqliteFile(abc.ABC):
    """One file, which only its owner can read. What is in it, and who else may have it open, its kinds say."""

    #: Of the file: four letters, so that another program's database is not taken for ours.
    application: int
    version: int  #: of the tables
    patience: float = 1.0  #: seconds for which a file that another process has locked is waited for
    locked: tuple[type[StoreUnavailable], str] = (StoreInUse, "another server uses it")  #: what is said after that

    def __init__(self, path: Path, *, synchronous: str = "full") -> None:
        """Raises ValueError for a ``synchronous`` that is none of `SYNCHRONOUS`."""
        if synchronous not in SYNCHRONOUS:
            raise ValueError(f"synchronous is one of {', '.join(SYNCHRONOUS)}, not {synchronous!r}")
        self.path = path
        self.transactions = 0  #: of pieces that were written: how often the disk was asked
        self._synchronous = synchronous
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._database: sqlite3.Connection | None = None
        self._closed = False

    # For its kinds ---------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def _prepare(self, database: sqlite3.Connection) -> None:
        """Take the file, see to it that it is one of ours, and that its tables are there."""

    @abc.abstractmethod
    def _write_pieces(self, pieces: Sequence[Piece]) -> None:
        """Write pieces, each key once, inside of a transaction."""

    def _check(self, database: sqlite3.Connection) -> None:
        """Raises StoreInUse for the database of another program, or of a later version."""
        (application,), (version,) = (
            database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        empty = database.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
        if application != self.application and not empty:
            raise StoreInUse(f"{self.path} is the database of another program")
        if version > self.version:
            raise StoreInUse(f"{self.path} was written by a later pyc3p: version {version}, known is {self.version}")

    def _sign(self, database: sqlite3.Connection) -> None:
        """It is ours from now on."""
        database.execute(f"PRAGMA application_id={self.application}")
        database.execute(f"PRAGMA user_version={self.version}")

    # This side -------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the file, or make it. Raises StoreUnavailable: a file of another program, in use, not to be written."""
        await self._ask(self._open)

    async def write(self, pieces: Sequence[Piece]) -> None:
        """`StateStore.write`."""
        await self._done(Job(self._future(), pieces=pieces))

    async def close(self) -> None:
        """`StateStore.close`."""
        self._closed = True
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, thread.join, _LAST)

    @staticmethod
    def _future() -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    async def _ask(self, action: Callable[[], T]) -> T:
        """Have the thread do something; it is in the queue when this first waits."""
        found: T = await self._done(Job(self._future(), action=action))
        return found

    async def _done(self, job: Job) -> Any:
        if self._closed:
            raise StoreUnavailable(f"{self.path} is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="state", daemon=True)
            self._thread.start()
        self._jobs.put(job)
        return await job.future

    # The thread ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        more: deque[Job | None] = deque()
        while (job := more.popleft() if more else self._jobs.get()) is not None:
            if job.action is not None:
                self._carry_out([job], job.action)
                continue
            together = [job]
            with contextlib.suppress(Empty):
                while not more and len(together) < _MOST_TOGETHER:
                    following = self._jobs.get_nowait()
                    if following is None or following.action is not None:
                        more.append(following)
                    else:
                        together.append(following)
            self._carry_out(together, partial(self._write, together))
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _carry_out(self, jobs: Sequence[Job], action: Callable[[], object]) -> None:
        try:
            result = action()
        except (sqlite3.Error, OSError) as error:
            kind, reason = _reason(error, self.locked)
            for job in jobs:
                job.failed(kind(f"{self.path}: {reason}"))
        except StoreUnavailable as failure:
            for job in jobs:
                job.failed(failure)
        except Exception as error:  # a mistake of ours, or a piece that is none: the thread goes on with the next
            for job in jobs:
                job.failed(error)
        else:
            for job in jobs:
                job.done(result)

    def _open(self) -> None:
        if self._database is not None:
            return
        if self.path.exists() and not self.path.is_file():
            raise StoreInUse(f"{self.path} is not a file")
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        database = sqlite3.connect(self.path, timeout=self.patience, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(database)
            if self.path.stat().st_mode & 0o077:  # only now is it known to be ours
                self.path.chmod(0o600)
        except BaseException:
            database.close()
            raise
        self._database = database

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._open()
        assert self._database is not None
        return self._database

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody else in between."""
        database = self._opened()
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
            database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            raise

    def _write(self, jobs: Sequence[Job]) -> None:
        last = {piece.key: piece for job in jobs for piece in job.pieces}
        if last:
            with self._transaction():
                self._write_pieces(tuple(last.values()))
            self.transactions += 1


def _reason(error: Exception, locked: tuple[type[StoreUnavailable], str]) -> tuple[type[StoreUnavailable], str]:
    """What went wrong, in the words of an operator where SQLite has its own."""
    if isinstance(error, OSError):
        return StoreUnavailable, error.strerror or str(error)
    text = str(error)
    if "locked" in text:
        return locked
    for part, kind, reason in _REASONS:
        if part in text:
            return kind, reason
    return StoreUnavailable, text
