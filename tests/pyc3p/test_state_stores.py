"""A store gives back what was last written under each key, whatever it keeps it in."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyc3p.state import MemoryStore, SqliteStore, StateStore, StoreInUse, StoreUnavailable
from sip import Piece, piece_key

PARTS = st.lists(st.sampled_from(["a", "ab", "a/b", "%", "0", "\udcff", "conference"]), min_size=1, max_size=3)
PIECES = st.builds(lambda parts, value: Piece(piece_key(*parts), value), PARTS, st.none() | st.binary(max_size=3))


async def after(store: StateStore, changes: Sequence[Sequence[Piece]], prefix: str = "") -> dict[str, bytes | None]:
    for change in changes:
        await store.write(change)
    found = await store.load(prefix)
    assert len({piece.key for piece in found}) == len(found)
    return {piece.key: piece.value for piece in found}


def expected(changes: Sequence[Sequence[Piece]], parts: Sequence[str]) -> dict[str, bytes | None]:
    last = {piece.key: piece.value for change in changes for piece in change}
    found = {key: value for key, value in last.items() if value is not None}
    wanted = piece_key(*parts).split("/") if parts else []
    return {key: value for key, value in found.items() if key.split("/")[: len(wanted)] == wanted}


@given(st.lists(st.lists(PIECES, max_size=4), max_size=5), PARTS | st.just([]))
def test_the_last_piece_under_a_key_counts_and_a_prefix_means_whole_parts(
    changes: list[list[Piece]], parts: list[str]
) -> None:
    found = asyncio.run(after(MemoryStore(), changes, piece_key(*parts)))
    assert found == expected(changes, parts)


def test_a_closed_store_is_unavailable() -> None:
    async def scene() -> None:
        store = MemoryStore([Piece("a", b"1")])
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await store.write([Piece("a", b"2")])
        with pytest.raises(StoreUnavailable):
            await store.load()

    asyncio.run(scene())


@given(st.lists(st.lists(PIECES, max_size=4), max_size=5), PARTS | st.just([]))
@settings(max_examples=40, deadline=None)
def test_sqlite_gives_back_the_same_and_another_process_does_too(changes: list[list[Piece]], parts: list[str]) -> None:
    async def scene(path: Path) -> None:
        store = SqliteStore(path, synchronous="normal")
        assert await after(store, changes, piece_key(*parts)) == expected(changes, parts)
        await store.close()
        later = SqliteStore(path)
        assert await after(later, [], piece_key(*parts)) == expected(changes, parts)
        await later.close()

    with TemporaryDirectory() as folder:
        asyncio.run(scene(Path(folder) / "state.sqlite"))


def test_what_is_written_while_the_disk_is_busy_goes_together(tmp_path: Path) -> None:
    async def scene() -> None:
        store = SqliteStore(tmp_path / "state")
        await store.open()
        await asyncio.gather(*(store.write([Piece(f"k{number % 7}", b"%d" % number)]) for number in range(200)))
        assert store.transactions < 20
        assert {piece.key: piece.value for piece in await store.load()} == {
            f"k{number % 7}": b"%d" % number for number in range(193, 200)
        }
        await store.close()

    asyncio.run(scene())


def test_only_its_owner_can_read_the_file_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state"

    async def scene() -> None:
        store = SqliteStore(path)
        await store.write([Piece("a", b"1")])
        modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
        assert modes.pop("state") == 0o600
        assert set(modes.values()) <= {0o600}
        await store.close()

    asyncio.run(scene())
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def _refused(path: Path) -> str:
    store = SqliteStore(path)
    try:
        with pytest.raises(StoreUnavailable) as refused:
            await store.open()
    finally:
        await store.close()
    return str(refused.value).removeprefix(f"{path}: ").removeprefix(f"{path} ")


def test_the_thread_outlives_a_piece_that_is_none(tmp_path: Path) -> None:
    async def scene() -> None:
        store = SqliteStore(tmp_path / "state")
        async with asyncio.timeout(10):
            with pytest.raises(AttributeError):
                await store.write([Piece(7, b"1")])  # type: ignore[arg-type]
            await store.write([Piece("a", b"1")])
            assert await store.load() == [Piece("a", b"1")]
        await store.close()

    asyncio.run(scene())


def test_two_servers_cannot_have_one_file(tmp_path: Path) -> None:
    async def scene() -> None:
        store = SqliteStore(tmp_path / "state")
        await store.open()
        assert await _refused(tmp_path / "state") == "another server uses it"
        await store.close()
        later = SqliteStore(tmp_path / "state")
        await later.open()
        await later.close()

    asyncio.run(scene())


def test_a_file_of_another_program_or_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but longer than the header of one " * 20)
    with sqlite3.connect(tmp_path / "other") as database:
        database.execute("CREATE TABLE things (name TEXT)")
    database.close()

    async def scene() -> None:
        store = SqliteStore(tmp_path / "later")
        await store.open()
        await store.close()
        changed = sqlite3.connect(tmp_path / "later")
        changed.execute("PRAGMA user_version=2")
        changed.close()
        assert await _refused(tmp_path / "text") == "it is no SQLite database"
        assert await _refused(tmp_path / "other") == "is the database of another program"
        assert "later pyc3p: version 2" in await _refused(tmp_path / "later")
        assert "not a file" in await _refused(tmp_path)

    asyncio.run(scene())
    assert (tmp_path / "text").read_text().startswith("not a database")


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path) -> None:
    async def scene() -> None:
        store = SqliteStore(tmp_path / "state")
        await store.write([Piece("a", b"1")])
        assert store._database is not None
        pages = store._database.execute("PRAGMA page_count").fetchone()[0]
        store._database.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await store.write([Piece("a", b"2"), Piece("b", bytes(1_000_000))])
        assert await store.load() == [Piece("a", b"1")]
        await store.write([Piece("a", b"3")])
        assert await store.load() == [Piece("a", b"3")]
        await store.close()

    asyncio.run(scene())


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from pyc3p.state import SqliteStore
from sip import Piece

async def scene():
    store = SqliteStore(Path(sys.argv[1]))
    await asyncio.gather(*(store.write([Piece(f"k{n}", b"x" * n)]) for n in range(100)))
    print("answered", flush=True)
    await store.write([Piece("last", b"")])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(scene())
"""


def test_what_was_answered_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "state"
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert (ran.returncode, ran.stdout) == (-9, "answered\n"), ran.stderr

    async def scene() -> None:
        store = SqliteStore(path)
        found = {piece.key: piece.value for piece in await store.load()}
        assert found == {**{f"k{n}": b"x" * n for n in range(100)}, "last": b""}
        await store.close()

    asyncio.run(scene())


def test_what_is_no_file_is_left_alone() -> None:
    before = os.stat(os.devnull).st_mode

    async def scene() -> None:
        with pytest.raises(StoreInUse, match="not a file"):
            await SqliteStore(Path(os.devnull)).load()

    asyncio.run(scene())
    assert os.stat(os.devnull).st_mode == before


def test_a_piece_without_a_key_is_damage_and_no_fault_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    async def scene() -> None:
        store = SqliteStore(path)
        await store.write([Piece("a", b"1")])
        await store.close()
        database = sqlite3.connect(path)
        database.execute("INSERT INTO piece VALUES ('a text', x'00')")
        database.commit()
        database.close()
        again = SqliteStore(path)
        with pytest.raises(StoreUnavailable, match="damaged"):
            await again.load()
        await again.close()

    asyncio.run(scene())
