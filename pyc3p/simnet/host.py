"""One host of a simulated network: it runs an element and carries its traffic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar, cast

import c3p
from mcu import LegId, MediaPortReleased, MediaPortWanted
from pyc3p.element import Element
from pyc3p.simnet.disk import Disk, SimDisk
from pyc3p.simnet.failed import SimulationFailed
from sip import ConnectWanted, Event, Flow, FlowLost, InternalFault, Piece, ResolveWanted, StateChange
from sip.testing import Alarm

if TYPE_CHECKING:
    from pyc3p.simnet.network import SimNetwork

E = TypeVar("E", bound=Event)

#: Rounds of draining, and timers at the same instant, after which an element counts as never coming to rest.
MAX_ROUNDS = 10_000


class SimHost:
    """Runs one element at one address. ``events`` holds everything the element told the application."""

    def __init__(self, network: SimNetwork, element: Element, host: str, disk: Disk | None = None) -> None:
        self.network = network
        self.element = element
        self.host = host
        self.name = element.name
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] | None = None
        self.inside: Callable[[Event], None] | None = None  #: given each event before that: a part of the same program
        self.on_worked: Callable[[], None] | None = None  #: called when its machines have come to rest
        self.off = False  #: switched off: it does nothing any more
        self.disk: Disk = disk or SimDisk(network, element.name)  #: where its machines' state is written
        self._alarm: Alarm | None = None
        self._due: float | None = None  #: when a timer of the element is due, beside the media
        self._next_port = 30_000
        self._legs: dict[LegId, int] = {}
        self._woken_at = -1.0
        self._wakes = 0

    def of(self, kind: type[E]) -> list[E]:
        """Events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def newest(self, kind: type[E], fits: Callable[[E], bool] = lambda event: True) -> Callable[[], bool]:
        """A question that is asked again and again: was there such an event? It looks at each event once."""
        looked_at, found = 0, False

        def answer() -> bool:
            nonlocal looked_at, found
            while not found and looked_at < len(self.events):
                event = self.events[looked_at]
                looked_at += 1
                found = isinstance(event, kind) and fits(event)
            return found

        return answer

    def kick(self) -> None:
        """Call after commands were given to a machine from outside."""
        self.run([])

    def run(self, events: Iterable[Event]) -> None:
        """Take what a machine told the application, drain the element until nothing moves, set the alarm."""
        if not self.off:
            self._go_on([*events, *self.element.settle(now=self.network.now)])

    def _go_on(self, waiting: list[Event]) -> None:
        """The same with what the element has told, which is settled."""
        for _ in range(MAX_ROUNDS):
            told = [self._handle(event) for event in waiting]
            self._send()  # what is carried arrives later: no machine moves by it
            if not any(told):
                break
            waiting = self.element.settle(now=self.network.now)
        else:
            raise RuntimeError(f"{self.name} does not come to rest")
        if self.on_worked is not None:
            self.on_worked()
        self._set_alarm()

    # Traffic in ------------------------------------------------------------------------------------------------------

    def receive_sip(self, flow: Flow, data: bytes) -> None:
        """SIP bytes arrived on a flow, a datagram or a piece of a stream."""
        if self.element.pump is not None and not self.off:
            told = self.element.pump.receive_data(data, flow=flow, now=self.network.now)
            self._go_on([*told, *self.element.take_other_events()])

    def receive_media(self, leg: LegId, kind: str, data: bytes, source: tuple[str, int]) -> None:
        """A media packet arrived."""
        if self.element.media is not None and leg in self._legs and not self.off:
            self.run(self.element.receive_media([(leg, kind, data, source, self.network.now)]))

    def feed(self, events: Iterable[Event]) -> None:
        """Take what the endpoint itself returned: its cores have not seen it yet."""
        self.run(self.element.settle(events, now=self.network.now))

    def flow_closed(self, flow: Flow) -> None:
        """A connection broke."""
        if self.element.pump is not None and not self.off:
            self.feed(self.element.pump.endpoint.flow_closed(flow, now=self.network.now))

    def flow_blocked(self, flow: Flow) -> None:
        """A connection takes no more for now."""
        if self.element.pump is not None:
            self.element.pump.endpoint.flow_blocked(flow)

    def flow_writable(self, flow: Flow) -> None:
        """It takes more again."""
        if self.element.pump is not None and not self.off:
            self.feed(self.element.pump.endpoint.flow_writable(flow, now=self.network.now))

    def undelivered(self, flow: Flow) -> None:
        """A datagram came to an address where nobody takes it."""
        if self.element.pump is not None and not self.off:
            self.feed(self.element.pump.endpoint.send_failed(flow, now=self.network.now))

    # Traffic out -----------------------------------------------------------------------------------------------------

    @property
    def written(self) -> dict[str, Piece]:
        """What its element has had written, by key."""
        return {piece.key: piece for piece in self.disk.pieces}

    def persisted(self, change: StateChange) -> None:
        """State is written: what promised it may leave."""
        self.element.persisted(change.id)
        self.run([])

    def _send(self) -> None:
        if self.element.pump is not None:
            for transmit in self.element.pump.data_to_send():
                self.network.send(self, transmit.flow, transmit.data)
        for machine, exchange in self.element.c3p_to_send(now=self.network.now):
            self.network.web.post(self, machine, exchange)
        for asker, reply in self.element.replies_to_send(now=self.network.now):
            cast(Callable[[c3p.Reply], None], asker)(reply)
        change = self.element.change_to_save()
        if change is not None:
            self.disk.write(change, self)

    def _handle(self, event: Event) -> bool:
        """Act on what the element has told; whether one of its machines may have moved by that."""
        match event:
            case ConnectWanted():
                self.network.connect(self, event)
            case ResolveWanted():
                self._resolve(event)
            case FlowLost():
                self._send()  # the answer that says why, perhaps
                self.network.streams.close_after_sending(event.flow)
            case MediaPortWanted():
                self._open_media(event.leg)
            case MediaPortReleased():
                self._close_media(event.leg)
            case InternalFault() if self.network.faults_raise:
                raise SimulationFailed(f"{event}\n{self.network.story()}") from event.exception
            case _:
                self.events.append(event)
                if self.inside is not None:
                    self.inside(event)
                if self.on_event is not None:
                    self.on_event(event)
                return not (self.inside is None and self.on_event is None)
        return True

    def answer(self, events: Iterable[Event]) -> None:
        """Go on with what an answer to a question caused, once the present round is over."""
        caused = list(events)
        self.network.clock.after(0.0, lambda: self.feed(caused))

    def _resolve(self, want: ResolveWanted) -> None:
        assert self.element.pump is not None
        endpoint, now = self.element.pump.endpoint, self.network.now
        destinations = self.network.resolve(want.host, want.port, want.transport)
        if destinations:
            self.answer(endpoint.resolved(want.id, destinations, now=now))
        else:
            self.answer(endpoint.flow_failed(want.id, "no such name", now=now))

    # Media -----------------------------------------------------------------------------------------------------------

    def _open_media(self, leg: LegId) -> None:
        port, self._next_port = self._next_port, self._next_port + 2
        self._legs[leg] = port
        self.network.bind_media(self, leg, port)
        rtp, rtcp = (self.host, port), (self.host, port + 1)
        told = self.element.media_opened(leg, rtp=rtp, rtcp=rtcp, advertised=self.host, now=self.network.now)
        self.network.clock.after(0.0, lambda: self.run(told))

    def _close_media(self, leg: LegId) -> None:
        self._tick(self.element.next_tick())  # the last packets of the leg
        port = self._legs.pop(leg, None)
        if port is not None:
            self.network.release_media(self, port)

    def _tick(self, due: float | None) -> None:
        if due is None or due > self.network.now:
            return
        for leg, kind, data, destination in self.element.tick(self.network.now):
            port = self._legs.get(leg)
            if port is not None:
                source = (self.host, port + (1 if kind == "rtcp" else 0))
                self.network.send_media(self, kind, source, destination, data)

    def _next_tick(self) -> float | None:
        due, sound = self.element.next_tick(), self.network.sound
        if due is None or sound is None:
            return due
        due = max(due, self.network.now)
        (seconds, every), since = sound, math.floor(due / sound[1])
        return due if due - since * every < seconds else (since + 1) * every

    # Time ------------------------------------------------------------------------------------------------------------

    def _set_alarm(self) -> None:
        ticks = self._next_tick()
        self._due = self.element.next_timeout()
        due = ticks if self._due is None or (ticks is not None and ticks < self._due) else self._due
        if self._alarm is not None and self._alarm.action is not None:
            if self._alarm.at == due:
                return
            self._alarm.cancel()
        self._alarm = None if due is None else self.network.clock.at(due, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        if self.off:
            return
        self._wakes = self._wakes + 1 if self._woken_at == self.network.now else 0
        self._woken_at = self.network.now
        if self._wakes > MAX_ROUNDS:
            raise RuntimeError(f"{self.name} has a timer that is due again and again at {self._woken_at}")
        self._tick(self._next_tick())
        now = self.network.now
        self.run(self.element.handle_timeout(now=now) if self._due is not None and self._due <= now else [])
