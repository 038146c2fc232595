"""A recorder that other processes share: the text that carries its scope, and the journal in which they answer."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from memo._engine.numbering.journal import END, Journal, events_after
from memo._engine.numbering.shared_draws import SharedDraws
from memo._engine.scopes.carrier import Carrier, portable_options, portable_store, run_secret
from memo._engine.sessions.scope_names import RUN
from memo._engine.sessions.session import Session
from memo._engine.waiting.holders import new_token
from memo.stores import layers_of

__all__ = ["Shared", "share"]

_lock = threading.RLock()
_shared: WeakKeyDictionary[Session, Shared] = WeakKeyDictionary()
_folder: tuple[int, str] | None = None
"""The directory for journals of this process, and the process."""
_run = secrets.token_hex(8)


class Shared:
    """What a recorder has in common with other processes."""

    def __init__(self, session: Session, folder: str | None) -> None:
        missing: list[str]
        store = portable_store(layers_of(session.store)[0], session.named)
        options, missing = portable_options(session.options)
        self.secret = run_secret()
        scope = secrets.token_hex(8)
        os.makedirs(folder or _own_folder(), mode=0o700, exist_ok=True)  # noqa: PTH103 - text, as in the carrier
        self.path = f"{folder or _own_folder()}{os.sep}{scope}.jsonl"
        self.carrier = Carrier(
            store=store,
            mode=str(session.mode),
            test=session.test,
            run=os.environ.get(RUN) or _run,
            scope=scope,
            journal=self.path,
            process=new_token(),
            options=options,
            missing=missing,
            modes=_modes(session),
        )
        self.value = self.carrier.signed(self.secret)
        self._offset = 0
        self._reading = threading.Lock()
        self.draws = SharedDraws(f"{self.path}.draws")
        self.draws.seed(session.numbers, session.begun())
        session.share_draws(self.draws)

    def events(self) -> list[dict[str, Any]]:
        """Return what other processes did since this was asked for the last time."""
        with self._reading:
            found, self._offset = events_after(self.path, self._offset)
        return found

    def end(self) -> None:
        """Let the other processes know that no call of the scope follows."""
        Journal(self.path, self.carrier.test).write(END)

    def remove(self) -> None:
        """Remove the journal."""
        for path in (self.path, f"{self.path}.draws"):
            Path(path).unlink(missing_ok=True)


def share(session: Session, folder: str | None = None) -> Shared:
    """Return what the session shares with other processes, from now on.

    Raises `ScopeNotPortable` if its store cannot be reached from another process.
    """
    with _lock:
        found = _shared.get(session)
        if found is None:
            found = _shared[session] = Shared(session, folder)
        return found


def _modes(session: Session) -> str:
    rules = session.mode_rules.rules if session.mode_rules is not None else ()
    return ",".join(f"{rule.pattern}={rule.mode}" for rule in rules if rule.source == "MEMO_MODES")


def _own_folder() -> str:
    global _folder  # noqa: PLW0603 - made when it is needed
    with _lock:
        if _folder is None or _folder[0] != os.getpid():
            _folder = os.getpid(), tempfile.mkdtemp(prefix="memo-")
            atexit.register(shutil.rmtree, _folder[1], ignore_errors=True)
        return _folder[1]
