"""Standard streams that a command can write to, whatever is at their other end.

A character that the encoding lacks gets a plain stand-in of the same width; who reads may go away (``| head``); a
stream may be closed from the start (``>&-``). None of that is an exception in the middle of a call: machines that were
told half of something would be worse than a missing line.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import Any, Final, TextIO

#: What ladders and reports are drawn with, in ASCII; one character for one, so that columns stay columns.
PLAIN: Final = str.maketrans("│─═▶◀→←⇄▸✔✘…", "|-=><><=>+x.")
#: Name of the error handler for :func:`codecs.lookup_error`.
STAND_IN: Final = "pyc3p.stand-in"


def stand_in(error: UnicodeError) -> tuple[str, int]:
    """A plain character for each that cannot be encoded: ``|`` for a rail, ``?`` for what has no likeness.

    Raises the error where there is none.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    return "".join(each if each.isascii() else "?" for each in text), error.end


codecs.register_error(STAND_IN, stand_in)


class Sink(io.RawIOBase):
    """A descriptor to which writing never fails; ``failed`` has the first error, and what follows goes nowhere."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.failed: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write some of ``data`` (any buffer), or all of it into the void."""
        if self.failed is None:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # a terminal that somebody else made non-blocking: the buffer tries again
                os.set_blocking(self._descriptor, True)
                return os.write(self._descriptor, data)
            except OSError as error:
                self.failed = error
        return len(data)

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor, for those who ask for the width of a terminal."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether somebody watches."""
        return os.isatty(self._descriptor)


def prepare(stream: TextIO | None) -> tuple[TextIO, Sink | None]:
    """A stream that takes everything in place of ``stream``, and its sink if that is a descriptor of this process."""
    if stream is None:  # closed before we began
        return open(os.devnull, "w", encoding="utf-8"), None  # it lives as long as the process
    if not isinstance(stream, io.TextIOWrapper):
        return stream, None
    if stream not in (sys.__stdout__, sys.__stderr__):  # somebody collects our output
        stream.reconfigure(errors=STAND_IN)
        return stream, None
    stream.flush()
    sink = Sink(stream.fileno())
    lines = stream.line_buffering or sink.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(sink), encoding=stream.encoding, errors=STAND_IN, line_buffering=lines
    ), sink


class StandardStreams:
    """Standard output and error of one command, and what became of them."""

    def __init__(self) -> None:
        sys.stdout, self._output = prepare(sys.stdout)
        sys.stderr, _ = prepare(sys.stderr)

    def finish(self) -> str | None:
        """Write what waits; why the output is not complete, None when it is or when its reader has seen enough."""
        sys.stdout.flush()
        sys.stderr.flush()
        failed = self._output.failed if self._output is not None else None
        if failed is None or failed.errno == errno.EPIPE:
            return None
        return f"the output cannot be written: {failed.strerror}"
