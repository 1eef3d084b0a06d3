"""Which flow a message takes: next hops, questions to the driver, waiting, and what is to be sent."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from sip.config import Listen
from sip.context import Context
from sip.errors import LocalProtocolError
from sip.events import ConnectWanted, FlowClosed, FlowLost, ResolveWanted
from sip.flow import DEFAULT_PORTS, RELIABLE, Destination, Flow, Transmit
from sip.headers.via import Via
from sip.ids import WantId
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import ip_address
from sip.transport.avoided import AvoidedServers
from sip.transport.blocked import BlockedFlows
from sip.transport.locate import reached_host
from sip.transport.next_hop import Hop, Search, Waiter, Want
from sip.transport.own_contact import made_contact, secured_contact
from sip.transport.secure import is_secure
from sip.transport.source_proof import SourceProof
from sip.transport.streams import Streams

#: Room for the Via, Contact and Content-Length that are not written yet when a transport is chosen.
_UNWRITTEN: Final = 160
#: Addresses that one connection may stand for; a server has a name and a port, seldom two.
_MOST_ALIASES: Final = 4


class Transport:
    """Flows of one endpoint: found, remembered, blocked, closed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.unsent: deque[Transmit] = deque()  #: what is to be sent; always the same queue, so that a look tells
        self._blocked = BlockedFlows(context.config.max_blocked, context.config.max_blocked_octets)
        self._open: dict[int, Flow] = {}  # reliable flows
        self._lost: list[Flow] = []  # given up by us, until they are taken
        self.sources = SourceProof(context.config)
        self.proven = self.sources.proven
        self._by_hop: OrderedDict[Hop, Flow] = OrderedDict()
        self._known_as: dict[Flow, list[Hop]] = {}
        self._udp_only: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._avoided = AvoidedServers(context.config.max_flows)
        self._wants: dict[WantId, Want] = {}
        self._connecting: dict[Destination, Want] = {}
        self.watchers: list[str] = []  #: owners of the cores that hear of each closed flow
        self.streams = Streams(context.limits)
        self._alias = ";alias" if context.config.offer_alias else ""
        self._listen: dict[str, list[Listen]] = {}
        self._sent_by: dict[tuple[str, str, int], str] = {}
        self.set_listen(context.config.listen)

    # Our own addresses -----------------------------------------------------------------------------------------------

    def set_listen(self, listen: tuple[Listen, ...]) -> None:
        """Replace the addresses that peers are told."""
        self._sent_by.clear()
        self.listen = listen
        self._listen = {}
        for each in listen:
            self._listen.setdefault(each.transport.upper(), []).append(each)

    def sent_by(self, flow: Flow) -> str:
        """Return the ``host:port`` at which peers reach us when this flow is gone (RFC 3261 section 18.1.1)."""
        local = flow.local
        key = (flow.transport, local.host, local.port)
        text = self._sent_by.get(key)
        if text is None:
            if len(self._sent_by) >= self._context.config.max_flows:
                self._sent_by.clear()
            text = self._sent_by[key] = self._find_sent_by(flow)
        return text

    def _find_sent_by(self, flow: Flow) -> str:
        host, port = flow.local.host, flow.local.port
        listeners = self._listen.get(flow.transport, ())
        exact = [each for each in listeners if each.host == host and port in (each.port, each.public_port)]
        same_host = [each for each in listeners if each.host == host]
        for each in (*exact, *same_host, *listeners):
            wildcard = each.host in ("0.0.0.0", "::", "")
            host = each.public_host or (host if wildcard else each.host)
            port = each.public_port or each.port or port
            break
        # The zone of a link-local address means nothing to peers (RFC 4007 section 11.2).
        return f"[{host.partition('%')[0]}]:{port}" if ":" in host else f"{host}:{port}"

    def takes_sips(self, flow: Flow) -> bool:
        """Whether a request to a sips URI can be meant for us: it came by TLS, or we listen for that."""
        return is_secure(flow) or "TLS" in self._listen

    def via(self, flow: Flow, branch: str) -> str:
        """Return the Via value of a request on ``flow``; over UDP it asks for rport (RFC 3581)."""
        more = ";rport" if flow.transport == "UDP" else self._alias
        return f"SIP/2.0/{flow.transport} {self.sent_by(flow)};branch={branch}{more}"

    def contact(self, flow: Flow, user: str | None, *, given: str | None = None, secure: bool = False) -> str:
        """Return a Contact value that reaches us by the transport of ``flow``, or ``given``, sips where it must be."""
        if given is None:
            return made_contact(flow, self.sent_by(flow), user, secure=secure)
        return secured_contact(given, self.listen, lambda: self.sent_by(flow)) if secure else given

    # Sending ---------------------------------------------------------------------------------------------------------

    def send(self, flow: Flow, data: bytes) -> None:
        """Queue ``data`` for ``flow``."""
        if self._blocked.held and flow in self._blocked.held:
            if not self._blocked.hold(Transmit(flow, data)):
                self._give_up(flow)
            return
        self.unsent.append(Transmit(flow, data))

    def answer(self, flow: Flow, data: bytes, *, kept: int = 0) -> None:
        """Queue an answer, if its destination is proven or has asked for that much and ``kept`` octets more."""
        if flow.remote.host in self.sources.proven.hosts or self.sources.affords(flow, len(data), kept):
            self.send(flow, data)
        else:
            self._context.count("withheld: answer to a source that may be an invention")

    def _give_up(self, flow: Flow) -> None:
        self._context.count("dropped: flow blocked for too long")
        if flow.reliable and self._open.pop(flow.id, None) is not None:
            self._context.emit(FlowLost(owner="", flow=flow, reason="blocked for too long"))
            # A timer, because whoever is sending now is in the middle of its own change of state.
            self._context.timers.start(0.0, lambda now: self.lose(flow))

    def lose(self, flow: Flow) -> None:
        """Give a connection up; whoever keeps something for it hears of that at the end of this ``handle_timeout``."""
        self._lost.append(flow)

    def take_lost(self) -> list[Flow]:
        """Return the connections that were given up since the last call."""
        lost, self._lost = self._lost, []
        return lost

    def data_to_send(self, limit: int | None) -> list[Transmit]:
        """Return what is to be sent."""
        unsent = self.unsent
        if limit is None or limit >= len(unsent):
            out = list(unsent)
            unsent.clear()
            return out
        return [unsent.popleft() for _ in range(limit)]

    def saw(self, flow: Flow) -> None:
        """Note a flow that data came from."""
        if flow.reliable:
            self._open[flow.id] = flow

    def is_open(self, flow: Flow) -> bool:
        """Whether ``flow`` can still be sent on."""
        return flow.transport == "UDP" or flow.id in self._open

    def flow_blocked(self, flow: Flow) -> None:
        """Keep what is sent on ``flow`` from now on."""
        self._blocked.add(flow)

    def flow_writable(self, flow: Flow, now: float) -> None:
        """Send what was kept."""
        self.unsent.extend(self._blocked.release(flow))

    # Flows -----------------------------------------------------------------------------------------------------------

    def opened(self, flow: Flow) -> bool:
        """Whether requests to some address go down this flow, so that another one there is as good."""
        return flow in self._known_as

    def forget(self, flow: Flow) -> None:
        """Drop everything about a closed flow, and tell those who keep something themselves."""
        for owner in self.watchers:
            self._context.emit(FlowClosed(owner=owner, flow=flow))
        self._open.pop(flow.id, None)
        self._blocked.forget(flow)
        for hop in self._known_as.pop(flow, ()):
            if self._by_hop.get(hop) == flow:
                del self._by_hop[hop]

    # Finding a flow --------------------------------------------------------------------------------------------------

    def find(
        self, uri: Uri, waiter: Waiter, *, size: int, first: Destination | None = None, now: float
    ) -> Search | None:
        """Call ``waiter.flow_ready`` with a flow to ``uri``: now, or once the driver answered.

        ``first`` goes before the others that a look-up finds. Returns what to ``abandon`` when the waiter stops
        waiting; None when it was served at once.
        """
        asked = uri.transport
        transport, host, port = self._next_hop(uri, asked)
        if host is None:
            waiter.flow_unavailable(now)
            return None
        explicit = asked is not None
        may_switch = not explicit and transport == "UDP"
        if (address := ip_address(host)) is not None:
            host = address
            number = port or DEFAULT_PORTS.get(transport, 5060)
            if not may_switch or size + _UNWRITTEN <= self._context.config.udp_max_request:
                flow = self._known((transport, host, number, None))
                if flow is not None:  # nearly always
                    waiter.flow_ready(flow, now)
                    return None
            search = Search(waiter, deque((Destination(transport, host, number),)), size, may_switch)
            self._switch_large(search)
            return self._advance(search, now)
        if self._is_full():
            waiter.flow_unavailable(now)
            return None
        search = Search(waiter, deque(), size, may_switch, first)
        chosen = transport if explicit or transport == "TLS" else None
        want = self._new_want(None, now)
        want.searches.append(search)
        self._context.emit(ResolveWanted(owner="", id=want.id, uri=uri, host=host, port=port, transport=chosen))
        return search

    def find_destination(self, destination: Destination, waiter: Waiter, *, now: float) -> Search | None:
        """Like ``find``, for an address."""
        return self._advance(Search(waiter, deque([destination]), 0, may_switch=False), now)

    def abandon(self, search: Search | None) -> None:
        """Stop waiting."""
        if search is not None:
            search.active = False

    def _next_hop(self, uri: Uri, asked: str | None) -> tuple[str, str | None, int | None]:
        """Transport, host and port of RFC 3261 section 18.1.1 and RFC 3263 section 4.1; ``asked`` is the URI's."""
        if uri.scheme not in ("sip", "sips"):
            return "UDP", None, None
        transport = "TLS" if uri.scheme == "sips" else (asked or self._default_transport()).upper()
        if transport != "UDP" and transport not in RELIABLE:
            return transport, None, None  # nobody has it
        return transport, reached_host(uri), uri.port

    def _default_transport(self) -> str:
        # RFC 3263 section 4.1 says UDP; an element without a UDP socket has to take what it has.
        return "UDP" if not self._listen or "UDP" in self._listen else next(iter(self._listen))

    def _switch_large(self, search: Search) -> None:
        """Put TCP before UDP for a request that may not fit a datagram (RFC 3261 section 18.1.1)."""
        if not search.may_switch or search.size + _UNWRITTEN <= self._context.config.udp_max_request:
            return
        planned, search.destinations = search.destinations, deque()
        for there in planned:
            if there.transport == "UDP" and (there.host, there.port) not in self._udp_only:
                search.destinations.append(Destination("TCP", there.host, there.port))
            search.destinations.append(there)

    def _advance(self, search: Search, now: float) -> Search | None:
        if not search.destinations:
            search.active = False
            search.waiter.flow_unavailable(now)
            return None
        destination = search.destinations[0]
        flow = self._known(_hop(destination))
        if flow is not None:
            search.active = False
            search.waiter.flow_ready(flow, now)
            return None
        return self._connect(search, destination, now)

    def _known(self, hop: Hop) -> Flow | None:
        flow = self._by_hop.get(hop)
        if flow is not None:
            self._by_hop.move_to_end(hop)
        return flow

    def _connect(self, search: Search, destination: Destination, now: float) -> Search | None:
        want = self._connecting.get(destination)
        if want is None and self._is_full():
            search.active = False
            search.waiter.flow_unavailable(now)
            return None
        if want is None:
            want = self._connecting[destination] = self._new_want(destination, now)
            self._context.emit(ConnectWanted(owner="", id=want.id, destination=destination))
        if len(want.searches) >= self._context.config.max_pending_per_destination:
            self._context.count("refused: too many wait for one connection")
            search.active = False
            search.waiter.flow_unavailable(now)
            return None
        want.searches.append(search)
        return search

    def _is_full(self) -> bool:
        """Whether too many questions wait for the driver: of transactions, or of messages that have none."""
        full = len(self._wants) >= self._context.config.max_transactions
        if full:
            self._context.count("refused: too many wait for look-ups and connections")
        return full

    def _new_want(self, destination: Destination | None, now: float) -> Want:
        want_id = WantId(self._context.new_id())
        # A driver that never answers must not leave anything behind; requests that wait time out before.
        patience = now + 65 * self._context.config.t1
        deadline = self._context.timers.start(patience, lambda then: self.flow_failed(want_id, "timeout", then))
        want = self._wants[want_id] = Want(want_id, destination, deadline)
        return want

    def _answered(self, want_id: WantId) -> Want | None:
        want = self._wants.pop(want_id, None)
        if want is None:
            if not self._context.was_id(want_id):
                raise LocalProtocolError(f"nothing was wanted under {want_id}")
            return None  # answered after it timed out
        self._context.timers.stop(want.deadline)
        if want.destination is not None:
            self._connecting.pop(want.destination, None)
        return want

    def flow_opened(self, want_id: WantId, flow: Flow, now: float) -> None:
        """Hand the flow to all who waited for it."""
        self.saw(flow)
        want = self._answered(want_id)
        if want is None or want.destination is None:
            return
        self._remember(_hop(want.destination), flow)
        for search in want.searches:
            if search.active:
                search.active = False
                self._context.attempt("send", search.waiter.flow_ready, flow, now) or self._context.attempt(
                    "fail to send", search.waiter.flow_unavailable, now
                )

    def take_alias(self, flow: Flow, via: Via) -> None:
        """Use a connection that a peer opened for requests to the address in its Via (RFC 5923), if that is its own."""
        host, port = via.host.lower(), via.port or DEFAULT_PORTS.get(flow.transport, 5060)
        if flow.transport == "TLS":
            proven, name = host in flow.peer_identity, host
        else:
            proven, name = self._context.config.trust_tcp_alias and host == flow.remote.host, None
        hop = flow.transport, flow.remote.host, port, name
        if not proven:
            self._context.count("ignored: alias of somebody who may be another")
        elif hop not in self._by_hop and self.is_open(flow) and len(self._known_as.get(flow, ())) < _MOST_ALIASES:
            self._remember(hop, flow)

    def _remember(self, hop: Hop, flow: Flow) -> None:
        self._by_hop[hop] = flow
        self._known_as.setdefault(flow, []).append(hop)
        if len(self._by_hop) > self._context.config.max_flows:
            forgotten, its_flow = self._by_hop.popitem(last=False)
            names = [name for name in self._known_as.pop(its_flow, ()) if name != forgotten]
            if names:
                self._known_as[its_flow] = names

    def flow_failed(self, want_id: WantId, reason: str, now: float) -> None:
        """Let all who waited try their next destination."""
        want = self._answered(want_id)
        if want is None:
            return
        self._context.count(f"flow failed: {reason}")
        for search in want.searches:
            if search.active:
                self._context.attempt("try another server", self._failed, search, now)

    def _failed(self, search: Search, now: float) -> None:
        if search.destinations:
            there = search.destinations.popleft()
            follows = search.destinations[0] if search.destinations else None
            if there.transport == "TCP" and follows == Destination("UDP", there.host, there.port):
                self._udp_only[there.host, there.port] = None
                if len(self._udp_only) > self._context.config.max_flows:
                    self._udp_only.popitem(last=False)
        self._advance(search, now)

    def try_next(self, search: Search, waiter: Waiter, *, refused: bool, now: float) -> None:
        """Go on to the destination after the one that was found and did not help (RFC 3263 section 4.3).

        With ``refused`` the server itself said no: it is not asked again over another transport.
        """
        there = search.destinations.popleft()
        while refused and search.destinations and _same_server(search.destinations[0], there):
            search.destinations.popleft()
        search.waiter, search.active = waiter, True
        self._advance(search, now)

    def avoid(self, destination: Destination, until: float) -> None:
        """Try others before a destination for a while (RFC 3261 section 21.5.4)."""
        self._avoided.add(destination, until)

    def resolved(self, want_id: WantId, destinations: Sequence[Destination], now: float) -> None:
        """Let the one who asked try what was found."""
        want = self._answered(want_id)
        for search in () if want is None else want.searches:
            if search.active:
                search.destinations.extend(self._avoided.last(destinations, search.first, now))
                self._switch_large(search)
                self._context.attempt("send", self._advance, search, now)


def _same_server(one: Destination, other: Destination) -> bool:
    return (one.host, one.port) == (other.host, other.port)


def _hop(destination: Destination) -> Hop:
    return destination.transport, destination.host, destination.port, destination.server_name
