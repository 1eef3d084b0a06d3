"""Fragments of the grammar under the names of RFC 3261 section 25.1, and the quoting rules that go with them.

Every pattern is linear: repetitions are possessive, alternatives differ in their first character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

from sip.errors import LocalProtocolError, MalformedHeader

#: Told of each deviation from the grammar that a parser is ready to live with.
Report = Callable[[str], None]


class Named(Protocol):
    """What a validator is told about its field."""

    @property
    def name(self) -> str:
        """Name of the field."""


def tolerate(what: str) -> None:
    """Live with a deviation and say nothing."""


def refuse(what: str) -> None:
    """Turn every deviation into an error: the strict way to parse. Raises MalformedHeader."""
    raise MalformedHeader("value", what)


def assume(what: str) -> None:
    """Refuse as well, but let a parser take its shortcut for the common form, which overlooks repeated parameters.

    For a first reading, by somebody who reads with care when that fails.

    Raises MalformedHeader.
    """
    raise MalformedHeader("value", what)


# RFC 3261 section 25.1:
#   token          =  1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )
#   gen-value      =  token / host / quoted-string
#   quoted-string  =  SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE
#   qdtext         =  LWS / %x21 / %x23-5B / %x5D-7E / UTF8-NONASCII
#   quoted-pair    =  "\" (%x00-09 / %x0B-0C / %x0E-7F)
#: Characters of ``token``, for use inside brackets of a pattern.
TOKEN_CHARS: Final = r"!%'*+\-.0-9A-Z_`a-z~"
#: Characters that a bare parameter value may hold: ``token`` and ``host`` (RFC 3261 ``gen-value``).
VALUE_CHARS: Final = TOKEN_CHARS + r"\[\]:"
#: ``quoted-string`` with its quotes.
QUOTED: Final = r'"(?:[^"\\\r\n]++|\\[^\r\n])*+"'
#: What would end a line, or the message, if it came through; NUL, which ends strings elsewhere, only as a quoted-pair.
BREAK: Final = re.compile(r"[\r\n]|(?<!\\)\0")
#: Characters that are not printed, among them all line breaks.
CONTROLS: Final = r"\x00-\x1f\x7f"

_TOKEN = re.compile(rf"[{TOKEN_CHARS}]++")
_QUOTED = re.compile(QUOTED, re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r'(["\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f])')
#: One item of a comma list: commas inside quotes and angle brackets do not count. What is left open runs to the end.
_ITEM = re.compile(r'(?:[^,"<]++|"(?:[^"\\]++|\\.)*+"?+|<[^<>]*+>?+)++', re.DOTALL)

#: What ends an address of a list, whatever quotes are in the names: the bracket, parameters, a comma or the end.
#: Linear: of two scans with as many quotes before them, even or odd, each ends where the next begins.
ENDS_ADDRESS: Final = re.compile(r'>[ \t]*+(?:;[^,"<>;]*+(?:"[^"]*+"[ \t]*+)?+)*+(?:,|\Z)')


def is_token(text: str) -> bool:
    """Whether text is a ``token``."""
    return _TOKEN.fullmatch(text) is not None


def must_be_token(_: object, attribute: Named, value: str) -> None:
    """Validator of fields that are printed as a token; raises LocalProtocolError."""
    if not is_token(value):
        raise LocalProtocolError(f"{attribute.name} is not a token: {value!r}")


def must_not_be_negative(_: object, attribute: Named, value: int) -> None:
    """Validator of numbers that have no sign on the wire; raises LocalProtocolError."""
    if value < 0:
        raise LocalProtocolError(f"{attribute.name} is not a number without a sign: {value}")


def is_quoted(text: str) -> bool:
    """Whether text is one whole ``quoted-string``, quotes included."""
    return _QUOTED.fullmatch(text) is not None and BREAK.search(text) is None


def quote(text: str) -> str:
    """Text as a ``quoted-string``; raises LocalProtocolError for line breaks, which it cannot hold."""
    if "\r" in text or "\n" in text:
        raise LocalProtocolError("a quoted string is one line")
    return '"' + _NEEDS_ESCAPE.sub(r"\\\1", text) + '"'


def unquote(text: str) -> str:
    """What a ``quoted-string`` says; other text as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def split_list(text: str) -> list[str]:
    """Items of a comma list, trimmed; empty items are left out."""
    if "," not in text:
        text = text.strip(" \t")
        return [text] if text else []
    items = [item.strip(" \t") for item in _ITEM.findall(text)]
    return [item for item in items if item]


def split_addresses(text: str) -> list[str]:
    """Items of a list of addresses in brackets, trimmed, taken apart behind the brackets: for when quotes mislead."""
    items, start = [], 0
    for found in ENDS_ADDRESS.finditer(text):
        items.append(text[start : found.end()].rstrip(",").strip(" \t"))
        start = found.end()
    return items if start == len(text) and text[-1:] != "," else [*items, text[start:].strip(" \t")]
