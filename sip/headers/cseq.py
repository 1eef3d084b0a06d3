"""CSeq (RFC 3261 section 20.16)."""

from __future__ import annotations

import re
from typing import Self

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import TOKEN_CHARS, Report, is_token, tolerate

# CSeq  =  "CSeq" HCOLON 1*DIGIT LWS Method   (RFC 3261 section 25.1)
_CSEQ = re.compile(rf"([0-9]{{1,20}}+)[ \t]++([{TOKEN_CHARS}]++)")
#: RFC 3261 section 8.1.1.5: less than 2**31.
_LIMIT = 2**31
_new = object.__new__


class CSeq:
    """Order of requests within a dialog, and their method. Immutable and hashable.

    Raises LocalProtocolError for a number above 2**31 - 1, and what is no method.
    """

    __slots__ = ("method", "number")

    number: int  #: sequence number
    method: str  #: of the request

    def __init__(self, number: int, method: str) -> None:
        if not 0 <= number < _LIMIT or not is_token(method):
            raise LocalProtocolError(f"not a CSeq: {number} {method!r}")
        self.number, self.method = number, method

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader, also when the number is 2**31 or more."""
        match = _CSEQ.fullmatch(text)
        if match is None:
            raise MalformedHeader("CSeq", text)
        made = _new(cls)
        digits, made.method = match.groups()
        made.number = number = int(digits)
        if number >= _LIMIT:
            raise MalformedHeader("CSeq", text)
        return made

    def __str__(self) -> str:
        return f"{self.number} {self.method}"

    def __repr__(self) -> str:
        return f"CSeq({self.number}, {self.method!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CSeq):
            return NotImplemented
        return self.number == other.number and self.method == other.method

    def __hash__(self) -> int:
        return hash((self.number, self.method))
