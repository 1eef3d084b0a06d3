"""Whether a connection is the way back to the other side of a dialog (RFC 3261 section 12.2.1.1)."""

from __future__ import annotations

from collections.abc import Sequence

from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import reached_host


def leads_back(request: Request, flow: Flow, routes: Sequence[str]) -> bool:
    """Whether the connection that a request came by leads to the first hop of the way back.

    Not when a proxy made it that does not stay on the way, behind one that does: that one is to be reached by itself.
    """
    if not routes:
        return True
    hosts = {canonical_host(flow.remote.host), canonical_host(request.via[0].host)}
    return reached_host(NameAddr.parse(routes[0]).uri) in hosts
