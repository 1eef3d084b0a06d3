"""Content-Disposition (RFC 3261 section 20.11).

::

    Content-Disposition  =  "Content-Disposition" HCOLON disp-type *( SEMI disp-param )
    disp-type            =  "render" / "session" / "icon" / "alert" / disp-extension-token
    disp-param           =  handling-param / generic-param
    handling-param       =  "handling" EQUAL ( "optional" / "required" / other-handling )
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import MalformedHeader
from sip.syntax.grammar import Report, is_token, must_be_token, tolerate
from sip.syntax.params import Params


@attrs.frozen
class ContentDisposition:
    """What a body is for."""

    #: ``session``, ``render``, ``icon``, ``alert`` ..., in lower case
    disposition: str = attrs.field(validator=must_be_token)
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        disposition, semicolon, params = text.partition(";")
        disposition = disposition.strip(" \t")
        if not is_token(disposition):
            raise MalformedHeader("Content-Disposition", text)
        return cls(disposition.lower(), Params.parse(semicolon + params, report))

    @classmethod
    def default_for(cls, media_type: str) -> Self:
        """What a body of that type is for when nothing is said."""
        return cls("session" if media_type.lower() == "application/sdp" else "render")

    @property
    def handling_required(self) -> bool:
        """Whether a receiver that does not know it has to refuse the message; so by default."""
        return (self.params.get("handling") or "required").lower() != "optional"

    def __str__(self) -> str:
        return f"{self.disposition}{self.params}"
