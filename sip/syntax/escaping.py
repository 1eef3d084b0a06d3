"""Percent-escapes in URIs (RFC 3261 section 19.1.2 and 25.1 ``escaped``)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sip.errors import LocalProtocolError

# escaped  =  "%" HEXDIG HEXDIG   (RFC 3261 section 25.1)
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_ANY_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: Characters that mean the same escaped or not (``unreserved``).
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")


@lru_cache(maxsize=16)
def _outside(allowed: str) -> re.Pattern[bytes]:
    return re.compile(rf"[^{allowed}]".encode("ascii"))


def escape(text: str, allowed: str) -> str:
    """Text with everything outside ``allowed`` (the inside of a bracket pattern) as %XX, upper case.

    Raises LocalProtocolError for what UTF-8 cannot carry.
    """
    try:
        wire = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise LocalProtocolError(f"cannot be sent: {text!r}") from None
    return _outside(allowed).sub(lambda match: b"%%%02X" % match[0][0], wire).decode("ascii")


def unescape(text: str) -> str:
    """Text with each %XX replaced by what it stands for; malformed escapes stay as they are."""
    if "%" not in text:
        return text
    wire = text.encode("utf-8", "surrogateescape")
    return _ESCAPED.sub(lambda match: bytes((int(match[1], 16),)), wire).decode("utf-8", "surrogateescape")


def well_escaped(text: str) -> bool:
    """Whether each percent sign begins an escape."""
    return "%" not in text or _BAD_ESCAPE.search(text) is None


def normal(text: str) -> str:
    """Text with superfluous escapes undone and the others in upper case: equal for equal components."""
    if "%" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    return _ANY_ESCAPE.sub(one, text)
