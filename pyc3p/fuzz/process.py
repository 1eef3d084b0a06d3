"""The target as a program that is started by us, and again whenever it has broken."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from typing import IO, Final

from pyc3p.problems import Problem

#: Seconds to end by itself.
_GRACE: Final = 5.0
#: Seconds to wait for the end of what a program that has ended had written.
_LISTENS: Final = 1.0
#: Octets of it that are kept: a trace of calls is shorter.
_MOST_WORDS: Final = 16_384


class Process:
    """A program in a process group of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._running: subprocess.Popen[bytes] | None = None
        self._said = bytearray()  #: the end of what the one that runs has written to its standard error
        self._listens: threading.Thread | None = None
        self.last_words = ""  #: what the last one that ended by itself had written there at last

    def start(self) -> None:
        """Start it, after an end of what is left of it. Raises Problem."""
        self.stop()
        try:
            self._running = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise Problem(f"{self._command[0]} cannot be started: {error.strerror}") from error
        self._said = bytearray()
        self._listens = threading.Thread(target=_listen, args=(self._running.stderr, self._said), daemon=True)
        self._listens.start()

    def ended(self) -> str:
        """How it has ended; empty while it runs."""
        code = None if self._running is None else self._running.poll()
        if code is None:
            return ""
        if self._listens is not None:
            self._listens.join(_LISTENS)  # its last lines may still be in the pipe
            self.last_words = bytes(self._said).decode("utf-8", "backslashreplace")
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


def _listen(stream: IO[bytes], said: bytearray) -> None:
    """Read to the end, whatever comes, so that the program never waits; the end of it is kept."""
    with stream:
        while data := os.read(stream.fileno(), 4096):
            said += data
            del said[:-_MOST_WORDS]
