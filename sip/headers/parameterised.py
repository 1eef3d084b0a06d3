"""Headers that are one token, or ``*``, with parameters.

Accept-Encoding, Accept-Language, Info-Package, Recv-Info, Refer-Sub, Accept-Contact, Reject-Contact and others.
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import MalformedHeader
from sip.syntax.grammar import Report, is_token, must_be_token, tolerate
from sip.syntax.params import Params, parse_q


@attrs.frozen
class Parameterised:
    """A token and what is said about it."""

    value: str = attrs.field(validator=must_be_token)
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        value, semicolon, params = text.partition(";")
        value = value.strip(" \t")
        if not is_token(value):
            raise MalformedHeader("token", text)
        return cls(value, Params.parse(semicolon + params, report))

    @property
    def q(self) -> float:
        """Preference, 1.0 when not said."""
        return parse_q(self.params.get("q"))

    def __str__(self) -> str:
        return f"{self.value}{self.params}"
