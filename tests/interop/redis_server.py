"""A Redis of our own on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from pyc3p.placement.store import Node
from pyc3p.state.redis import RedisSettings, RedisStore
from tests.interop.programs import HOST, require, running, wait_for_text


@contextlib.contextmanager
def redis_at(folder: Path, port: int) -> Iterator[None]:
    """One that listens at ``port`` until the block is left, and keeps nothing after that."""
    require("redis-server")
    log = folder / "redis.log"
    log.unlink(missing_ok=True)
    options = ("--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder))
    with running(["redis-server", *options], log, cwd=folder):
        wait_for_text(log, "Ready to accept connections")
        yield


def at(port: int, **more: object) -> RedisSettings:
    """Settings of the one that listens at a port."""
    return RedisSettings(url=f"redis://127.0.0.1:{port}/0", **more)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def redis_stores(port: int, *nodes: Node) -> AsyncIterator[list[RedisStore]]:
    """Those of some nodes, in an empty Redis."""
    stores = [RedisStore(node, at(port)) for node in nodes]
    await stores[0]._redis.flushall()
    try:
        yield stores
    finally:
        for store in stores:
            await store.close()
