"""Whether a call that is recorded anew came to something else than what is recorded."""

from __future__ import annotations

from typing import Any

from memo._recordings.document import Document
from memo._recordings.outcomes import fingerprint

__all__ = ["differs", "identity"]


def identity(document: Document) -> list[Any]:
    """Return what is equal for recordings that replay the same outcomes, draw by draw."""
    return [(fingerprint(outcome), outcome.get("calls"), outcome.get("draw")) for outcome in document.outcomes]


def differs(before: Document, after: Document) -> bool:
    """Return whether a replay of two recordings of one call differs.

    Outcomes count, in order, with the number of calls that they stand for, and the fingerprints of watched fields. When, in
    which test, and inside of which call they were recorded does not count, nor how long the calls took, nor the offsets of items.
    """
    return identity(before) != identity(after) or dict(before.watched) != dict(after.watched)
