"""Ms-Keep-Alive: how a Microsoft client and its server agree on keeping a connection alive.

``UAC;hop-hop=yes`` in the request, ``UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300`` in its answer.
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import MalformedHeader
from sip.syntax.grammar import Report, is_token, must_be_token, tolerate
from sip.syntax.params import Params


@attrs.frozen
class MsKeepAlive:
    """One side's word on keep-alives."""

    role: str = attrs.field(validator=must_be_token)  #: ``UAC`` or ``UAS``
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        role, semicolon, params = text.partition(";")
        role = role.strip(" \t")
        if not is_token(role):
            raise MalformedHeader("ms-keep-alive", text)
        return cls(role.upper(), Params.parse(semicolon + params, report))

    @property
    def timeout(self) -> int | None:
        """Seconds of silence after which the server closes the connection."""
        value = self.params.get("timeout")
        return int(value) if value and value.isdecimal() and value.isascii() and len(value) < 10 else None

    @property
    def hop_hop(self) -> bool:
        """Whether each hop keeps its own connection alive."""
        return (self.params.get("hop-hop") or "").lower() == "yes"

    def __str__(self) -> str:
        return f"{self.role}{self.params}"
