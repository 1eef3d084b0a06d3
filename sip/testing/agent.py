"""An element on a pretend network: an endpoint, what happened to it, and what it does about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from sip.config import EndpointConfig, Listen
from sip.core.routing import Claim
from sip.endpoint.endpoint import Endpoint
from sip.endpoint.pump import Core, Pump
from sip.entropy import SeededEntropy
from sip.events import ConnectWanted, Event, ResolveWanted
from sip.faults import InternalFault
from sip.ids import RequestId, SessionId
from sip.pieces import Piece

if TYPE_CHECKING:
    from sip.testing.network import Network

E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Core)

#: Methods that the core of an agent takes.
METHODS: Final = (
    *("INVITE", "INFO", "MESSAGE", "UPDATE", "SUBSCRIBE", "REFER", "SERVICE"),
    *("REGISTER", "PUBLISH"),
)


class Agent:
    """One endpoint with one core called ``ua``, which remembers its events and reacts to them as told."""

    def __init__(
        self,
        net: Network,
        name: str,
        host: str,
        settings: EndpointConfig,
        *,
        endpoint: Endpoint | None = None,
        cores: Sequence[Core] = (),
        wall_clock: float = 0.0,
    ) -> None:
        """Run an ``endpoint`` that exists, with cores that are registered with it, or a new one.

        It listens for UDP and TCP at port 5060, and wherever the settings say beside that.
        """
        self.net = net
        self.name = name
        self.host = host
        listen = (Listen("UDP", host, 5060), Listen("TCP", host, 5060), *settings.listen)
        trusted = (*settings.trusted_networks, *net.trusted)
        self._config = attrs.evolve(settings, listen=listen, trusted_networks=trusted)
        self.endpoint = endpoint or Endpoint(self._config, entropy=SeededEntropy(name.encode()), wall_clock=wall_clock)
        self.events: list[Event] = []
        self.deaf = False  #: takes nothing in
        self._restarts = 0
        self._reactions: list[Callable[[Event], object]] = []
        self._pump = Pump(self.endpoint, cores)

    def add_core(
        self,
        *,
        owner: str = "ua",
        claim: Claim = Claim.ELEMENT,
        methods: Collection[str] = METHODS,
        supported: Collection[str] = (),
        accept: Collection[str] = (),
        events: Collection[str] = (),
        transparent: bool = False,
        durable: bool = False,
    ) -> None:
        """Register a core that claims everything."""
        self.endpoint.add_core(
            owner,
            lambda request, flow: True,
            claim=claim,
            methods=methods,
            supported=supported,
            accept=accept,
            events=events,
            transparent=transparent,
            durable=durable,
        )

    def run_core(self, core: C) -> C:
        """Run a core that registered with the endpoint: what is for it goes to it, what it reports is remembered."""
        others = [each for each in self._pump.cores if each.owner != core.owner]
        self._pump = Pump(self.endpoint, [*others, core])
        return core

    def forget(self) -> None:
        """Restart: a new endpoint, with the usual core alone, that knows nothing of before."""
        self.endpoint = Endpoint(self._config, entropy=SeededEntropy(b"again " + self.name.encode()))
        self._pump = Pump(self.endpoint, ())
        self.add_core()

    def restart(self, pieces: Iterable[Piece]) -> None:
        """Restart with what was written: a new endpoint, with the usual core alone, that goes on with its dialogs."""
        self._restarts += 1
        seed = b"again %d %s" % (self._restarts, self.name.encode())
        self.endpoint = Endpoint(self._config, entropy=SeededEntropy(seed), wall_clock=self.endpoint.wall_clock)
        self._pump = Pump(self.endpoint, ())
        self.add_core(durable=True)
        self.take(self.endpoint.restore(pieces, now=self.net.now))

    def uri(self, transport: str = "udp") -> str:
        """Return the URI that reaches this agent."""
        return f"sip:{self.name}@{self.host}:5060;transport={transport}"

    @property
    def idle(self) -> bool:
        """Whether the endpoint keeps nothing: no transaction, dialog, session, subscription or timer."""
        return not any(self.endpoint.sizes.values()) and self.endpoint.next_timeout() is None

    # Doing

    def invite(
        self,
        target: str,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"v=0 offer",
        content_type: str | None = "application/sdp",
        session_expires: int | None = None,
    ) -> SessionId:
        """Call somebody."""
        return self.endpoint.invite(
            "ua",
            target,
            from_=f"<sip:{self.name}@example.com>",
            to="<sip:callee@example.com>",
            headers=headers,
            body=body,
            content_type=content_type if body else None,
            session_expires=session_expires,
            now=self.net.now,
        )

    def ask(self, target: str, method: str = "MESSAGE", *, headers: Iterable[tuple[str, object]] = ()) -> RequestId:
        """Send a request outside of dialogs."""
        return self.endpoint.request(
            "ua",
            method,
            target,
            from_=f"<sip:{self.name}@example.com>",
            to="<sip:callee@example.com>",
            headers=headers,
            now=self.net.now,
        )

    # Looking

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        """Return the only event of a kind."""
        found = self.of(kind)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} {kind.__name__} among {self.events}\n{self.net.ladder()}")
        return found[0]

    def one_after_settling(self, kind: type[E]) -> E:
        """Return the only event of a kind, with what commands have caused."""
        self.take(self.endpoint.take_events())
        return self.one(kind)

    def kinds(self) -> list[str]:
        """Return the names of the events so far."""
        return [type(event).__name__ for event in self.events]

    def on(self, kind: type[E], reaction: Callable[[E], object]) -> None:
        """Do something whenever an event of a kind comes."""
        self._reactions.append(lambda event: reaction(event) if isinstance(event, kind) else None)

    def take(self, events: Iterable[Event]) -> None:
        """Take what the endpoint returned: feed the cores, answer questions to the driver, note the rest, react."""
        self.tell(self._pump.settle(events, now=self.net.now))

    def tell(self, events: Iterable[Event]) -> None:
        """Take what a core returned to the application, and what follows from that."""
        waiting = list(events)
        while waiting:
            for event in waiting:
                self._take_one(event)
            waiting = self._pump.settle(now=self.net.now)

    def _take_one(self, event: Event) -> None:
        if isinstance(event, ConnectWanted):
            self.net.connect(self, event)
        elif isinstance(event, ResolveWanted):
            self.net.resolve(self, event)
        elif not self.answer(event):
            self._note(event)

    def answer(self, event: Event) -> bool:
        """Answer what a core asks of its driver; False when it does not. Media ports, for one: for a subclass to do."""
        return False

    def _note(self, event: Event) -> None:
        if isinstance(event, InternalFault) and self.net.faults_raise:
            raise AssertionError(f"{event}\n{self.net.ladder()}") from event.exception
        self.events.append(event)
        for reaction in self._reactions:
            reaction(event)

    # Time

    def next_timeout(self) -> float | None:
        """Return when the endpoint or a core wants to be called."""
        return self._pump.next_timeout()

    def handle_timeout(self) -> None:
        """Do what is due."""
        self.tell(self._pump.handle_timeout(now=self.net.now))
