"""What both sides of a subscription have in common."""

from __future__ import annotations

from typing import ClassVar

from sip.core.dialog import Dialog
from sip.core.routing import CoreEntry
from sip.core.usages import UsageKey
from sip.ids import SubscriptionId
from sip.message.request import Request


class Subscription:
    """One usage of a dialog: an event package, and an ``id`` where several share the dialog."""

    __slots__ = ("core", "dialog", "event_id", "id", "package", "source")

    side: ClassVar[str] = ""

    def __init__(self, subscription_id: SubscriptionId, core: CoreEntry, package: str, event_id: str | None) -> None:
        self.id = subscription_id
        self.core = core
        self.package = package
        self.event_id = event_id
        self.dialog: Dialog | None = None
        self.source: str | None = None  #: where it counts in limits by source, if a peer began it

    @property
    def owner(self) -> str:
        """Return the name of the core."""
        return self.core.owner

    @property
    def usage_key(self) -> UsageKey:
        """Return the key within the dialog (RFC 6665 section 4.5.2)."""
        return self.side, self.package, self.event_id

    @property
    def event(self) -> str:
        """Return the value of the Event header."""
        return self.package if self.event_id is None else f"{self.package};id={self.event_id}"


def usage_of(request: Request) -> tuple[str, str | None] | None:
    """Return package and id of a request; None when it names no event."""
    event = request.event
    return None if event is None else (event.package, event.id)
