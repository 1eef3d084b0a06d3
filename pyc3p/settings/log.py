"""Settings of the log of ``pyc3p serve``: ``[log]``."""

from __future__ import annotations

from typing import Final

import attrs

from pyc3p.problems import UsageProblem

FORMATS: Final = ("auto", "plain", "line", "json")


@attrs.frozen(kw_only=True)
class LogSettings:
    """How events are written to standard output."""

    #: ``plain`` is for people at a terminal, ``line`` has time, level, part and ids before the text, ``json`` is one
    #: object a line; ``auto`` is ``plain`` at a terminal, else ``line``.
    format: str = "auto"

    def __attrs_post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageProblem(f"log.format must be one of {', '.join(FORMATS)}, not {self.format!r}")
