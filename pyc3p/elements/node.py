"""One element in a process: SIP over sockets, C3P over HTTP, media over UDP, and one clock for all of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar, cast

import attrs

import c3p
import sip
from c3p.aio import C3pClient, C3pServer, Handler
from mcu import LegId, MediaPeerKnown, MediaPortReleased, MediaPortWanted
from pyc3p.element import C3PMachine, Document, Element, HookedPump, Packet
from pyc3p.elements.c3p_http import HttpSettings, client_of, server_of
from pyc3p.elements.tls import SipTls
from pyc3p.problems import Problem, port_problem
from pyc3p.trace.sinks import ElementSink
from rtp.aio import Arrival, MediaPorts, MediaPortsConfig, SharedPort, media_ports
from sip import Event, InternalFault, Piece
from sip.aio import FaultLog, ListenFailed, Resolver, SipTransport, TlsFaults, TransportSettings, live_entropy

E = TypeVar("E", bound=Event)

#: Events kept for ``Node.of``; what runs for days forgets the oldest.
MAX_EVENTS = 10_000
#: Refused strangers that are reported; what more there are is a scan, and nobody reads that.
MAX_STRANGERS = 64


@attrs.frozen(kw_only=True)
class StrangerRefused(Event):
    """Somebody without a known secret asked over HTTP: reported once for each address and path."""

    host: str
    path: str


@attrs.frozen
class _Timer:
    """When something is due; handles of some loops do not know."""

    due: float
    handle: asyncio.Handle


class Node:
    """Runs an element until it is stopped. ``kick`` after commands were given to a machine."""

    def __init__(
        self,
        element: Element,
        *,
        http: HttpSettings | None = None,
        media: MediaPortsConfig | None = None,
        transport: TransportSettings | None = None,
        advertise: str | None = None,
        trace: ElementSink | None = None,
        resolver: Resolver | None = None,
        on_event: Callable[[Event], None] | None = None,
        remember: bool = True,
        tls: SipTls | None = None,
        sip_port_option: str = "--sip-port",
    ) -> None:
        """``remember`` keeps events for ``of`` and ``wait_for``; a server that nobody asks does without.
        ``sip_port_option`` is what changes the SIP port, for who reads that it is in use.
        """
        self.element = element
        self.name = element.name
        self.events: list[Event] = []
        self._http = http
        self._transport_settings = transport
        self._media_config = media or MediaPortsConfig()
        self._advertise = advertise
        self._trace = trace
        self._resolver = resolver
        self._on_event = on_event
        self._remember = remember
        self._tls = tls
        self._sip_port_option = sip_port_option
        self.on_tick_late: Callable[[float], None] | None = None  #: is given the seconds by which each mix was late
        #: Called after each step of the machines, when their state may be another one: what it writes of
        #: ``element.change_to_save()`` it tells ``element.persisted``, and then it calls ``kick``.
        self.on_worked: Callable[[], None] | None = None
        self.on_peer_gone: Callable[[str], None] = lambda principal: None  #: of each HTTP connection that has ended
        self.http: Counter[tuple[str, str]] = Counter()  #: C3P exchanges by direction (``in``, ``out``) and outcome
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, _Timer] = {}
        self._sip: SipTransport | None = None
        self._server: C3pServer | None = None
        self._client: C3pClient | None = None
        self._ports: MediaPorts | SharedPort | None = None
        self._faults = FaultLog()
        self._http_faults = TlsFaults(Counter(), lambda events: self._take(events))
        self._running = False
        self._strangers: set[StrangerRefused] = set()

    # Life ------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open everything; raises Problem, and then nothing stays open."""
        self._loop = asyncio.get_running_loop()
        self._running = True
        try:
            await self._start_http()
            await self._start_sip()
        except BaseException:
            await self.stop()
            raise
        self._ports = media_ports(self._arrived, config=self._media_config, trace=self._trace)
        self.kick()

    def restore(self, pieces: Iterable[Piece]) -> None:
        """Go on with what was written: before ``start``, so that nothing comes in between."""
        self._take(self._logged(self.element.restore(pieces, now=self.now)))

    async def _start_http(self) -> None:
        if self._http is None:
            return
        client_side = self._trace.client_side() if self._trace is not None else None
        self._client = client_of(self._http, client_side, self._http_faults)
        if not self.element.services:
            return
        routes = {path: self._served(path) for path in self.element.services}
        told = (self._stranger, self._http_faults, lambda principal: self.on_peer_gone(principal))
        self._server = server_of(self._http, routes, self._trace, *told)
        try:
            await self._server.start()
        except OSError as error:
            raise port_problem(
                f"{self.name} (HTTP)", self._http.host, self._http.port, self._http.port_option, error
            ) from error
        self._add_address(self._http.host, self._http.port)

    async def _start_sip(self) -> None:
        pump = self.element.pump
        if pump is None:
            return
        if isinstance(pump, HookedPump):
            pump.on_worked = self._worked
        transport = SipTransport(
            pump,
            entropy=live_entropy(),
            on_events=self._take,
            trace=self._trace,
            resolver=self._resolver,
            settings=self._transport_settings,
            tls=self._tls.contexts if self._tls is not None else None,
        )
        try:
            await transport.start()
        except ListenFailed as error:
            where, why = error.listen, error.__cause__
            option = self._sip_port_option if where.transport != "TLS" else "tls.port or tls.mcu_port in the settings"
            assert isinstance(why, OSError)
            raise port_problem(f"{self.name} (SIP)", where.host, where.port, option, why) from error
        self._sip = transport
        for each in transport.listening:
            self._add_address(each.host, each.port)

    def _add_address(self, host: str, port: int) -> None:
        if self._trace is not None:
            self._trace.add_address((host, port))

    def certificates_changed(self) -> None:
        """Use what ``tls`` has loaded anew, from the next connection on; those that stand stay."""
        if self._sip is not None and self._tls is not None:
            self._sip.set_tls(self._tls.contexts)
        self._http_faults.forget()

    async def stop(self) -> None:
        """Send what waits, close everything. Can be called twice."""
        self._running = False
        for timer in self._timers.values():
            timer.handle.cancel()
        self._timers.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sip is not None:
            await self._sip.stop()
        if self._ports is not None:
            self._ports.close_all()
        if self._server is not None:
            await self._server.stop()
        if self._client is not None:
            await self._client.stop()

    @property
    def now(self) -> float:
        """The clock of the machines."""
        return asyncio.get_running_loop().time()

    @property
    def listening(self) -> tuple[sip.Listen, ...]:
        """SIP listeners with the ports that they really have."""
        return self._sip.listening if self._sip is not None else ()

    @property
    def sizes(self) -> dict[str, int]:
        """How much waits or is kept here, beside what the machines keep themselves."""
        found = {"http exchanges": len(self._tasks), "media ports": len(self._ports) if self._ports is not None else 0}
        if self.element.pump is not None:
            found |= self.element.pump.endpoint.sizes
        return found

    @property
    def counters(self) -> Counter[str]:
        """What was dropped, refused or late at the sockets, by what it was, and the faults of this program."""
        found = Counter(self.element.counters)
        if self.element.gate is not None:
            found.update(self.element.gate.counters)
        if self.element.pump is not None:
            found.update(self.element.pump.counters)
            found.update(self.element.pump.endpoint.counters)
        if self._sip is not None:
            found.update(self._sip.counters)
        if self._ports is not None:
            found.update(self._ports.counters)
        return found

    # Events ----------------------------------------------------------------------------------------------------------

    def of(self, kind: type[E]) -> list[E]:
        """Events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, predicate: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait until ``predicate`` holds, looking after each event; raises Problem."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not predicate():
                    self._changed.clear()
                    await self._changed.wait()
        if not predicate():
            raise Problem(f"{what} did not happen within {timeout:g} s")

    def kick(self) -> None:
        """Carry what commands caused."""
        if not self._running:
            return
        self._take(self._logged(self.element.take_other_events()))
        if self._sip is not None:
            self._sip.kick()
        else:
            self._worked()

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case MediaPortWanted():
                    self._open_media(event.leg)
                case MediaPeerKnown() if self._ports is not None:
                    self._ports.expect(event.leg, rtp=event.rtp, rtcp=event.rtcp)
                case MediaPortReleased():
                    self._close_media(event.leg)
                case _:
                    self._tell(event)

    def _tell(self, event: Event) -> None:
        if self._remember:
            self.events.append(event)
            del self.events[:-MAX_EVENTS]
        self._changed.set()
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:
            self._faults.application(error, now=self.now)

    def _worked(self) -> None:
        """After each step of the machines: tell of what happened, post documents, let answers go, set the timers."""
        told = self._logged(self.element.take_other_events())
        if told:  # a step of SIP has moved a machine beside the pump, as an `Authenticator` by a wrong password
            self._take(told)
            self._loop.call_soon(self.kick)
        for machine, exchange in self.element.c3p_to_send(now=self.now):
            self._spawn(self._post(machine, exchange))
        self._let_answers_go()
        if self.on_worked is not None:
            self.on_worked()
        self._set_timer("others", self.element.next_other_timeout(), self._others_timeout)
        self._set_timer("media", self.element.next_tick(), self._tick)

    def _set_timer(self, name: str, due: float | None, action: Callable[[], None]) -> None:
        timer = self._timers.get(name)
        if timer is not None:
            if timer.due == due:
                return
            timer.handle.cancel()
            del self._timers[name]
        if due is not None and self._running:
            self._timers[name] = _Timer(due, self._loop.call_at(due, self._fire, name, action))

    def _fire(self, name: str, action: Callable[[], None]) -> None:
        due = self._timers.pop(name).due
        if name == "media" and self.on_tick_late is not None:
            self.on_tick_late(max(0.0, self.now - due))
        action()

    def _others_timeout(self) -> None:
        self._take(self._logged(self.element.handle_other_timeouts(now=self.now)))
        self.kick()

    def _logged(self, events: list[Event]) -> list[Event]:
        """Log the faults of machines beside the pump; those within it `SipTransport` has logged."""
        for event in events:
            if isinstance(event, InternalFault):
                self._faults.log(event, now=self.now)
        return events

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # C3P over HTTP ---------------------------------------------------------------------------------------------------

    def _served(self, path: str) -> Handler:
        """What the HTTP server calls for one path."""

        async def answer(document: Document, peer: str) -> c3p.Reply:
            reply = self.element.receive_c3p(path, document, peer=peer, now=self.now)
            self.http["in", str(reply.status)] += 1
            given: asyncio.Future[c3p.Reply] = self._loop.create_future()
            self.element.hold_reply(given, reply)
            self._let_answers_go()
            # The answer goes out first; what it sets in motion follows in the next turn of the loop.
            self._loop.call_soon(self.kick)
            return await given

        return answer

    def _let_answers_go(self) -> None:
        for given, reply in self.element.replies_to_send(now=self.now):
            assert isinstance(given, asyncio.Future)
            if not given.done():  # whoever asked has not gone meanwhile
                given.set_result(reply)

    def _stranger(self, host: str, path: str) -> None:
        self.http["in", "401"] += 1
        if path in self.element.services and len(self._strangers) < MAX_STRANGERS:
            event = StrangerRefused(owner=self.name, host=host, path=path)
            if event not in self._strangers:
                self._strangers.add(event)
                self._tell(event)

    async def _post(self, machine: C3PMachine, exchange: c3p.Exchange) -> None:
        outcome: c3p.Reply | c3p.ExchangeFailure = c3p.ExchangeFailure.CONNECT
        if self._client is not None:
            try:
                outcome = await self._client.post(exchange)
            except c3p.C3PError:  # a document that cannot be written down: nothing was sent
                outcome = c3p.ExchangeFailure.UNUSABLE
        known = str(outcome.status) if isinstance(outcome, c3p.Reply) else outcome.name.lower()
        self.http["out", known] += 1
        self._take(self.element.c3p_answered(machine, exchange.id, outcome, now=self.now))
        self.kick()

    # Media -----------------------------------------------------------------------------------------------------------

    def _open_media(self, leg: LegId) -> None:
        assert self._ports is not None
        try:
            ports = self._ports.open(leg)
        except OSError as error:
            self._take(self.element.media_failed(leg, str(error), now=self.now))
            return
        if self._trace is not None:
            self._trace.add_address(ports.rtp, ports.rtcp)
        advertised = self._advertise or ports.rtp[0]
        self._take(self.element.media_opened(leg, rtp=ports.rtp, rtcp=ports.rtcp, advertised=advertised, now=self.now))

    def _close_media(self, leg: LegId) -> None:
        if self._ports is not None:
            self._send_media()
            self._ports.close(leg)

    def _arrived(self, batch: list[Arrival]) -> None:
        if not self._running:
            return
        events = self.element.receive_media(cast("list[Packet]", batch))  # keys are what ``open`` was given: legs
        if events:
            self._take(events)
            self.kick()

    def _tick(self) -> None:
        if self._ports is not None:
            self._ports.drain()
        self._send_media()
        self.kick()

    def _send_media(self) -> None:
        if self.element.media is not None and self._ports is not None:
            self._ports.send(self.element.tick(self.now))
