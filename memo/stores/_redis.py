"""A Redis or Valkey server as a store: one recording for a whole fleet."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote
from weakref import finalize

from anyio.from_thread import BlockingPortalProvider
from redis.exceptions import NoScriptError, ResponseError

from memo.errors import EntryVanished, MemoError, RecordingDamaged, StoreError, StoreNotReadable, StoreNotWritable
from memo.stores._entry import pack, unpack
from memo.stores._redis_loop import Loop
from memo.stores._redis_scripts import (
    BOUNDED_CREATE,
    BOUNDED_DELETE,
    BOUNDED_PUT,
    BOUNDED_SWAP,
    CLAIM,
    CREATE,
    PUT,
    RELEASE,
    RENEW,
    SWAP,
    Script,
)
from memo.stores._redis_server import FAILURES, Server
from memo.stores._salt import checked_salt, new_salt
from memo.stores._store import HeldClaim
from memo.stores._urls import options
from memo.stores.file_names import shown

__all__ = ["RedisStore"]

_PREFIX = "memo"
_PAGE = 1000
_TOGETHER = 100


class RedisStore:
    """A database of a Redis or Valkey server, from Redis 5 on. (One server, or a proxy of many; no nodes of a cluster.)

    `redis://user:password@host:6379/0`, `valkey://…`; `rediss://…` and `valkeys://…` are encrypted, and the server's
    certificate is verified. In the query: `prefix` of all keys ("memo"), by which several stores share a database; `ttl`,
    after how many seconds entries end (never); `max_bytes`, how large all entries together may be (no limit): a write evicts those
    that were written longest ago, for which every process needs the same limit, and a server that is no cluster; `lease`, how long a claim lasts (15); `timeout`, within how many seconds
    everything is over (5); and for a certificate that the system does not know, or to show one, `ssl_ca_certs`,
    `ssl_certfile`, `ssl_keyfile`: files.

    An entry is one string under `memo:{function/key}`, its claim one under `memo:{function/key}:claim`, where what is
    neither letter, digit nor one of `_.-~/` is percent-encoded. What a write was answered for is as safe as the server is
    configured to keep it (`appendfsync`): a server that evicts, or forgets on restart, does so here, too.

    Nothing is tried twice. Any number of threads and event loops may use it at once; so may a forked process. Event loops
    have connections of their own, which are closed with them (by `asyncio.run` and its like).
    """

    reads_in_place = False
    writes_in_place = False

    def __init__(
        self,
        url: str,
        *,
        prefix: str = _PREFIX,
        ttl: float | None = None,
        max_bytes: float | None = None,
        lease: float = 15.0,
        timeout: float = 5.0,
        ssl_ca_certs: str = "",
        ssl_certfile: str = "",
        ssl_keyfile: str = "",
    ) -> None:
        self._server = Server(
            url,
            prefix=prefix if prefix != _PREFIX else None,
            timeout=timeout,
            ssl_ca_certs=ssl_ca_certs,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
        )
        self.timeout = timeout
        self.lease = lease
        self.ttl = ttl
        self.max_bytes = max_bytes
        self._start = f"{quote(prefix, safe=':/', errors='surrogatepass')}:{{"
        self._salt: bytes | None = None
        self._pool = self._server.pool()
        finalize(self, self._pool.disconnect)
        self._loops: dict[asyncio.AbstractEventLoop, Loop] = {}
        self._waiting = (os.getpid(), BlockingPortalProvider())

    @classmethod
    def from_url(cls, url: str) -> RedisStore:
        """Return the store of a URL, without connecting. Raises `InvalidOption`."""
        parsed = options(
            url,
            prefix=_PREFIX,
            ttl=None,
            max_bytes=None,
            lease=15.0,
            timeout=5.0,
            ssl_ca_certs="",
            ssl_certfile="",
            ssl_keyfile="",
        )
        return cls(url, **parsed)

    def __repr__(self) -> str:
        return f"RedisStore({self._server.location!r})"

    # Entries

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        key = self._key(name)
        return self._unpacked(key, self._call(StoreNotReadable, "GET", key, key=key))

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name."""
        self._write(PUT, BOUNDED_PUT, self._key(name), pack(data), self._lifetime)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there."""
        return self._create(name, data, token="")

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there."""
        if expected is None:
            return self.create(name, data)
        key, entry, packed = self._key(name), pack(expected), pack(data)
        while (kept := self._write(SWAP, BOUNDED_SWAP, key, entry, packed, self._lifetime)) != 1:
            unpacked = self._unpacked(key, kept)
            if unpacked is None:
                raise EntryVanished(self._place(key))
            if unpacked != expected:
                return unpacked
            entry = kept  # the same bytes, compressed by another version of zlib
        return None

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        key = self._key(name)
        if self.max_bytes is None:
            return bool(self._call(StoreNotWritable, "DEL", key))
        return bool(self._write(BOUNDED_DELETE, BOUNDED_DELETE, key))

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries, a page at a time. The server is not blocked in the meantime."""
        seen: set[str] = set()  # a page may repeat names of an earlier page
        cursor: Any = 0
        while True:
            cursor, keys = self._call(
                StoreNotReadable, "SCAN", cursor, "MATCH", f"{self._start}{shown(prefix)}*}}", "COUNT", _PAGE
            )
            for key in keys:
                name = self._name(key)
                if name is not None and name not in seen:
                    seen.add(name)
                    yield name
            if not int(cursor):
                return

    def location(self, name: str = "") -> str:
        """Return the URL of the database without credentials, and the key in the database."""
        return self._place(self._key(name)) if name else self._server.location

    def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the bytes under each name, a hundred in one round trip."""
        found: list[bytes | None] = []
        for start in range(0, len(names), _TOGETHER):
            keys = [self._key(name) for name in names[start : start + _TOGETHER]]
            found += map(self._unpacked, keys, self._call(StoreNotReadable, "MGET", *keys))
        return found

    async def aget(self, name: str) -> bytes | None:
        """Async twin of `get`. The reads of one turn of the event loop go out together."""
        here = self._loops.get(asyncio.get_running_loop()) or await self._begin()
        return await here.read(self._key(name), self._unpack)

    def salt(self) -> bytes:
        """Return the 32 random bytes of all who use this prefix, kept in the string `memo:salt`, which never expires."""
        if self._salt is None:
            key = f"{self._start.removesuffix('{')}salt"
            while (kept := self._call(StoreNotReadable, "GET", key)) is None:
                self._call(StoreNotWritable, "SET", key, new_salt(), "NX")
            self._salt = checked_salt(kept, self._place(key))
        return self._salt

    # Claims

    def claim(self, name: str, token: str) -> bytes | HeldClaim | None:
        """Claim a name and return None; else return the bytes of its entry, or the claim that somebody else holds."""
        key = self._key(name)
        found = self._run(CLAIM, key, token, _milliseconds(self.lease))
        if isinstance(found, list):
            holder, milliseconds = found
            return HeldClaim(holder.decode(errors="replace"), max(0, milliseconds) / 1000)
        return self._unpacked(key, found)

    def renew(self, name: str, token: str) -> bool:
        """Extend the claim to `lease` seconds from now; return False if the claim is no longer this token's."""
        return bool(self._run(RENEW, self._key(name), token, _milliseconds(self.lease)))

    def finish(self, name: str, token: str, data: bytes) -> bytes | None:
        """Do what `create` does, end the claim and wake all who wait for it, in one script."""
        return self._create(name, data, token)

    def release(self, name: str, token: str) -> None:
        """End the claim without an entry, and wake all who wait for it."""
        self._run(RELEASE, self._key(name), token)

    def wait(self, name: str, holder: str, seconds: float) -> None:
        """Block until the holder's claim has ended, for so many seconds at most. Return early if the server goes away.

        All threads that wait share one event loop, and so one connection.
        """
        process, provider = self._waiting
        if process != os.getpid():  # a forked process has no threads of its parent
            provider = BlockingPortalProvider()
            self._waiting = (os.getpid(), provider)
        with provider as portal:
            waiting = portal.start_task_soon(self.await_, name, holder, seconds)
            try:
                waiting.result()
            finally:
                waiting.cancel()

    async def await_(self, name: str, holder: str, seconds: float) -> None:
        """Async twin of `wait`. All who wait in an event loop share one connection, which ends with the last of them."""
        here = self._loops.get(asyncio.get_running_loop()) or await self._begin()
        claim = _claim(self._key(name))

        async def held() -> bool:
            return await here.read(claim) == holder.encode()

        await here.wait(claim, held, seconds)

    # Keys

    def _key(self, name: str) -> str:
        return f"{self._start}{_shown(name)}}}"

    def _place(self, key: str) -> str:
        return f"{self._server.location}#{key}"

    def _name(self, key: bytes) -> str | None:
        """Return the name of an entry's key, None if the key is no entry's."""
        try:
            text = key.decode()[len(self._start) : -1]
            name = unquote(text, errors="surrogatepass")
        except UnicodeDecodeError:
            return None
        return name if shown(name) == text else None

    def _unpacked(self, key: str, entry: bytes | None) -> bytes | None:
        return self._unpack(key, entry) if entry is not None else None

    def _unpack(self, key: str, entry: bytes) -> bytes:
        return unpack(entry, lambda: self._place(key))

    # Commands

    def _create(self, name: str, data: bytes, token: str) -> bytes | None:
        key = self._key(name)
        return self._unpacked(key, self._write(CREATE, BOUNDED_CREATE, key, pack(data), self._lifetime, token))

    @property
    def _lifetime(self) -> int | str:
        """Milliseconds that an entry lasts, "" for no end."""
        return _milliseconds(self.ttl) if self.ttl is not None else ""

    def _write(self, script: Script, bounded: Script, key: str, *values: bytes | str | int) -> Any:
        """Run the script that writes an entry: in a store with a limit, the one that evicts others."""
        if self.max_bytes is None:
            return self._run(script, key, *values)
        start = self._start.removesuffix("{")
        return self._run(bounded, key, *values, int(self.max_bytes), more=(f"{start}ages", f"{start}sizes"))

    def _run(self, script: Script, key: str, *values: bytes | str | int, more: tuple[str, ...] = ()) -> Any:
        command = ("EVALSHA", script.digest, 2 + len(more), key, _claim(key), *more, *values)
        return self._call(StoreNotWritable, *command, key=key, script=script.text)

    def _call(self, kind: type[StoreError], *command: bytes | str | int, key: str = "", script: str = "") -> Any:
        """Return the reply. Raises an error of that kind, or `RecordingDamaged` where the key holds something else."""
        try:
            self._server.begin()
            connection: Any = self._pool.get_connection()
            try:
                return self._reply(connection, command, script)
            finally:
                self._pool.release(connection)
        except FAILURES as error:
            failure: MemoError = self._server.failure(error, kind)
            if key and isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE"):
                failure = RecordingDamaged(self._place(key), "is not a string, and so not a memo entry")
        raise failure

    def _reply(self, connection: Any, command: tuple[bytes | str | int, ...], script: str) -> Any:
        connection.send_command(*command)
        try:
            return connection.read_response()
        except NoScriptError:  # the script is new to this server
            connection.send_command("EVAL", script, *command[2:])
            return connection.read_response()

    async def _begin(self) -> Loop:
        for loop in [loop for loop in list(self._loops) if loop.is_closed()]:
            self._loops.pop(loop, None)
        here = self._loops[asyncio.get_running_loop()] = await Loop.begin(self._server)
        return here


_shown = lru_cache(1024)(shown)  # needed several times for each call


def _claim(key: str) -> str:
    return f"{key}:claim"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
