"""The process of a worker, started. Imports nothing else of this package, so that it can be the first thing done."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator


def launch() -> subprocess.Popen[bytes]:
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
    )


@contextlib.contextmanager
def launched(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes for a server that is being put together; whatever becomes of it, none is left in the end."""
    processes = [launch() for _ in range(count)]
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
