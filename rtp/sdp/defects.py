"""What a session description does that the grammar forbids, and what is done about it: noted, or refused."""

from __future__ import annotations

import re
from typing import Final

import attrs

from rtp.errors import MalformedSdp

_SHOWN: Final = 80  #: characters of a line that an error or a defect repeats
_HIDDEN: Final = "***"
_SECRET: Final = re.compile(r"inline|crypto|key-mgmt|ice-pwd|^\s*k\s*=", re.IGNORECASE)


@attrs.frozen
class SdpDefect:
    """One deviation from RFC 8866 section 9 or RFC 3264 section 5 that was tolerated."""

    what: str
    line: str = ""  #: as it came, cut short; keys are never in it

    def __str__(self) -> str:
        return f"{self.what}: {self.line!r}" if self.line else self.what


def shown(line: str) -> str:
    """A line as errors and defects may repeat it: without keys."""
    return _HIDDEN if _SECRET.search(line) else line[:_SHOWN]


class Defects:
    """Takes reports while a description is read. ``strict`` ones raise MalformedSdp at the first."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._found: dict[SdpDefect, None] = {}

    def __call__(self, what: str, line: str = "") -> None:
        if self.strict:
            raise MalformedSdp(what, shown(line))
        self._found[SdpDefect(what, shown(line))] = None

    @property
    def found(self) -> tuple[SdpDefect, ...]:
        """What was reported, each once, in order."""
        return tuple(self._found)
