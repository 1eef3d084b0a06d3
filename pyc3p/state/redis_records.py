"""Conference records in the Redis that all nodes share, so that every Focus Factory answers the same.

``record:KEY``
    ``VERSION JSON``; expires with the record.
``records:ORGANIZER``
    A sorted set of the keys of one organizer, by the time when they were made. What has expired is taken out when the
    organizer is asked for.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, cast

from redis.asyncio import Redis

from focus import ConferenceRecord, Written, read_record, written_record
from pyc3p.state.store import read_key
from sip import SipError

#: Records of one organizer; beyond it the store is full for him (`focus.MemoryStore`).
PER_ORGANIZER: Final = 1_000

#: KEYS: record, those of the organizer. ARGV: key, version before or nothing, record or nothing, POSIX milliseconds of
#: its end or nothing, POSIX seconds now, the most of one organizer.
WRITE: Final = """
local present = redis.call('GET', KEYS[1])
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 'done'
end
if ARGV[2] == '' then
  if present then
    return 'exists'
  end
  if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then
    return 'full'
  end
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
elseif not present or string.match(present, '^(%d+) ') ~= ARGV[2] then
  return 'changed'
end
redis.call('SET', KEYS[1], ARGV[3])
if ARGV[4] ~= '' then
  redis.call('PEXPIREAT', KEYS[1], ARGV[4])
end
return 'done'
"""


class RedisRecords:
    """Answers what `focus.RecordWanted` and its likes ask. Each call raises `StoreUnavailable` as ``asked`` does."""

    def __init__(self, redis: Redis, prefix: str, asked: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        self._prefix, self._asked = prefix, asked
        self._write = redis.register_script(WRITE)

    async def find(self, key: str) -> ConferenceRecord | None:
        """The record of a conference."""
        async with self._asked() as redis:
            return _read(await redis.get(f"{self._prefix}record:{key}"))

    async def of_organizer(self, organizer_key: str, limit: int) -> tuple[ConferenceRecord, ...]:
        """Those of an organizer, oldest first."""
        index = f"{self._prefix}records:{organizer_key}"
        async with self._asked() as redis:
            keys = await redis.zrange(index, 0, -1)
            values = await redis.mget([f"{self._prefix}record:{read_key(key)}" for key in keys]) if keys else []
            gone = [key for key, value in zip(keys, values, strict=True) if value is None]
            if gone:
                await redis.zrem(index, *gone)
        records = [record for value in values if (record := _read(value)) is not None]
        return tuple(records[:limit])

    async def write(
        self,
        key: str,
        organizer_key: str,
        before: ConferenceRecord | None,
        after: ConferenceRecord | None,
        *,
        wall_clock: float,
    ) -> Written:
        """Add a record, replace one, or remove it, in one step."""
        ends = after.expires_at if after is not None else None
        async with self._asked():
            answer = await self._write(
                keys=[f"{self._prefix}record:{key}", f"{self._prefix}records:{organizer_key}"],
                args=[
                    key,
                    "" if before is None else str(before.version),
                    "" if after is None else f"{after.version} {json.dumps(written_record(after))}",
                    "" if ends is None else str(round(ends * 1000)),
                    f"{wall_clock:.3f}",
                    str(PER_ORGANIZER),
                ],
            )
        return Written(cast("bytes", answer).decode())


def _read(value: bytes | None) -> ConferenceRecord | None:
    """A record as it was written; what is none counts as absent."""
    if value is None:
        return None
    with contextlib.suppress(SipError, KeyError, TypeError, ValueError):
        return read_record(json.loads(value.partition(b" ")[2]))
    return None
