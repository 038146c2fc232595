"""Imported outcomes, put into a store beside what is there."""

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
    """How many outcomes of a call were in the store before, and how many have been added."""

    before: int
    added: int


def merge(call: Call, outcomes: Sequence[dict[str, Any]], store: Store, written: float) -> Merged:
    """Write the recording of a call, what is there already included.

    Outcomes that it lacks come after those that it has, in their order: merging the same again changes nothing. A new
    recording is dated `written` (seconds since 1970), and belongs to the test of its first outcome. Who adds to a recording at
    the same instant may be overwritten; who is the first to write it is not, where the store can tell. Raises what reading
    the recording raises that is there (`RecordingDamaged`, `NewerFormat`), and `StoreError`.
    """
    name = entry_name(call.function, call.key)
    data = store.get(name)
    if data is not None:
        document = parse(data, store.location(name), call)
    else:
        document = Document.of(call, [], recorded_at=timestamp(written), test=outcomes[0].get("test"))
    held = document.outcomes
    before, there = len(held), {fingerprint(each) for each in held}
    held += [_told(each, document.test) for each in outcomes if fingerprint(each) not in there]
    while len(held) > 1 and fingerprint(held[-1]) == fingerprint(held[-2]):
        held.pop()
    rendered = render(document)
    if data is None and isinstance(store, Creates):
        if store.create(name, rendered) is not None:
            return merge(call, outcomes, store, written)  # somebody else was first
    elif rendered != data:
        store.put(name, rendered)
    return Merged(before, len(held) - before)


def _told(outcome: dict[str, Any], test: str | None) -> dict[str, Any]:
    """Return the outcome without its test if that is the recording's."""
    return {name: each for name, each in outcome.items() if name != "test" or each != test}
