"""Recordings as they are written: the outcomes of identical calls in the order in which the calls were made."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._engine.flights import Claim
from memo._engine.gateway import StoreGateway
from memo._recordings.document import Document, parse, render
from memo._recordings.outcomes import fingerprint
from memo.stores import Store

__all__ = ["Slot", "Writer"]


@dataclass(slots=True, eq=False)
class ConcurrentCalls:
    """The identical calls that are being made now."""

    outcomes: list[dict[str, Any] | None] = field(default_factory=list)
    """One a call, in the order in which the calls were made, filled when the call is over."""
    pending: int = 0
    writing: threading.RLock = field(default_factory=threading.RLock)


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one live call among the identical ones."""

    calls: ConcurrentCalls
    index: int


class Writer:
    """Writes what calls came to. Safe for threads."""

    def __init__(self, store: Store, gateway: StoreGateway, test: str | None) -> None:
        self._store = store
        self._gateway = gateway
        self._test = test
        # Reentrant: the garbage collector may close a stream at any time, which stores or abandons it.
        self._lock = threading.RLock()
        self._concurrent: dict[str, ConcurrentCalls] = {}
        self._recorded_count: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """How many outcomes were recorded in `record`, trailing equal ones included: by function, then by key."""

    def slot(self, call: Call) -> Slot:
        """Reserve the place of a call that is being made now, until `leave`."""
        with self._lock:
            calls = self._concurrent.setdefault(call.key, ConcurrentCalls())
            calls.outcomes.append(None)
            calls.pending += 1
            return Slot(calls, len(calls.outcomes) - 1)

    def leave(self, call: Call, slot: Slot) -> None:
        """Give up the place of a call that is over, stored or not."""
        with self._lock:
            calls = slot.calls
            calls.pending -= 1
            if calls.pending == 0:
                count = sum(outcome is not None for outcome in calls.outcomes)
                if count:
                    counts = self._recorded_count[call.function]
                    counts[call.key] = counts.get(call.key, 0) + count
                self._concurrent.pop(call.key, None)

    def restart(self, call: Call) -> None:
        """Let the next outcome of this call replace what was recorded."""
        with self._lock:
            self._recorded_count[call.function].pop(call.key, None)

    def restart_function(self, function: str) -> None:
        """Let the next outcome of each call of a function replace what was recorded."""
        with self._lock:
            self._recorded_count.pop(function, None)

    def append(self, call: Call, slot: Slot, outcome: dict[str, Any]) -> None:
        """Store an outcome in its place, after those of earlier identical calls of the session."""
        with slot.calls.writing:
            slot.calls.outcomes[slot.index] = outcome
            try:
                recorded = [recorded for recorded in slot.calls.outcomes if recorded is not None]
                outcomes = [*self._earlier(call), *recorded]
                while len(outcomes) > 1 and fingerprint(outcomes[-1]) == fingerprint(outcomes[-2]):
                    outcomes.pop()
                self._gateway.put(entry_name(call.function, call.key), self._document(call, outcomes))
            except BaseException:
                slot.calls.outcomes[slot.index] = None
                raise

    def create(self, call: Call, outcome: dict[str, Any], claim: Claim | None) -> bytes | None:
        """Store an outcome where nothing is recorded, and return None; else return what is recorded."""
        return self._gateway.create(entry_name(call.function, call.key), self._document(call, [outcome]), claim)

    def replace(self, call: Call, outcome: dict[str, Any]) -> None:
        """Store an outcome in place of whatever is recorded."""
        self._gateway.put(entry_name(call.function, call.key), self._document(call, [outcome]))

    def _earlier(self, call: Call) -> list[dict[str, Any]]:
        """Return the outcomes that the session has recorded of earlier identical calls."""
        count = self._recorded_count[call.function].get(call.key, 0)
        name = entry_name(call.function, call.key)
        data = self._gateway.get(name) if count else None
        if data is None:
            return []
        outcomes = parse(data, self._store.location(name)).outcomes
        return outcomes + [outcomes[-1]] * (count - len(outcomes))

    def _document(self, call: Call, outcomes: list[dict[str, Any]]) -> bytes:
        return render(Document.of(call, outcomes, test=self._test))
