"""What a long-running command tells: lines for people, lines for a log, or one JSON object a line for machines."""

from __future__ import annotations

import enum
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from pyc3p.commands.terminal import Terminal, shown
from pyc3p.trace.masking import mask_text

#: Fields that stand before the text of a line, in this order: what a log is searched by.
_IDS: Final = ("conference", "call", "command")


class Format(enum.Enum):
    """How a line looks."""

    PLAIN = "plain"  #: the text alone, as a person reads it
    LINE = "line"  #: time, level, part and ids before the text
    JSON = "json"


def format_of(wanted: str, *, as_json: bool = False) -> Format:
    """The format that a setting means; ``auto`` is plain at a terminal, else a line of a log."""
    if as_json:
        return Format.JSON
    if wanted == "auto":
        return Format.PLAIN if sys.stdout.isatty() else Format.LINE
    return Format(wanted)


class Output:
    """One of the three. Secrets in what peers sent are covered."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        style: Format | None = None,
        clock: Callable[[], float] = time.time,
        forward: Callable[[str, str, dict[str, object]], None] | None = None,
    ) -> None:
        """``clock`` gives POSIX time. ``forward`` is given text, style and fields in place of standard output."""
        self.format = style or (Format.JSON if as_json else Format.PLAIN)
        self._clock, self._forward = clock, forward
        self._terminal = Terminal(quiet=self.format is not Format.PLAIN)

    @property
    def as_json(self) -> bool:
        """Whether it is for machines."""
        return self.format is Format.JSON

    @property
    def is_log(self) -> bool:
        """Whether what only operators look for is told as well."""
        return self.format is not Format.PLAIN

    def tell(self, text: str, style: str = "", **fields: object) -> None:
        """One thing that happened: ``text`` for people, and ``fields`` with it for machines.

        Of the fields ``level`` (``info`` unless said), ``part``, ``conference``, ``call`` and ``command`` stand in
        every line of a log.
        """
        if self._forward is not None:
            self._forward(text, style, fields)
            return
        text = mask_text(text)
        if self.format is Format.PLAIN:
            self._terminal.say(text, style)
        elif self.format is Format.LINE:
            sys.stdout.write(self._line(text, fields) + "\n")
        else:
            found = {key: _covered(value) for key, value in fields.items() if value is not None}
            at = {"time": self._time(), "level": "info"}
            sys.stdout.write(json.dumps({**at, **found, "text": text}, default=str) + "\n")
        sys.stdout.flush()

    def _time(self) -> str:
        at = datetime.fromtimestamp(self._clock(), UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _line(self, text: str, fields: dict[str, object]) -> str:
        ids = "".join(f" {name}={mask_text(str(fields[name]))}" for name in _IDS if fields.get(name))
        level, part = fields.get("level") or "info", fields.get("part") or "serve"
        # A text of several lines, such as a traceback, is one event all the same.
        return shown(f"{self._time()} {level} {part}{ids}: " + text.replace("\n", "\\n"))


def _covered(value: object) -> object:
    return mask_text(value) if isinstance(value, str) else value
