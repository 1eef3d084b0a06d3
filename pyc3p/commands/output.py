"""What a long-running command tells: lines for people, or one JSON object a line for machines."""

from __future__ import annotations

import json
import sys

from pyc3p.commands.terminal import Terminal


class Output:
    """One of both."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._terminal = Terminal(quiet=as_json)

    def tell(self, text: str, style: str = "", **fields: object) -> None:
        """One thing that happened: ``text`` for people, and ``fields`` with it for machines."""
        if self.as_json:
            sys.stdout.write(json.dumps({**fields, "text": text}) + "\n")
            sys.stdout.flush()
        else:
            self._terminal.say(text, style)
            sys.stdout.flush()
