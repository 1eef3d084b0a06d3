"""Output for people: styled lines on a terminal, plain ones in a pipe."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console
from rich.text import Text

from pyc3p.trace.ladder_text import Line

#: Control characters; in a name that a peer chose they would steer the terminal.
_CONTROL: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "?")


def shown(text: str) -> str:
    """``text`` with nothing in it that a terminal obeys."""
    return text.translate(_CONTROL)


class Terminal:
    """Where a command prints; with ``quiet`` nowhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        piped = not sys.stdout.isatty()
        # A pipe has no width of its own; lines of a ladder are to stay whole there.
        self._console = Console(highlight=False, soft_wrap=True, quiet=quiet, width=200 if piped else None)

    @property
    def width(self) -> int:
        """Columns of characters."""
        return self._console.width

    def line(self, line: Line) -> None:
        """One line of spans."""
        self._console.print(
            Text.assemble(*((shown(text), style) for text, style in line)), overflow="ignore", no_wrap=True
        )

    def say(self, text: str, style: str = "") -> None:
        """One line of text; what looks like markup is none."""
        self._console.print(Text(shown(text), style=style), overflow="ignore", no_wrap=True)

    def heading(self, text: str) -> None:
        """A line that stands out."""
        self.say(text, "bold")
