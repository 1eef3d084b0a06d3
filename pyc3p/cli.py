"""The console script. The commands themselves are in :mod:`pyc3p.commands`, which needs the ``server`` extra."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from pyc3p.commands.streams import StandardStreams

#: What each extra brings; the name of one of these in an ImportError means that it is not installed.
_EXTRAS = {
    **dict.fromkeys(("click", "rich", "prompt_toolkit", "aiohttp", "numpy", "prometheus_client"), "server"),
    "hypothesis": "testing",
}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    streams = StandardStreams()
    code = _code(arguments)
    incomplete = streams.finish()
    if incomplete is not None:
        sys.stderr.write(f"pyc3p: {incomplete}\n")
        sys.stderr.flush()
        code = code or 1
    sys.exit(code)


def _code(arguments: Sequence[str] | None) -> int:
    try:
        from pyc3p.commands.command_line import run

        return run(sys.argv[1:] if arguments is None else list(arguments))
    except ImportError as error:  # here, or where a command reads what it needs
        cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
        missing = (cause.name or "").partition(".")[0]
        if missing not in _EXTRAS:
            raise
        sys.stderr.write(
            f"pyc3p: {missing} is not installed; pip install '.[{_EXTRAS[missing]}]' in a checkout brings it\n"
        )
        return 1
    except KeyboardInterrupt:  # while modules are read, which takes a moment
        return 130
