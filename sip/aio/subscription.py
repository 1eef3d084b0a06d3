"""A subscription of an asyncio user agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from sip.aio.errors import SubscriptionError
from sip.aio.event_queue import EventQueue
from sip.events import Event, NotifyReceived, SubscriptionEnded, SubscriptionFailed
from sip.message.reason_phrases import REASONS

#: Documents that wait for a reader; of state, the newest count.
MAX_DOCUMENTS: Final = 64


class Subscription:
    """Documents as they come: ``async for document in subscription``, each a `sip.NotifyReceived`, until it ends."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._documents: EventQueue[NotifyReceived] = EventQueue(MAX_DOCUMENTS)
        self._failed: SubscriptionFailed | None = None
        self.ended: SubscriptionEnded | None = None  #: why it is over; None while it is not, or was refused

    def tell(self, event: Event) -> bool:
        """Take an event of this subscription; whether it is over. For the user agent."""
        match event:
            case NotifyReceived():
                self._documents.put(event)
                return False
            case SubscriptionFailed():
                self._failed = event
            case SubscriptionEnded():
                self.ended = event
            case _:
                return False
        self._documents.close()
        return True

    def close(self) -> None:
        """There will be no more."""
        self._documents.close()

    async def __aiter__(self) -> AsyncIterator[NotifyReceived]:
        """The documents. Raises SubscriptionError when it was refused."""
        async for document in self._documents:
            yield document
        if self._failed is not None:
            failed = self._failed
            status = failed.status
            reason = failed.response.reason if failed.response is not None else REASONS.get(status or 0, "no answer")
            raise SubscriptionError(f"cannot follow {self._target}", status=status, reason=reason)
