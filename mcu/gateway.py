"""Where a telephone number is called: a pure function of the number (decisions 28)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

__all__ = ["Gateway", "GatewayTable", "global_number"]

#: RFC 3966 section 5.1.1: visual separators carry no meaning.
_SEPARATORS = str.maketrans("", "", "-.() ")


def global_number(text: str) -> str:
    """The digits of a ``tel:`` subscriber number, a leading ``+`` kept, separators and parameters dropped.

    Raises ``ValueError`` for anything but digits, ``*``, ``#`` and the hexadecimal phone digits A to D.
    """
    number = text.partition(";")[0].translate(_SEPARATORS).upper()
    digits = number.removeprefix("+")
    if not digits or not set(digits) <= set("0123456789*#ABCD"):
        raise ValueError(f"not a telephone number: {text!r}")
    return number


@attrs.frozen(kw_only=True)
class Gateway:
    """A way to the telephone network for the numbers that begin with ``prefix``."""

    prefix: str  #: with ``+`` for global numbers; the empty string matches every number
    domain: str  #: host of the SIP URI that is called
    strip: int = 0  #: characters taken off the front of the number
    prepend: str = ""  #: put before what is left
    next_hop: str | None = None  #: SIP URI of the proxy to use instead of the configured one
    caller: str | None = None  #: SIP URI for From, when the trunk wants its own identity

    def address(self, number: str) -> str:
        """The SIP URI that calls ``number`` (RFC 3966 section 3: ``user=phone``)."""
        return f"sip:{self.prepend}{number[self.strip :]}@{self.domain};user=phone"


@attrs.frozen
class GatewayTable:
    """Longest matching prefix wins."""

    gateways: Sequence[Gateway] = ()

    def choose(self, number: str) -> Gateway | None:
        """The gateway for ``number``, or ``None`` when no prefix matches."""
        fitting = [gateway for gateway in self.gateways if number.startswith(gateway.prefix)]
        return max(fitting, key=lambda gateway: len(gateway.prefix), default=None)
