"""The target as a program that is started by us, and again whenever it has broken."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Final

from pyc3p.problems import Problem

#: Seconds to end by itself.
_GRACE: Final = 5.0


class Process:
    """A program in a process group of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, after an end of what is left of it. Raises Problem."""
        self.stop()
        try:
            self._running = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise Problem(f"{self._command[0]} cannot be started: {error.strerror}") from error

    def ended(self) -> str:
        """How it has ended; empty while it runs."""
        code = None if self._running is None else self._running.poll()
        if code is None:
            return ""
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"the program was ended by {signal.Signals(-code).name}"
        return f"the program ended with {code}"

    def stop(self) -> None:
        """End it, and whatever it has started."""
        if self._running is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running.pid, signal.SIGTERM)
        try:
            self._running.wait(_GRACE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        self._running = None
