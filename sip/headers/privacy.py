"""Privacy (RFC 3323 section 4.2).

::

    Privacy-hdr  =  "Privacy" HCOLON priv-value *(";" priv-value)
    priv-value   =  "header" / "session" / "user" / "none" / "critical" / token
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import Report, is_token, tolerate


@attrs.frozen
class Privacy:
    """What the sender wants to be hidden: ``id``, ``header``, ``session``, ``user``, ``none``, ``critical`` ..."""

    values: tuple[str, ...] = attrs.field()  #: in lower case

    @values.validator
    def _are_tokens(self, _: object, values: tuple[str, ...]) -> None:
        if not values or not all(is_token(value) for value in values):
            raise LocalProtocolError(f"not privacy values: {values!r}")

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        values = tuple(part.strip(" \t").lower() for part in text.split(";"))
        if not all(is_token(value) for value in values):
            raise MalformedHeader("Privacy", text)
        return cls(values)

    def __str__(self) -> str:
        return ";".join(self.values)
