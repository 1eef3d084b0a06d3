"""Session-Expires and Min-SE (RFC 4028 sections 4 and 5).

::

    Session-Expires  =  ("Session-Expires" / "x") HCOLON delta-seconds *(SEMI se-params)
    se-params        =  refresher-param / generic-param
    refresher-param  =  "refresher" EQUAL ("uas" / "uac")
    Min-SE           =  "Min-SE" HCOLON delta-seconds *(SEMI generic-param)
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import MalformedHeader
from sip.syntax.grammar import Report, must_not_be_negative, tolerate
from sip.syntax.params import Params
from sip.syntax.tokens import parse_delta_seconds


@attrs.frozen
class SessionExpires:
    """How long a session lives without a refresh, and who refreshes."""

    interval: int = attrs.field(validator=must_not_be_negative)  #: seconds
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        interval, params = _seconds_and_params("Session-Expires", text, report)
        if (params.get("refresher", "uac") or "").lower() not in ("uac", "uas"):
            report("a refresher that is neither uac nor uas")
        return cls(interval, params)

    @property
    def refresher(self) -> str | None:
        """``uac``, ``uas`` or None when left open."""
        value = (self.params.get("refresher") or "").lower()
        return value if value in ("uac", "uas") else None

    def __str__(self) -> str:
        return f"{self.interval}{self.params}"


@attrs.frozen
class MinSE:
    """The shortest session interval that somebody on the way accepts."""

    interval: int = attrs.field(validator=must_not_be_negative)  #: seconds
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        return cls(*_seconds_and_params("Min-SE", text, report))

    def __str__(self) -> str:
        return f"{self.interval}{self.params}"


def _seconds_and_params(name: str, text: str, report: Report) -> tuple[int, Params]:
    seconds, semicolon, params = text.partition(";")
    try:
        return parse_delta_seconds(seconds.strip(" \t"), report), Params.parse(semicolon + params, report)
    except MalformedHeader as error:
        raise MalformedHeader(name, text) from error
