"""What a Redis server does for the store in one step: scripts in Lua."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

__all__ = [
    "BOUNDED_CREATE",
    "BOUNDED_DELETE",
    "BOUNDED_PUT",
    "BOUNDED_SWAP",
    "CLAIM",
    "CREATE",
    "PUT",
    "RELEASE",
    "RENEW",
    "SWAP",
    "Script",
]


class Script(NamedTuple):
    """A script that the server runs in one step. KEYS: the entry and its claim, with one hash tag, as clusters require."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Script:
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


# How an entry is stored: as it is; or in a database with a limit, as the newest one, and the oldest ones are evicted.
_STORE = """
local function store(entry, milliseconds)
  if milliseconds == '' then
    redis.call('SET', KEYS[1], entry)
  else
    redis.call('SET', KEYS[1], entry, 'PX', milliseconds)
  end
end
"""

# KEYS, beside the entry and its claim: the entries by their age, their sizes, and (in these, under '') the total.
# ARGV, last: how many bytes all may have. Entries that the server has ended itself are the oldest, and go when it is their turn.
_BOUNDED_STORE = (
    _STORE
    + """
local plain = store
local function drop(key)
  local size = redis.call('HGET', KEYS[4], key)
  if size then
    redis.call('HDEL', KEYS[4], key)
    redis.call('HINCRBY', KEYS[4], '', -size)
  end
end
function store(entry, milliseconds)
  plain(entry, milliseconds)
  drop(KEYS[1])
  redis.call('HSET', KEYS[4], KEYS[1], #entry)
  redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[4], 'next', 1), KEYS[1])
  local total = redis.call('HINCRBY', KEYS[4], '', #entry)
  while total > tonumber(ARGV[#ARGV]) and redis.call('ZCARD', KEYS[3]) > 1 do
    local oldest = redis.call('ZPOPMIN', KEYS[3])[1]
    drop(oldest)
    redis.call('DEL', oldest)
    total = tonumber(redis.call('HGET', KEYS[4], ''))
  end
end
"""
)

# ARGV: the bytes of the entry, its milliseconds or '', the token or ''. The key of the claim is the channel, too. Users may
# lack the right to publish, as new ones do by default: then those who wait look again by themselves.
_CREATE = """
local kept = redis.call('GET', KEYS[1])
if not kept then
  store(ARGV[1], ARGV[2])
end
if ARGV[3] ~= '' then
  if redis.call('GET', KEYS[2]) == ARGV[3] then
    redis.call('DEL', KEYS[2])
  end
  redis.pcall('PUBLISH', KEYS[2], ARGV[3])
end
return kept
"""

# ARGV: the expected bytes of the entry, the new ones, their milliseconds or ''. Returns 1 if they were replaced.
_SWAP = """
local kept = redis.call('GET', KEYS[1])
if kept ~= ARGV[1] then
  return kept
end
store(ARGV[2], ARGV[3])
return 1
"""

# ARGV: the bytes of the entry, its milliseconds or ''.
_PUT = "store(ARGV[1], ARGV[2])"

CREATE, SWAP, PUT = (Script.of(_STORE + text) for text in (_CREATE, _SWAP, _PUT))
BOUNDED_CREATE, BOUNDED_SWAP, BOUNDED_PUT = (Script.of(_BOUNDED_STORE + text) for text in (_CREATE, _SWAP, _PUT))

# Returns whether there was such an entry.
BOUNDED_DELETE = Script.of("""
local size = redis.call('HGET', KEYS[4], KEYS[1])
if size then
  redis.call('HDEL', KEYS[4], KEYS[1])
  redis.call('HINCRBY', KEYS[4], '', -size)
  redis.call('ZREM', KEYS[3], KEYS[1])
end
return redis.call('DEL', KEYS[1])
""")

# ARGV: the token, the milliseconds of the lease.
CLAIM = Script.of("""
local kept = redis.call('GET', KEYS[1])
if kept then
  return kept
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then
  return {holder, redis.call('PTTL', KEYS[2])}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return false
""")

RENEW = Script.of("""
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[2], ARGV[2])
""")

RELEASE = Script.of("""
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
  redis.pcall('PUBLISH', KEYS[2], ARGV[1])
end
""")
