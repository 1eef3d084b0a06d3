"""The copy of a request that a proxy sends to one target (RFC 3261 section 16.6 steps 1 to 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sip.authentication.asserted import kept_private
from sip.authentication.own_realm import without_credentials
from sip.endpoint.endpoint import Endpoint
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.servers.flow_token import PATH, DialogEnd, FlowTokens, dialog_scope
from sip.servers.location import Target
from sip.servers.proxy_admission import Admission, ProxyConfig, caller_flow
from sip.servers.proxy_route import OwnAddresses, path, record_route
from sip.servers.proxy_targets import hop_of
from sip.servers.response_context import ResponseContext
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import reached_host

#: Requests that begin a dialog, so that their answers fix the way of what follows (section 16.6 step 4).
_RECORDED: Final = frozenset({"INVITE", "SUBSCRIBE", "REFER"})


class Copies:
    """Makes the copies of one proxy."""

    def __init__(
        self, endpoint: Endpoint, config: ProxyConfig, own: OwnAddresses, tokens: FlowTokens, admission: Admission
    ) -> None:
        self._endpoint, self._config, self._own = endpoint, config, own
        self._tokens, self._admission = tokens, admission

    def of(self, context: ResponseContext, target: Target, breadth: int) -> Request:
        """The copy for one target."""
        marks = self._marks(context.request, context.flow, target, context.located, context.vouched)
        return self.plain(context.request, target, breadth, marks)

    def plain(
        self, request: Request, target: Target, breadth: int, marks: Iterable[tuple[str, object]] = ()
    ) -> Request:
        """The same of a request that begins nothing."""
        hops = 70 if request.max_forwards is None else request.max_forwards - 1
        changes: dict[str, object] = {"Max-Forwards": hops, "Max-Breadth": breadth}
        if target.route:
            changes["Route"] = [*target.route, *request.route]
        seen = request if self._admission.trusts(target, request, hop_of(target)) else kept_private(request)
        seen = without_credentials(seen, self._admission.realm)
        return seen.evolve(uri=target.uri.without_headers(), set=changes, prepend=marks)

    def _marks(
        self, request: Request, flow: Flow, target: Target, located: bool, vouched: bool
    ) -> Sequence[tuple[str, object]]:
        """Record-Route of what begins a dialog; Path of a registration that goes on from here."""
        if request.method == "REGISTER" and self._config.add_path:
            client = DialogEnd(flow=flow, local=True)
            return path(self._own, flow, self._tokens.issue(client, DialogEnd(), scope=PATH))
        if request.method not in _RECORDED or request.to.tag is not None or not self._config.record_route:
            return ()
        if self._config.steps_aside and request.record_route:
            return ()
        token = self._tokens.issue(
            self._caller(request, flow, vouched),
            self._callee(request, target, located),
            scope=dialog_scope(request.call_id, request.from_.tag),
        )
        return record_route(self._own, flow, self._transport_to(request, target), token, to=target.uri)

    @staticmethod
    def _caller(request: Request, flow: Flow, vouched: bool) -> DialogEnd:
        contact = next((each.uri for each in request.contact if isinstance(each, NameAddr)), None)
        way_back = next((each.uri for each in request.record_route), contact)
        return DialogEnd(
            flow=caller_flow(request, flow),
            reached="" if way_back is None else reached_host(way_back),
            source=canonical_host(flow.remote.host),
            local=vouched,
        )

    @staticmethod
    def _callee(request: Request, target: Target, located: bool) -> DialogEnd:
        host = reached_host(_hop(request, target))
        source = host if target.flow is None else canonical_host(target.flow.remote.host)
        return DialogEnd(flow=target.flow, reached=host, source=source, local=located)

    def _transport_to(self, request: Request, target: Target) -> str:
        """The transport that the next hop will be reached by, as far as its URI tells."""
        if target.flow is not None:
            return target.flow.transport
        hop = _hop(request, target)
        if "sips" in (hop.scheme, target.uri.scheme):
            return "TLS"
        ours = [each.transport.upper() for each in self._endpoint.listen]
        default = "UDP" if "UDP" in ours or not ours else ours[0]
        return hop.transport.upper() if hop.transport else default


def _hop(request: Request, target: Target) -> Uri:
    """Where the copy for a target goes."""
    return next((each.uri for each in (*target.route, *request.route)), target.uri)
