"""A real Redis as the store of several nodes: what lies in it, and that it says so when it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyc3p.placement.store import Granted
from pyc3p.state import StoreUnavailable
from pyc3p.state.redis import RedisSettings, RedisStore
from sip import Piece
from tests.interop.programs import free_port, require
from tests.interop.redis_server import at, redis_at, redis_stores
from tests.interop.test_shared_stores import FIRST, SECOND, head, record


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    require("redis-server")
    port = free_port()
    with redis_at(tmp_path_factory.mktemp("redis"), port):
        yield port


def test_the_end_of_a_conference_leaves_nothing(server: int) -> None:
    async def scene() -> None:
        async with redis_stores(server, FIRST, SECOND) as (first, _):
            await first.renew(FIRST, lifetime=10.0)
            for _ in range(3):
                granted = await first.claim("k", FIRST, held=0, above=0)
                assert isinstance(granted, Granted)
                assert not granted.pieces
                await first.write([Piece(head("k"), b"1")])
                await first.release("k", FIRST, epoch=granted.epoch)
            keys = sorted(await first._redis.keys("*"))
            assert keys == [b"pyc3p:node:focus-1", b"pyc3p:nodes"]

    asyncio.run(scene())


def test_state_has_a_lifetime_which_each_change_renews(server: int) -> None:
    async def scene() -> None:
        async with redis_stores(server, FIRST, SECOND) as (first, _):
            await first.renew(FIRST, lifetime=10.0)
            await first.claim("k", FIRST, held=0, above=0)
            await first._redis.expire("pyc3p:conference:k", 5)
            await first.write([Piece(head("k"), b"1")])
            assert await first._redis.ttl("pyc3p:conference:k") > 86_000
            assert 9_000 < await first._redis.pttl("pyc3p:node:focus-1") <= 10_000

    asyncio.run(scene())


def test_a_redis_that_is_away_is_one_line_and_its_return_is_noticed(tmp_path: Path) -> None:
    port = free_port()
    store = RedisStore(FIRST, RedisSettings(url=f"redis://:secret@127.0.0.1:{port}/0", timeout=0.5))

    async def scene() -> None:
        for asked in (store.renew(FIRST, lifetime=3.0), store.load(), store.write([Piece("a", b"1")])):
            with pytest.raises(StoreUnavailable) as caught:
                await asked
            assert str(caught.value).startswith(f"Redis at redis://127.0.0.1:{port}/0: ")
            assert "secret" not in str(caught.value)
            assert "\n" not in str(caught.value)
        plain = RedisStore(FIRST, at(port))
        runs = []
        for _ in range(2):
            with redis_at(tmp_path, port):
                runs.append((await plain.renew(FIRST, lifetime=3.0)).run)
                await plain.claim("k", FIRST, held=0, above=0)
            with pytest.raises(StoreUnavailable):
                await plain.claim("k", FIRST, held=1, above=0)
        assert runs[0] != runs[1]
        await plain.close()
        await store.close()
        await store.close()

    asyncio.run(scene())


def test_a_record_is_gone_when_its_time_is_over(server: int) -> None:
    async def scene() -> None:
        async with redis_stores(server, FIRST, SECOND) as (first, _):
            now = time.time()
            ending = record(expires_at=now + 0.2)
            await first.records.write("k", "alice@example.com", None, ending, wall_clock=now)
            await asyncio.sleep(0.4)
            assert await first.records.find("k") is None
            assert await first.records.of_organizer("alice@example.com", 10) == ()
            assert await first._redis.exists("pyc3p:records:alice@example.com") == 0

    asyncio.run(scene())
