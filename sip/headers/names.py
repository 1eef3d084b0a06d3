"""Names of header fields: spelling, compact forms, and which hold one value, a list or free text.

RFC 3261 sections 7.3.1, 7.3.3 and 20; the IANA registry for the compact forms of extensions.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Shape(Enum):
    """How many values a header field holds."""

    SINGLE = "one value, once"
    LIST = "values separated by commas, or on several lines"
    LINES = "several lines, one value each; commas belong to the value"


_COMPACT: Final = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

_SINGLE: Final = (
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Max-Forwards",
    "Max-Breadth",
    "Content-Type",
    "Content-Length",
    "Content-Disposition",
    "Subject",
    "Date",
    "Timestamp",
    "Server",
    "User-Agent",
    "Organization",
    "MIME-Version",
    "Priority",
    "Retry-After",
    "Expires",
    "Min-Expires",
    "Event",
    "Subscription-State",
    "Refer-To",
    "Refer-Sub",
    "Referred-By",
    "Replaces",
    "Join",
    "Session-Expires",
    "Min-SE",
    "RSeq",
    "RAck",
    "Identity-Info",
    "Authentication-Info",
    "Proxy-Authentication-Info",
    "ms-keep-alive",
    "Ms-Conversation-ID",
    "ms-piggyback-cseq",
    "Ms-Sensitivity",
    "Ms-Mcu-Contact",
    "Roster-Manager",
    "SIP-ETag",
    "SIP-If-Match",
    "Flow-Timer",
    "Reply-To",
    "Info-Package",
    "Target-Dialog",
)

_LIST: Final = (
    "Via",
    "Contact",
    "Route",
    "Record-Route",
    "Path",
    "Service-Route",
    "Content-Encoding",
    "Supported",
    "Require",
    "Proxy-Require",
    "Unsupported",
    "Allow",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "In-Reply-To",
    "Error-Info",
    "Alert-Info",
    "Call-Info",
    "Warning",
    "Allow-Events",
    "Accept-Contact",
    "Reject-Contact",
    "Request-Disposition",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "P-Associated-URI",
    "History-Info",
    "Diversion",
    "Reason",
    "Privacy",
    "Recv-Info",
    "EndPoints",
)

_LINES: Final = (
    "Authorization",
    "Proxy-Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "ms-diagnostics",
    "ms-diagnostics-public",
    "ms-client-diagnostics",
    "Presence-State",
    "ms-endpoint-location-data",
    "ms-text-format",
    "ms-im-format",
    "Identity",  # RFC 8224 section 6.2: zero, one, or more
)

#: Shape of each known header, by its key (the full name in lower case).
_SHAPES: Final = {
    **dict.fromkeys((name.lower() for name in _SINGLE), Shape.SINGLE),
    **dict.fromkeys((name.lower() for name in _LIST), Shape.LIST),
    **dict.fromkeys((name.lower() for name in _LINES), Shape.LINES),
}

_NAMES: Final = {name.lower(): name for name in (*_SINGLE, *_LIST, *_LINES)}

#: Full name of each compact form, in both cases.
COMPACT: Final = {**_COMPACT, **{short.upper(): name for short, name in _COMPACT.items()}}

#: Key of the spellings that are met on the wire; `key_of` knows the rest.
KEYS: Final = {
    **{spelling: key for key, name in _NAMES.items() for spelling in (key, name, name.upper(), name.title())},
    **{short: name.lower() for short, name in COMPACT.items()},
}


def key_of(name: str) -> str:
    """Key of a header: its full name in lower case, whatever its spelling."""
    return KEYS.get(name) or name.lower()


def canonical_name(key: str) -> str:
    """The usual spelling of a known header; other names as they are."""
    return _NAMES.get(key, key)


def shape_of(key: str) -> Shape:
    """Shape of a header; unknown ones may come on several lines, their commas are their own affair."""
    return _SHAPES.get(key, Shape.LINES)
