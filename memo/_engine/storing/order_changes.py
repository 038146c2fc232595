"""Recorded calls that ended in another order than their recordings say: put right when the scope ends."""

from __future__ import annotations

from functools import partial
from typing import Any

from memo._calls.call import Call
from memo._engine.storing.recordings import Recordings
from memo._recordings.document import Document
from memo._recordings.draws import Draws, with_draw
from memo.errors import EntryVanished, MemoError

__all__ = ["OrderChanges"]


class OrderChanges:
    """Which call each of these ended after. Noted from any thread, and written at the end.

    A call is written before it returns, and another may return in the meantime. In `record-if-missing`, what is replayed may end
    after other calls than when it was recorded.
    """

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings
        self._noted: dict[tuple[str, int], tuple[Call, dict[str, Any] | None]] = {}

    def note(self, call: Call, draw: int, after: dict[str, Any] | None) -> None:
        """Note which call a call ended after, None if it was the only one that ran."""
        self._noted[call.key, draw] = call, after

    def write(self) -> list[tuple[Call, MemoError]]:
        """Write what was noted; return the calls of which that failed. Once."""
        noted, self._noted = self._noted, {}
        failed: list[tuple[Call, MemoError]] = []
        for (_, draw), (call, after) in noted.items():
            try:
                self._recordings.rewrite(call, partial(_changed, draw, after))
            except EntryVanished:
                pass
            except MemoError as error:
                failed.append((call, error))
        return failed


def _changed(draw: int, after: dict[str, Any] | None, document: Document) -> Document | None:
    index = Draws(document.outcomes).index(draw)
    if index is None or document.outcomes[index].get("after") == after:
        return None
    outcome = {name: part for name, part in document.outcomes[index].items() if name != "after"}
    if after is not None:
        outcome["after"] = after
    return document._replace(outcomes=with_draw(document.outcomes, draw, outcome))
