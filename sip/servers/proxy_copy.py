"""The copy of a request that a proxy sends to one target (RFC 3261 section 16.6 steps 1 to 6)."""

from __future__ import annotations

from typing import Final

from sip.endpoint.endpoint import Endpoint
from sip.flow import Flow
from sip.message.request import Request
from sip.servers.flow_token import FlowTokens
from sip.servers.location import Target
from sip.servers.proxy_admission import Admission, ProxyConfig, caller_flow
from sip.servers.proxy_route import OwnAddresses, path, record_route

__all__ = ["Copies"]

#: Requests that begin a dialog, so that their answers fix the way of what follows (section 16.6 step 4).
_RECORDED: Final = frozenset({"INVITE", "SUBSCRIBE", "REFER"})


class Copies:
    """Makes the copies of one proxy."""

    def __init__(
        self, endpoint: Endpoint, config: ProxyConfig, own: OwnAddresses, tokens: FlowTokens, admission: Admission
    ) -> None:
        self._endpoint, self._config, self._own = endpoint, config, own
        self._tokens, self._admission = tokens, admission

    def of(self, request: Request, flow: Flow, target: Target, breadth: int) -> Request:
        """The copy of a request that came by ``flow`` for one target."""
        hops = 70 if request.max_forwards is None else request.max_forwards - 1
        changes: dict[str, object] = {"Max-Forwards": hops, "Max-Breadth": breadth}
        if target.route:
            changes["Route"] = [*target.route, *request.route]
        marks = self._marks(request, flow, target)
        return self._admission.kept_private(request, target).evolve(
            uri=target.uri.without_headers(), set=changes, prepend=marks
        )

    def _marks(self, request: Request, flow: Flow, target: Target) -> list[tuple[str, object]]:
        """Record-Route of what begins a dialog; Path of a registration that goes on from here."""
        if request.method == "REGISTER" and self._config.add_path:
            return path(self._own, flow, self._tokens.issue(flow, None, scope="path"))
        if request.method not in _RECORDED or request.to.tag is not None or not self._config.record_route:
            return []
        token = self._tokens.issue(caller_flow(request, flow), target.flow, scope=request.call_id)
        return record_route(self._own, flow, self._transport_to(request, target), token)

    def _transport_to(self, request: Request, target: Target) -> str:
        """The transport that the next hop will be reached by, as far as its URI tells."""
        if target.flow is not None:
            return target.flow.transport
        hop = next((each.uri for each in (*target.route, *request.route)), target.uri)
        if hop.scheme == "sips":
            return "TLS"
        ours = [each.transport.upper() for each in self._endpoint.listen]
        default = "UDP" if "UDP" in ours or not ours else ours[0]
        return hop.transport.upper() if hop.transport else default
