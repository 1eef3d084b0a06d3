"""Notices at once that the process of an MCU is gone: it takes its connections with it.

An MCU keeps a connection to whom it reports to. When that ends it may have been idle, so the Focus is told only if
nobody listens at the MCU any more; then it asks the MCU, gets no answer, and takes its calls out of the roster. Without
this they would stay until the MCU is missed (`focus.FocusConfig.mcu_silence`). A machine that loses its power ends no
connection, and is missed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

import focus

#: Seconds in which a process that was killed has let go of its ports, and others of its connections have ended, too.
_PAUSE: Final = 0.2
#: Seconds for a connection to somebody who is there.
_LONGEST_WAIT: Final = 2.0


class McuWatch:
    """Of one Focus; ``moved`` is called after each command to it, ``reached`` says where a host is from here."""

    def __init__(self, conferences: focus.Focus, *, moved: Callable[[], None], reached: Callable[[str], str]) -> None:
        self._conferences, self._moved, self._reached = conferences, moved, reached
        self._looking: dict[str, asyncio.Task[None]] = {}

    def connection_ended(self, principal: str) -> None:
        """One of the connections of a principal has ended. It is looked after once at a time."""
        if principal not in self._looking and self._conferences.inside.mcus_of(principal):
            task = asyncio.get_running_loop().create_task(self._look(principal))
            self._looking[principal] = task
            task.add_done_callback(lambda done: self._looking.pop(principal, None))

    async def _look(self, principal: str) -> None:
        await asyncio.sleep(_PAUSE)
        found = self._conferences.inside.mcus_of(principal)
        gone = [name for name, url in found.items() if not await self._listens(url)]
        self._suspect(gone)

    def _suspect(self, names: Iterable[str]) -> None:
        for name in names:
            self._conferences.suspect_mcu(name, now=asyncio.get_running_loop().time())
            self._moved()

    async def _listens(self, url: str) -> bool:
        """Whether somebody takes connections there. Who does not answer at all may be slow, and is not called gone."""
        where = urlsplit(url)
        port = where.port or (443 if where.scheme == "https" else 80)
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                _, writer = await asyncio.open_connection(self._reached(where.hostname or ""), port)
        except TimeoutError:
            return True
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True
