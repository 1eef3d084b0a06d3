"""The writer: what changed is written, what waits is let go, and a store that fails stops nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from pyc3p.state import MemoryStore, StateWriter, StoreUnavailable, writer
from sip import Piece, StateChange


class Element:
    """An element whose state is what it is told."""

    def __init__(self) -> None:
        self.changed: dict[str, Piece] = {}
        self.given = self.released = 0

    def set(self, key: str, value: bytes | None) -> None:
        self.changed[key] = Piece(key, value)

    def change_to_save(self) -> StateChange | None:
        if not self.changed:
            return None
        self.given += 1
        pieces = tuple(self.changed.values())
        self.changed.clear()
        return StateChange(self.given, pieces)

    def persisted(self, id: int) -> None:
        assert self.released <= id <= self.given
        self.released = id


class Store(MemoryStore):
    """One that takes what it takes when it is let, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self.fails: str | None = None
        self.writes: list[Sequence[Piece]] = []

    async def write(self, pieces: Sequence[Piece]) -> None:
        await self.open.wait()
        if self.fails is not None:
            raise StoreUnavailable(self.fails)
        self.writes.append(pieces)
        await super().write(pieces)


class Scene:
    def __init__(self) -> None:
        self.element, self.store = Element(), Store()
        self.told: list[str | None] = []
        self.released: list[int] = []
        self.writer = StateWriter(
            self.element,
            self.store,
            written=lambda: self.released.append(self.element.released),
            told=self.told.append,
        )

    def change(self, **values: bytes | None) -> None:
        for key, value in values.items():
            self.element.set(key, value)
        self.writer.worked()

    async def rest(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def stored(self) -> dict[str, bytes | None]:
        return {piece.key: piece.value for piece in await self.store.load()}


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def played() -> None:
        await scene(Scene())

    asyncio.run(played())


def test_what_changes_while_a_write_is_under_way_is_the_next_one() -> None:
    async def scene(s: Scene) -> None:
        s.store.open.clear()
        s.change(a=b"1")
        await s.rest()
        s.change(a=b"2")
        s.change(b=b"1")
        await s.rest()
        assert s.element.released == 0
        s.store.open.set()
        await s.rest()
        assert [len(each) for each in s.store.writes] == [1, 2]
        assert s.released == [1, 2]
        assert await s.stored() == {"a": b"2", "b": b"1"}
        assert s.told == []
        assert s.writer.pieces == 3

    play(scene)


def test_a_store_that_fails_is_told_once_and_lets_everything_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY", 0.0)

    async def scene(s: Scene) -> None:
        s.store.fails = "the disk is full"
        s.change(a=b"1")
        await s.rest()
        assert s.element.released == s.element.given
        for number in range(5):
            s.change(a=b"%d" % number, b=None)
            assert s.element.released == s.element.given  # at once
            await s.rest()
        assert s.told == ["the disk is full"]
        assert s.writer.failing == "the disk is full"
        assert s.writer.behind == 2  # by key, however often they changed
        s.store.fails = None
        await asyncio.sleep(0.01)
        assert s.told == ["the disk is full", None]
        assert s.writer.failing is None
        assert s.writer.behind == 0
        assert await s.stored() == {"a": b"4"}
        s.change(c=b"1")
        await s.rest()
        assert await s.stored() == {"a": b"4", "c": b"1"}

    play(scene)


def test_the_last_change_is_written_when_the_server_stops() -> None:
    async def scene(s: Scene) -> None:
        s.change(a=b"1")
        s.element.set("b", b"1")
        kept = s.store._values
        await s.writer.close()
        assert kept == {"a": b"1", "b": b"1"}
        assert s.element.released == s.element.given

    play(scene)


def test_a_store_that_fails_does_not_keep_the_server_from_stopping() -> None:
    async def scene(s: Scene) -> None:
        s.store.fails = "it is gone"
        s.change(a=b"1")
        await s.rest()
        await s.writer.close()
        assert s.element.released == s.element.given
        assert s.told == ["it is gone"]

    play(scene)


def test_a_store_that_hangs_is_told_once_lets_everything_go_and_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "LONGEST_WRITE", 0.01)

    async def scene(s: Scene) -> None:
        s.store.open.clear()
        s.change(a=b"1")
        async with asyncio.timeout(10):
            while s.element.released < s.element.given:
                await asyncio.sleep(0.001)
        assert s.told == ["no answer for 0.01 s"]
        assert s.writer.failing == "no answer for 0.01 s"
        for number in range(5):
            s.change(a=b"%d" % number)
            assert s.element.released == s.element.given  # at once
        assert s.writer.behind == 1
        s.store.open.set()
        await s.rest()
        assert [[piece.value for piece in each] for each in s.store.writes] == [[b"1"], [b"4"]]
        assert s.told == ["no answer for 0.01 s", None]
        assert s.writer.failing is None
        s.store.open.clear()
        s.change(a=b"5")
        await s.rest()
        assert s.element.released < s.element.given  # it is waited for again
        s.store.open.set()
        await s.writer.close()
        assert s.store.writes[-1][0].value == b"5"

    play(scene)


def test_a_store_that_hangs_does_not_keep_the_server_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LONGEST_WRITE", 0.01)
    monkeypatch.setattr(writer, "LAST_WRITE", 0.01)

    async def scene(s: Scene) -> None:
        s.store.open.clear()
        s.change(a=b"1")
        await s.rest()
        async with asyncio.timeout(10):
            await s.writer.close()
        assert s.element.released == s.element.given
        assert len(asyncio.all_tasks()) == 1  # nothing waits any more

    play(scene)


def test_a_store_with_a_mistake_is_one_that_fails() -> None:
    async def scene(s: Scene) -> None:
        async def broken(pieces: Sequence[Piece]) -> None:
            raise ZeroDivisionError("of its own")

        s.store.write = broken  # type: ignore[method-assign]
        s.change(a=b"1")
        await s.rest()
        assert s.told == ["ZeroDivisionError: of its own"]
        assert s.element.released == s.element.given
        await s.writer.close()

    play(scene)
