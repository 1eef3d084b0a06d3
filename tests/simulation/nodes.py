"""Several nodes with a Focus each, behind one proxy, with MCUs, phones and clients, on a simulated network.

The proxy stands for the Kamailio of a deployment: it stays on the way of every dialog, and gives a request to the node
that its hash says, as long as that one is up. The store that the nodes share is `MemoryPlacement`, at some distance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import attrs

import focus
import mcu
import sip
from c3p import conf_id_of
from mcu import Mcu
from pyc3p.element import Element, HookedPump
from pyc3p.elements import parts
from pyc3p.elements.parts import CoreSettings, McuTrust, Place, SipCores
from pyc3p.phone import Phone, PhoneConfig, ToneSource
from pyc3p.placement.events import Claim, FindOwner, Leave, ListClaims, Operation, Release, Renew, Rewrite
from pyc3p.placement.member import Member
from pyc3p.placement.memory import MemoryPlacement
from pyc3p.placement.store import LeaseLost, Node
from pyc3p.roster import endpoint_states
from pyc3p.simnet.disk import SimDisk
from pyc3p.simnet.host import SimHost
from pyc3p.simnet.network import SimNetwork
from sip import Event, NameAddr, Piece, StateChange, Uri

DOMAIN = "example.com"
FOCI = ("focus-1", "focus-2", "focus-3")
WAY = 0.002  #: seconds to the store, and back
TRUSTED = ("192.0.2.0/24",)


def place_of(name: str, number: int) -> Place:
    return Place(name=name, host=f"192.0.2.{number}", sip_port=5060, http_port=8444, trusted=TRUSTED)


@attrs.define(eq=False)
class Server:
    """One node while it lives."""

    name: str
    host: SimHost
    cores: SipCores
    member: Member
    store: Store
    factory: mcu.McuFactory

    @property
    def core(self) -> focus.Focus:
        assert self.cores.focus is not None
        return self.cores.focus

    def answered(self, method: str, status: int) -> int:
        """How often it gave that answer."""
        pump = self.host.element.pump
        assert pump is not None
        return pump.endpoint.traffic.responses["out", method, str(status)]


class Store(SimDisk):
    """The way of one node to what all share."""

    def __init__(self, nodes: Nodes, node: Node) -> None:
        super().__init__(nodes.network, node.name)
        self.nodes, self.node = nodes, node
        self.away = False  #: cut off
        self.unwritten: dict[str, Piece] = {}

    def carry(self, server: Server) -> None:
        """Begin what the member wants, and look again soon."""
        clock, placed = self.nodes.network.clock, server.cores.placed
        assert placed is not None
        if server.host.off:
            return
        for number, operation in server.member.operations(now=clock.now):
            self.nodes.asked.append((self.node.name, operation))
            clock.after(WAY, lambda number=number, operation=operation: self._do(server, number, operation))  # type: ignore[misc]
        clock.after(0.01, lambda: self.carry(server))

    def _do(self, server: Server, number: int, operation: Operation) -> None:
        if self.away or self.nodes.store_away or server.host.off:
            return  # no answer comes
        self.flush()
        lost, answer = False, None
        try:
            answer = self._carried_out(operation)
        except LeaseLost:
            lost = True
        self.nodes.network.clock.after(WAY, lambda: self._answer(server, number, answer, lost))

    def _answer(self, server: Server, number: int, answer: object, lost: bool) -> None:
        placed, now = server.cores.placed, self.nodes.network.now
        if self.away or server.host.off or placed is None:
            return
        if lost:
            placed.failed(number, lost=True, now=now)
        else:
            placed.done(number, answer, now=now)
        server.host.kick()

    def _carried_out(self, operation: Operation) -> object:
        store = self.nodes.store
        match operation:
            case Renew():
                return store.renew_now(operation.node, lifetime=operation.lifetime)
            case Leave():
                return store.leave_now(operation.node)
            case Claim():
                return store.claim_now(operation.key, operation.node, held=operation.held, above=operation.above)
            case FindOwner():
                return store.owner_now(operation.key)
            case ListClaims():
                return store.claims_of_now(operation.name)
            case Rewrite():
                return store.rewrite_now(operation.key, operation.node, operation.pieces)
            case Release():
                return store.release_now(operation.key, operation.node, epoch=operation.epoch)

    def write(self, change: StateChange, host: SimHost) -> None:
        """Write what has changed of the state of an element; what the store does not take now it gets later."""
        self.unwritten.update((piece.key, piece) for piece in change.pieces)
        self.nodes.network.clock.after(WAY, lambda: self._arrived(change, host))

    def _arrived(self, change: StateChange, host: SimHost) -> None:
        if host.off:
            return
        if not (self.away or self.nodes.store_away):
            self.flush()
        host.persisted(change)

    def flush(self) -> None:
        waiting, self.unwritten = self.unwritten, {}
        self.nodes.store.write_now(self.node, tuple(waiting.values()))
        places = [piece for piece in waiting.values() if mcu.is_factory_place(piece)]
        for other in self.nodes.servers.values() if places else ():
            if other.store is not self and not other.store.away:
                self.nodes.network.clock.after(WAY, partial(other.factory.learn, places))


@attrs.frozen
class _ByWayOf:
    uri: Uri
    route: tuple[NameAddr, ...]
    flow: sip.Flow | None = None
    q: float = 1.0


class Nodes:
    """Everything: ``up`` are the nodes that the proxy believes in."""

    def __init__(
        self,
        *people: str,
        phones: int = 0,
        mcus: int = 1,
        tones: bool = False,
        seed: int = 1,
        authenticator: sip.Authenticator | None = None,
    ) -> None:
        """``authenticator`` is that of the nodes; None: everybody is believed."""
        self.network = SimNetwork(seed)
        self.network.clock.now = 100.0
        self.entropy = sip.SeededEntropy(f"nodes {seed}".encode())
        self.store = MemoryPlacement(lambda: self.network.now)
        self.store_away = False
        self.authenticator = authenticator
        self.asked: list[tuple[str, Operation]] = []
        self.records = focus.MemoryStore(wall_clock=0.0)
        self.servers: dict[str, Server] = {}
        self.up: set[str] = set()
        self.hint: str | None = None  #: the node that the proxy prefers to what its hash says
        self._lives = 0
        self._places = {name: place_of(name, number) for number, name in enumerate(FOCI, start=11)}
        self.mcu_places = [place_of("mcu", 22), place_of("mcu-2", 23)][:mcus]
        self.edge_place = place_of("edge", 2)
        self.network.add_name(DOMAIN, sip.Destination("TCP", self.edge_place.host, 5060))
        self._add_edge()
        self.hosts: dict[str, SimHost] = {}
        self.mcus: dict[str, Mcu] = {}
        for place in self.mcu_places:
            self._add_mcu(place)
        for name in FOCI:
            self.start(name)
        self.clients: dict[str, focus.Client] = {}
        self.phones: dict[str, Phone] = {}
        for number, name in enumerate(people, start=31):
            self._add_client(name, number)
        for number in range(phones):
            self._add_phone(number, ToneSource(300 + 10 * number) if tones else None)
        self.run(2.0)

    # Parts -----------------------------------------------------------------------------------------------------------

    def _add_edge(self) -> None:
        place = self.edge_place
        endpoint = place.endpoint(self.entropy.child("edge"))
        config = sip.ProxyConfig(domains=(DOMAIN,), trusted=TRUSTED)
        proxy = sip.Proxy(endpoint, config, entropy=self.entropy.child("edge proxy"), location=self._targets)
        self.network.add(Element.of("edge", pump=HookedPump(endpoint, [proxy])), place.host)

    def _add_mcu(self, place: Place) -> None:
        """One that announces itself to the MCU Factory of each node."""
        first, *more = (each.url(parts.MCU_FACTORY_PATH) for each in self._places.values())
        element, self.mcus[place.name] = parts.av_mcu(
            place,
            entropy=self.entropy.child(place.name),
            factory_url=first,
            more_factories=tuple(zip(more, FOCI[1:], strict=True)),
            outbound_proxy=None,
            policy=mcu.DialOutRules(domains=None, numbers=None),
            trust=McuTrust(factory_principal=FOCI[0], focus_peers=frozenset(FOCI)),
        )
        self.hosts[place.name] = self.network.add(element, place.host)

    @property
    def mcu(self) -> Mcu:
        """The first MCU."""
        return self.mcus["mcu"]

    def _targets(self, uri: Uri) -> Sequence[_ByWayOf]:
        order = sorted(
            self.up, key=lambda name: hashlib.sha256(f"{name} {conf_id_of(str(uri)) or ''}".lower().encode()).digest()
        )
        if self.hint in self.up:
            order.insert(0, self.hint)
        if not order:
            return ()
        hop = self._places[order[0]].sip_uri(transport="tcp").with_params(lr=None)
        return (_ByWayOf(uri, (NameAddr(hop),)),)

    def start(self, name: str) -> Server:
        """Start a node, from nothing but what is in the store."""
        self._lives += 1
        place, network = self._places[name], self.network
        node = Node(name=name, incarnation=f"life-{self._lives}", address=str(place.sip_uri(transport="tcp")))
        member = Member(node, now=network.now)
        settings = CoreSettings(
            domain=DOMAIN,
            store=self.records,
            mcu_factory_url=place.url(parts.MCU_FACTORY_PATH),
            mcu_factory_principal=name,
            callback_url=place.url(parts.FOCUS_PATH),
            proxy=sip.ProxyConfig(trusted=TRUSTED, secret="of all nodes"),
            member=member,
            authenticator=self.authenticator,
        )
        factory = mcu.McuFactory(mcu.FactoryConfig(focus_peers=frozenset(FOCI)))
        factory.restore(self.store.places.values(), now=network.now)
        element, cores = parts.server(
            place,
            ("focus", "focus-factory"),
            settings,
            entropy=self.entropy.child(f"{name} {self._lives}"),
            mcu_factory=factory,
            durable=True,
        )
        store = Store(self, node)
        host = network.add(element, place.host, disk=store)
        server = self.servers[name] = Server(name, host, cores, member, store, factory)

        def saw(event: Event) -> None:
            assert cores.placed is not None
            cores.placed.handle_event(event, now=network.now)

        host.on_event = saw
        server.store.carry(server)
        self.up.add(name)
        return server

    def kill(self, name: str) -> None:
        """As with kill -9; the proxy notices by its probes, a second later."""
        self.network.remove(self.servers.pop(name).host)
        self.network.clock.after(1.0, lambda: self.up.discard(name))

    def _add_client(self, name: str, number: int) -> None:
        proxy = Uri.parse(f"sip:{self.edge_place.host}:5060;transport=tcp")
        config = focus.ClientConfig(aor=f"sip:{name}@{DOMAIN}", display_name=name.title(), outbound_proxy=proxy)
        place = place_of(name, number)
        element, self.clients[name] = parts.client(place, config, entropy=self.entropy.child(name))
        self.hosts[name] = self.network.add(element, place.host)

    def _add_phone(self, number: int, source: ToneSource | None) -> None:
        place = place_of(f"phone{number}", 100 + number)
        config = PhoneConfig(aor=self.phone_uri(number), contact=place.sip_uri(f"phone{number}"))
        element, self.phones[place.name] = parts.phone(
            place, config, entropy=self.entropy.child(place.name), source=source
        )
        self.hosts[place.name] = self.network.add(element, place.host)

    @staticmethod
    def phone_uri(number: int) -> str:
        return f"sip:phone{number}@192.0.2.{100 + number}"

    # People ----------------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        self.network.run_for(seconds)

    def created(self, name: str) -> str:
        self.clients[name].create_conference(subject="A meeting", now=self.network.now)
        self.hosts[name].kick()
        self.network.run_until(self.hosts[name].newest(focus.ConferenceCreated), 10.0, what="a conference")
        return self.hosts[name].of(focus.ConferenceCreated)[-1].conference_uri

    def join(self, name: str, conference: str) -> None:
        host = self.hosts[name]
        self.clients[name].join(conference, now=self.network.now)
        host.kick()
        self.network.run_until(host.newest(focus.Joined), 10.0, what=f"{name} in")
        self.clients[name].subscribe(now=self.network.now)
        host.kick()
        self.network.run_until(host.newest(focus.RosterChanged), 10.0, what=f"{name} told")

    def dial(self, name: str, number: int) -> focus.CommandId:
        command = self.clients[name].add_user(self.phone_uri(number), now=self.network.now)
        self.hosts[name].kick()
        return command

    def ends(self, name: str, command: focus.CommandId) -> list[str]:
        """The terminal events of a command."""
        kinds = (focus.CommandSucceeded, focus.CommandFailed)
        return [
            type(each).__name__
            for each in self.hosts[name].events
            if isinstance(each, kinds) and each.command == command
        ]

    def roster(self, name: str) -> dict[tuple[str, str], str]:
        roster = self.clients[name].roster
        return endpoint_states(roster) if roster is not None else {}

    def owners(self, conference: str) -> list[str]:
        return [name for name, server in self.servers.items() if conference in server.core.conferences]

    def true_roster(self, conference: str) -> dict[tuple[str, str], str]:
        (owner,) = self.owners(conference)
        info = self.servers[owner].core.roster(conference)
        return endpoint_states(info) if info is not None else {}


__all__ = ["DOMAIN", "FOCI", "Mcu", "Nodes", "Server"]
