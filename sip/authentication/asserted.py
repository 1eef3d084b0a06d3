"""What a request says about its sender, and what of it goes on: RFC 3325 and RFC 3323."""

from __future__ import annotations

import re
from typing import Final, TypeVar

from sip.authentication.identification import Identified
from sip.errors import RemoteProtocolError
from sip.headers.name_addr import NameAddr
from sip.headers.names import key_of
from sip.headers.privacy import Privacy
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri

#: The host of who does not say who it is (RFC 3323 section 4.1.1.3).
ANONYMOUS_HOST: Final = "anonymous.invalid"
#: What speaks of the sender's identity: a proxy of the trust domain writes the first, and reads the other.
_ASSERTED: Final = "P-Asserted-Identity"
_PREFERRED: Final = "P-Preferred-Identity"
#: What says who somebody is in older networks; gateways believe it (draft-ietf-sip-privacy-04).
_REMOTE_PARTY: Final = "Remote-Party-ID"
#: What only members of a trust domain say to each other, of who pays and for what: RFC 8496 section 8.2, RFC 5502
#: section 7, RFC 6050 section 4.1, RFC 7315 section 4.5 and 4.6. It is taken from nobody else, and told to nobody else.
_INTERNAL: Final = frozenset(
    ("p-charge-info", "p-served-user", "p-asserted-service", "p-charging-vector", "p-charging-function-addresses")
)
#: What anybody may be told, but is believed of trusted peers alone: gateways charge whoever has diverted a call, and
#: mailboxes open to him (RFC 5806, RFC 7044).
_DIVERTED: Final = frozenset(("diversion", "history-info"))
_CLAIMS: Final = _INTERNAL | _DIVERTED | {key_of(_ASSERTED), key_of(_REMOTE_PARTY)}
#: ``privacy`` of a Remote-Party-ID, if it hides something; a value that nobody knows does.
_HIDDEN_PARTY: Final = re.compile(r';[ \t]*privacy[ \t]*=(?![ \t]*"?off\b)', re.IGNORECASE)
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
    onward = without_preference(request if believed else without_claims(request))
    if believed or identified.user.uri is None:
        return onward
    return onward.evolve(set={_ASSERTED: f"<{identified.user.uri.address_of_record()}>"})


_Message = TypeVar("_Message", Request, Response)


def without_claims(message: _Message) -> _Message:
    """A message of somebody who is not trusted, without what only trusted peers can assert (RFC 3325 section 5)."""
    gone = _CLAIMS & message.headers.by_key.keys()
    return message.evolve(remove=gone) if gone else message


def without_preference(request: Request) -> Request:
    """The request without the identity that its sender would prefer: that was said to us."""
    return request.evolve(remove=[_PREFERRED]) if _PREFERRED in request.headers else request


def kept_private(request: Request) -> Request:
    """The request as it goes to who is not trusted: without the identity that its sender hides (section 5)."""
    gone = _INTERNAL & request.headers.by_key.keys()
    party = request.headers.get_all(_REMOTE_PARTY)
    if (party or _ASSERTED in request.headers) and wants_privacy(request):
        gone |= {_ASSERTED, _REMOTE_PARTY}
    elif any(_HIDDEN_PARTY.search(line) for line in party):
        gone |= {_REMOTE_PARTY}
    return request.evolve(remove=gone) if gone else request
