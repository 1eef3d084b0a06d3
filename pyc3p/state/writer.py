"""Writes what the machines of a server changed, and lets go what waited for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Final, Protocol

from pyc3p.ops.histogram import SECONDS, Histogram
from pyc3p.state.store import StateStore, StoreUnavailable
from sip import Piece, StateChange

#: Seconds after which a store that failed is tried again.
RETRY: Final = 1.0
#: Seconds after which a store that has not answered is told of like one that fails: ten times what anything waits.
LONGEST_WRITE: Final = 5.0
#: Seconds that the last write gets when the server stops.
LAST_WRITE: Final = 5.0


class Changing(Protocol):
    """An element: what changes there, and waits to be written."""

    def change_to_save(self) -> StateChange | None:
        """Return what changed since the last call."""
        ...

    def persisted(self, id: int) -> None:
        """Let go what waited for a change."""
        ...


class StateWriter:
    """Between one element and a store; one change is under way at a time, what comes meanwhile is the next one.

    A store that fails stops nobody: what waits leaves, what changed is kept by key, as large as the state itself, and
    written once the store takes it again. Whoever loses the process in between loses that, so it is told. A store that
    hangs is one that fails, but it is not asked again before it has answered: it may yet write what it was given.
    """

    def __init__(
        self,
        element: Changing,
        store: StateStore,
        *,
        written: Callable[[], None] = lambda: None,
        told: Callable[[str | None], None] = lambda reason: None,
    ) -> None:
        """``written`` is called when something may leave; ``told`` when the store fails, and with None when it works.

        After each step of the element call ``worked``.
        """
        self.failing: str | None = None  #: why the store takes nothing
        self.pieces = 0  #: that were written
        self.octets = 0  #: of them
        self.failures = 0  #: writes that failed
        self.times = Histogram(SECONDS)  #: seconds of each write
        self._element, self._store = element, store
        self._written, self._told = written, told
        self._unwritten: dict[str, Piece] = {}
        self._under_way: int | None = None  #: the change that is being written, while something waits for it
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def behind(self) -> int:
        """How many pieces the store does not have, beside what is under way."""
        return len(self._unwritten)

    def worked(self) -> None:
        """Look whether something changed, and see to it that it is written."""
        if self.failing is not None:
            self._let_go(self._collect())
        elif self._task is None and not self._closed and (change := self._collect()) is not None:
            self._task = asyncio.get_running_loop().create_task(self._write_all(change))

    async def close(self) -> None:
        """Write what is left, unless the store does not take it, and close the store."""
        self._closed = True
        if (task := self._task) is not None:
            if self.failing is None:
                await asyncio.wait({task}, timeout=LAST_WRITE)
            task.cancel()
            await asyncio.wait({task}, timeout=LAST_WRITE)
            self._let_go(self._under_way)
        self._let_go(self._collect())
        if self._unwritten:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._write(), LAST_WRITE)
        await self._store.close()

    def _collect(self) -> int | None:
        """Take what changed; return the number of the change."""
        change = self._element.change_to_save()
        if change is None:
            return None
        self._unwritten.update((piece.key, piece) for piece in change.pieces)
        return change.id

    def _let_go(self, change: int | None) -> None:
        if change is not None:
            self._element.persisted(change)
            self._written()

    async def _write_all(self, change: int | None) -> None:
        """Write until nothing is left; a store that fails is tried again, and nobody waits for it meanwhile."""
        try:
            while change is not None or self._unwritten:
                self._under_way = change
                done = await self._write()
                self._let_go(self._under_way)
                self._under_way = None
                if not done:
                    await asyncio.sleep(RETRY)
                change = self._collect()
        finally:
            self._task = None

    async def _write(self) -> bool:
        """Write what is not written; whether the store took it."""
        pieces, self._unwritten = self._unwritten, {}
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._patiently(self._store.write(list(pieces.values())))
        except BaseException as error:
            self._unwritten = {**pieces, **self._unwritten}
            if not isinstance(error, Exception):
                raise
            self.failures += 1
            reason = str(error) if isinstance(error, StoreUnavailable) else f"{type(error).__name__}: {error}"
            self._tell(reason)
            return False
        self.times.observe(loop.time() - began)
        self.pieces += len(pieces)
        self.octets += sum(len(piece.value or b"") for piece in pieces.values())
        self._tell(None)
        return True

    async def _patiently(self, write: Coroutine[None, None, None]) -> None:
        """Wait for a write, and let go what waits for it when that takes too long."""
        task = asyncio.ensure_future(write)
        try:
            done, _ = await asyncio.wait({task}, timeout=LONGEST_WRITE)
            if not done:
                self._tell(f"no answer for {LONGEST_WRITE:g} s")
                self._let_go(self._under_way)
                self._under_way = None
            await task
        finally:
            task.cancel()

    def _tell(self, reason: str | None) -> None:
        changed, self.failing = (self.failing is None) != (reason is None), reason
        if changed:
            self._told(reason)
