"""The capture of a server while it runs. What cannot be written stops the capture, is said once, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pyc3p.commands.output import Output
from pyc3p.problems import Problem
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.ordering import InOrder
from pyc3p.trace.pcapng import PcapngWriter
from pyc3p.trace.trace import Names, Trace
from sip.aio import wall_clock


@contextlib.contextmanager
def capturing(config: ServeConfig, output: Output, *, in_order: bool) -> Iterator[Trace | None]:
    """A trace into a capture file, when one is wanted; ``in_order`` sorts what several processes report.

    Raises Problem when the file cannot be begun.
    """
    if not config.capture:
        yield None
        return
    stopped = _Once(config.capture, output)
    names = Names()
    try:
        writer = PcapngWriter(Path(config.capture), names=names, wall_clock=wall_clock(), on_failed=stopped)
    except OSError as error:
        raise Problem(f"{config.capture} cannot be written: {error.strerror}") from error
    reader = InOrder(writer) if in_order else writer
    trace = Trace(names=names, readers=[reader], unsafe=config.unsafe_capture)
    with writer:
        try:
            yield trace
        finally:
            if isinstance(reader, InOrder):
                reader.flush()


class _Once:
    """Tells that the capture is over, the first time."""

    def __init__(self, capture: str, output: Output) -> None:
        self._capture, self._output, self._told = capture, output, False

    def __call__(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            why = error.strerror or str(error)
            self._output.tell(f"{self._capture} stops here, the rest is missing: {why}", level="warning")
