"""Where a 3xx sends us (RFC 3261 section 8.1.3.4)."""

from sip.headers.name_addr import NameAddr
from sip.message.response import Response
from sip.syntax.uri import Uri


def targets_of(response: Response, *, secure: bool = False) -> tuple[Uri, ...]:
    """Return the addresses of a 3xx by falling q; the same q keeps the order on the wire (section 8.1.3.4).

    With ``secure`` only those that are sips: nobody is there to be told that the call would go on in the clear.
    """
    contacts = [each for each in response.contact if isinstance(each, NameAddr)]
    schemes = ("sips",) if secure else ("sip", "sips", "tel")
    usable = [each for each in contacts if each.uri.scheme in schemes]
    return tuple(each.uri for each in sorted(usable, key=lambda each: -each.q))
