"""RSeq and RAck (RFC 3262 section 7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import TOKEN_CHARS, Report, must_be_token, tolerate

# RFC 3262 sections 7.1 and 7.2:
#   RSeq          =  "RSeq" HCOLON response-num
#   RAck          =  "RAck" HCOLON response-num LWS CSeq-num LWS Method
#   response-num  =  1*DIGIT
#   CSeq-num      =  1*DIGIT
_RACK = re.compile(rf"([0-9]{{1,20}}+)[ \t]++([0-9]{{1,20}}+)[ \t]++([{TOKEN_CHARS}]++)")
_DIGITS = re.compile(r"[0-9]{1,20}+")
#: RFC 3262 section 7.1: RSeq has 32 bits; CSeq has 31 (RFC 3261 section 8.1.1.5).
_LIMIT_RSEQ, _LIMIT_CSEQ = 2**32, 2**31


def _fits(limit: int) -> Callable[[object, object, int], None]:
    def check(_: object, __: object, value: int) -> None:
        if not 0 <= value < limit:
            raise LocalProtocolError(f"not a sequence number: {value}")

    return check


@attrs.frozen
class RAck:
    """Which reliable provisional response a PRACK acknowledges."""

    rseq: int = attrs.field(validator=_fits(_LIMIT_RSEQ))
    cseq: int = attrs.field(validator=_fits(_LIMIT_CSEQ))
    method: str = attrs.field(validator=must_be_token)

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        match = _RACK.fullmatch(text)
        if match is None or int(match[1]) >= _LIMIT_RSEQ or int(match[2]) >= _LIMIT_CSEQ:
            raise MalformedHeader("RAck", text)
        return cls(int(match[1]), int(match[2]), match[3])

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


def parse_rseq(text: str, report: Report = tolerate) -> int:
    """Number of a reliable provisional response, 1 to 2**32 - 1; raises MalformedHeader."""
    if not _DIGITS.fullmatch(text) or not 0 < int(text) < _LIMIT_RSEQ:
        raise MalformedHeader("RSeq", text)
    return int(text)
