"""What a Redis server does for the store in one step: scripts in Lua."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

__all__ = ["CLAIM", "CREATE", "RELEASE", "RENEW", "SWAP", "Script"]


class Script(NamedTuple):
    """A script that the server runs in one step. KEYS: the entry and its claim, with one hash tag, as clusters require."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Script:
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


# ARGV: the bytes of the entry, its milliseconds or '', the token or ''. The key of the claim is the channel, too. Users may
# lack the right to publish, as new ones do by default: then those who wait look again by themselves.
CREATE = Script.of("""
local kept = redis.call('GET', KEYS[1])
if not kept then
  if ARGV[2] == '' then
    redis.call('SET', KEYS[1], ARGV[1])
  else
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  end
end
if ARGV[3] ~= '' then
  if redis.call('GET', KEYS[2]) == ARGV[3] then
    redis.call('DEL', KEYS[2])
  end
  redis.pcall('PUBLISH', KEYS[2], ARGV[3])
end
return kept
""")

# ARGV: the expected bytes of the entry, the new ones, their milliseconds or ''. Returns 1 if they were replaced.
SWAP = Script.of("""
local kept = redis.call('GET', KEYS[1])
if kept ~= ARGV[1] then
  return kept
end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
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
