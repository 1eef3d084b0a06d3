"""The clock of a subscription of ours: when it is refreshed, tried again, and given up (RFC 6665 section 4.1.2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from sip.context import Context
from sip.core.retrying import Retrying
from sip.timers import Timer

#: Refresh this many seconds before the end, or at three quarters of short subscriptions.
_LEAD: Final = 60.0
#: Seconds by which the end that notifications tell may differ without being another one: they tell it rounded.
_SAME_END: Final = 2.0

#: Refusals of a refresh after which the subscription is no more (section 4.1.2.2).
FINAL: Final = frozenset((404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604))
#: Seconds that a notifier may demand to be asked for (423); more than a day is an error of somebody, as nobody would
#: look whether it is still there.
MOST_DEMANDED: Final = 86_400
MAX_423: Final = 2  #: in a row that are each worth one more try at once, with the duration that was demanded


class SubscriptionTimer:
    """Refreshes before the end; Timer N (64*T1) runs while a notification is owed to us, beyond the end otherwise."""

    __slots__ = (
        "_deadline",
        "_least",
        "_next",
        "_over",
        "_patience",
        "_refresh",
        "_refreshes",
        "_retrying",
        "_sent",
        "_timers",
        "awaiting",
        "ends_at",
    )

    def __init__(
        self,
        context: Context,
        refreshes: bool,
        refresh: Callable[[float], None],
        over: Callable[[float], None],
    ) -> None:
        """``refreshes`` False is for what cannot be prolonged, such as the subscription of a REFER."""
        config = context.config
        self._timers = context.timers
        self._refreshes = refreshes
        self._patience = 64 * config.t1
        self._retrying = Retrying(config.refresh_retry, config.refresh_retry_longest)
        self._refresh = refresh
        self._over = over
        self._next: Timer | None = None
        self._deadline: Timer | None = None
        self.ends_at = 0.0  #: when the subscription ends, unless it is refreshed
        self._sent = -math.inf  # when the last SUBSCRIBE went out
        # A quarter of the shortest that we grant ourselves: whoever grants less is refreshed late, which may be a 481.
        self._least = config.min_subscription / 4
        self.awaiting = False  #: whether a SUBSCRIBE was sent and no notification came since

    def sent(self, now: float) -> None:
        """A SUBSCRIBE goes out."""
        self._sent = now

    def granted(self, seconds: int, now: float) -> None:
        """A 2xx says how long it lasts."""
        self._retrying.reset()
        self._begin(seconds, now)

    def told(self, seconds: int, now: float) -> None:
        """A notification says how long it lasts."""
        if self._next is not None and abs(now + seconds - self.ends_at) <= _SAME_END:
            return  # A refresh that every notification put off would come too late where many come.
        self._begin(seconds, now)

    def _begin(self, seconds: int, now: float) -> None:
        self.ends_at = now + seconds
        if seconds > 0 and self._refreshes:
            # Whatever a notifier grants, it is not asked without pause. When that is too late for it, it says so: 481
            # to the refresh (section 4.1.2.2) or a last notification before (section 4.1.3).
            at = max(now + max(seconds * 0.75, seconds - _LEAD), self._sent + self._least)
            self.ends_at = max(self.ends_at, at)
            self._refresh_at(at)
        else:
            self._refresh_at(None)
        self._wait(now)

    def asked(self, now: float) -> None:
        """A SUBSCRIBE went out, and is owed a notification."""
        self.awaiting = True
        self._wait(now)

    def heard(self, now: float) -> None:
        """A notification came, or is not to come."""
        if self.awaiting:
            self.awaiting = False
            self._wait(now)

    def refused(self, now: float, *, at_least: float = 0.0) -> None:
        """A refresh came to nothing: it lasts as long as it did, and another is tried while it does."""
        self.heard(now)
        wait = self._retrying.wait(self.ends_at - now, at_least=at_least)
        self._refresh_at(None if wait is None else now + wait)

    def close(self, at: float) -> None:
        """Refresh no more; it is over at ``at`` at the latest."""
        self._refresh_at(None)
        self._give_up_at(at)

    def stop(self) -> None:
        """Stop the clock."""
        self._refresh_at(None)
        self._timers.stop(self._deadline)
        self._deadline = None
        self.awaiting = False

    def _refresh_at(self, at: float | None) -> None:
        self._timers.stop(self._next)
        self._next = None if at is None else self._timers.start(at, self._on_refresh)

    def _wait(self, now: float) -> None:
        # The last word of the notifier comes at the very end, and may have to be sent again.
        self._give_up_at((now if self.awaiting else self.ends_at) + self._patience)

    def _give_up_at(self, at: float) -> None:
        self._timers.stop(self._deadline)
        self._deadline = self._timers.start(at, self._on_deadline)

    def _on_refresh(self, now: float) -> None:
        self._next = None
        self._refresh(now)

    def _on_deadline(self, now: float) -> None:
        self._deadline = None
        self._over(now)
