"""The process of a worker, started: anew, or as a copy of one that has read all modules and done nothing else yet."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO, Final, NoReturn, Protocol

#: Descriptors that a copy closes: more than pipes of workers before it are not open at that time.
_MOST_OPEN: Final = 1024


class Process(Protocol):
    """A process with two pipes, as `subprocess.Popen` is."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    @property
    def stdin(self) -> IO[bytes] | None:
        """The pipe to it."""
        ...

    @property
    def stdout(self) -> IO[bytes] | None:
        """The pipe from it."""
        ...

    def poll(self) -> int | None:
        """Its exit code (a signal: negative), None while it runs."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def wait(self) -> int:
        """Wait until it has ended."""
        ...


def launch() -> Process:
    """Start a process that waits for its settings on standard input and speaks frames on standard output.

    It ends by itself when its standard input does, so that no worker outlives who started it, however that ended. It
    has a process group of its own: Ctrl-C at a terminal is for the server, which drains before it lets workers go.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "pyc3p.workers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        process_group=0,
        env={name: value for name, value in os.environ.items() if name != "PYC3P_SECRET"},
    )


def can_fork(*, holds_secrets: bool) -> bool:
    """Whether a copy of this process is a good beginning: where that is well-defined, and nothing goes on yet.

    Nor of a process that ``holds_secrets`` which are none of a worker's: a copy has them in its memory until it ends.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and not holds_secrets


def fork(run: Callable[[], object]) -> Process:
    """The same as ``launch`` by a copy of this process, which then does ``run``: it has all modules already.

    Only before there is an event loop, a thread or a socket (``can_fork``).
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or the copy would write it again
    reads, to_child = os.pipe()
    from_child, writes = os.pipe()
    pid = os.fork()
    if not pid:
        _be_child(reads, writes, run)
    os.close(reads)
    os.close(writes)
    return Forked(pid, os.fdopen(to_child, "wb", buffering=0), os.fdopen(from_child, "rb", buffering=0))


def _be_child(reads: int, writes: int, run: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        os.setpgid(0, 0)
        os.dup2(reads, 0)
        os.dup2(writes, 1)
        # With a pipe of another worker in its hands it would keep that one from seeing that its server is gone.
        os.closerange(3, _MOST_OPEN)
        run()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        os._exit(code)  # what the other process is in the middle of is none of our business


class Forked:
    """A copy of this process."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._waited(os.WNOHANG)

    def wait(self) -> int:
        """Wait until it has ended."""
        code = self._waited(0)
        assert code is not None
        return code

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _waited(self, options: int) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


@contextlib.contextmanager
def launched(count: int, start: Callable[[], Process] = launch) -> Iterator[list[Process]]:
    """Processes for a server that is being put together; whatever becomes of it, none is left in the end."""
    processes = [start() for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
