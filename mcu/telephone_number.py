"""Telephone numbers in URIs: ``tel:`` (RFC 3966), and SIP URIs that stand for one (RFC 3261 section 19.1.6)."""

from __future__ import annotations

import re
from typing import Final

import attrs

from sip import Uri

#: RFC 3966 section 5.1.1: visual separators carry no meaning.
_SEPARATORS: Final = str.maketrans("", "", "-.() ")
_DIGITS: Final = frozenset("0123456789*#ABCD")
#: More digits than that are no extension of a house: a switch may take them for a number of the public network.
_EXTENSION: Final = 6
#: A number with something after it. Gateways dial as far as they understand, and pauses and what is dialled after them
#: are no part of a number (RFC 2806 section 2.2, ``post-dial``). It is only looked for where the whole is no number.
_NUMBER_AND_MORE: Final = re.compile(r"(?:(\+[0-9][0-9*#A-D]*)|([0-9*#A-D]+)(?=[,PW][0-9*#A-D,PW]*\Z))")


def global_number(text: str) -> str:
    """The digits of a ``tel:`` subscriber number, a leading ``+`` kept, separators and parameters dropped.

    Raises ``ValueError`` for anything but digits, ``*``, ``#`` and the hexadecimal phone digits A to D.
    """
    number = text.partition(";")[0].translate(_SEPARATORS).upper()
    digits = number.removeprefix("+")
    if not digits or not _DIGITS.issuperset(digits):
        raise ValueError(f"not a telephone number: {text!r}")
    return number


def _context(value: str) -> str:
    """A ``phone-context`` as it compares: digits without separators, or a domain in lower case."""
    return value.translate(_SEPARATORS) if value.startswith("+") else value.lower().rstrip(".")


@attrs.frozen(kw_only=True)
class TelephoneNumber:
    """One number."""

    digits: str  #: with ``+`` for global numbers
    #: Where a local number means something (RFC 3966 section 5.1.5): a domain, or the first digits of global numbers,
    #: to which it must not be appended. None for global numbers, and for local ones that do not say it.
    context: str | None = None

    @classmethod
    def parse(cls, text: str) -> TelephoneNumber:
        """Read what follows ``tel:``; raises ``ValueError``."""
        number, _, params = text.partition(";")
        digits, context = global_number(number), None
        for param in params.split(";"):
            name, _, value = param.partition("=")
            if name.lower() == "phone-context" and not digits.startswith("+"):
                context = _context(value)
        return cls(digits=digits, context=context)


def number_in(uri: Uri) -> TelephoneNumber | None:
    """The number that a URI stands for; None when it is that of a user, or cannot be read as a number.

    A SIP URI stands for one when it says so (``user=phone``), when its user part is a global number, or more digits
    than an extension has, with or without something after it: what such a URI costs is decided by whoever sees it last.
    """
    if uri.scheme == "tel":
        try:
            return TelephoneNumber.parse(uri.opaque_part or "")
        except ValueError:
            return None
    number = _number_of_user(uri.user or "")
    if number is None:
        return None
    digits = number.digits
    said = (uri.params.get("user") or "").lower() == "phone"
    return number if said or digits.startswith("+") or len(digits) > _EXTENSION else None


def _number_of_user(user: str) -> TelephoneNumber | None:
    try:
        return TelephoneNumber.parse(user)
    except ValueError:
        found = _NUMBER_AND_MORE.match(user.partition(";")[0].translate(_SEPARATORS).upper())
        return None if found is None else TelephoneNumber(digits=found[0])
