"""Single values between text and Python: lenient on receipt, strict on emission."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from c3p import vocabulary
from c3p.binding.fields import Kind
from c3p.binding.xml import escape_attribute, escape_text
from c3p.errors import LocalProtocolError
from c3p.vocabulary import Code

Value = str | bool | int | Code

_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_CODES: Final = {code.value: code for code in Code}
MAX_UINT_DIGITS: Final = 20  #: digits of an unsigned 64 bit number; longer ones are not numbers for us


def _read_boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text.strip().lower())


def _read_uint(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MAX_UINT_DIGITS else None


def _read_number(text: str) -> str | None:
    digits = text.strip()
    return digits if digits.isascii() and digits.isdigit() else None


def _read_code(text: str) -> Code | None:
    return _CODES.get(text.strip())


#: Text to value; None when the text is no such value, which is then kept as unknown content.
READ: Final[Mapping[Kind, Callable[[str], Value | None]]] = {
    Kind.TEXT: str,
    Kind.TOKEN: str.strip,
    Kind.BOOLEAN: _read_boolean,
    Kind.UINT: _read_uint,
    Kind.NUMBER: _read_number,
    Kind.CODE: _read_code,
}


def _write_text(value: object) -> str:
    if not isinstance(value, str):
        raise LocalProtocolError(f"expected text, not {value!r}")
    return value


def _write_token(value: object) -> str:
    text = _write_text(value)
    if text and (text[0].isspace() or text[-1].isspace()):
        raise LocalProtocolError(f"white space around {text[:200]!r}")
    return text


def _write_boolean(value: object) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    raise LocalProtocolError(f"expected True or False, not {value!r}")


def _write_uint(value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**MAX_UINT_DIGITS:
        raise LocalProtocolError(f"expected a number from 0, not {value!r}")
    return str(value)


def _write_number(value: object) -> str:
    if not isinstance(value, str):
        raise LocalProtocolError(f"expected text, not {value!r}")
    if not (value.isascii() and value.isdigit()):
        raise LocalProtocolError(f"expected decimal digits, not {value[:200]!r}")
    return value


def _write_code(value: object) -> str:
    if not isinstance(value, Code):
        raise LocalProtocolError(f"expected a Code, not {value!r}")
    return value.value


def _writers(escape: Callable[[object], str]) -> Mapping[Kind, Callable[[object], str]]:
    return {
        Kind.TEXT: lambda value: escape(_write_text(value)),
        Kind.TOKEN: lambda value: escape(_write_token(value)),
        Kind.BOOLEAN: _write_boolean,
        Kind.UINT: _write_uint,
        Kind.NUMBER: _write_number,
        Kind.CODE: _write_code,
    }


#: Value to text as it stands in an element, escaped. Raises LocalProtocolError for a value that does not fit.
WRITE_TEXT: Final = _writers(escape_text)
WRITE_ATTRIBUTE: Final = _writers(escape_attribute)
#: Kinds whose values are text.
WORDS: Final = frozenset((Kind.TEXT, Kind.TOKEN))
#: Whether text of these kinds is written as it stands, in an element or in double quotes: visible ASCII with blanks
#: between, and nothing to escape. What is not plain may still be right; it is looked at more closely.
is_plain: Final = re.compile(r"[!#-%'-;=?-~](?:[ !#-%'-;=?-~]*[!#-%'-;=?-~])?").fullmatch
#: Whether text is a word of the protocol, all of which are plain: they are most of what is written.
is_well_known: Final = frozenset(
    word.value
    for words in vars(vocabulary).values()
    if isinstance(words, type) and issubclass(words, StrEnum)
    for word in words
    if is_plain(word.value)
).__contains__
