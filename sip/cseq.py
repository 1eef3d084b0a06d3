"""CSeq (RFC 3261 section 20.16)."""

from __future__ import annotations

import re
from typing import Self

import attrs

from sip.errors import MalformedHeader
from sip.grammar import TOKEN_CHARS, Report, tolerate

__all__ = ["CSeq"]

_CSEQ = re.compile(rf"([0-9]++)[ \t]++([{TOKEN_CHARS}]++)")
#: RFC 3261 section 8.1.1.5: less than 2**31.
_LIMIT = 2**31


@attrs.frozen
class CSeq:
    """Order of requests within a dialog, and their method."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str, *, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader, also when the number is 2**31 or more."""
        match = _CSEQ.fullmatch(text)
        # Ten digits hold every legal number; leading zeros beyond that only cost time.
        if match is None or len(match[1]) > 20 or int(match[1]) >= _LIMIT:
            raise MalformedHeader("CSeq", text)
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
