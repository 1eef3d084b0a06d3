"""Who sent a request. The SIP side is trusted as far as the given function trusts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from focus.refusal import Refusal, Refused
from sip import AddressOfRecord, Challenged, Flow, Identification, Identified, Request, SipError
from sip import Refused as SipRefused

#: RFC 3323 section 4.1.1.3: the host of a caller who does not say who it is.
ANONYMOUS_HOST: Final = "anonymous.invalid"

#: The URI of who sent a request, None for nobody; or one of the four answers of `sip.Identify`, of which `sip.Pending`
#: comes later, by ``identified``.
Identify = Callable[[Request, Flow], "str | Identification | None"]

#: What is known in the end; None: nobody.
Known = Identified | Challenged | SipRefused | None


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


def insist_on(known: Known) -> Identified | None:
    """Whoever was identified. Raises Refused: the challenge, or the refusal."""
    if isinstance(known, Challenged):
        raise Refused(Refusal(known.status, None, "Credentials are needed", headers=known.headers))
    if isinstance(known, SipRefused):
        text = known.text or "Not admitted"
        raise Refused(Refusal(known.status, None, text, headers=known.headers, phrase=known.text))
    return known


def name_of(identified: Identified | None, request: Request) -> AddressOfRecord | None:
    """Under which name somebody takes part. A proven user who wants to stay hidden does under the From (RFC 3323).

    But only where that names nobody: any other name in From was not proven.
    """
    if identified is None or not identified.anonymous:
        return identified.user if identified is not None else None
    hidden = AddressOfRecord.read(str(request.from_.uri))
    return identified.user if is_authenticated(hidden) else hidden
