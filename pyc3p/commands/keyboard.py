"""Lines that somebody types while the event loop does other work."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

#: Characters of a line; nobody types more, and a pipe shall not fill the memory.
MAX_LINE = 4096


class Keyboard:
    """Calls ``obey`` with each line.

    The descriptor stays as it is: a terminal is shared with the shell and with standard output, so it must not be made
    non-blocking.
    """

    def __init__(self, obey: Callable[[str], None]) -> None:
        self._obey = obey
        self._held = b""
        self._descriptor: int | None = None

    def listen(self, descriptor: int) -> None:
        """Read from a terminal or a pipe; a file or ``/dev/null`` is left alone, for they cannot be waited for."""
        try:
            asyncio.get_running_loop().add_reader(descriptor, self._readable)
        except OSError:
            return
        self._descriptor = descriptor

    def stop(self) -> None:
        """Read no more."""
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._descriptor = None

    def _readable(self) -> None:
        assert self._descriptor is not None
        try:
            data = os.read(self._descriptor, MAX_LINE)
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            self.stop()
            return
        *lines, self._held = (self._held + data)[-2 * MAX_LINE :].split(b"\n")
        for line in lines:
            self._obey(line.decode("utf-8", "replace"))
