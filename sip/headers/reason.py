"""Reason (RFC 3326): why a BYE or CANCEL was sent.

::

    Reason            =  "Reason" HCOLON reason-value *(COMMA reason-value)
    reason-value      =  protocol *(SEMI reason-params)
    protocol          =  "SIP" / "Q.850" / token
    reason-params     =  protocol-cause / reason-text / reason-extension
    protocol-cause    =  "cause" EQUAL cause
    cause             =  1*DIGIT
    reason-text       =  "text" EQUAL quoted-string
    reason-extension  =  generic-param
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import MalformedHeader
from sip.syntax.grammar import Report, is_token, must_be_token, quote, tolerate
from sip.syntax.params import Params


@attrs.frozen
class Reason:
    """One reason, in the terms of one protocol."""

    protocol: str = attrs.field(validator=must_be_token)  #: ``SIP``, ``Q.850`` ...
    params: Params = Params()

    @classmethod
    def of(cls, protocol: str, cause: int, text: str | None = None) -> Self:
        """Build one from a cause and words for people."""
        words = {} if text is None else {"text": quote(text)}
        return cls(protocol, Params({"cause": str(cause), **words}))

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        protocol, semicolon, params = text.partition(";")
        protocol = protocol.strip(" \t")
        if not is_token(protocol):
            raise MalformedHeader("Reason", text)
        return cls(protocol, Params.parse(semicolon + params, report))

    @property
    def cause(self) -> int | None:
        """Code of the protocol; None when there is none that is a number."""
        value = self.params.get("cause")
        return int(value) if value and value.isdecimal() and value.isascii() and len(value) < 10 else None

    @property
    def text(self) -> str | None:
        """Words for people."""
        return self.params.get("text")

    def __str__(self) -> str:
        return f"{self.protocol}{self.params}"
