"""What an MCU says to a document."""

from __future__ import annotations

import attrs

from c3p import Request, Response
from pyc3p.conform.conference.answers import Ending
from pyc3p.conform.mcu.http import HttpMessage


@attrs.frozen(kw_only=True, eq=False)
class Replied(Ending):
    """A document and all that was said to it: by HTTP at once, and later at the callback."""

    request: Request | None  #: None for what is no document
    http: HttpMessage
    responses: tuple[Response, ...] = ()
    problem: str = ""  #: why what came cannot be read

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self.http.status

    @property
    def told(self) -> str:
        """All of it in a few words."""
        return ", ".join((f"HTTP {self.status}", *self.words(self.problem)))
