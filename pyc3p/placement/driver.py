"""Has the store do what a member wants, and brings the answers back: asyncio around `pyc3p.placement.placed`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyc3p.placement.events import Claim, FindOwner, Leave, ListClaims, Operation, Release, Renew, Rewrite
from pyc3p.placement.placed import PlacedFocus
from pyc3p.placement.store import LeaseLost, PlacementStore
from pyc3p.state.store import StoreUnavailable


class StoreDriver:
    """One for each node. ``moved`` is called when the machines have moved; after each of their steps call ``worked``.

    The member itself gives up answers that do not come.
    """

    def __init__(self, placed: PlacedFocus, store: PlacementStore, *, moved: Callable[[], None]) -> None:
        self.failing: str | None = None  #: why the store could not be asked the last time
        self._placed, self._store, self._moved = placed, store, moved
        self._tasks: set[asyncio.Task[None]] = set()

    def worked(self) -> None:
        """Begin what the member wants."""
        loop = asyncio.get_running_loop()
        for number, operation in self._placed.member.operations(now=loop.time()):
            task = loop.create_task(self._carry_out(number, operation))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, number: int, operation: Operation) -> None:
        clock = asyncio.get_running_loop().time
        try:
            answer = await self._ask(operation)
        except LeaseLost:
            self._placed.failed(number, lost=True, now=clock())
        except StoreUnavailable as error:
            self.failing = str(error)
            self._placed.failed(number, now=clock())
        except Exception as error:  # it is asked for again, as when the store was away
            self.failing = f"{type(error).__name__}: {error}"
            self._placed.failed(number, now=clock())
        else:
            self.failing = None
            self._placed.done(number, answer, now=clock())
        self._moved()

    async def _ask(self, operation: Operation) -> object:
        store = self._store
        match operation:
            case Renew():
                return await store.renew(operation.node, lifetime=operation.lifetime)
            case Leave():
                await store.leave(operation.node)
            case Claim():
                return await store.claim(operation.key, operation.node, held=operation.held, above=operation.above)
            case FindOwner():
                return await store.owner(operation.key)
            case ListClaims():
                return await store.claims_of(operation.name)
            case Rewrite():
                await store.rewrite(operation.key, operation.node, operation.pieces)
            case Release():
                await store.release(operation.key, operation.node, epoch=operation.epoch)
        return None

    async def close(self) -> None:
        """Wait for nothing more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
