"""What a store answers reaches the machines, and so does whatever goes wrong with it."""

from __future__ import annotations

import asyncio
from typing import cast

from pyc3p.placement.driver import StoreDriver
from pyc3p.placement.events import Operation, Renew
from pyc3p.placement.memory import MemoryPlacement
from pyc3p.placement.placed import PlacedFocus
from pyc3p.placement.store import Node, Nodes

NODE = Node(name="focus-1", incarnation="a", address="sip:192.0.2.1")


class Broken(MemoryPlacement):
    """A store with a mistake in it."""

    async def renew(self, node: Node, *, lifetime: float) -> Nodes:
        raise UnicodeError("no key")


class Placed:
    """Wants one thing, and notes what becomes of it."""

    def __init__(self) -> None:
        self.member = self
        self.wanted: list[tuple[int, Operation]] = [(1, Renew(NODE, 3.0))]
        self.ended: list[tuple[int, str]] = []

    def operations(self, *, now: float) -> list[tuple[int, Operation]]:
        wanted, self.wanted = self.wanted, []
        return wanted

    def done(self, number: int, result: object, *, now: float) -> None:
        self.ended.append((number, "done"))

    def failed(self, number: int, *, lost: bool = False, now: float) -> None:
        self.ended.append((number, "lost" if lost else "failed"))


def ended(store: MemoryPlacement) -> tuple[list[tuple[int, str]], int, str | None]:
    async def scene() -> tuple[list[tuple[int, str]], int, str | None]:
        placed, moved = Placed(), list[None]()
        driver = StoreDriver(cast("PlacedFocus", placed), store, moved=lambda: moved.append(None))
        driver.worked()
        await asyncio.sleep(0.01)
        await driver.close()
        return placed.ended, len(moved), driver.failing

    return asyncio.run(scene())


def test_an_answer_is_brought_back() -> None:
    assert ended(MemoryPlacement(lambda: 0.0)) == ([(1, "done")], 1, None)


def test_a_store_with_a_mistake_in_it_counts_as_one_that_failed() -> None:
    assert ended(Broken(lambda: 0.0)) == ([(1, "failed")], 1, "UnicodeError: no key")
