"""How something that was refused is tried again: with credentials at once, else later each time.

Not before it is welcome, and never after the end.
"""

from __future__ import annotations

from typing import Final, Protocol

from sip.context import Context
from sip.headers.retry_after import RetryAfter
from sip.ids import RequestId
from sip.message.lines import Lines
from sip.message.response import Response
from sip.transactions.client import ClientTransaction

#: Refusals in a row because of glare that wait no longer than RFC 3261 section 14.1 says; more are no glare.
_GLARES: Final = 3
#: Seconds over which the refreshes are spread that became due while we were away: those of a thousand sessions at one
#: instant would be a flood.
LONGEST_SPREAD: Final = 5.0


class Retrying:
    """The waits between the tries of one refresh."""

    __slots__ = ("_delay", "_first", "_glares", "_longest")

    def __init__(self, first: float, longest: float) -> None:
        """The first wait and the longest, in seconds; in between they double."""
        self._first = first
        self._longest = longest
        self._delay = 0.0
        self._glares = 0

    def reset(self) -> None:
        """It worked: the next refusal is a first one."""
        self._delay = 0.0
        self._glares = 0

    def wait(self, left: float, *, at_least: float = 0.0, glare: bool = False) -> float | None:
        """Return how long to wait, in seconds, or None when there is no time for another try.

        ``left`` is the time until the end, ``at_least`` what the other side asks for. ``glare`` says that it refused
        because of a request of its own, so that ``at_least`` is all there is to wait for.
        """
        if glare and self._glares < _GLARES:
            self._glares += 1
            return at_least if at_least < left else None
        self._delay = min(2 * self._delay or self._first, self._longest)
        wait = max(self._delay, at_least)
        if wait < left:
            return wait
        # The next would come too late: one more before that, unless it is not wanted so early.
        return left / 2 if left / 2 >= max(self._first, at_least) else None


def retry_after_of(response: Response) -> float:
    """Return how long a response asks to wait, in seconds; 0 when it does not, or not legibly."""
    value = response.header("Retry-After")
    return float(value.seconds) if isinstance(value, RetryAfter) else 0.0


class Challenged(Protocol):
    """A request in a dialog that may be asked for credentials."""

    challenged: int  #: how often it was

    def send(self, now: float, authorization: Lines | None = None, request_id: RequestId | None = None) -> object:
        """Send it, or send it again under the same number with what proves who we are."""
        ...


def send_with_credentials(
    context: Context, request: Challenged, transaction: ClientTransaction, response: Response, now: float
) -> bool:
    """Send it again when ``response`` asks for credentials that we have (RFC 3261 section 22.2); False: it does not."""
    authorization = context.authorize(transaction.request, response, request.challenged)
    if authorization is None:
        return False
    request.challenged += 1
    request.send(now, authorization, transaction.id)
    return True
