"""Session timers (RFC 4028): who refreshes, how often, and what the headers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from sip.core.retrying import LONGEST_SPREAD, Retrying
from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.timers import Timer, Timers

#: RFC 4028 section 10: the other side gives up this much before the end at most.
_MARGIN: Final = 32.0

MAX_422: Final = 3  #: proxies on the way may each raise Min-SE once; more than a few is a loop


@attrs.frozen
class Interval:
    """An agreed session interval."""

    seconds: int
    ours: bool  #: whether this side refreshes

    def request_lines(self, min_se: int) -> Lines:
        """Return the header lines of a request of ours that refreshes the session (section 7.4)."""
        return [("Session-Expires", f"{max(self.seconds, min_se)};refresher={'uac' if self.ours else 'uas'}")]

    def response_lines(self, peer_supports: bool) -> Lines:
        """Return the header lines of a 2xx of ours (section 9)."""
        refresher = "uas" if self.ours else "uac"
        lines: Lines = [("Session-Expires", f"{self.seconds};refresher={refresher}")]
        if not self.ours and peer_supports:
            lines.append(("Require", "timer"))
        return lines


def too_short(request: Request, floor: int) -> bool:
    """Whether a request that understands timers asks for less than we accept (section 9: 422)."""
    wanted = request.session_expires if "Session-Expires" in request.headers else None
    return wanted is not None and wanted.interval < floor and "timer" in request.supported


def granted(request: Request, *, wish: int | None, floor: int, current: Interval | None = None) -> Interval | None:
    """Return what our 2xx to a refresh or first INVITE says (table 2 of section 9)."""
    peer_supports = "timer" in request.supported
    asked = request.session_expires if "Session-Expires" in request.headers else None
    if asked is None:
        return None if wish is None else Interval(max(wish, floor, request.min_se or 0), ours=True)
    seconds = asked.interval if wish is None else min(asked.interval, wish)
    seconds = max(seconds, floor, request.min_se or 0)
    if not peer_supports:
        return Interval(seconds, ours=True)
    if asked.refresher is not None:
        return Interval(seconds, ours=asked.refresher == "uas")
    return Interval(seconds, ours=current.ours if current is not None else False)


def agreed(response: Response, *, floor: int, current: Interval | None = None) -> Interval | None:
    """Return what a 2xx to a request of ours says; None means that there is no timer (section 7.2).

    What nobody can read changes nothing: ``current`` goes on. Less than ``floor`` seconds nobody may grant (sections 4
    and 9), and who does is refreshed no more often for it.
    """
    if "Session-Expires" not in response.headers:
        return None
    answer = response.session_expires
    if answer is None:
        return current
    return Interval(max(answer.interval, floor), ours=answer.refresher != "uas")


class SessionTimer:
    """The clock of one session: refresh at half the interval, again after a refusal, or give up before its end."""

    __slots__ = ("_again", "_expire", "_refresh", "_retrying", "_timer", "_timers", "ends_at", "interval")

    def __init__(
        self,
        timers: Timers,
        retrying: Retrying,
        refresh: Callable[[float], None],
        expire: Callable[[float], None],
    ) -> None:
        self._timers = timers
        self._retrying = retrying
        self._refresh = refresh
        self._expire = expire
        self._timer: Timer | None = None
        self._again: Timer | None = None
        self.ends_at = 0.0  #: when the session is given up
        self.interval: Interval | None = None

    def restart(self, interval: Interval | None, now: float) -> None:
        """Begin a new interval; None stops the clock."""
        self.stop()
        self._retrying.reset()
        self.interval = interval
        if interval is None:
            return
        self._run(interval, now + self._patience(interval), now + interval.seconds / 2)

    def resume(self, interval: Interval, ends_at: float, now: float, spread: float) -> None:
        """Go on with an interval of before a restart.

        A refresh that is overdue comes soon, at ``spread`` (0 to 1) of some seconds, because that of others is too.
        What says that it ends later than a new interval would does not: the wall clock was set back.
        """
        ends_at = min(ends_at, now + self._patience(interval))
        half = ends_at - self._patience(interval) + interval.seconds / 2
        self.interval = interval
        if half < now:
            half = now + spread * min(LONGEST_SPREAD, (ends_at - now) / 2)
        self._run(interval, ends_at, half)

    def _run(self, interval: Interval, ends_at: float, half: float) -> None:
        self.ends_at = ends_at
        if interval.ours and half < ends_at:
            self._timer = self._timers.start(half, self._on_half)
        else:
            self._timer = self._timers.start(ends_at, self._on_expired)

    def try_again(self, now: float, *, at_least: float = 0.0, glare: bool = False) -> None:
        """A refresh of ours came to nothing: try another, at the latest before the session is given up."""
        if self._timer is None or self.interval is None or not self.interval.ours:
            return
        wait = self._retrying.wait(self.ends_at - now, at_least=at_least, glare=glare)
        self._timers.stop(self._again)
        self._again = None if wait is None else self._timers.start(now + wait, self._on_again)

    def stop(self) -> None:
        """Stop the clock."""
        self._timers.stop(self._timer)
        self._timers.stop(self._again)
        self._timer = self._again = None

    def _patience(self, interval: Interval) -> float:
        return interval.seconds - min(_MARGIN, interval.seconds / 3)

    def _on_half(self, now: float) -> None:
        self._timer = self._timers.start(self.ends_at, self._on_expired)
        self._refresh(now)

    def _on_again(self, now: float) -> None:
        self._again = None
        self._refresh(now)

    def _on_expired(self, now: float) -> None:
        self.stop()
        self._expire(now)
