"""How many calls one user may begin through a proxy, from however many sources.

An INVITE is open from when the proxy has found out who sent it until the final answer goes back. What becomes of the
call then a proxy does not know for sure: a BYE may get lost, or take another way. So calls that go on are not counted;
who begins them is limited by the minute.
"""

from __future__ import annotations

import math
from typing import Final

from sip.servers.proxy_admission import Answered, ProxyConfig
from sip.servers.response_context import ResponseContext
from sip.shares import Shares
from sip.token_bucket import TokenBuckets

#: Users whose calls by the minute are remembered, about 200 octets each; they proved themselves, so they are not made
#: up at will.
_MOST_USERS: Final = 10_000
#: Seconds after which somebody with too many open INVITEs may try again: some of them are answered by then.
_LATER: Final = 5


class CallerLimits:
    """The INVITEs of each user that are open, and how many he sent lately."""

    def __init__(self, config: ProxyConfig) -> None:
        self._open = Shares(config.max_invites_per_user)
        a_minute = config.invites_a_minute_per_user
        self._lately = TokenBuckets(rate=a_minute / 60.0, burst=max(1.0, a_minute), limit=_MOST_USERS)

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, user: str, *, now: float) -> str:
        """Note an INVITE of a user, whom it returns; raises Answered, and nothing is noted, when it is too much."""
        if not self._open.has_room(user):
            raise _too_many(_LATER)
        if not self._lately.take(user, now=now):
            raise _too_many(math.ceil(self._lately.wait(user, now=now)))
        self._open.take(user)
        return user

    def answered(self, context: ResponseContext) -> None:
        """Note that a request has its final answer."""
        context.answered = True
        self.forget(context)

    def forget(self, context: ResponseContext) -> None:
        """Note that a request is open no more, if it was."""
        if context.caller is not None:
            self._open.give_back(context.caller)
            context.caller = None


def _too_many(wait: int) -> Answered:
    return Answered(503, [("Retry-After", str(max(1, wait)))])
