"""One element of a system: a SIP endpoint with its cores, machines that speak C3P over HTTP, and media.

Everything around it (a simulated network, asyncio) drives the same parts in the same way: feed bytes and time in, then
drain until nothing moves.

The element is the net under whatever does not come through its pump (`sip.faults`): documents, media, and machines
that live on no endpoint. One of them that raises has that thing answered 500, or left undone; the rest goes on.

Where it keeps its state (its pump is ``durable``) it is also one gate before the network (`sip.Gate`): messages,
documents and answers to documents wait until what they promise is written. After each step read ``change_to_save()``,
write what it gives, and call ``persisted(id)``.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

import attrs

import c3p
from mcu import LegId
from pyc3p.trace.masking import mask
from sip import (
    Durable,
    Event,
    Gate,
    Held,
    Piece,
    Pump,
    Rest,
    StateChange,
    TimedNet,
    Transmit,
    first_due,
    internal_fault,
    next_timeout_of,
)

Address = tuple[str, int]
Document = c3p.Request | c3p.Response | c3p.Notify
Packet = tuple[LegId, str, bytes, Address, float]  #: leg, "rtp" or "rtcp", data, source, arrival
Outgoing = tuple[LegId, str, bytes, Address]  #: leg, "rtp" or "rtcp", data, destination


T = TypeVar("T")


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
        return super().data_to_send(limit) if self.endpoint.unsent or self.gate is not None else []


@attrs.define(eq=False)
class Element:
    """The parts of one element. ``services`` are keyed by URL path."""

    name: str
    pump: Pump | None = None
    services: Mapping[str, C3PService] = attrs.field(factory=dict)
    machines: Sequence[C3PMachine] = ()
    others: Sequence[Timed] = ()  #: machines that live on no SIP endpoint
    media: MediaMachine | None = None
    durable: bool = False  #: whether its state is kept; where there is a pump, that one says it
    stores: Sequence[Durable] = ()  #: what its machines ask at once, and is kept along with them
    counters: Counter[str] = attrs.field(factory=Counter)  #: "internal fault": how often something raised here
    _faults: list[Event] = attrs.field(factory=list, init=False)
    _nets: list[TimedNet] = attrs.field(init=False)
    #: each machine with the list in which it shows what is to be posted; one that does not is always asked
    _posting: list[tuple[C3PMachine, Sized]] = attrs.field(init=False)
    _media_rest: Rest | None = attrs.field(default=None, init=False)  #: since a tick raised, until one does not
    gate: Gate | None = attrs.field(init=False)  #: before the network; None where no state is kept
    _documents: Held[tuple[C3PMachine, c3p.Exchange]] | None = attrs.field(default=None, init=False)
    _answers: Held[tuple[object, c3p.Reply]] | None = attrs.field(default=None, init=False)
    _answered: list[tuple[object, c3p.Reply]] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.gate = self.pump.gate if self.pump is not None else Gate(()) if self.durable else None
        if self.gate is not None:
            self.gate.watch((*self.others, *self.stores))
            self._documents, self._answers = Held(self.gate), Held(self.gate)
        self._nets = [TimedNet(each, _owner_of(each), self._faults, self.counters) for each in self.others]
        self._posting = [(each, getattr(each, "unposted", "asked")) for each in self.machines]

    @classmethod
    def of(
        cls,
        name: str,
        *,
        pump: Pump | None = None,
        services: Mapping[str, C3PService] | None = None,
        others: Iterable[Timed] = (),
        durable: bool = False,
        stores: Iterable[Durable] = (),
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
            durable=durable,
            stores=tuple(stores),
        )

    # State -----------------------------------------------------------------------------------------------------------

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        """Go on with what was written, before anything comes from the network.

        Then drain everything. What the machines of the pump report comes with that.
        """
        given, found = tuple(pieces), list[Event]()
        for store in self.stores:  # cores ask them when they go on
            found += self._attempt(store, "restore", partial(store.restore, given, now=now), [])
        if self.pump is not None:
            self.pump.restore(given, now=now)
        for machine in self.others:
            if isinstance(machine, Durable):
                found += self._attempt(machine, "restore", partial(machine.restore, given, now=now), [])
        return found + self.take_other_events()

    def change_to_save(self) -> StateChange | None:
        """The state that changed since the last call, None when none did, or none is kept."""
        return self.gate.change_to_save() if self.gate is not None else None

    def persisted(self, id: int) -> None:
        """A change is written: what waited for it may leave. Then drain everything.

        Raises ValueError for a change that was never given.
        """
        if self.gate is None:
            raise ValueError("nothing is given to write without durable")
        self.gate.persisted(id)

    # Everything at once ----------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due; media ticks have a clock of their own."""
        others = self.next_other_timeout() if self._nets or self.gate is not None else None
        if self.pump is None:
            return others
        own = self.pump.next_timeout()
        return own if others is None or (own is not None and own < others) else others

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do everything that is due."""
        events = self.handle_other_timeouts(now=now)
        if self.pump is not None:
            events += self.pump.handle_timeout(now=now)
        return events

    def settle(self, events: Iterable[Event] = (), *, now: float) -> list[Event]:
        """Feed ``events`` to the cores until nothing moves; what is left is for the surroundings."""
        left = self.pump.settle(events, now=now) if self.pump is not None else list(events)
        return left + self.take_other_events()

    # What does not come through the pump -----------------------------------------------------------------------------

    def next_other_timeout(self) -> float | None:
        """When ``handle_other_timeouts`` is due, or something leaves that has waited for long enough."""
        first = next_timeout_of(self._nets) if self._nets else None
        for held in (self._documents, self._answers):
            if held is not None and held.first is not None:
                first = first_due(first, held.first)
        return first

    def handle_other_timeouts(self, *, now: float) -> list[Event]:
        """Do what is due in the machines that live on no endpoint."""
        return [event for net in self._nets for event in net.handle_timeout(now=now)]

    def take_other_events(self) -> list[Event]:
        """Events that other calls caused in them, and the faults of this element since the last call."""
        events = [event for net in self._nets for event in net.take_events()]
        events += self._faults
        self._faults.clear()
        if self.gate is not None and self.gate.untaken:
            events += self.gate.take_events()
        return events

    def receive_c3p(self, path: str, document: Document, *, peer: str, now: float) -> c3p.Reply:
        """The answer to a document that an authenticated peer has posted to ``path``; it leaves by ``hold_reply``."""
        service = self.services[path]
        return self._attempt(
            service,
            "receive_c3p",
            lambda: service.receive_c3p(document, peer=peer, now=now),
            c3p.Reply(500),
            document,
        )

    def hold_reply(self, asker: object, reply: c3p.Reply) -> None:
        """Give back an answer of ``receive_c3p``: ``replies_to_send`` says when ``asker`` may have it."""
        self._answered.append((asker, reply))

    def replies_to_send(self, *, now: float) -> list[tuple[object, c3p.Reply]]:
        """Answers that may leave now, each with the asker that it was given for."""
        answered, self._answered = self._answered, []
        if self._answers is None or (not answered and self._answers.first is None):
            return answered
        return self._answers.pass_on(answered, now=now)

    def c3p_to_send(self, *, now: float) -> list[tuple[C3PMachine, c3p.Exchange]]:
        """Exchanges to start, with the machine that is told of the outcome."""
        found: list[tuple[C3PMachine, c3p.Exchange]] = []
        for machine, unposted in self._posting:
            if not unposted:
                continue
            none: list[c3p.Exchange] = []
            found += [(machine, each) for each in self._attempt(machine, "c3p_to_send", machine.c3p_to_send, none)]
        if self._documents is None or (not found and self._documents.first is None):
            return found
        return self._documents.pass_on(found, now=now)

    def c3p_answered(
        self, machine: C3PMachine, exchange_id: int, outcome: c3p.Reply | c3p.ExchangeFailure, *, now: float
    ) -> list[Event]:
        """Tell a machine of the outcome of an exchange."""
        if isinstance(outcome, c3p.Reply):
            reply = outcome
            told = lambda: machine.receive_reply(exchange_id, reply, now=now)  # noqa: E731
            return self._attempt(machine, "receive_reply", told, [], reply.document)
        reason = outcome
        return self._attempt(
            machine, "exchange_failed", lambda: machine.exchange_failed(exchange_id, reason, now=now), []
        )

    def media_opened(self, leg: LegId, *, rtp: Address, rtcp: Address, advertised: str, now: float) -> list[Event]:
        """The ports of a leg are open."""
        media = self.media
        assert media is not None
        told = lambda: media.media_opened(leg, rtp=rtp, rtcp=rtcp, advertised=advertised, now=now)  # noqa: E731
        return self._attempt(media, "media_opened", told, [])

    def media_failed(self, leg: LegId, reason: str, *, now: float) -> list[Event]:
        """The ports of a leg cannot be had."""
        media = self.media
        assert media is not None
        return self._attempt(media, "media_failed", lambda: media.media_failed(leg, reason, now=now), [])

    def receive_media(self, batch: Sequence[Packet]) -> list[Event]:
        """Packets that arrived; where there is no media they are dropped."""
        media = self.media
        if media is None:
            return []
        return self._attempt(media, "receive_media", lambda: media.receive_media(batch), [])

    def next_tick(self) -> float | None:
        """When ``tick`` is due, None when there is no media."""
        if self.media is None:
            return None
        due = self._attempt(self.media, "next_tick", self.media.next_tick, None)
        return due if self._media_rest is None else self._media_rest.after(due)

    def tick(self, now: float) -> list[Outgoing]:
        """Audio of 20 ms: packets to send."""
        media = self.media
        if media is None:
            return []
        try:
            packets = media.tick(now)
        except Exception as error:
            self._fault(media, "tick", error)
            self._media_rest = self._media_rest or Rest()
            self._media_rest.failed(now)
            return []
        self._media_rest = None
        return packets

    def _attempt(
        self, machine: object, doing: str, action: Callable[[], T], otherwise: T, document: object = None
    ) -> T:
        """Call a machine; what it raises is reported, and ``otherwise`` returned."""
        try:
            return action()
        except Exception as error:
            self._fault(machine, doing, error, document)
            return otherwise

    def _fault(self, machine: object, doing: str, error: Exception, document: object = None) -> None:
        self.counters["internal fault"] += 1
        shown = b""
        if isinstance(document, c3p.Request | c3p.Response | c3p.Notify):
            with contextlib.suppress(c3p.C3PError):
                shown = mask("http", bytes(document))
        self._faults.append(internal_fault(error, doing, owner=_owner_of(machine), message=shown))


def _owner_of(machine: object) -> str:
    """The name that a machine has, else that of what it is."""
    return getattr(machine, "owner", None) or type(machine).__name__
