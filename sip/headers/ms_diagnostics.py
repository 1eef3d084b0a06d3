"""ms-diagnostics, ms-diagnostics-public and ms-client-diagnostics: why a Microsoft server or client said no.

``<ErrorId>[.<sub>];source="<fqdn>";reason="<text>"[;name="value"]*``. The status is never changed because of it.
"""

from __future__ import annotations

import re
from typing import Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import Report, must_not_be_negative, quote, tolerate
from sip.syntax.params import Params

_ID = re.compile(r"([0-9]{1,9}+)(?:\.([0-9]{1,9}+))?+")


@attrs.frozen
class MsDiagnostics:
    """One diagnosis."""

    error_id: int = attrs.field()
    source: str | None = None  #: host that gave it; not told to outsiders
    reason: str | None = None  #: for people
    params: Params = Params()  #: further fields
    sub_id: int | None = attrs.field(default=None, validator=attrs.validators.optional(must_not_be_negative))

    @error_id.validator
    def _is_id(self, _: object, value: int) -> None:
        if not 0 <= value < 10**9:
            raise LocalProtocolError(f"not an ErrorId: {value}")

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        error_id, semicolon, rest = text.partition(";")
        match = _ID.fullmatch(error_id.strip(" \t"))
        if match is None:
            raise MalformedHeader("ms-diagnostics", text)
        params = Params.parse(semicolon + rest, report)
        sub_id = None if match[2] is None else int(match[2])
        further = params.without("source", "reason")
        return cls(int(match[1]), params.get("source"), params.get("reason"), further, sub_id)

    def __str__(self) -> str:
        sub_id = "" if self.sub_id is None else f".{self.sub_id}"
        source = "" if self.source is None else f";source={quote(self.source)}"
        reason = "" if self.reason is None else f";reason={quote(self.reason)}"
        return f"{self.error_id}{sub_id}{source}{reason}{self.params}"
