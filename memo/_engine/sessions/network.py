"""The guard of the network: while a recorder replays, only connections to this machine are allowed.

The guard wraps Python's `socket`, which asyncio, trio, anyio and the HTTP clients use. Event loops and clients with sockets
of their own (uvloop, grpc) and other processes are not guarded.
"""

from __future__ import annotations

import socket
import threading
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from types import FrameType
from typing import Any

from memo._engine.reports.call_stacks import is_library, place, stack
from memo._engine.sessions.allowing import Allowed
from memo.errors import InvalidOption, MemoError, NetworkBlocked

__all__ = ["Network", "explain", "for_scopes"]

_METHODS = {"connect": 0, "connect_ex": 0, "sendto": -1, "sendmsg": 3}
"""The methods that connect or send, and the position of the address in their arguments."""
_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
_ABSENT: Any = object()
_NO_MORE = Allowed()


class Network:
    """Refuses connections while it is blocked, and reports who tried."""

    def __init__(self, allowed: tuple[str, ...], *, closes_itself: bool = False) -> None:
        self._closes_itself = closes_itself
        """Whether `socket` is as it was as soon as nothing is blocked."""
        self._names: list[str] = []
        self._networks: list[Any] = []
        for host in allowed:
            try:
                self._networks.append(ip_network(host, strict=False))
            except ValueError:
                if "://" in host or "/" in host:
                    raise InvalidOption(
                        "memo_allowed_hosts", host, ["api.example.com", "*.example.com", "10.0.0.7", "10.0.0.0/8"]
                    ) from None
                self._names.append(host.lower())
        self._resolved: set[str] = set()
        self._watching: list[tuple[Callable[[MemoError], None], Allowed]] = []
        self._lock = threading.Lock()
        self._undo: list[tuple[Any, str, Any, Any]] = []

    def block(self, note: Callable[[MemoError], None], allowed: Allowed = _NO_MORE) -> None:
        """Refuse connections from now on, in every thread, but to these hosts, and note each that is tried."""
        self._install()
        self._watching.append((note, allowed))

    def lists(self, host: str) -> bool:
        """Return whether a host, by its name or address, is one of those that are always allowed."""
        address = _address(host)
        return any(fnmatchcase(host.lower(), pattern) for pattern in self._names) or (
            address is not None and any(address in network for network in self._networks)
        )

    def unblock(self, note: Callable[[MemoError], None]) -> None:
        """Take back one `block`, if there was one."""
        at = next((at for at, watching in enumerate(self._watching) if watching[0] == note), None)
        if at is not None:
            del self._watching[at]
        if self._closes_itself and not self._watching:
            self.close()

    def close(self) -> None:
        """Put `socket` back as it was."""
        with self._lock:
            for holder, name, original, ours in reversed(self._undo):
                if vars(holder).get(name) is not ours:
                    continue  # another wrapper is around it, so it stays, and lets everything through from now on
                if original is _ABSENT:
                    delattr(holder, name)
                else:
                    setattr(holder, name, original)
            self._undo.clear()

    def _install(self) -> None:
        if self._undo:
            return
        with self._lock:
            for name, at in _METHODS.items():
                self._replace(socket.socket, name, self._guarded_method(getattr(socket.socket, name), at))
            for name in _LOOKUPS:
                self._replace(socket, name, self._guarded_lookup(getattr(socket, name)))
            # A loop looks addresses up in its own thread, where the caller is unknown.
            self._replace(BaseEventLoop, "getaddrinfo", self._guarded_loop(BaseEventLoop.getaddrinfo))

    def _replace(self, holder: Any, name: str, ours: Any) -> None:
        self._undo.append((holder, name, vars(holder).get(name, _ABSENT), ours))
        setattr(holder, name, ours)

    def _guarded_method(self, original: Any, at: int) -> Any:
        def guarded(sock: Any, *args: Any) -> Any:
            if self._watching and sock.family in (socket.AF_INET, socket.AF_INET6) and -len(args) <= at < len(args):
                address = args[at]
                if isinstance(address, tuple) and address:
                    self._check(address[0])
            return original(sock, *args)

        guarded.__name__ = guarded.__qualname__ = original.__name__
        return guarded

    def _guarded_lookup(self, original: Any) -> Any:
        def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._watching or _address(_text(host)) is not None:
                return original(host, *args, **kwargs)  # an address needs no name server
            self._check(host)
            found = original(host, *args, **kwargs)
            if not _is_here(_text(host)) and isinstance(found, list):
                self._resolved.update(str(address[4][0]) for address in found)
            return found

        guarded.__name__ = guarded.__qualname__ = original.__name__
        return guarded

    def _guarded_loop(self, original: Any) -> Any:
        async def getaddrinfo(loop: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
            if self._watching and _address(_text(host)) is None:
                self._check(host)
            return await original(loop, host, *args, **kwargs)

        return getaddrinfo

    def _check(self, host: Any) -> None:
        name = _text(host)
        if (
            _is_here(name)
            or name in self._resolved
            or self.lists(name)
            or any(allowed.host(name) for _, allowed in self._watching[-1:])
        ):
            return
        error = NetworkBlocked(name)
        explain(error, stack())
        for note, _ in self._watching[-1:]:
            note(error)
        raise error


def _text(host: Any) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes | bytearray) else "" if host is None else str(host)


def _address(name: str) -> Any:
    try:
        address: Any = ip_address(name.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_here(name: str) -> bool:
    """Return whether a host is this machine."""
    if not name or name.lower() == "localhost" or name.lower().endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and (address.is_loopback or address.is_unspecified)


def explain(error: NetworkBlocked, frames: Iterator[FrameType]) -> None:
    """Say who tried, from the frames of the attempt: the innermost first.

    If it was made in its own thread or task, they do not lead to the user's code, but a later traceback does.
    """
    frame = None if error.caller else next((frame for frame in frames if not is_library(frame)), None)
    if frame is not None:
        error.caller = f"{frame.f_code.co_qualname} ({place(frame)})"


for_scopes = Network((), closes_itself=True)
"""The guard of the scopes with `block_network=True`."""
