"""One element of a system: a SIP endpoint with its cores, machines that speak C3P over HTTP, and media.

Everything around it (a simulated network, asyncio) drives the same parts in the same way: feed bytes and time in, then
drain until nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import attrs

import c3p
from mcu.events import LegId
from sip import Event, Pump, Transmit

Address = tuple[str, int]
Document = c3p.Request | c3p.Response | c3p.Notify
Packet = tuple[LegId, str, bytes, Address, float]  #: leg, "rtp" or "rtcp", data, source, arrival
Outgoing = tuple[LegId, str, bytes, Address]  #: leg, "rtp" or "rtcp", data, destination


@runtime_checkable
class C3PMachine(Protocol):
    """A machine that posts C3P documents."""

    def c3p_to_send(self) -> list[c3p.Exchange]:
        """Exchanges to start."""
        ...

    def receive_reply(self, exchange_id: int, reply: c3p.Reply, *, now: float) -> list[Event]:
        """An exchange was answered."""
        ...

    def exchange_failed(self, exchange_id: int, reason: c3p.ExchangeFailure, *, now: float) -> list[Event]:
        """An exchange brought no answer."""
        ...


@runtime_checkable
class C3PService(Protocol):
    """A machine that answers C3P documents posted to it."""

    def receive_c3p(self, document: Document, *, peer: str, now: float) -> c3p.Reply:
        """Answer a document of an authenticated peer."""
        ...


@runtime_checkable
class Timed(Protocol):
    """A machine with timers."""

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        ...

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due."""
        ...

    def take_events(self) -> list[Event]:
        """Events that other calls caused."""
        ...


@runtime_checkable
class MediaMachine(Protocol):
    """A machine with legs of audio: an MCU, a phone."""

    def media_opened(self, leg: LegId, *, rtp: Address, rtcp: Address, advertised: str, now: float) -> list[Event]:
        """The ports of a leg are open."""
        ...

    def media_failed(self, leg: LegId, reason: str, *, now: float) -> list[Event]:
        """The ports of a leg cannot be had."""
        ...

    def receive_media(self, batch: Sequence[Packet]) -> list[Event]:
        """Packets that arrived."""
        ...

    def tick(self, now: float) -> list[Outgoing]:
        """Audio of 20 ms: packets to send."""
        ...

    def next_tick(self) -> float | None:
        """When ``tick`` is due, None when there is no media."""
        ...


class HookedPump(Pump):
    """A pump that tells when something was done with it: then documents and media may wait to be carried."""

    on_worked: Callable[[], None] | None = None

    def data_to_send(self, limit: int | None = None) -> list[Transmit]:
        """Every driver drains after each step, so this is where to look at the other outputs."""
        if self.on_worked is not None:
            self.on_worked()
        return super().data_to_send(limit)


@attrs.define(eq=False)
class Element:
    """The parts of one element. ``services`` are keyed by URL path."""

    name: str
    pump: Pump | None = None
    services: Mapping[str, C3PService] = attrs.field(factory=dict)
    machines: Sequence[C3PMachine] = ()
    others: Sequence[Timed] = ()  #: machines that live on no SIP endpoint
    media: MediaMachine | None = None

    @classmethod
    def of(
        cls,
        name: str,
        *,
        pump: Pump | None = None,
        services: Mapping[str, C3PService] | None = None,
        others: Iterable[Timed] = (),
    ) -> Element:
        """Find out by itself which of the machines posts documents and which has media."""
        beside = tuple(others)
        parts = [*(pump.cores if pump else ()), *beside]
        return cls(
            name=name,
            pump=pump,
            services=services or {},
            machines=[part for part in parts if isinstance(part, C3PMachine)],
            others=beside,
            media=next((part for part in parts if isinstance(part, MediaMachine)), None),
        )

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due; media ticks have a clock of their own."""
        machines: list[Timed | Pump] = [*self.others, *([self.pump] if self.pump else [])]
        return min((at for machine in machines if (at := machine.next_timeout()) is not None), default=None)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do everything that is due."""
        events: list[Event] = []
        for machine in self.others:
            due = machine.next_timeout()
            if due is not None and due <= now:
                events += machine.handle_timeout(now=now)
        if self.pump is not None:
            events += self.pump.handle_timeout(now=now)
        return events

    def settle(self, events: Iterable[Event] = (), *, now: float) -> list[Event]:
        """Feed ``events`` to the cores until nothing moves; what is left is for the surroundings."""
        left = self.pump.settle(events, now=now) if self.pump is not None else list(events)
        for machine in self.others:
            left += machine.take_events()
        return left
