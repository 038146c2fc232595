"""Which hosts the process connects to while a scope is open: named if the scope saw no call that memo knows."""

from __future__ import annotations

import sys
import threading
from typing import Any

from memo._engine.rules import modes
from memo._engine.sessions.active import active, process_wide
from memo._engine.sessions.session import Session

__all__ = ["ConnectionWatch", "watched"]

_lock = threading.Lock()
_watches: list[ConnectionWatch] = []
_hooked = False


class ConnectionWatch:
    """Notes the hosts that are connected to by Python's `socket`, until `stop`: in the scope of a session, or in none."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: dict[Any, dict[str, None]] = {}
        """The hosts that were looked up, by port: connections have addresses."""
        self._hosts: dict[str, None] = {}
        global _hooked  # noqa: PLW0603
        with _lock:
            _watches.append(self)
            if not _hooked:
                # It cannot be taken away again, and costs a look at an empty list.
                _hooked = True
                sys.addaudithook(_on_event)

    def stop(self) -> list[str]:
        """End the watch, and return the hosts, with their ports. Idempotent."""
        with _lock:
            if self in _watches:
                _watches.remove(self)
        return list(self._hosts)

    def note_name(self, host: Any, port: Any) -> None:
        """Note that a host was looked up, perhaps in its own thread."""
        name = host.decode() if isinstance(host, bytes) else host
        if name:
            self._names.setdefault(port, {})[name] = None

    def note_connection(self, address: Any) -> None:
        """Note a connection, unless it is made in the scope of another session."""
        session = active.get() or (process_wide[-1] if process_wide else None)
        is_own = session is self._session or (session is None and not self._session.isolated)
        if is_own and isinstance(address, tuple):
            host, port = address[:2]
            self._hosts.update((f"{name}:{port}", None) for name in self._names.get(port, (host,)))


def watched(session: Session) -> ConnectionWatch | None:
    """Watch a session; None where calls may be live on purpose, so that connections are no surprise."""
    # A store on a server is one itself.
    expected = session.is_remote or not session.modes.isdisjoint((modes.LIVE, modes.VERIFY)) or any(session.allow)
    return None if expected else ConnectionWatch(session)


def _on_event(event: str, args: tuple[Any, ...]) -> None:
    if not _watches:
        return
    if event == "socket.getaddrinfo":
        for watch in _watches[:]:
            watch.note_name(args[0], args[1])
    elif event == "socket.connect":
        for watch in _watches[:]:
            watch.note_connection(args[1])
