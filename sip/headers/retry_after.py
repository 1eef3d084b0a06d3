"""Retry-After (RFC 3261 section 20.33)."""

from __future__ import annotations

import re
from typing import Self

import attrs

from sip.errors import MalformedHeader
from sip.syntax.grammar import CONTROLS, Report, must_not_be_negative, tolerate
from sip.syntax.params import Params
from sip.syntax.tokens import parse_delta_seconds

# RFC 3261 section 25.1:
#   Retry-After  =  "Retry-After" HCOLON delta-seconds [ comment ] *( SEMI retry-param )
#   retry-param  =  ("duration" EQUAL delta-seconds) / generic-param
#   comment      =  LPAREN *(ctext / quoted-pair / comment) RPAREN
#   ctext        =  %x21-27 / %x2A-5B / %x5D-7E / UTF8-NONASCII / LWS
_RETRY_AFTER = re.compile(r"([0-9]++)[ \t]*+(?:\(((?:[^()\\]++|\\.|\([^()]*+\))*+)\))?+[ \t]*+((?:;.*+)?)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(rf"([()\\{CONTROLS}])")


@attrs.frozen
class RetryAfter:
    """How long to leave somebody alone."""

    seconds: int = attrs.field(validator=must_not_be_negative)
    params: Params = Params()
    comment: str | None = None  #: for people

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        match = _RETRY_AFTER.fullmatch(text)
        if match is None:
            raise MalformedHeader("Retry-After", text)
        comment = None if match[2] is None else _ESCAPED.sub(r"\1", match[2])
        params = Params.parse(match[3], report)
        if "duration" in params:
            parse_delta_seconds(params["duration"] or "", report)
        return cls(parse_delta_seconds(match[1], report), params, comment)

    @property
    def duration(self) -> int | None:
        """Seconds for which the sender will be there after that."""
        value = self.params.get("duration")
        return None if value is None else parse_delta_seconds(value)

    def __str__(self) -> str:
        comment = "" if self.comment is None else " (" + _SPECIAL.sub(r"\\\1", self.comment) + ")"
        return f"{self.seconds}{comment}{self.params}"
