"""What sips means for one hop: TLS and nothing else, whatever a Route or a kept connection says.

RFC 3261 sections 8.1.2, 16.6 and 26.2.2; RFC 5630.
"""

from __future__ import annotations

from typing import Final

from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.syntax.uri import Uri

#: Transports that hide what they carry.
_SECURE: Final = frozenset({"TLS", "WSS"})


def is_secure(flow: Flow) -> bool:
    """Whether a flow is one over which a sips request may go."""
    return flow.transport in _SECURE


def leaves_in_the_clear(data: bytes, flow: Flow) -> bool:
    """Whether a message is a request to a sips URI, and the flow one without TLS."""
    uri = data.find(b" ") + 1
    return data[uri : uri + 5].lower() == b"sips:" and flow.transport not in _SECURE


def secured_hop(hop: Uri, target: Uri | str) -> Uri:
    """The next hop of a request to ``target``: as if it was a sips URI, if the target is (section 8.1.2)."""
    to_sips = target[:5].lower() == "sips:" if isinstance(target, str) else target.scheme == "sips"
    return as_sips(hop) if to_sips else hop


def as_sips(uri: Uri) -> Uri:
    """A sip URI with the other scheme, which says the transport as well; any other URI as it is."""
    return Uri.parse(f"sips{str(uri)[3:]}").without_params("transport") if uri.scheme == "sip" else uri


def begins_securely(request: Request) -> bool:
    """Whether the Contact of who answers has to be sips (sections 12.1.1 and 8.1.1.8).

    That is so for a sips Request-URI, and for a sips URI on top of Record-Route, or in Contact where there is none.
    """
    if request.uri.scheme == "sips":
        return True
    if "Record-Route" in request.headers:
        recorded = request.record_route
        return bool(recorded) and recorded[0].uri.scheme == "sips"
    contacts = request.contact if "Contact" in request.headers else ()
    return any(isinstance(each, NameAddr) and each.uri.scheme == "sips" for each in contacts[:1])
