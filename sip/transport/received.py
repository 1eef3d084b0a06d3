"""Where a request really came from, noted in its top Via (RFC 3261 section 18.2.1, RFC 3581)."""

from __future__ import annotations

from sip.flow import Flow
from sip.headers.via import Via
from sip.message.request import Request
from sip.syntax.uri_parts import canonical_host


def stamped(request: Request, top: Via, flow: Flow) -> Request:
    """Return the request with ``received`` and ``rport`` in its ``top`` Via (RFC 3261 section 18.2.1, RFC 3581)."""
    host = flow.remote.host
    if not top.wants_rport:
        if top.host == host or (":" in host and _without_zone(top.host) == _without_zone(canonical_host(host))):
            return request
        changed = str(top.with_params(received=_literal(host)))
    else:
        text = str(top)
        if text.endswith(";rport"):
            changed = f"{text}={flow.remote.port};received={_literal(host)}"
        else:
            changed = str(top.with_params(rport=str(flow.remote.port), received=_literal(host)))
    if request._restamp(changed):
        return request
    return request.evolve(set={"Via": (changed, *request.via[1:])})


def _literal(host: str) -> str:
    return f"[{_without_zone(host)}]" if ":" in host else host


def _without_zone(host: str) -> str:
    """An address without the interface that only this machine knows by that name (RFC 4007 section 11.2)."""
    return host.partition("%")[0]
