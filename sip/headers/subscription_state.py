"""Subscription-State (RFC 6665 section 8.2.3).

::

    Subscription-State  =  "Subscription-State" HCOLON substate-value *( SEMI subexp-params )
    substate-value      =  "active" / "pending" / "terminated" / extension-substate
    subexp-params       =  ("reason" EQUAL event-reason-value) / ("expires" EQUAL delta-seconds)
                           / ("retry-after" EQUAL delta-seconds) / generic-param
"""

from __future__ import annotations

from typing import Final, Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import Report, must_be_token, tolerate
from sip.syntax.params import Params
from sip.syntax.tokens import parse_delta_seconds

_SECONDS: Final = frozenset(("expires", "retry-after"))


@attrs.frozen
class SubscriptionState:
    """How a subscription stands: ``active``, ``pending``, ``terminated`` or an extension."""

    state: str = attrs.field(validator=must_be_token)  #: in lower case
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        state, semicolon, rest = text.partition(";")
        params = Params.parse(semicolon + rest, report)
        for name in params._values.keys() & _SECONDS:
            parse_delta_seconds(params._values[name] or "", report)
        try:
            return cls(state.strip(" \t").lower(), params)
        except LocalProtocolError:
            raise MalformedHeader("Subscription-State", text) from None

    @property
    def expires(self) -> int | None:
        """Seconds left."""
        value = self.params.get("expires")
        return None if value is None else parse_delta_seconds(value)

    @property
    def reason(self) -> str | None:
        """Why it ended, in lower case: ``deactivated``, ``probation``, ``rejected``, ``timeout``, ``giveup`` ..."""
        value = self.params.get("reason")
        return None if value is None else value.lower()

    @property
    def retry_after(self) -> int | None:
        """Seconds to wait before the next subscription."""
        value = self.params.get("retry-after")
        return None if value is None else parse_delta_seconds(value)

    def __str__(self) -> str:
        return f"{self.state}{self.params}"
