"""A farm on the loopback interface: real sockets, free ports, no configuration."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence

import attrs

from pyc3p.elements.c3p_http import HttpSettings
from pyc3p.elements.farm import Farm, FarmPlan, build_farm
from pyc3p.elements.node import Node
from pyc3p.elements.parts import Place
from pyc3p.problems import Problem
from pyc3p.trace.trace import Trace
from rtp.aio import MediaPortsConfig
from sip import Event
from sip.aio import Naptr, Question, RecordType, Srv, live_entropy, wall_clock

HOST = "127.0.0.1"
#: Where elements get an address of their own: the first is 127.0.1.1. All of 127.0.0.0/8 is loopback (RFC 1122 section
#: 3.2.1.3), but some systems (macOS) have to be told of each address but one.
OWN_NETWORK = "127.0.1"
#: Elements that speak C3P over HTTP; each has a secret of its own.
PRINCIPALS = ("focus", "mcu-factory", "mcu")
#: Media ports of the first element; every other one gets the next hundred.
MEDIA_PORTS = 42_000
MEDIA_SPAN = 100


class FarmResolver:
    """DNS of one domain: its SIP server is the Focus; at the name itself is the Focus Factory, at a port of its own."""

    def __init__(self, domain: str, focus: Place, factory: Place) -> None:
        self._domain = domain
        self._focus = focus
        self._hosts = {f"focus.{domain}": focus.host, domain: factory.host}

    async def answer(self, question: Question) -> tuple[Naptr | Srv | str, ...]:
        """The records of the domain; nobody else is asked."""
        if question.type is RecordType.SRV and question.name == f"_sip._tcp.{self._domain}":
            return (Srv(priority=1, weight=1, port=self._focus.sip_port, target=f"focus.{self._domain}"),)
        if question.type is RecordType.A and question.name in self._hosts:
            return (self._hosts[question.name],)
        return ()


@contextlib.contextmanager
def reserved_ports(count: int, host: str = HOST) -> Iterator[list[int]]:
    """Ports that are free for UDP and TCP; they stay reserved until the end of the block."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    ports: list[int] = []
    try:
        while len(ports) < count:
            udp = socket.socket(family, socket.SOCK_DGRAM)
            sockets.append(udp)
            udp.bind((host, 0))
            port = udp.getsockname()[1]
            tcp = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(tcp)
            with contextlib.suppress(OSError):  # taken for TCP only: the next one, then
                tcp.bind((host, port))
                ports.append(port)
        yield ports
    finally:
        for opened in sockets:
            opened.close()


def own_addresses(count: int) -> list[str]:
    """Addresses of the loopback interface, one for each element; `HOST` for all where they cannot be bound."""
    hosts = [f"{OWN_NETWORK}.{number}" for number in range(1, count + 1)]
    try:
        for host in (hosts[0], hosts[-1]):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((host, 0))
    except OSError:
        return [HOST] * count
    return hosts


def loopback_places(plan: FarmPlan, *, apart: bool = False) -> dict[str, Place]:
    """A place for every element, with ``apart`` at an address of its own where the system has several.

    Raises Problem when the loopback interface cannot be used.
    """
    names, clock = plan.names, wall_clock()
    hosts = own_addresses(len(names)) if apart else [HOST] * len(names)
    places = {}
    with contextlib.ExitStack() as reserved:
        for name, host in zip(names, hosts, strict=True):
            try:
                sip_port, http_port = reserved.enter_context(reserved_ports(2, host))
            except OSError as error:
                raise Problem(f"there are no free ports on {host}: {error.strerror}") from error
            places[name] = Place(name=name, host=host, sip_port=sip_port, http_port=http_port, wall_clock=clock)
    return places


@attrs.define(eq=False)
class LoopbackFarm:
    """Nodes for every element of a plan."""

    farm: Farm
    nodes: dict[str, Node]

    @classmethod
    def build(
        cls,
        plan: FarmPlan,
        trace: Trace,
        on_event: Callable[[str, Event], None],
        *,
        media_ports: int = MEDIA_PORTS,
        apart: bool = False,
    ) -> LoopbackFarm:
        """Put the farm together; nothing runs yet. ``media_ports`` is the first port for RTP.

        ``apart`` gives each element an address of its own, where the system has several on loopback. Raises Problem.
        """
        places = loopback_places(plan, apart=apart)
        entropy = live_entropy()
        secrets = {name: entropy.child(f"secret {name}").token(16) for name in PRINCIPALS}
        known = {secret: name for name, secret in secrets.items()}
        farm = build_farm(plan, places, entropy)
        resolver = FarmResolver(plan.domain, places["focus"], places["focus-factory"])
        nodes: dict[str, Node] = {}
        for number, name in enumerate(plan.names):
            first = media_ports + number * MEDIA_SPAN
            place = places[name]
            http = HttpSettings(
                host=place.host,
                port=place.http_port,
                secret=secrets.get(name, ""),
                known=known,
                local_host=place.host if apart else None,
            )
            nodes[name] = Node(
                farm.elements[name],
                http=http if name in secrets else None,
                media=MediaPortsConfig(host=place.host, port_range=(first, first + MEDIA_SPAN - 1)),
                trace=trace.element(name),
                resolver=resolver,
                on_event=lambda event, name=name: on_event(name, event),  # type: ignore[misc]
            )
        return cls(farm, nodes)

    async def start(self) -> None:
        """Start the servers before those who use them."""
        for name in self._in_order():
            await self.nodes[name].start()

    async def stop(self) -> None:
        """Stop in the opposite order."""
        for name in reversed(self._in_order()):
            await self.nodes[name].stop()

    def _in_order(self) -> Sequence[str]:
        first = ("mcu-factory", "proxy", "focus-factory", "focus")
        return (*first, *(name for name in self.nodes if name not in first))
