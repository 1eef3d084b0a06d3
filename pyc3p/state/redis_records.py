"""Conference records in the Redis that all nodes share, so that every Focus Factory answers the same.

``record:KEY``
    ``VERSION JSON``; expires with the record.
``records:ORGANIZER``
    A sorted set of the keys of one organizer, by the time when they were made. What has expired is taken out when the
    organizer is asked for.
``number:NUMBER``
    The key of the record with that dial-in number; expires with it, or after a minute if it is never written.
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

#: Seconds for which a number is kept for a record that is about to be written.
_RESERVED: Final = 60

#: KEYS: record, those of the organizer, number or the record again where it has none. ARGV: key, version before or
#: nothing, record or nothing, POSIX milliseconds of its end or nothing, POSIX seconds now, the most of one organizer.
WRITE: Final = """
local present = redis.call('GET', KEYS[1])
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  if KEYS[3] ~= KEYS[1] and redis.call('GET', KEYS[3]) == ARGV[1] then
    redis.call('DEL', KEYS[3])
  end
  return 'done'
end
if KEYS[3] ~= KEYS[1] and (redis.call('GET', KEYS[3]) or ARGV[1]) ~= ARGV[1] then
  return 'full'
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
if KEYS[3] ~= KEYS[1] then
  redis.call('SET', KEYS[3], ARGV[1])
end
if ARGV[4] ~= '' then
  redis.call('PEXPIREAT', KEYS[1], ARGV[4])
  if KEYS[3] ~= KEYS[1] then
    redis.call('PEXPIREAT', KEYS[3], ARGV[4])
  end
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

    async def of_number(self, number: str) -> ConferenceRecord | None:
        """The record with a dial-in number."""
        async with self._asked() as redis:
            key = await redis.get(f"{self._prefix}number:{number}")
        record = None if key is None else await self.find(read_key(key))
        return record if record is not None and record.dial_in == number else None

    async def reserve(self, number: str, key: str) -> bool:
        """Keep a number for the record with that key, which is about to be written; false when another has it."""
        async with self._asked() as redis:
            return bool(await redis.set(f"{self._prefix}number:{number}", key, nx=True, ex=_RESERVED))

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
        number = next((each.dial_in for each in (after, before) if each is not None and each.dial_in), None)
        record = f"{self._prefix}record:{key}"
        async with self._asked():
            answer = await self._write(
                keys=[
                    record,
                    f"{self._prefix}records:{organizer_key}",
                    record if number is None else f"{self._prefix}number:{number}",
                ],
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
