"""The file that the nodes of one machine share: its clock, its lock, what becomes of it, and processes that end."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from pyc3p.placement.store import Claimed, Granted, Node
from pyc3p.state import SqliteStore, StoreInUse, StoreUnavailable
from pyc3p.state.shared_sqlite import LIFETIME, SharedSqliteStore
from sip import Piece, Uri, conference_key, piece_key

FIRST = Node(name="focus-1", incarnation="a", address="sip:127.0.0.1:5060;transport=tcp")
SECOND = Node(name="focus-2", incarnation="b", address="sip:127.0.0.1:5070;transport=tcp")
CONFERENCE = conference_key(Uri.parse("sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABC123"))
DIALOG = b'{"version":1,"dialog":{"local_value":"<sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABC123>;tag=9"}}'


@attrs.define
class Machine:
    """Its clocks: seconds since it was started, and since 1970."""

    up: float = 1000.0
    wall: float = 1_800_000_000.0


@contextlib.asynccontextmanager
async def nodes(path: Path, machine: Machine) -> AsyncIterator[tuple[SharedSqliteStore, SharedSqliteStore]]:
    first, second = (
        SharedSqliteStore(path, node, clock=lambda: machine.up, wall_clock=lambda: machine.wall)
        for node in (FIRST, SECOND)
    )
    try:
        yield first, second
    finally:
        await first.close()
        await second.close()


def head(key: str) -> Piece:
    return Piece(piece_key("conference", key, "head"), b"1")


@pytest.mark.parametrize("step", [-86_400.0, -2.0, 2.0, 86_400.0])
def test_a_wall_clock_that_is_set_ends_no_lease_and_keeps_none(tmp_path: Path, step: float) -> None:
    async def scene() -> None:
        machine = Machine()
        async with nodes(tmp_path / "nodes.sqlite", machine) as (first, second):
            await first.renew(FIRST, lifetime=3.0)
            await first.claim("k", FIRST, held=0, above=0)
            machine.wall += step
            assert (await second.renew(SECOND, lifetime=3.0)).gone == ()
            machine.up += 3.0
            assert (await second.renew(SECOND, lifetime=3.0)).gone == ("focus-1",)

    asyncio.run(scene())


@pytest.mark.parametrize("up", [0.5, 10.0, 900.0])
def test_a_lease_of_before_the_machine_was_started_is_none(tmp_path: Path, up: float) -> None:
    async def scene() -> None:
        machine = Machine()
        async with nodes(tmp_path / "nodes.sqlite", machine) as (first, second):
            await first.renew(FIRST, lifetime=3.0)
            await first.claim("k", FIRST, held=0, above=0)
            machine.up = up
            found = await second.renew(SECOND, lifetime=3.0)
            assert (dict(found.alive), found.gone) == ({"focus-2": SECOND.address}, ("focus-1",))
            assert await second.claim("k", SECOND, held=0, above=0) == Granted(epoch=2)

    asyncio.run(scene())


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_gone_is_a_store_that_forgot_everything(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "nodes.sqlite"

    async def scene() -> None:
        machine = Machine()
        async with nodes(path, machine) as (first, second):
            before = await first.renew(FIRST, lifetime=3.0)
            await first.claim("k", FIRST, held=0, above=0)
            for file in tmp_path.iterdir():
                file.unlink()
            if replaced:
                other = SharedSqliteStore(path, SECOND)
                await other.renew(SECOND, lifetime=3.0)
                await other.close()
            after = await first.renew(FIRST, lifetime=3.0)
            assert after.run != before.run
            assert (before.claims, after.claims) == (0, 0)
            assert await first.owner("k") is None
            assert await first.claim("k", FIRST, held=1, above=0) == Granted(epoch=1)
            assert (await first.renew(FIRST, lifetime=3.0)).claims == 1
            assert (await second.renew(SECOND, lifetime=3.0)).run == after.run

    asyncio.run(scene())


def test_what_could_not_be_written_while_the_file_was_locked_is_written_later(tmp_path: Path) -> None:
    """Also that a dialog is gone: where it belongs is not forgotten by trying."""
    path = tmp_path / "nodes.sqlite"

    async def scene() -> None:
        async with nodes(path, Machine()) as (first, _):
            first.patience = 0.05
            await first.renew(FIRST, lifetime=3.0)
            await first.claim(CONFERENCE, FIRST, held=0, above=0)
            await first.write([head(CONFERENCE), Piece("dialog/a/b/c", DIALOG)])
            gone = [Piece("dialog/a/b/c", None)]
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreUnavailable, match="another node has locked it for too long"):
                    await first.write(gone)
                other.execute("ROLLBACK")
            await first.write(gone)
            assert await first.load_conference(CONFERENCE) == [head(CONFERENCE)]

    asyncio.run(scene())


def test_what_all_nodes_have_left_behind_goes_after_a_day_and_what_somebody_has_stays(tmp_path: Path) -> None:
    path = tmp_path / "nodes.sqlite"

    async def scene() -> None:
        machine = Machine()
        async with nodes(path, machine) as (first, second):
            for store, node, key in ((first, FIRST, "left"), (second, SECOND, "had")):
                await store.renew(node, lifetime=3.0)
                await store.claim(key, node, held=0, above=0)
                await store.write([head(key)])
            machine.up, machine.wall = machine.up + LIFETIME + 1.0, machine.wall + LIFETIME + 1.0
            await second.renew(SECOND, lifetime=3.0)
            assert await second.owner("had") == Claimed(node="focus-2", alive=True)
        async with nodes(path, machine) as (first, second):
            await second.renew(SECOND, lifetime=3.0)
            assert await second.owner("left") is None
            assert await second.load_conference("left") == []
            assert await second.load_conference("had") == [head("had")]

    asyncio.run(scene())


def test_the_file_of_a_single_server_is_none_that_nodes_share(tmp_path: Path) -> None:
    async def scene() -> None:
        alone, shared = tmp_path / "alone.sqlite", tmp_path / "nodes.sqlite"
        single = SqliteStore(alone)
        await single.open()
        await single.close()
        for store in (SharedSqliteStore(alone, FIRST), SharedSqliteStore(shared, FIRST), SqliteStore(shared)):
            if store.path == shared and isinstance(store, SharedSqliteStore):
                await store.open()
            else:
                with pytest.raises(StoreInUse, match="is the database of another program"):
                    await store.open()
            await store.close()

    asyncio.run(scene())


def test_news_that_were_missed_are_made_up_for(tmp_path: Path) -> None:
    """Whoever has not looked for so long that they are gone is told to look at everything."""

    async def scene() -> None:
        machine = Machine()
        async with nodes(tmp_path / "nodes.sqlite", machine) as (first, second):
            news = first.news()
            assert await anext(news) is None
            await second.tell_changed("sip:a@example.com")
            machine.up, machine.wall = machine.up + 3_600.0, machine.wall + 3_600.0
            await second.renew(SECOND, lifetime=3.0)
            await second.tell_changed("sip:b@example.com")
            assert [await anext(news), await anext(news)] == [None, "sip:b@example.com"]

    asyncio.run(scene())


#: Claims a conference, says so, and waits to be killed in the middle of a transaction.
_KILLED = """
import asyncio, sys
from pathlib import Path
from pyc3p.placement.store import Node
from pyc3p.state.shared_sqlite import SharedSqliteStore
from sip import Piece, piece_key

async def main() -> None:
    node = Node(name="focus-1", incarnation="a", address="sip:127.0.0.1:5060")
    store = SharedSqliteStore(Path(sys.argv[1]), node)
    await store.renew(node, lifetime=0.5)
    await store.claim("k", node, held=0, above=0)
    await store.write([Piece(piece_key("conference", "k", "head"), b"1")])
    store._opened().execute("BEGIN IMMEDIATE")
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_what_a_process_had_that_is_killed_is_another_ones_at_once(tmp_path: Path) -> None:
    path = tmp_path / "nodes.sqlite"
    with subprocess.Popen([sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()

    async def scene() -> None:
        store = SharedSqliteStore(path, SECOND)
        while "focus-1" not in (await store.renew(SECOND, lifetime=3.0)).gone:
            await asyncio.sleep(0.05)
        assert await store.claims_of("focus-1") == ["k"]
        assert await store.claim("k", SECOND, held=0, above=0) == Granted(epoch=2, pieces=(head("k"),))
        await store.close()

    asyncio.run(scene())
