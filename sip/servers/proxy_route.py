"""What a proxy does with Route and Record-Route (RFC 3261 sections 16.4, 16.6 and 16.12; RFC 5658)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import attrs

from sip.config import Listen
from sip.flow import DEFAULT_PORTS, Flow
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.servers.flow_token import FlowTokens, Pass, UnreadableToken
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import reached_host
from sip.transport.secure import as_sips, secured_hop

#: URI parameter with the flow token.
TOKEN = "flow"


@attrs.frozen
class OwnAddresses:
    """Which addresses are ours: those that we listen on, and the names of our domains."""

    listen: Callable[[], Sequence[Listen]]
    domains: Collection[str]

    def include(self, uri: Uri, flow: Flow) -> bool:
        """Whether a URI leads to us; ``flow`` tells an address of ours when we listen on all of them."""
        host = reached_host(uri)
        port = uri.port or DEFAULT_PORTS["TLS" if uri.scheme == "sips" or uri.transport == "tls" else "UDP"]
        for each in self.listen():
            if (host, port) in ((_host(each, flow), each.port), (_public_host(each), each.public_port or each.port)):
                return True
        return host in self.domains and (uri.port is None or uri.port in {each.port for each in self.listen()})

    def of(self, transport: str, flow: Flow) -> Uri | None:
        """An address of ours for a transport, None when we do not listen on it."""
        for each in self.listen():
            if each.transport.upper() == transport:
                host = each.public_host or _host(each, flow)
                uri = Uri("sip", host, port=each.public_port or each.port)
                return uri if transport == "UDP" else uri.with_params(transport=transport.lower())
        return None


def _host(listen: Listen, flow: Flow) -> str:
    return canonical_host(flow.local.host if listen.host in ("", "0.0.0.0", "::") else listen.host)


def _public_host(listen: Listen) -> str:
    return canonical_host(listen.public_host or listen.host)


@attrs.frozen(kw_only=True)
class Preprocessed:
    """A request without the Route values that were ours."""

    request: Request
    was_routed: bool = False  #: it came with a Route of ours, or through a strict router that follows one
    token: Pass | None = None  #: of one of them: the request belongs to something that we let pass


def preprocess(request: Request, flow: Flow, own: OwnAddresses, tokens: FlowTokens) -> Preprocessed:
    """Undo strict routing and take our own values off the top of Route (section 16.4). Raises UnreadableToken."""
    routes = list(request.route)
    uri = request.uri
    ours: list[Uri] = []
    if routes and uri.lr and uri.user is None and own.include(uri, flow):
        # A strict router put our Record-Route into the Request-URI; the real one is the last Route.
        ours.append(uri)
        uri = routes.pop().uri
    while routes and own.include(routes[0].uri, flow):
        ours.append(routes.pop(0).uri)
    uri = _without_our_maddr(uri, flow, own)
    changed = request.evolve(uri=uri, set={"Route": routes or None}) if ours or uri is not request.uri else request
    token = next((n for each in ours if (n := _named(each, request, tokens)) is not None), None)
    return Preprocessed(request=changed, was_routed=bool(ours), token=token)


def _without_our_maddr(uri: Uri, flow: Flow, own: OwnAddresses) -> Uri:
    """A Request-URI that leads here by `maddr` loses it, and what goes with it (section 16.4)."""
    if uri.scheme not in ("sip", "sips") or "maddr" not in uri.params:
        return uri
    return uri.without_params("maddr", "transport") if own.include(uri, flow) else uri


def _named(uri: Uri, request: Request, tokens: FlowTokens) -> Pass | None:
    token = uri.params.get(TOKEN)
    return None if token is None else tokens.read_for(token, request)


def was_recorded(request: Request, tokens: FlowTokens) -> bool:
    """Whether a request follows a Record-Route with a token of these."""
    first = (each.uri for each in request.route[:1])
    try:
        return any(_named(uri, request, tokens) is not None for uri in (*first, request.uri))
    except UnreadableToken:
        return False


def record_route(own: OwnAddresses, flow: Flow, outgoing: str, token: str, *, to: Uri) -> list[tuple[str, object]]:
    """Record-Route lines for a request that came by ``flow``, ours for the way out on top.

    There are two when the transport changes (RFC 5658 section 3). On the way ``to`` sips they are sips (section 16.6
    step 4).
    """
    transports = (outgoing, flow.transport, *(each.transport.upper() for each in own.listen()))
    uris = [uri for each in transports[:2] if (uri := own.of(each, flow)) is not None]
    if not uris:
        uris = [uri for each in transports[2:3] if (uri := own.of(each, flow)) is not None]
    uris = [as_sips(uri) for uri in uris] if to.scheme == "sips" else uris
    marked = dict.fromkeys([uri.with_params({"lr": None, TOKEN: token}) for uri in uris])
    return [("Record-Route", NameAddr(uri)) for uri in marked]


def path(own: OwnAddresses, flow: Flow, token: str) -> list[tuple[str, object]]:
    """The Path line of a registration that came in by ``flow`` (RFC 3327 section 5.2)."""
    uri = own.of(flow.transport, flow)
    return [] if uri is None else [("Path", NameAddr(uri.with_params({"lr": None, TOKEN: token})))]


def strict_route(request: Request) -> tuple[Request, Uri | None]:
    """Suit a strict router as the next hop: it wants its own URI as the Request-URI (section 16.6 step 6)."""
    routes = request.route
    if not routes or routes[0].uri.lr:
        return request, None
    rest = [*routes[1:], NameAddr(request.uri)]
    hop = secured_hop(routes[0].uri, request.uri)
    return request.evolve(uri=hop, set={"Route": rest}), hop
