"""Whether a call that is recorded again ended differently."""

from __future__ import annotations

from typing import Any

from memo._recordings.document import Document
from memo._recordings.heads import with_plain_heads
from memo._recordings.outcomes import fingerprint

__all__ = ["differs", "identity", "replays_alike"]


def identity(document: Document) -> list[Any]:
    """Return what is equal for recordings that replay the same outcomes, draw by draw."""
    return [(fingerprint(outcome), outcome.get("calls"), outcome.get("draw")) for outcome in document.outcomes]


def replays_alike(one: Document, other: Document) -> bool:
    """Return whether two recordings of a call replay alike; one may stand for any number of calls."""
    left, right = identity(one), identity(other)
    if left == right:
        return True
    counts = {document.outcomes[-1].get("calls") for document in (one, other)}
    return None in counts and [fingerprint for fingerprint, *_ in left] == [fingerprint for fingerprint, *_ in right]


def differs(before: Document, after: Document) -> bool:
    """Return whether a replay of two recordings of one call differs.

    Outcomes count, in order, with the number of calls that they stand for where both say so, and the fingerprints of watched
    fields. When, in which test, and inside which call they were recorded does not count, nor how long the calls took, the
    offsets of items, the date of an HTTP response and how its headers' names are spelt.
    """
    one, other = map(_plain, (before, after))
    return not replays_alike(one, other) or dict(before.watched) != dict(after.watched)


def _plain(document: Document) -> Document:
    return document._replace(outcomes=list(map(with_plain_heads, document.outcomes)))
