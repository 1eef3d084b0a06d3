"""Faults of this program in its log, each with its traceback, but not so many that a peer can fill a disk with them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from sip.events import Event
from sip.faults import InternalFault
from sip.token_bucket import TokenBuckets

_LOGGER: Final = logging.getLogger("sip.aio")
#: Faults that are logged at once, and a second after that; the others are only counted.
_BURST: Final = 20
_RATE: Final = 0.2


class FaultLog:
    """Writes `InternalFault` events to the log ``sip.aio``."""

    def __init__(self) -> None:
        self._bucket = TokenBuckets(rate=_RATE, burst=_BURST, limit=1)
        self.left_out = 0  #: faults that were too many to be logged

    def tell(self, events: list[Event], on_events: Callable[[list[Event]], None], *, now: float) -> None:
        """Log the faults among events, and hand all to the application; what that raises keeps nobody waiting."""
        for event in events:
            if isinstance(event, InternalFault):
                self.log(event, now=now)
        try:
            on_events(events)
        except Exception as error:
            self.application(error, now=now)

    def log(self, fault: InternalFault, *, now: float) -> None:
        """Log one fault."""
        if not self._bucket.take("", now=now):
            self.left_out += 1
            return
        error = fault.exception
        _LOGGER.error(
            "%s could not %s (%d faults before it were not logged)\n%s",
            fault.owner or "the endpoint",
            fault.doing,
            self.left_out,
            fault.message.decode("utf-8", "backslashreplace"),
            exc_info=(type(error), error, error.__traceback__),
        )

    def application(self, error: Exception, *, now: float) -> None:
        """Log what the application raised when it was handed events: nobody else is there to take it."""
        if self._bucket.take("", now=now):
            _LOGGER.error("the application could not handle its events", exc_info=error)
        else:
            self.left_out += 1
