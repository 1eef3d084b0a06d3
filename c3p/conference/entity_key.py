"""Keys under which items of a conference-info document are the same item (RFC 4575 section 4.5)."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final

#: An IPv6 host of a URI; a zone in it is not standard, and part of the name.
_LITERAL: Final = re.compile(r"\[([0-9a-f:.]{2,45})(?=[%\]])")


def uri_key(uri: str) -> str:
    """Key of a user, a view or a URI entry: case does not count, in user, host and ``opaque``.

    IPv6 addresses count by value (RFC 5954 section 4.2).
    """
    key = uri.strip().lower()
    return _LITERAL.sub(_by_value, key, count=1) if "[" in key else key


def _by_value(literal: re.Match[str]) -> str:
    try:
        return f"[{IPv6Address(literal[1]).exploded}"
    except ValueError:
        return literal[0]


def guid_key(entity: str) -> str:
    """Key of an endpoint: neither case nor braces count."""
    return entity.strip().strip("{}").lower()


def text_key(text: str) -> str:
    """Key of a media or of a labelled entry."""
    return text.strip()


def new_guid(token: str) -> str:
    """A random name for an endpoint, in braces and upper case (MS-CONFBAS, RFC 9562 section 5.4).

    ``token`` has 32 hexadecimal digits.
    """
    digits = list(token.upper())
    digits[12] = "4"
    digits[16] = "89AB"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return "{" + "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])) + "}"
