"""One loop, without I/O, that feeds an endpoint's events to its cores until nothing moves."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from sip.endpoint import Endpoint
from sip.events import Event
from sip.flow import Flow, Transmit


class Core(Protocol):
    """A machine that lives on an endpoint: it is fed the events it owns, and commands the endpoint."""

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


class Pump:
    """Drains an endpoint and its cores; what remains is for the application.

    Events owned by a core go to it and nowhere else. What cores return, and what the endpoint reports under
    another name (the questions to the driver above all), is returned.
    """

    def __init__(self, endpoint: Endpoint, cores: Sequence[Core]) -> None:
        self.endpoint = endpoint
        self.cores = tuple(cores)
        self._by_owner = {core.owner: core for core in self.cores}

    def receive_data(self, data: bytes, *, flow: Flow, now: float) -> list[Event]:
        """Feed bytes from a flow, and settle."""
        return self.settle(self.endpoint.receive_data(data, flow=flow, now=now), now=now)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due at ``now`` in the endpoint and in every core, and settle."""
        out: list[Event] = []
        for core in self.cores:
            due = core.next_timeout()
            if due is not None and due <= now:
                out += core.handle_timeout(now=now)
        out += self.settle(self.endpoint.handle_timeout(now=now), now=now)
        return out

    def settle(self, events: Iterable[Event] = (), *, now: float) -> list[Event]:
        """Feed ``events``, and those that follow from them, to the cores until nothing moves.

        Call it also after commands given from outside: it collects what they caused.
        """
        waiting = deque(events)
        out: list[Event] = []
        while True:
            while waiting:
                event = waiting.popleft()
                core = self._by_owner.get(event.owner)
                if core is None:
                    out.append(event)
                else:
                    out += core.handle_event(event, now=now)
                waiting += self.endpoint.take_events()
            for core in self.cores:
                out += core.take_events()
            waiting += self.endpoint.take_events()
            if not waiting:
                return out

    def next_timeout(self) -> float | None:
        """Return the earliest time at which ``handle_timeout`` is due, None when nothing is."""
        due = [at for core in self.cores if (at := core.next_timeout()) is not None]
        own = self.endpoint.next_timeout()
        if own is not None:
            due.append(own)
        return min(due, default=None)

    def data_to_send(self, limit: int | None = None) -> list[Transmit]:
        """Return what is to be sent, at most ``limit`` messages."""
        return self.endpoint.data_to_send(limit)
