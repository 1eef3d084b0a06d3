"""What a Redis does in one step, in its own language (Lua): of two nodes that ask at once, one comes first.

The names of keys begin with a prefix of the deployment:

``node:NAME``
    ``INCARNATION ADDRESS`` of a node; expires unless it is renewed, which is the lease.
``nodes``
    The names of nodes that are there, or are gone and have left something.
``claims:NAME``
    The keys of the conferences that a node has claimed.
``conference:KEY``
    A hash: under ``=`` stands ``EPOCH NAME``, the claim; everything else is a piece of state under its key. One
    command brings all of a conference, and what is written is refused to whom the claim does not name.
``places``
    A hash: which MCU has which conference, as pieces of an MCU Factory; those of all nodes write and hear it.
``state:NAME``
    A hash with the pieces of a node that are nobody else's.

They are for a single Redis, which may have replicas; names of keys that are made inside of a script rule a cluster out.
Epochs stay exact in Lua as long as they are below 2**53 (`c3p.MAX_EPOCH`).
"""

from __future__ import annotations

from typing import Final

#: KEYS: lease, nodes, claims of the node. ARGV: name, incarnation, address, milliseconds, prefix. Nothing when another
#: has the lease; else how many conferences it has claimed, then each node and its lease.
RENEW: Final = """
local lease = redis.call('GET', KEYS[1])
if lease and string.sub(lease, 1, #ARGV[2] + 1) ~= ARGV[2] .. ' ' then
  return {}
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3], 'PX', ARGV[4])
redis.call('SADD', KEYS[2], ARGV[1])
local found = {tostring(redis.call('SCARD', KEYS[3]))}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  found[#found + 1] = name
  found[#found + 1] = redis.call('GET', ARGV[5] .. 'node:' .. name) or ''
end
return found
"""

#: KEYS: lease. ARGV: incarnation.
LEAVE: Final = """
local lease = redis.call('GET', KEYS[1])
if lease and string.sub(lease, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
  return redis.call('DEL', KEYS[1])
end
return 0
"""

#: KEYS: conference, lease, claims of the node. ARGV: key, name, incarnation, held, above, prefix, seconds.
#: An empty answer: no lease; ``{"", NAME}``: that node has it; ``{EPOCH, pieces...}``: granted.
CLAIM: Final = """
local lease = redis.call('GET', KEYS[2])
if not lease or string.sub(lease, 1, #ARGV[3] + 1) ~= ARGV[3] .. ' ' then
  return {}
end
local held, epoch, owner = tonumber(ARGV[4]), 0, ''
local claim = redis.call('HGET', KEYS[1], '=')
if claim then
  local digits
  digits, owner = string.match(claim, '^(%d+) (.*)$')
  epoch = tonumber(digits)
end
if owner ~= '' and owner ~= ARGV[2] then
  if epoch >= held and redis.call('EXISTS', ARGV[6] .. 'node:' .. owner) == 1 then
    return {'', owner}
  end
  redis.call('SREM', ARGV[6] .. 'claims:' .. owner, ARGV[1])
end
local above, granted = tonumber(ARGV[5]), held
if epoch >= held or above >= held then
  granted = math.max(epoch, held, above) + 1
end
granted = string.format('%.0f', granted)
redis.call('HSET', KEYS[1], '=', granted .. ' ' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('SADD', KEYS[3], ARGV[1])
if held > 0 then
  return {granted}
end
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, granted)
return answer
"""

#: KEYS: conference. ARGV: prefix. Nothing, or the name of who has claimed it and whether that one has a lease.
OWNER: Final = """
local claim = redis.call('HGET', KEYS[1], '=')
if not claim then
  return {}
end
local owner = string.match(claim, '^%d+ (.*)$')
return {owner, redis.call('EXISTS', ARGV[1] .. 'node:' .. owner)}
"""

#: KEYS: claims of the node, lease, nodes. ARGV: name.
CLAIMS_OF: Final = """
local keys = redis.call('SMEMBERS', KEYS[1])
if #keys == 0 and redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('SREM', KEYS[3], ARGV[1])
end
return keys
"""

#: KEYS: conference, claims of the node. ARGV: key, claim.
RELEASE: Final = """
if redis.call('HGET', KEYS[1], '=') ~= ARGV[2] then
  return 0
end
redis.call('SREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
"""

#: KEYS: conference. ARGV: claim, seconds, then pieces with their values.
REWRITE: Final = """
if redis.call('HGET', KEYS[1], '=') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '=', ARGV[1])
for place = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""

#: KEYS: conference. ARGV: claim, seconds, how many pieces are set, those with their values, those to be removed.
WRITE: Final = """
if redis.call('HGET', KEYS[1], '=') ~= ARGV[1] then
  return 0
end
local last = 3 + 2 * tonumber(ARGV[3])
for place = 4, last, 2 do
  redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
end
for place = last + 1, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[place])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""

#: KEYS: places. ARGV: channel, who writes, how many pieces are set, those with their values, those to be removed. What
#: is told of each is ``WRITER LENGTH KEYVALUE``, with the length of the key; in the order in which it was written.
PLACES: Final = """
local function tell(key, value)
  redis.call('PUBLISH', ARGV[1], ARGV[2] .. ' ' .. #key .. ' ' .. key .. value)
end
local last = 3 + 2 * tonumber(ARGV[3])
for place = 4, last, 2 do
  redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
  tell(ARGV[place], ARGV[place + 1])
end
for place = last + 1, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[place])
  tell(ARGV[place], '')
end
return 1
"""
