"""Which outcome a call is replayed with: the k-th identical call of a session gets the k-th outcome."""

from __future__ import annotations

import threading
from collections import defaultdict

from memo._calls.call import Call
from memo._engine.memory import Recording
from memo.errors import OutcomesExhausted
from memo.stores import Store

__all__ = ["Replays"]


class Replays:
    """How often each key was replayed in a session. Safe for threads."""

    def __init__(self, store: Store, exhausted: str) -> None:
        self._store = store
        self._raises = exhausted == "error"
        self._counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By function, then by key."""
        self._lock = threading.RLock()

    def next(self, call: Call, recording: Recording) -> int:
        """Return the index of the outcome that this call gets. After the last it is repeated, or `OutcomesExhausted` is raised."""
        if recording.count == 1 and not self._raises:
            return 0
        with self._lock:
            counts = self._counts[call.function]
            index = counts.get(call.key, 0)
            counts[call.key] = index + 1
        if index < recording.count:
            return index
        if not self._raises:
            return recording.count - 1
        from memo._engine.miss import recording_command

        raise OutcomesExhausted(
            function=call.function,
            key=call.key,
            store=self._store.location(),
            arguments=call.arguments.decode(),
            outcomes=recording.count,
            location=recording.location(),
            command=recording_command("record"),
        )

    def use_up_first(self, call: Call) -> None:
        """Count a live call whose outcome was stored as the first."""
        if self._raises:
            with self._lock:
                self._counts[call.function][call.key] = 1

    def restart(self, call: Call) -> None:
        """Give the next identical call the first outcome again."""
        with self._lock:
            self._counts[call.function].pop(call.key, None)

    def restart_function(self, function: str) -> None:
        """Give the next call of each key of a function its first outcome again."""
        with self._lock:
            self._counts.pop(function, None)
