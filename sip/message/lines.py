"""Header lines that are known to fit into a message, and messages made of nothing else.

What a core gives is checked once, when it gives it; so a command raises before anything has happened, and what waits
for a flow or is sent again is not looked at a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Final

from sip.errors import LocalProtocolError, RemoteProtocolError
from sip.headers.name_addr import NameAddr
from sip.message.headers import Field, checked_field, checked_fields
from sip.message.request import Request, checked_uri
from sip.syntax.uri import Uri

Lines = list[Field]
#: For what waits for half a minute without any: one for all of it, that nobody changes.
NO_LINES: Final[Lines] = []
_NAME: Final = itemgetter(0)


def checked(headers: Iterable[tuple[str, object]], content_type: str | None = None) -> Lines:
    """Return the header lines of a core; raises LocalProtocolError for those, and a content type, that do not fit."""
    if content_type is not None:
        checked_field("Content-Type", content_type)
    return checked_fields(headers) if headers else []


def checked_value(name: str, value: object) -> str:
    """Return one header value of a core as text; raises LocalProtocolError."""
    return checked_field(name, value)[1]


def has(headers: Iterable[tuple[str, object]], name: str) -> bool:
    """Whether a core gave a header itself, so that the endpoint does not add its own."""
    return name.lower() in map(str.lower, map(_NAME, headers))


def local_uri(uri: Uri | str) -> Uri:
    """Return a URI of a core that can stand in a request line; raises LocalProtocolError."""
    try:
        parsed = Uri.parse(uri) if isinstance(uri, str) else uri
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from error
    checked_uri(parsed)
    return parsed


def local_address(address: NameAddr | str) -> NameAddr:
    """Return an address of a core; raises LocalProtocolError."""
    if isinstance(address, NameAddr):
        return address
    try:
        return NameAddr.parse(address)
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from error


def assemble(method: str, uri: str, lines: Lines, body: bytes = b"", content_type: str | None = None) -> Request:
    """Make a request of parts that were checked; ``lines`` is used up."""
    if content_type is not None:
        lines.append(("Content-Type", content_type))
    lines.append(("Content-Length", str(len(body))))
    return Request._of(method, uri, lines, body)
