"""Which counts of which nonces were used (RFC 7616 section 3.4): bounded, and nobody has others forgotten."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import attrs

_WINDOW: Final = 64  #: nonce counts that may arrive out of order; datagrams overtake each other
_NEVER: Final = -1  #: milliseconds: before all nonces


@attrs.define
class _Counts:
    """Which counts of one nonce were used: the highest, and a bit for each of those below it."""

    highest: int = 0
    used: int = 0

    def is_unused(self, count: int) -> bool:
        """Whether a count was not used yet, and is not too far back to know."""
        below = self.highest - count
        # The window comes first: nothing is shifted by what a peer has chosen.
        return below < 0 or (below < _WINDOW and not self.used & 1 << below)

    def use(self, count: int) -> None:
        """Mark a count as used that `is_unused`."""
        if count > self.highest:
            self.used = (self.used << min(count - self.highest, _WINDOW) | 1) & (1 << _WINDOW) - 1
            self.highest = count
        else:
            self.used |= 1 << self.highest - count


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

    def is_unused(self, user: str, nonce: bytes, count: int, *, made: int) -> bool:
        """Whether a count of a nonce that was given out at ``made``, in milliseconds, is a new one for sure."""
        counts = self._counts.get((user, nonce))
        if counts is not None:
            return counts.is_unused(count)
        known = self._users.get(user)
        return made > max(self._forgotten, _NEVER if known is None else known.forgotten)

    def use(self, user: str, nonce: bytes, count: int, *, made: int) -> bool:
        """Use a count of a nonce that was given out at ``made``, in milliseconds; False when it may be no new one."""
        if not self.is_unused(user, nonce, count, made=made):
            return False
        counts = self._counts.get((user, nonce)) or self._remember(user, nonce, made)
        counts.use(count)
        return True

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
