"""All workers of one server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pyc3p.workers.worker import Worker


class Workers:
    """MCUs in processes of their own, told the same things."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.all = tuple(workers)

    @property
    def busy(self) -> bool:
        """Whether a conference goes on at one of them."""
        return any(one.conferences for one in self.all)

    async def start(self) -> None:
        """Start all at once."""
        for one in self.all:
            await one.start()

    async def ready(self) -> None:
        """Wait until all serve; raises the Problem of the first that does not."""
        for one in self.all:
            await one.ready()

    def drain(self) -> None:
        """Nothing new."""
        for one in self.all:
            one.drain()

    def reload(self) -> None:
        """Read certificates again."""
        for one in self.all:
            one.reload()

    def end_conferences(self) -> None:
        """End what goes on."""
        for one in self.all:
            one.end_conferences()

    async def measure(self, timeout: float) -> None:
        """Renew what each measures."""
        await asyncio.gather(*(one.measure(timeout) for one in self.all))

    async def stop(self) -> None:
        """End all."""
        await asyncio.gather(*(one.stop() for one in self.all))
