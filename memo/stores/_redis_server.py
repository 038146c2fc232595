"""A Redis or Valkey server: where it is, how one connects to it within a stated time, and what its failures mean."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import redis.asyncio.connection
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from memo.errors import InvalidOption, StoreError, StoreFull, StoreNotReadable, StoreNotWritable
from memo.stores._urls import masked

__all__ = ["FAILURES", "Server"]

FAILURES = (RedisError, OSError, UnicodeError)
"""Errors of the client. (`TimeoutError` is an `OSError`; an impossible host name is a `UnicodeError`.)"""

_PORT = 6379
_ALLOWED = ("redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]", "rediss://…", "valkey://…", "valkeys://…")


class Server:
    """The server of a URL. Shows no credentials, does not connect by itself, and tries nothing twice."""

    def __init__(self, url: str, *, prefix: str | None, timeout: float, **files: str) -> None:
        self.timeout = timeout
        scheme = url.partition("://")[0].lower()
        parts = _parts(url)
        if parts is None:
            raise InvalidOption("store", masked(url), _ALLOWED)
        user, password, host, port, database = parts
        for option, file in files.items():
            if file and not os.path.isfile(file):  # noqa: PTH113 - as in the directory
                raise InvalidOption(f"store {masked(url)}: {option}", file, ["an existing file"])
        if files.get("ssl_keyfile") and not files.get("ssl_certfile"):
            raise InvalidOption(f"store {masked(url)}: ssl_certfile", "", ["the certificate of ssl_keyfile"])
        shown = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/{database}"
        self.location = f"{shown}?prefix={quote(prefix, errors='surrogatepass')}" if prefix is not None else shown
        self._encrypted = scheme in {"rediss", "valkeys"}
        self._settings: dict[str, Any] = {
            "host": host,
            "port": port,
            "db": database,
            "username": user,
            "password": password,
            "protocol": 2,
            **({option: file or None for option, file in files.items()} if self._encrypted else {}),
        }

    def __repr__(self) -> str:
        return f"Server({self.location!r})"

    def pool(self) -> ConnectionPool:
        """Return connections for threads, to be used after `begin()`. A forked process makes its own."""
        return ConnectionPool(
            connection_class=_TimelySSLConnection if self._encrypted else _TimelyConnection,
            max_connections=2**31,  # there are as many threads as there are
            retry=Retry(NoBackoff(), 0),
            **self._settings,
        )

    def begin(self) -> None:
        """Limit what this thread does next on a connection of a `pool` to `timeout` seconds, in however many steps."""
        _operation.deadline = time.monotonic() + self.timeout

    def async_connection(self) -> Any:
        """Return a connection for the running event loop. The caller limits the time, with `asyncio.timeout`."""
        kind = redis.asyncio.connection
        connection = kind.SSLConnection if self._encrypted else kind.Connection
        return connection(
            **self._settings,
            socket_timeout=None,
            socket_connect_timeout=self.timeout,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
        )

    def failure(self, error: BaseException, kind: type[StoreError]) -> StoreError:
        """Return the error that one of `FAILURES` means.

        To be raised outside the `except`: the error of the client may name the user.
        """
        fix = ""
        doing = "read" if kind is StoreNotReadable else "written"
        text = str(error) or type(error).__name__
        if password := self._settings["password"]:
            text = text.replace(password, "***")
        if isinstance(error, RedisTimeoutError | TimeoutError):
            reason = f"the server did not answer within {self.timeout:g} seconds"
        elif isinstance(error, AuthenticationError):
            reason = "the server refused the user or the password, or wants one"
            fix = "to name them: MEMO_STORE=redis://USER:PASSWORD@HOST:PORT/DATABASE"
        elif isinstance(error, NoPermissionError) or text.startswith("ACL failure in script"):
            reason, fix = "the user lacks the right", "to see the rights of the user: ACL GETUSER USER"
        elif isinstance(error, OutOfMemoryError) or re.search(r"-OOM\b", text):
            kind, reason = StoreFull, "the memory of the server is full (maxmemory)"
            fix = "to give the server more: CONFIG SET maxmemory BYTES"
        elif isinstance(error, ReadOnlyError) or re.search(r"-READONLY\b", text):
            kind, reason = StoreNotWritable, "the server is a read-only replica"
            fix = "to write to the primary server: MEMO_STORE=redis://PRIMARY:PORT"
        elif isinstance(error, MovedError | AskError | ClusterDownError):
            reason = "the server is one node of a cluster"
            fix = "to use a proxy of the cluster, or one server: MEMO_STORE=redis://HOST:PORT"
        elif isinstance(error, RedisConnectionError | OSError):
            reason = f"the server cannot be reached ({text})"
        else:
            reason = text
        return kind(self.location, f"cannot be {doing}: {reason}", fix)


def _parts(url: str) -> tuple[str | None, str | None, str, int, int] | None:
    """Return user, password, host, port and database; None for an invalid URL, since an error might show the password."""
    try:
        parts = urlsplit(url)
        port, database = parts.port or _PORT, int(parts.path.strip("/") or 0)
    except ValueError:
        return None
    user, password, host = (
        unquote(part) if part else None for part in (parts.username, parts.password, parts.hostname)
    )
    return (user, password, host or "localhost", port, database) if database >= 0 else None


# The timeouts of redis-py are for each step, and an operation has many: addresses tried, greetings, pieces read.

_operation = threading.local()


def _remaining() -> float:
    """Return the seconds that are left for this thread's operation."""
    seconds: float = _operation.deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


class _TimelyConnection(Connection):
    """A connection that limits every step to the time that is left for the operation."""

    @property
    def socket_timeout(self) -> float:
        return _remaining()

    @socket_timeout.setter
    def socket_timeout(self, value: object) -> None:
        pass

    @property
    def socket_connect_timeout(self) -> float:
        return _remaining()

    @socket_connect_timeout.setter
    def socket_connect_timeout(self, value: object) -> None:
        pass

    def _connect(self) -> Any:
        connect: Callable[[], socket.socket] = super()._connect
        return _TimelySocket(connect())


class _TimelySSLConnection(_TimelyConnection, SSLConnection):
    """A timely connection over TLS."""


class _TimelySocket:
    """A socket that reads each piece and sends all within the time that is left."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv_into(self, buffer: bytearray) -> int:
        self._socket.settimeout(_remaining())
        return self._socket.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_remaining())
        self._socket.sendall(data)
