"""Where a proxy sends a request: its target set, and which ways are open (RFC 3261 section 16.5, RFC 5626 sections 5.3
and 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import attrs

from sip.core.dialog import must_fit_request_line
from sip.core.routing import KNOWN_METHODS
from sip.endpoint.endpoint import Endpoint
from sip.errors import RemoteProtocolError
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.headers.warning import Warning
from sip.message.request import Request
from sip.servers.flow_token import FlowTokens
from sip.servers.location import Binding, Target, can_be_dialled
from sip.servers.proxy_admission import Admission, Answered, ProxyConfig
from sip.servers.proxy_route import OwnAddresses, preprocess
from sip.syntax.uri import Uri

__all__ = ["Alternatives", "Found", "Targeting"]

#: Targets of which one is enough, the first one to be tried first: flows of one device.
Alternatives = tuple[Target, ...]


@attrs.frozen(kw_only=True)
class _AsItIs:
    """A target that no location service named: the Request-URI, perhaps by a flow that is known."""

    uri: Uri
    route: tuple[NameAddr, ...] = ()
    flow: Flow | None = None
    q: float = 1.0


@attrs.frozen(kw_only=True)
class Found:
    """The target set of a request."""

    request: Request  #: without our Route values
    targets: Sequence[Target]
    located: bool = False  #: whether the location service named them: then it is a user who is there or not


class Targeting:
    """Finds the targets of requests."""

    def __init__(
        self,
        endpoint: Endpoint,
        config: ProxyConfig,
        own: OwnAddresses,
        tokens: FlowTokens,
        admission: Admission,
        location: Callable[[Uri], Sequence[Target]],
        moved: Callable[[Flow, Uri], Flow | None],
    ) -> None:
        self._endpoint, self._config, self._own, self._tokens = endpoint, config, own, tokens
        self._admission, self._location, self._moved = admission, location, moved

    def find(self, request: Request, flow: Flow, now: float) -> Found:
        """Take our Route values off, and find the targets (section 16.5); raises Answered."""
        found = preprocess(request, flow, self._own, self._tokens)
        onward, uri = self._admission.believed(found.request, flow), found.request.uri
        if found.flow is not None:
            return Found(request=onward, targets=[self._by_flow(uri, found.flow)])
        if not onward.route:
            if self._own.include(uri, flow):
                return self._located(onward, uri)
            if uri.scheme not in ("sip", "sips"):
                return self._located(onward, uri, none=416)
        elif onward.route[0].uri.scheme not in ("sip", "sips"):
            raise Answered(400)  # there is no way to follow it
        if not found.known:
            onward = self._admission.let_out(onward, flow, now=now)
        return Found(request=onward, targets=[_AsItIs(uri=uri)])

    def _by_flow(self, uri: Uri, flow: Flow) -> Target:
        """The end of a dialog whose requests go down a flow, or down the one that took its place (RFC 5626 5.3.1)."""
        if self._endpoint.is_open(flow):
            return _AsItIs(uri=uri, flow=flow)
        if (after := self._moved(flow, uri)) is not None:
            return _AsItIs(uri=uri, flow=after)
        if not can_be_dialled(uri, flow):
            raise Answered(430)
        return _AsItIs(uri=uri, flow=flow)

    def _located(self, request: Request, uri: Uri, none: int = 480) -> Found:
        if uri.user is None and none != 416 and request.method == "OPTIONS":
            raise Answered(200, self._config.capabilities())  # about us (section 11.2)
        if uri.user is None and none != 416 and request.method not in KNOWN_METHODS:
            raise Answered(501, [("Allow", ", ".join(sorted(KNOWN_METHODS)))])  # about us, too (section 8.2.1)
        targets = [each for each in self._location(uri) if self.is_reachable(each, request)]
        if uri.scheme == "sips" and targets:
            targets = [each for each in targets if each.uri.scheme == "sips"]
            if not targets:  # RFC 5630 section 5.3: there is somebody, who cannot be reached by TLS all the way
                raise Answered(480, [("Warning", Warning(380, uri.host, "SIPS Not Allowed"))])
        if not targets:
            raise Answered(none)
        return Found(request=request, targets=targets, located=True)

    def is_reachable(self, target: Target, request: Request) -> bool:
        """Whether there is a way to a target at this moment, as far as one can know without trying."""
        flow = target.flow
        try:
            must_fit_request_line(target.uri)
        except RemoteProtocolError:
            return False
        if flow is not None:
            return self._endpoint.is_open(flow) or can_be_dialled(target.uri, flow)
        hop = next((each.uri for each in (*target.route, *request.route)), target.uri)
        return hop.scheme in ("sip", "sips")

    def grouped(self, targets: Sequence[Target], breadth: int) -> list[list[Alternatives]]:
        """Targets that are tried at once: all, or those of one preference, but never more than the breadth allows."""
        ordered = sorted(_by_device(targets), key=lambda each: -each[0].q)[: self._config.max_targets]
        alike = [list(group) for _, group in groupby(ordered, key=lambda each: each[0].q)]
        groups = alike if self._config.sequential else [ordered]
        return [group[start : start + breadth] for group in groups for start in range(0, len(group), breadth)]


def _by_device(targets: Sequence[Target]) -> list[Alternatives]:
    """One entry for each device: it gets a request once, by whichever of its flows works (RFC 5626 section 7)."""
    devices: dict[object, list[Target]] = {}
    for number, target in enumerate(targets):
        named = isinstance(target, Binding) and target.instance is not None and target.reg_id is not None
        key: object = (target.aor, target.instance) if isinstance(target, Binding) and named else number
        devices.setdefault(key, []).append(target)
    return [tuple(each) for each in devices.values()]
