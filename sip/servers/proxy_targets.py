"""Where a proxy sends a request: its target set, and which ways are open (RFC 3261 section 16.5, RFC 5626 sections 5.3
and 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

import attrs

from sip.authentication.identification import Identification
from sip.core.dialog import must_fit_request_line
from sip.core.forwarding import next_hop_of
from sip.core.routing import KNOWN_METHODS
from sip.endpoint.endpoint import Endpoint
from sip.errors import RemoteProtocolError
from sip.flow import Address, Flow
from sip.headers.name_addr import NameAddr
from sip.headers.warning import Warning
from sip.message.request import Request
from sip.servers.flow_token import FlowTokens, NamedEnd, Pass, UnreadableToken
from sip.servers.location import Binding, Target, can_be_dialled
from sip.servers.proxy_admission import Admission, Answered, ProxyConfig, Standing
from sip.servers.proxy_route import OwnAddresses, preprocess
from sip.syntax.host_name import is_host_name
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import reached_host


def _nobody(uri: Uri) -> Sequence[Target]:
    return ()


def _nowhere(flow: Flow, uri: Uri) -> Flow | None:
    return None


def _unbound(uri: Uri) -> Target | None:
    return None


@attrs.frozen(kw_only=True)
class Users:
    """What a registrar is asked for: the bindings of its users."""

    location: Callable[[Uri], Sequence[Target]]  #: the target set of an address-of-record
    moved: Callable[[Flow, Uri], Flow | None]  #: the open flow of a device that had the given one
    at: Callable[[Uri], Target | None]  #: the binding whose Contact a URI is

    @classmethod
    def known_to(
        cls,
        location: Callable[[Uri], Sequence[Target]] | None,
        moved: Callable[[Flow, Uri], Flow | None] | None,
        at: Callable[[Uri], Target | None] | None,
    ) -> Users:
        """Those whom functions know; None knows nobody."""
        return cls(location=location or _nobody, moved=moved or _nowhere, at=at or _unbound)


#: Targets of which one is enough, the first one to be tried first: flows of one device.
Alternatives = tuple[Target, ...]


#: What ends a dialog, or its handshake, and begins nothing wherever it goes. A restart leaves nobody unable to hang up.
_PARTING: Final = frozenset({"ACK", "BYE"})


@attrs.frozen(kw_only=True)
class AsItIs:
    """A target that no location service named: the Request-URI, perhaps by a flow that is known."""

    uri: Uri
    route: tuple[NameAddr, ...] = ()
    flow: Flow | None = None
    q: float = 1.0
    hop: Uri | None = None  #: where it goes in place of its URI: to where a flow of an earlier process led


@attrs.frozen(kw_only=True)
class Found:
    """The target set of a request."""

    request: Request  #: without our Route values
    targets: Sequence[Target]
    located: bool = False  #: whether the location service named them: then it is a user who is there or not
    vouched: bool = (
        False  #: whether its sender may have us relay, so that dialogs which it begins are of a user of ours
    )
    #: whether it asks us for its sender's own domain, which we do not serve: we bring it there if there is a way
    astray: bool = False
    caller: str | None = None  #: who sent it, if that was proved and is no trusted peer, who speaks for many


class Targeting:
    """Finds the targets of requests.

    What can be reached through us: our users, and parts of our system, by everybody; the other end of a dialog that
    went through us, by its two ends (`FlowTokens`); anything else by those whom `Admission` lets out.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: ProxyConfig,
        own: OwnAddresses,
        tokens: FlowTokens,
        admission: Admission,
        users: Users,
    ) -> None:
        self._endpoint, self._config, self._own, self._tokens = endpoint, config, own, tokens
        self._admission, self._users = admission, users

    def find(self, request: Request, flow: Flow, now: float, identification: Identification | None = None) -> Found:
        """Take our Route values off, and find the targets (section 16.5); raises Answered and SenderPending.

        ``identification`` says who sent the request, where that came later.
        """
        try:
            passed = preprocess(request, flow, self._own, self._tokens)
        except UnreadableToken:
            raise Answered(403) from None  # RFC 5626 section 5.3
        onward, token = passed.request, passed.token
        if token is not None and not self._is_of_its_dialog(token, onward.method, next_hop_of(onward), flow):
            token = None  # it is not for this
        if token is None and not self._is_about_us(onward, flow):
            onward, standing, caller = self._admission.admitted(onward, flow, identification, now=now)
        else:
            onward, standing, caller = self._admission.believed(onward, flow), self._admission.standing(flow), None
        found = self._found(onward, flow, token, standing, now)
        return found if caller is None else attrs.evolve(found, caller=caller)

    def _found(self, onward: Request, flow: Flow, token: Pass | None, standing: Standing, now: float) -> Found:
        """The target set of a request whose sender is known; raises Answered."""
        uri, hop = onward.uri, next_hop_of(onward)
        if token is not None and token.target.bound:
            return Found(request=onward, targets=[self._by_flow(uri, token.target)])
        vouched = standing is not Standing.STRANGER
        if not onward.route:
            if self._own.include(uri, flow):
                return self._located(onward, uri, vouched)
            if uri.scheme not in ("sip", "sips"):
                return self._located(onward, uri, vouched, none=416)
        elif onward.route[0].uri.scheme not in ("sip", "sips"):
            raise Answered(400, reason="A Route that is no SIP address")  # there is no way to follow it
        if not is_host_name(reached_host(hop)):
            raise Answered(400, reason="No host that can be asked for")
        if token is not None:
            return Found(request=onward, targets=[AsItIs(uri=uri)])
        if not onward.route and (binding := self._users.at(uri)) is not None:
            return Found(request=onward, targets=[binding], located=True, vouched=vouched)
        if not self._admission.is_part(hop):
            onward = self._admission.let_out(onward, flow, standing, now=now)
            astray = onward.from_.uri.host == uri.host == reached_host(hop)
            return Found(request=onward, targets=[AsItIs(uri=uri)], vouched=True, astray=astray)
        return Found(request=onward, targets=[AsItIs(uri=uri)], vouched=vouched)

    def _is_about_us(self, request: Request, flow: Flow) -> bool:
        """Whether a request asks what we can do (section 11.2): phones do to see whether we are there."""
        uri = request.uri
        return request.method == "OPTIONS" and uri.user is None and not request.route and self._own.include(uri, flow)

    def _is_of_its_dialog(self, token: Pass, method: str, hop: Uri, flow: Flow) -> bool:
        """Whether what may use a token keeps to the two ends that it was written for.

        A user of ours follows the other end wherever that has gone (RFC 3261 section 12.2: the remote target may
        change), if the request comes from where the user is. Whoever is none of ours could name any target.
        """
        if token.target.bound or self._tokens.is_host(reached_host(hop), token.target.reached):
            return True
        if self._config.ends_only:
            return False
        if method in _PARTING:
            return True
        sender = token.sender
        if sender is None or not sender.local:
            return False
        return flow == sender.flow or self._tokens.is_host(canonical_host(flow.remote.host), sender.source)

    def _by_flow(self, uri: Uri, end: NamedEnd) -> Target:
        """The end of a dialog whose requests go down a flow, or down the one that took its place (RFC 5626 5.3.1)."""
        remote = end.remote or Address("", 0)
        flow = end.flow or Flow(0, end.transport, Address("", 0), remote)  # one that this process does not have
        if end.flow is not None and self._endpoint.is_open(flow):
            return AsItIs(uri=uri, flow=flow)
        if (after := self._users.moved(flow, uri)) is not None:
            return AsItIs(uri=uri, flow=after)
        if end.transport == "UDP":
            # A NAT still has what our port and theirs made, for as long as the phone kept it alive.
            return AsItIs(uri=uri, hop=Uri("sip", remote.host, port=remote.port, params={"transport": "udp"}))
        if not can_be_dialled(uri, flow):
            raise Answered(430)
        return AsItIs(uri=uri, flow=end.flow)

    def _located(self, request: Request, uri: Uri, vouched: bool, none: int = 480) -> Found:
        if uri.user is None and none != 416 and request.method == "OPTIONS":
            raise Answered(200, self._config.capabilities())  # about us (section 11.2)
        if uri.user is None and none != 416 and request.method not in KNOWN_METHODS:
            raise Answered(501, [("Allow", ", ".join(sorted(KNOWN_METHODS)))])  # about us, too (section 8.2.1)
        targets = [each for each in self._users.location(uri) if self.is_reachable(each, request)]
        if uri.scheme == "sips" and targets:
            targets = [each for each in targets if each.uri.scheme == "sips"]
            if not targets:  # RFC 5630 section 5.3: there is somebody, who cannot be reached by TLS all the way
                raise Answered(480, [("Warning", Warning(380, uri.host, "SIPS Not Allowed"))])
        if not targets:
            raise Answered(none if none == 416 else self._absence(request, uri, none))
        return Found(request=request, targets=targets, located=True, vouched=vouched)

    def _absence(self, request: Request, uri: Uri, status: int) -> int:
        """What it means that nobody is where a request leads: 481 within a dialog, 404 where nobody ever is, or 480."""
        if request.to.tag is not None:
            return 481  # its sender gives up what nobody else knows (section 12.2.1.2)
        return 404 if uri.user is not None and self._config.is_nobody(uri.user) else status

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
        """Targets that are tried at once: all, or those of one preference, but never more than the breadth allows.

        What was registered last comes first: when a host gets one request at a time, not where its phone was before.
        """
        ordered = sorted(_by_device(targets), key=lambda each: -each[0].q)[: self._config.max_targets]
        alike = [list(group) for _, group in groupby(ordered, key=lambda each: each[0].q)]
        groups = [sorted(group, key=_age) for group in (alike if self._config.sequential else [ordered])]
        return [group[start : start + breadth] for group in groups for start in range(0, len(group), breadth)]


def hop_of(target: Target) -> Uri | None:
    """Where a target is reached in place of its URI."""
    return target.hop if isinstance(target, AsItIs) else None


def _age(device: Alternatives) -> float:
    first = device[0]
    return -first.expires_at if isinstance(first, Binding) else 0.0


def _by_device(targets: Sequence[Target]) -> list[Alternatives]:
    """One entry for each device: it gets a request once, by whichever of its flows works (RFC 5626 section 7)."""
    devices: dict[object, list[Target]] = {}
    for number, target in enumerate(targets):
        named = isinstance(target, Binding) and target.instance is not None and target.reg_id is not None
        key: object = (target.aor, target.instance) if isinstance(target, Binding) and named else number
        devices.setdefault(key, []).append(target)
    return [tuple(each) for each in devices.values()]
