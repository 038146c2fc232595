"""Merge imported outcomes into the recordings of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._recordings.document import Document, parse, render, timestamp
from memo._recordings.outcomes import fingerprint
from memo.stores import Creates, Store

__all__ = ["Merged", "merge"]


class Merged(NamedTuple):
    """The numbers of a call's outcomes that were in the store before, and that were added."""

    before: int
    added: int


def merge(call: Call, outcomes: Sequence[dict[str, Any]], store: Store, written: float) -> Merged:
    """Write the recording of a call, keeping the outcomes that the store has already.

    New outcomes follow the existing ones, in their order; merging the same outcomes again changes nothing. A new recording
    is dated `written` (seconds since 1970) and belongs to the test of its first outcome. A concurrent addition to the
    recording can be lost; a concurrent first write is not, if the store can create atomically. Raises `StoreError`, and
    `RecordingDamaged` or `NewerFormat` for the existing recording.
    """
    name = entry_name(call.function, call.key)
    data = store.get(name)
    if data is not None:
        document = parse(data, store.location(name), call)
    else:
        document = Document.of(call, [], recorded_at=timestamp(written), test=outcomes[0].get("test"))
    held = document.outcomes
    before, there = len(held), {fingerprint(outcome) for outcome in held}
    held += [_without_test(outcome, document.test) for outcome in outcomes if fingerprint(outcome) not in there]
    while len(held) > 1 and fingerprint(held[-1]) == fingerprint(held[-2]):
        held.pop()
    rendered = render(document)
    if data is None and isinstance(store, Creates):
        if store.create(name, rendered) is not None:
            return merge(call, outcomes, store, written)  # another process was first
    elif rendered != data:
        store.put(name, rendered)
    return Merged(before, len(held) - before)


def _without_test(outcome: dict[str, Any], test: str | None) -> dict[str, Any]:
    """Return the outcome without its test if that is the recording's."""
    return {name: value for name, value in outcome.items() if name != "test" or value != test}
