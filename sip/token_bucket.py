"""Rates by source: a token bucket for each, in a bounded table."""

from __future__ import annotations

import math
from collections import OrderedDict

import attrs


@attrs.define
class _Bucket:
    tokens: float
    at: float


class TokenBuckets:
    """Lets each source do ``rate`` things a second, and ``burst`` at once.

    At most ``limit`` sources are remembered; the one that was quiet for longest is forgotten first, and begins again
    with a full bucket.
    """

    def __init__(self, *, rate: float, burst: float, limit: int) -> None:
        self._rate, self._burst, self._limit = rate, burst, limit
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, source: str, *, now: float) -> bool:
        """Take one token of ``source``; False when there is none."""
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = self._begin(source, now)
        else:
            self._buckets.move_to_end(source)
        bucket.tokens, bucket.at = self.left(source, now=now), now
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True

    def wait(self, source: str, *, now: float) -> float:
        """Seconds until ``source`` can take a token; 0 for at once, infinite when none is added."""
        lacking = 1.0 - self.left(source, now=now)
        if lacking <= 0.0 or source not in self._buckets:
            return 0.0
        return lacking / self._rate if self._rate > 0.0 else math.inf

    def left(self, source: str, *, now: float) -> float:
        """How many tokens ``source`` has."""
        bucket = self._buckets.get(source)
        return self._burst if bucket is None else min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)

    def leave(self, source: str, tokens: float, *, now: float) -> None:
        """Leave ``source`` no more tokens than that: somebody else has counted, too."""
        if tokens < self.left(source, now=now):
            bucket = self._buckets.get(source) or self._begin(source, now)
            bucket.tokens, bucket.at = max(0.0, tokens), now
            self._buckets.move_to_end(source)

    def _begin(self, source: str, now: float) -> _Bucket:
        if len(self._buckets) >= self._limit:
            self._buckets.popitem(last=False)
        bucket = self._buckets[source] = _Bucket(self._burst, now)
        return bucket
