"""How much is sent to an address from which nothing came yet.

Whoever can place a call can name any address in its description. If all of the sound went there, a call would be a
way to flood somebody else. So an address gets everything for a moment, in which a phone that was just called shows
itself by its own packets; after it, until something comes from its host, one packet a second: enough to open a NAT or
to wake a peer that waits to be spoken to.
"""

from __future__ import annotations

import math

import attrs

from rtp.field_types import ABOVE_ZERO, checks_types


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class UnprovenPolicy:
    """Seconds."""

    grace: float = 3.0  #: in which everything is sent: a phone that answers has spoken by then
    interval: float = attrs.field(default=1.0, metadata=ABOVE_ZERO)  #: between two packets after it
    rest: float = 30.0  #: before another grace begins, so that new descriptions do not add up to a flood


class UnprovenAddress:
    """Whether the address in use has shown that somebody there takes part; ``policy`` None: it need not."""

    __slots__ = ("_grace_ends", "_host", "_next", "_policy", "withheld")

    def __init__(self, policy: UnprovenPolicy | None, *, now: float) -> None:
        self._policy = policy
        self._host: str | None = None  #: that something came from
        self._grace_ends = now + policy.grace if policy is not None else math.inf
        self._next = self._grace_ends  #: when a packet may leave
        self.withheld = 0  #: frames that were not sent

    def terms(self, address: tuple[str, int] | None) -> tuple[bool, float, float, float]:
        """Whether an address has shown itself, when the grace ends, when a packet may leave after it, and how long to
        wait between two of these."""
        policy = self._policy
        proven = policy is None or (address is not None and address[0] == self._host)
        return proven, self._grace_ends, self._next, 0.0 if policy is None else policy.interval

    def resume(self, *, withheld: int, sent: float | None) -> None:
        """So many frames more were withheld, and a packet left last at ``sent``."""
        self.withheld += withheld
        if sent is not None:
            self.sent(now=sent)

    def heard(self, host: str) -> None:
        """Something of the peer came from there."""
        self._host = host

    def moved(self, *, now: float) -> None:
        """A new description named another address."""
        policy = self._policy
        if policy is not None and now >= self._grace_ends - policy.grace + policy.rest:
            self._grace_ends = now + policy.grace

    def admits(self, host: str, *, now: float) -> bool:
        """Whether a frame may go there now."""
        if self._policy is None or host == self._host or now < self._grace_ends or now >= self._next:
            return True
        self.withheld += 1
        return False

    def sent(self, *, now: float) -> None:
        """A packet left."""
        if self._policy is not None:
            self._next = now + self._policy.interval
