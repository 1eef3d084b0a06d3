"""Route, Record-Route, Path and Service-Route: addresses of proxies.

RFC 3261 sections 20.30 and 20.34, RFC 3327 section 4, RFC 3608 section 5; all four have one grammar::

    Route        =  "Route" HCOLON route-param *(COMMA route-param)
    route-param  =  name-addr *( SEMI rr-param )
    rr-param     =  generic-param
"""

from __future__ import annotations

from sip.headers.name_addr import NameAddr
from sip.syntax.grammar import Report, tolerate
from sip.syntax.uri import Uri


def parse_route(text: str, report: Report = tolerate) -> NameAddr:
    """An address of a proxy, in angle brackets (RFC 3261 section 20.34), so what stands behind it without them belongs
    to the URI; so does an ``lr`` behind the brackets, which has no other meaning."""
    if "<" not in text:
        report("no angle brackets around the address")
        return NameAddr(Uri.parse(text, report))
    address = NameAddr.parse(text, report)
    if text[-1:] != ">" and "lr" in address.params and not address.uri.lr:
        report("lr outside of the angle brackets")
        return NameAddr(address.uri.with_params(lr=None), address.display_name, address.params.without("lr"))
    return address
