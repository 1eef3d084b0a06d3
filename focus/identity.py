"""Who sent a request. The SIP side is trusted as far as the given function trusts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sip import AddressOfRecord, Flow, Request, SipError

#: RFC 3323 section 4.1.1.3: the host of a caller who does not say who it is.
ANONYMOUS_HOST: Final = "anonymous.invalid"

Identify = Callable[[Request, Flow], "str | None"]


def from_header(request: Request, flow: Flow) -> str | None:
    """The From URI, for networks in which a proxy has checked it; None when there is none."""
    try:
        uri = request.from_.uri
    except SipError:
        return None
    return str(uri) if uri.host else None


def is_authenticated(user: AddressOfRecord) -> bool:
    """Whether an identity names somebody (RFC 3323 gives the anonymous one a reserved host)."""
    return user.uri is not None and user.uri.host != ANONYMOUS_HOST
