"""One loop, without I/O, that feeds an endpoint's events to its cores until nothing moves."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from sip.deadlines import first_due
from sip.endpoint.commit import Gate, Held, StateChange
from sip.endpoint.endpoint import Endpoint
from sip.errors import LocalProtocolError
from sip.events import Event
from sip.faults import InternalFault, TimedNet, internal_fault
from sip.flow import Flow, Transmit
from sip.pieces import Durable, Piece


class Core(Protocol):
    """A machine that lives on an endpoint: it is fed the events it owns, and commands the endpoint.

    It is asked for its events and its time after every step. One that shows as ``untaken`` the list in which it gathers
    events, always the same one, is only asked when something is in it; one that shows as ``deadlines`` all that has a
    time in it, a `Due` or a tuple of them that stay the same, is not asked for the next.
    """

    @property
    def owner(self) -> str:
        """The name under which the core registered with the endpoint."""
        ...

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint; return events for the application."""
        ...

    def next_timeout(self) -> float | None:
        """Return when ``handle_timeout`` is due (monotonic seconds), None when nothing is."""
        ...

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due; return events for the application."""
        ...

    def take_events(self) -> list[Event]:
        """Return events for the application that commands caused."""
        ...


@runtime_checkable
class Forgetful(Protocol):
    """A core that keeps something for each request that it has open."""

    def abandon(self, event: Event, *, now: float) -> None:
        """Answer and forget what ``event`` is about: ``handle_event`` has raised on it."""
        ...


class Pump:
    """Drains an endpoint and its cores; what remains is for the application.

    Events owned by a core go to it and nowhere else. What cores return, and what the endpoint reports under
    another name (the questions to the driver above all), is returned.

    It is the net under the cores (`sip.faults`). When one raises, its open request is answered 500 and what the
    request began ends (`Endpoint.abandon`), one `InternalFault` is returned, and everything else goes on: the events
    that are left, the other cores, the timers. A core whose ``handle_timeout`` raises is asked again a little later.

    With ``durable`` it is also the gate before the network (`sip.Gate`): after every call read ``change_to_save()``,
    write what it gives, and call ``persisted(id)``; what is to be sent waits for that.
    """

    def __init__(self, endpoint: Endpoint, cores: Sequence[Core], *, durable: bool = False) -> None:
        self.endpoint = endpoint
        self.cores = tuple(cores)
        self.counters: Counter[str] = Counter()  #: "internal fault": how often a core raised
        self._by_owner = {core.owner: core for core in self.cores}
        self._faults: list[Event] = []
        self._restored: list[Event] = []
        self.gate = Gate((endpoint, *self.cores)) if durable else None  #: for what else these machines have sent
        self._held: Held[Transmit] | None = Held(self.gate) if self.gate is not None else None
        self._now = 0.0
        self._nets = [TimedNet(core, core.owner, self._faults, self.counters) for core in self.cores]

    def restore(self, pieces: Iterable[Piece], *, now: float) -> None:
        """Let the endpoint, then the cores go on with what was written; those that are not `Durable` begin anew.

        Before anything comes from the network. What it caused is in what the next ``settle`` returns. Whichever of
        them raises begins anew as well, and one `InternalFault` tells of it: a server starts, whatever was written.
        Raises LocalProtocolError as they do.
        """
        given, told = tuple(pieces), list[Event]()
        events = self._restore(self.endpoint, "", given, told, now=now)
        for core in self.cores:
            if isinstance(core, Durable):
                told += self._restore(core, core.owner, given, told, now=now)
        self._restored = [*told, *self.settle(events, now=now)]

    def _restore(
        self, machine: Durable, owner: str, pieces: tuple[Piece, ...], told: list[Event], *, now: float
    ) -> list[Event]:
        """What came of it; a fault is added to ``told``."""
        try:
            return machine.restore(pieces, now=now)
        except LocalProtocolError:
            raise
        except Exception as error:
            self.counters["internal fault"] += 1
            told.append(internal_fault(error, "restore", owner=owner, message=b""))
            return []

    def receive_data(self, data: bytes, *, flow: Flow, now: float, most: int | None = None) -> list[Event]:
        """Feed bytes from a flow, and settle. Then drain ``data_to_send`` and read ``next_timeout``.

        ``most`` is that of `Endpoint.receive_data`.
        """
        return self.settle(self.endpoint.receive_data(data, flow=flow, now=now, most=most), now=now)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due at ``now`` in the endpoint and in every core, and settle.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        out: list[Event] = []
        for net in self._nets:
            out += net.handle_timeout(now=now)
        out += self.settle(self.endpoint.handle_timeout(now=now), now=now)
        return out

    def settle(self, events: Iterable[Event] = (), *, now: float) -> list[Event]:
        """Feed ``events``, and those that follow from them, to the cores until nothing moves.

        Call it also after commands given from outside: it collects what they caused.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self._now = now
        waiting, untaken = deque(events), self.endpoint.untaken
        out, self._restored = self._restored, []
        while True:
            while waiting:
                event = waiting.popleft()
                core = self._by_owner.get(event.owner)
                if core is None or type(event) is InternalFault:
                    out.append(event)
                else:
                    try:
                        out += core.handle_event(event, now=now)
                    except Exception as error:
                        self._broken(core, event, error, now)
                if untaken:
                    waiting += self.endpoint.take_events()
            for net in self._nets:
                if net.untaken is None or net.untaken:
                    out += net.take_events()
            if self._faults:
                out += self._faults
                self._faults.clear()
            if self.gate is not None and self.gate.untaken:
                out += self.gate.take_events()
            if not untaken:
                return out
            waiting += self.endpoint.take_events()

    def _broken(self, core: Core, event: Event, error: Exception, now: float) -> None:
        """Note what a core raised, and end what the event was about."""
        self._note(core, event, error, f"handle {type(event).__name__}")
        if isinstance(core, Forgetful):
            try:
                core.abandon(event, now=now)
            except Exception as again:
                self._note(core, event, again, f"abandon {type(event).__name__}")
        self.endpoint.abandon(event, now=now)

    def _note(self, core: Core, event: Event, error: Exception, doing: str) -> None:
        self.counters["internal fault"] += 1
        message = getattr(event, "request", None) or getattr(event, "response", None) or b""
        self._faults.append(internal_fault(error, doing, owner=core.owner, message=message))

    def next_timeout(self) -> float | None:
        """Return the earliest time at which ``handle_timeout`` is due, None when nothing is."""
        first = self.endpoint.timers.first
        for net in self._nets:
            for due in net.deadlines or (net,):
                at = due.first
                if at is not None and (first is None or at < first):
                    first = at
        return first if self._held is None or self._held.first is None else first_due(first, self._held.first)

    def data_to_send(self, limit: int | None = None) -> list[Transmit]:
        """Return what is to be sent, at most ``limit`` messages."""
        unsent = self.endpoint.data_to_send(limit)
        if self._held is None or (not unsent and self._held.first is None):
            return unsent
        return self._held.pass_on(unsent, limit=limit, now=self._now)

    def change_to_save(self) -> StateChange | None:
        """Return the state that changed since the last call, None when none did (always, without ``durable``)."""
        return self.gate.change_to_save() if self.gate is not None else None

    def persisted(self, id: int) -> None:
        """Let go what waited for a change to be written. Then drain ``data_to_send``.

        Raises ValueError for a change that was never given.
        """
        if self.gate is None:
            raise ValueError("nothing is given to write without durable")
        self.gate.persisted(id)
