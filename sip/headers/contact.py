"""Contact (RFC 3261 section 20.10): where a user can be reached, or the asterisk that stands for all bindings.

::

    Contact         =  ("Contact" / "m") HCOLON ( STAR / (contact-param *(COMMA contact-param)))
    contact-param   =  (name-addr / addr-spec) *(SEMI contact-params)
    contact-params  =  c-p-q / c-p-expires / contact-extension
    c-p-q           =  "q" EQUAL qvalue
    c-p-expires     =  "expires" EQUAL delta-seconds

One item of the list is read here. Its ``q`` and ``expires`` are properties of ``NameAddr``.
"""

from __future__ import annotations

from typing import Final

from sip.headers.name_addr import NameAddr
from sip.syntax.grammar import Report, tolerate


class Star:
    """The lone asterisk of ``Contact: *`` (RFC 3261 section 10.2.2)."""

    __slots__ = ()

    def __str__(self) -> str:
        return "*"

    def __repr__(self) -> str:
        return "STAR"


STAR: Final = Star()


def parse_contact(text: str, report: Report = tolerate) -> NameAddr | Star:
    """An address, or the asterisk that stands for all of them; raises MalformedHeader."""
    return STAR if text == "*" else NameAddr.parse(text, report)
