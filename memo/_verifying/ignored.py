"""Paths to leave out that are in no recording: a word that is misspelled would leave out nothing, without a word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from memo._recordings.changes import Rules, is_within
from memo._recordings.document import Document
from memo._recordings.outcome_changes import places
from memo._values.paths import path_text

__all__ = ["unmatched"]


def unmatched(rules: Rules, documents: Iterable[Document]) -> dict[str, str]:
    """Return the paths that left out no change and are no place in any of these recordings, and the nearest place, or ""."""
    unused = [path for index, path in enumerate(rules.ignore) if index not in rules.used]
    if not unused:
        return {}
    found = {steps for document in documents for outcome in document.outcomes for steps in places(outcome)}
    texts = sorted({path_text(steps) for steps in found if steps})
    return {
        text: next(iter(get_close_matches(text, texts, 1, 0.5)), "")
        for text, path in ((path_text(path), path) for path in unused)
        if not any(is_within(path, steps) for steps in found)
    }
