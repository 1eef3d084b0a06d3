"""Warning (RFC 3261 section 20.43)."""

from __future__ import annotations

import re
from typing import Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import CONTROLS, QUOTED, Report, quote, tolerate, unquote

# RFC 3261 section 25.1:
#   warning-value  =  warn-code SP warn-agent SP warn-text
#   warn-code      =  3DIGIT
#   warn-agent     =  hostport / pseudonym
#   warn-text      =  quoted-string
#   pseudonym      =  token
_WARNING = re.compile(rf"([0-9]{{3}}) +([^\s{CONTROLS}\",;]++) +({QUOTED})", re.DOTALL)
_AGENT = re.compile(rf"[^\s{CONTROLS}\",;]++")


@attrs.frozen
class Warning:
    """What else is to be said about a response."""

    code: int = attrs.field()  #: 300 to 399; 3 digits in any case
    agent: str = attrs.field()  #: host or pseudonym of who warns
    text: str = ""  #: for people

    @code.validator
    def _is_code(self, _: object, value: int) -> None:
        if not 100 <= value <= 999:
            raise LocalProtocolError(f"not a warning code: {value}")

    @agent.validator
    def _is_agent(self, _: object, value: str) -> None:
        if not _AGENT.fullmatch(value):
            raise LocalProtocolError(f"not a warning agent: {value!r}")

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        match = _WARNING.fullmatch(text)
        if match is None or match[1][0] == "0":
            raise MalformedHeader("Warning", text)
        return cls(int(match[1]), match[2], unquote(match[3]))

    def __str__(self) -> str:
        return f"{self.code} {self.agent} {quote(self.text)}"
