"""A core with nothing in it: a base for those of applications."""

from __future__ import annotations

from sip.events import Event


class BaseCore:
    """The methods that a `Core` must have, each doing nothing: an application writes those that it needs.

    Events for the application that commands cause go into ``untaken``. ``owner`` is the name under which the core
    registered with ``Endpoint.add_core``.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list

    @property
    def owner(self) -> str:
        """Name of this core at the endpoint."""
        return self._owner

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint; return events for the application."""
        return self.take_events()

    def next_timeout(self) -> float | None:
        """Return when ``handle_timeout`` is due (monotonic seconds), None when nothing is."""
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due; return events for the application."""
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Return events for the application that commands caused."""
        taken = self.untaken[:]
        self.untaken.clear()
        return taken
