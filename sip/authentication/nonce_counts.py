"""Which counts of which nonces were used (RFC 7616 section 3.4): bounded, and nobody has others forgotten."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import attrs

__all__ = ["NonceCounts"]

_WINDOW: Final = 64  #: nonce counts that may arrive out of order; datagrams overtake each other
_NEVER: Final = -1  #: milliseconds: before all nonces


@attrs.define
class _Counts:
    """Which counts of one nonce were used: the highest, and a bit for each of those below it."""

    highest: int = 0
    used: int = 0

    def use(self, count: int) -> bool:
        """Mark a count as used; False when it was used already or is too far back to know."""
        if count > self.highest:
            self.used = (self.used << min(count - self.highest, _WINDOW) | 1) & (1 << _WINDOW) - 1
            self.highest = count
            return True
        if self.highest - count >= _WINDOW:  # before anything is shifted by what a peer has chosen
            return False
        bit = 1 << self.highest - count
        if self.used & bit:
            return False
        self.used |= bit
        return True


@attrs.define
class _OfUser:
    """The nonces that one user uses and when they were made, the longest used first."""

    nonces: OrderedDict[bytes, int] = attrs.field(factory=OrderedDict)
    forgotten: int = _NEVER  #: milliseconds: what is as old as that and not in ``nonces`` may have been used


class NonceCounts:
    """The counts of at most ``limit`` nonces, and of ``per_user`` of one user, whose own make room for each other.

    What was forgotten can never be used again: whatever is as old is taken for used, of all users when the whole was
    full, else of that one.
    """

    def __init__(self, *, limit: int, per_user: int) -> None:
        self._limit = limit
        self._per_user = per_user
        self._counts: OrderedDict[tuple[str, bytes], _Counts] = OrderedDict()
        self._users: dict[str, _OfUser] = {}  # those with a nonce in ``_counts``
        self._forgotten = _NEVER

    def __len__(self) -> int:
        return len(self._counts)

    def use(self, user: str, nonce: bytes, count: int, *, made: int) -> bool:
        """Use a count of a nonce that was given out at ``made``, in milliseconds; False when it may be no new one."""
        counts = self._counts.get((user, nonce))
        if counts is None:
            known = self._users.get(user)
            if made <= max(self._forgotten, _NEVER if known is None else known.forgotten):
                return False
            counts = self._remember(user, nonce, made)
        return counts.use(count)

    def _remember(self, user: str, nonce: bytes, made: int) -> _Counts:
        counts = self._counts[user, nonce] = _Counts()
        mine = self._users.setdefault(user, _OfUser())
        mine.nonces[nonce] = made
        if len(mine.nonces) > self._per_user:
            oldest, at = mine.nonces.popitem(last=False)
            del self._counts[user, oldest]
            mine.forgotten = max(mine.forgotten, at)
        elif len(self._counts) > self._limit:
            (whose, oldest), _ = self._counts.popitem(last=False)
            theirs = self._users[whose]
            self._forgotten = max(self._forgotten, theirs.nonces.pop(oldest))
            if not theirs.nonces:  # what was forgotten of them alone must stay so, too
                self._forgotten = max(self._forgotten, theirs.forgotten)
                del self._users[whose]
        return counts
