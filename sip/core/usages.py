"""What uses a dialog (RFC 5057): an INVITE session, subscriptions. A dialog knows no more of them than this."""

from __future__ import annotations

from typing import Protocol

from sip.core.routing import CoreEntry
from sip.ids import SessionId, SubscriptionId

UsageKey = tuple[str, str, str | None]  #: of a subscription in its dialog: side, event package, event id


class SubscriptionUsage(Protocol):
    """A subscription in a dialog, whichever side it is."""

    @property
    def id(self) -> SubscriptionId:
        """Return what the core calls it."""
        ...

    @property
    def core(self) -> CoreEntry:
        """Return the core that it belongs to."""
        ...


class SessionUsage(Protocol):
    """The INVITE session of a dialog."""

    @property
    def id(self) -> SessionId:
        """Return what the core calls it."""
        ...

    @property
    def core(self) -> CoreEntry:
        """Return the core that it belongs to."""
        ...
