"""Where a telephone number is called: a pure function of the number (docs/design-decisions.rst)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from mcu.telephone_number import TelephoneNumber
from sip import MAY_BE_EMPTY, checks_types


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class Gateway:
    """A way to the telephone network for the numbers that begin with ``prefix``."""

    #: with ``+`` for global numbers; the empty string matches every number
    prefix: str = attrs.field(metadata=MAY_BE_EMPTY)
    domain: str  #: host of the SIP URI that is called, with a port where it has one
    strip: int = 0  #: characters taken off the front of the number
    prepend: str = ""  #: put before what is left
    plus: bool = True  #: whether a global number keeps its ``+``: there are trunks that take digits only
    next_hop: str | None = None  #: SIP URI of the proxy to use instead of the configured one
    caller: str | None = None  #: SIP URI for From, when the trunk wants its own identity
    #: URI for P-Asserted-Identity at the trunk; None: ``caller``, or where that is None whoever asked for the call.
    asserted: str | None = None
    #: The ``phone-context`` of local numbers that are called here (RFC 3966 section 5.1.5): a domain, or ``+`` and the
    #: first digits. None takes those that do not say theirs.
    context: str | None = None

    def address(self, number: str) -> str:
        """The SIP URI that calls ``number`` (RFC 3966 section 3: ``user=phone``)."""
        user = f"{self.prepend}{number[self.strip :]}"
        return f"sip:{user if self.plus else user.removeprefix('+')}@{self.domain};user=phone"

    def takes(self, number: TelephoneNumber) -> bool:
        """Whether it leads to that number: its prefix fits, and a local number means here what it means there."""
        wanted = None if self.context is None else TelephoneNumber.parse(f"0;phone-context={self.context}").context
        return number.digits.startswith(self.prefix) and number.context in (None, wanted)


@attrs.frozen(field_transformer=checks_types)
class GatewayTable:
    """Longest matching prefix wins."""

    gateways: Sequence[Gateway] = ()

    def choose(self, number: str | TelephoneNumber) -> Gateway | None:
        """The gateway for ``number``, or ``None`` when no prefix matches."""
        wanted = TelephoneNumber(digits=number) if isinstance(number, str) else number
        fitting = [gateway for gateway in self.gateways if gateway.takes(wanted)]
        return max(fitting, key=lambda gateway: len(gateway.prefix), default=None)
