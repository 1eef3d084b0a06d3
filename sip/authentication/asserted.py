"""What a request says about its sender, and what of it goes on: RFC 3325 and RFC 3323."""

from __future__ import annotations

from typing import Final

from sip.authentication.identification import Identified
from sip.errors import RemoteProtocolError
from sip.headers.name_addr import NameAddr
from sip.headers.privacy import Privacy
from sip.message.request import Request
from sip.syntax.uri import Uri

__all__ = [
    "ANONYMOUS_HOST",
    "asserted_uri",
    "is_anonymous",
    "kept_private",
    "preferred_uri",
    "wants_privacy",
    "with_identity",
]

#: The host of who does not say who it is (RFC 3323 section 4.1.1.3).
ANONYMOUS_HOST: Final = "anonymous.invalid"
#: What speaks of the sender's identity: a proxy of the trust domain writes the first, and reads the other.
_ASSERTED: Final = "P-Asserted-Identity"
_PREFERRED: Final = "P-Preferred-Identity"
#: Values of Privacy that hide the asserted identity from those outside of the trust domain (RFC 3325 section 9.3).
_HIDING: Final = frozenset({"id", "user", "header"})


def is_anonymous(uri: Uri) -> bool:
    """Whether a From says that its sender does not want to be named."""
    return uri.host == ANONYMOUS_HOST


def wants_privacy(request: Request) -> bool:
    """Whether the sender wants to remain unknown to the other side.

    A Privacy header that cannot be read may ask for it, so it does.
    """
    if is_anonymous(request.from_.uri):
        return True
    values: set[str] = set()
    for line in request.headers.get_all("Privacy"):
        try:
            values |= {*Privacy.parse(line).values}
        except RemoteProtocolError:
            return True
    return not _HIDING.isdisjoint(values)


def asserted_uri(request: Request) -> Uri | None:
    """P-Asserted-Identity; None without any. Raises RemoteProtocolError when it cannot be read."""
    return _first(request, _ASSERTED)


def preferred_uri(request: Request) -> Uri | None:
    """P-Preferred-Identity; None without any. Raises RemoteProtocolError when it cannot be read."""
    return _first(request, _PREFERRED)


def _first(request: Request, name: str) -> Uri | None:
    """The first address of a header that may hold one of SIP and one of a telephone, the former before the latter."""
    if name not in request.headers:
        return None
    found = request.header(name)
    uris = [each.uri for each in found if isinstance(each, NameAddr)] if isinstance(found, tuple) else []
    if not uris:  # it is there, and nobody can read it
        raise RemoteProtocolError(f"{name} cannot be read")
    return next((uri for uri in uris if uri.scheme in ("sip", "sips")), uris[0])


def with_identity(request: Request, identified: Identified, *, believed: bool) -> Request:
    """The request as it may go on: with the identity that was proved, and none that somebody only claims.

    ``believed`` says that the peer is trusted, so that what it asserts, or does not, stays.
    """
    headers = request.headers
    changes: dict[str, object] = {}
    if not believed and _ASSERTED in headers:
        changes[_ASSERTED] = None
    if _PREFERRED in headers:
        changes[_PREFERRED] = None
    if not believed and identified.user.uri is not None:
        changes[_ASSERTED] = f"<{identified.user.uri.address_of_record()}>"
    return request.evolve(set=changes) if changes else request


def kept_private(request: Request) -> Request:
    """The request as it goes to who is not trusted: without the identity that its sender hides (section 5)."""
    if _ASSERTED not in request.headers or not wants_privacy(request):
        return request
    return request.evolve(remove=[_ASSERTED])
