"""A Redis of our own on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

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
