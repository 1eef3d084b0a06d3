"""How a call ended: what the endpoint says of it, in the words of a user agent."""

from __future__ import annotations

from typing import Final

import attrs

from sip.events import FailureCause, SessionFailed
from sip.headers.retry_after import RetryAfter
from sip.message.reason_phrases import REASONS
from sip.ua.call_state import CallEnd


@attrs.frozen(kw_only=True)
class Ending:
    """One end of a call."""

    cause: CallEnd
    status: int | None = None  #: of a refusal
    words: str = ""  #: why, where more is known than the cause and the status say
    retry_after: int | None = None  #: seconds
    retry_safe: bool = False

    @property
    def reason(self) -> str:
        """Why, for people."""
        return self.words or (REASONS.get(self.status, "") if self.status else "") or self.cause.value

    @classmethod
    def of(cls, event: SessionFailed, *, given_up: bool) -> Ending:
        """That of a call which nobody answered; ``given_up``: because we cancelled it."""
        if given_up:
            return cls(cause=CallEnd.GIVEN_UP_HERE, retry_safe=event.before_provisional)
        cause, response = _CAUSES[event.cause], event.response
        again = None if response is None else response.header("Retry-After")
        return cls(
            cause=cause,
            status=event.status if cause is CallEnd.REFUSED_THERE else None,
            words=event.detail or ("" if response is None else response.reason),
            retry_after=again.seconds if isinstance(again, RetryAfter) else None,
            retry_safe=event.before_provisional,
        )


_CAUSES: Final = {
    FailureCause.RESPONSE: CallEnd.REFUSED_THERE,
    FailureCause.TIMEOUT: CallEnd.NO_ANSWER,
    FailureCause.TRANSPORT: CallEnd.UNREACHABLE,
    FailureCause.CANCELLED: CallEnd.GIVEN_UP_HERE,
    FailureCause.LIMIT: CallEnd.UNREACHABLE,
    FailureCause.UNUSABLE: CallEnd.NO_MEDIA,
}
