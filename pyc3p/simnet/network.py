"""A network that is only pretended: hosts, datagrams, connections, names and media in virtual time, from one seed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

import attrs

import sip
from mcu import LegId
from pyc3p.element import Element
from pyc3p.simnet.conditions import Conditions
from pyc3p.simnet.disk import Disk
from pyc3p.simnet.failed import SimulationFailed
from pyc3p.simnet.host import SimHost
from pyc3p.simnet.links import Links
from pyc3p.simnet.passing import Passing
from pyc3p.simnet.raw import RawPeer
from pyc3p.simnet.streams import Station, Streams
from pyc3p.simnet.web import SimWeb
from pyc3p.trace.ladder import Ladder
from pyc3p.trace.ladder_text import render_text
from pyc3p.trace.trace import Recording, Trace
from sip import ConnectWanted, Destination, Flow
from sip.testing import Wire

#: Seconds after which a connection that nobody accepts is given up.
CONNECT_TIMEOUT: Final = 5.0
#: Steps in one run; a simulation that needs more does not come to an end.
MAX_STEPS = 5_000_000


class SimNetwork:
    """Hosts and what lies between them. Nothing happens until ``run_until`` or ``run_for``."""

    def __init__(self, seed: int = 1, conditions: Conditions | None = None) -> None:
        self.seed = seed
        self.links = Links(seed, conditions or Conditions())
        self.wire: Wire[SimHost | RawPeer] = Wire(self.links.dice("", ""))
        self.clock = self.wire.clock  #: what is to happen, and when
        self.recording = Recording()
        self.trace = Trace(readers=[self.recording])
        self.streams = Streams(self)
        self.web = SimWeb(self)
        #: a man in the middle: what arrives of a SIP message or a C3P document ("sip", "http") that somebody sent
        self.middle: Callable[[Passing], bytes] = lambda passing: passing.data
        self.on_arrival: Callable[[Passing], None] | None = None  #: is given each piece of SIP that arrives somewhere
        #: seconds of sound, and after how many seconds there is sound again; None: always. Everybody speaks at the same
        #: time, and is silent in between: a conference of many minutes costs little, and who hears whom is heard.
        self.sound: tuple[float, float] | None = None
        self.faults_raise = True  #: whether a machine that breaks ends the simulation, or is an event of its host
        self.refusing: set[str] = set()  #: names of elements that accept no TCP connection for SIP
        self.deaf: set[str] = set()  #: names of elements that take no datagrams of SIP at the moment
        self.tells_undelivered = False  #: whether who sends SIP to a port where nobody takes it hears of that (ICMP)
        self._hosts: dict[str, SimHost] = {}
        self._listening: dict[tuple[str, str, int], SimHost] = {}
        self._media: dict[tuple[str, int], tuple[SimHost, LegId]] = {}
        self._names: dict[str, tuple[Destination, ...]] = {}
        self._name_ports: dict[tuple[str, int], str] = {}
        self._ports = itertools.count(40_000)

    @property
    def unreachable(self) -> set[str]:
        """Names of elements to and from which nothing arrives; see also ``Links.cut``."""
        return self.links.unreachable

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return self.clock.now

    # Building --------------------------------------------------------------------------------------------------------

    def add(self, element: Element, host: str, *, disk: Disk | None = None) -> SimHost:
        """Run an element at an address; its endpoint listens where its configuration says."""
        running = SimHost(self, element, host, disk)
        self._hosts[host] = running
        self.trace.names.add(element.name)
        if element.pump is not None:
            for listen in element.pump.endpoint.config.listen:
                self._listening[(listen.transport, listen.host, listen.port)] = running
                self.trace.names.add(element.name, (listen.host, listen.port))
        running.kick()
        return running

    def remove(self, running: SimHost, *, without_a_word: bool = False) -> None:
        """Switch a host off: its connections break, nothing answers at its address, and it does nothing more.

        ``without_a_word`` is for a machine that loses its power: nobody is told that its connections are gone.
        """
        self._hosts.pop(running.host, None)
        self._listening = {key: host for key, host in self._listening.items() if host is not running}
        self._media = {key: leg for key, leg in self._media.items() if leg[0] is not running}
        if without_a_word:
            for flow in self.streams.ends_of(running.name):
                self.streams.lose_end(flow)
        else:
            self.break_connections(running.name)
        running.off = True

    def is_there(self, station: Station) -> bool:
        """Whether a machine runs at the address of a station, the same one or another."""
        return isinstance(station, RawPeer) or station.host in self._hosts

    def add_name(self, name: str, *destinations: Destination) -> None:
        """Let a host name lead somewhere."""
        self._names[name.lower()] = destinations

    def add_port(self, name: str, port: int, host: str) -> None:
        """Let a host name together with a port lead to another host."""
        self._name_ports[(name.lower(), port)] = host

    # Running ---------------------------------------------------------------------------------------------------------

    def run_until(self, predicate: Callable[[], bool], limit: float = 60.0, *, what: str = "") -> None:
        """Let time pass until ``predicate`` holds; raises SimulationFailed after ``limit`` virtual seconds."""
        end = self.now + limit
        for _ in range(MAX_STEPS):
            if predicate():
                return
            if not self.clock.step(end):
                self.clock.move_to(end)
                if predicate():
                    return
                raise SimulationFailed(f"{what or 'it'} did not happen in {limit:g} s\n{self.story()}")
        raise SimulationFailed(f"more than {MAX_STEPS} steps\n{self.story()}")

    def run_for(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        end = self.now + seconds
        while self.clock.step(end):
            pass
        self.clock.move_to(end)

    def story(self) -> str:
        """Seed and ladder: what a failed test shows."""
        return f"seed {self.seed}, {self.now:.3f} s\n{render_text(self.ladder())}"

    def ladder(self) -> Ladder:
        """Everything that was sent so far."""
        return Ladder.of(self.recording, self.trace.names)

    # SIP traffic -----------------------------------------------------------------------------------------------------

    def send(self, sender: SimHost | RawPeer, flow: Flow, data: bytes) -> None:
        """Carry SIP bytes of an element."""
        here, there = (flow.local.host, flow.local.port), (flow.remote.host, flow.remote.port)
        self.trace.record(layer="sip", transport=flow.transport, source=here, destination=there, data=data, at=self.now)
        stream = None if flow.transport == "UDP" else (flow.id, sender.name)
        receiver = self._name_at(flow)
        data = self.middle(Passing("sip", sender.name, receiver, stream, data))
        if flow.transport == "UDP" and isinstance(sender, SimHost):
            dice = self.links.dice(sender.name, receiver)
            self.wire.send_datagram(flow, data, lambda theirs, data: self._deliver(sender, theirs, data), dice)
        else:
            self.streams.write(flow, data)

    def _name_at(self, flow: Flow) -> str:
        """Who is at the other end of a flow; empty when nobody is."""
        there = self.streams.peer_of(flow) or self._listening.get((flow.transport, flow.remote.host, flow.remote.port))
        return "" if there is None else there.name

    def _deliver(self, sender: SimHost, flow: Flow, data: bytes) -> None:
        receiver = self._listening.get(("UDP", flow.local.host, flow.local.port))
        if receiver is None or receiver.name in self.deaf:
            if self.tells_undelivered:
                back = self.wire.flow("UDP", flow.remote, flow.local)
                dice = self.links.dice("" if receiver is None else receiver.name, sender.name)
                self.clock.after(dice.delay(), lambda: sender.undelivered(back))
        elif not self.links.is_cut(sender.name, receiver.name):
            self.arrived(sender.name, receiver.name, None, data)
            receiver.receive_sip(flow, data)

    def arrived(self, sender: str, receiver: str, stream: object, data: bytes) -> None:
        """Tell who wants to know that SIP has arrived."""
        if self.on_arrival is not None:
            self.on_arrival(Passing("sip", sender, receiver, stream, data))

    def inject(self, source: tuple[str, int], destination: tuple[str, int], data: bytes) -> None:
        """Let a datagram arrive, for SIP or media, that no element has sent."""
        receiver = self._listening.get(("UDP", *destination))
        if receiver is not None:
            receiver.receive_sip(self.wire.flow("UDP", sip.Address(*destination), sip.Address(*source)), data)
        elif destination in self._media:
            host, leg = self._media[destination]
            host.receive_media(leg, "rtcp" if destination[1] % 2 else "rtp", data, source)

    # Connections -----------------------------------------------------------------------------------------------------

    def connect(self, caller: SimHost, want: ConnectWanted) -> None:
        """Answer a wish for a flow: UDP at once, TCP after a round trip."""
        assert caller.element.pump is not None
        endpoint, where = caller.element.pump.endpoint, want.destination
        remote = sip.Address(where.host, where.port)
        if where.transport == "UDP":
            flow = self.wire.flow("UDP", sip.Address(caller.host, self._udp_port(caller)), remote)
            caller.answer(endpoint.flow_opened(want.id, flow, now=self.now))
            return
        there = self._listening.get(("TCP", remote.host, remote.port))
        if there is None or not self._cut(caller, there):
            dice = self.links.dice(caller.name, "" if there is None else there.name)
            self.clock.after(2 * dice.delay(), lambda: self._connected(caller, want, remote))
        else:  # nobody says no
            self.clock.after(CONNECT_TIMEOUT, lambda: self._connected(caller, want, remote))

    def _connected(self, caller: SimHost, want: ConnectWanted, remote: sip.Address) -> None:
        assert caller.element.pump is not None
        endpoint = caller.element.pump.endpoint
        outward = self._open(caller, remote)
        if outward is None:
            caller.feed(endpoint.flow_failed(want.id, "connection refused", now=self.now))
        else:
            caller.feed(endpoint.flow_opened(want.id, outward, now=self.now))

    def open_raw(self, caller: RawPeer, remote: sip.Address) -> Flow:
        """Open a TCP connection for a peer made of bytes; raises ConnectionRefusedError."""
        outward = self._open(caller, remote)
        if outward is None:
            raise ConnectionRefusedError(f"nobody listens on {remote}")
        return outward

    def _open(self, caller: SimHost | RawPeer, remote: sip.Address) -> Flow | None:
        """The caller's end of a new TCP connection, None when it is refused."""
        callee = self._listening.get(("TCP", remote.host, remote.port))
        if callee is None or callee.name in self.refusing or self._cut(caller, callee):
            return None
        local = sip.Address(caller.host, next(self._ports))
        outward = self.streams.open(caller, callee, "TCP", local, remote)
        self.trace.names.add(caller.name, (local.host, local.port))
        return outward

    def _cut(self, one: SimHost | RawPeer, other: SimHost) -> bool:
        """Whether no connection comes about: that takes both directions."""
        return self.links.is_cut(one.name, other.name) or self.links.is_cut(other.name, one.name)

    def _udp_port(self, host: SimHost) -> int:
        assert host.element.pump is not None
        ports = [
            listen.port
            for listen in host.element.pump.endpoint.config.listen
            if listen.transport == "UDP" and listen.host == host.host
        ]
        return ports[0] if ports else 5060

    def break_connections(self, name: str) -> None:
        """Break every SIP connection of an element."""
        for flow in self.streams.ends_of(name):
            self.streams.close(flow)

    def resolve(self, host: str, port: int | None, transport: str | None) -> tuple[Destination, ...]:
        """Where a host name leads, for this transport when one is asked for."""
        found = self._names.get(host.lower(), ())
        special = self._name_ports.get((host.lower(), port or 0))
        return tuple(
            attrs.evolve(where, host=special or where.host, port=port or where.port)
            for where in found
            if transport is None or where.transport == transport.upper()
        )

    def host_at(self, host: str) -> SimHost | None:
        """The host with this address, if one runs there."""
        return self._hosts.get(host)

    # Media -----------------------------------------------------------------------------------------------------------

    def bind_media(self, host: SimHost, leg: LegId, port: int) -> None:
        """Open an RTP port and the RTCP port above it."""
        for extra in (0, 1):
            self._media[(host.host, port + extra)] = (host, leg)
            self.trace.names.add(host.name, (host.host, port + extra))

    def release_media(self, host: SimHost, port: int) -> None:
        """Close them."""
        for extra in (0, 1):
            self._media.pop((host.host, port + extra), None)

    def send_media(
        self, sender: SimHost, kind: str, source: tuple[str, int], destination: tuple[str, int], data: bytes
    ) -> None:
        """Carry one media packet."""
        self.trace.record(layer=kind, transport="UDP", source=source, destination=destination, data=data, at=self.now)
        found = self._media.get(destination)
        dice = self.links.dice(sender.name, "" if found is None else found[0].name)
        for delay in dice.copies(media=True):
            self.clock.at(self.clock.now + delay, lambda: self._deliver_media(sender, kind, source, destination, data))

    def _deliver_media(
        self, sender: SimHost, kind: str, source: tuple[str, int], destination: tuple[str, int], data: bytes
    ) -> None:
        found = self._media.get(destination)
        if found is not None and not self.links.is_cut(sender.name, found[0].name):
            found[0].receive_media(found[1], kind, data, source)
