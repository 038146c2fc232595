"""The fallbacks of recorders: directories that tests share, and only read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memo._engine.rules.modes import Mode
from memo.pytest_plugin._judging import stamp
from memo.pytest_plugin._recorder import TestRecorder
from memo.pytest_plugin._usage import FALLBACK, Note
from memo.stores import DirectoryStore, JsonLinesStore, as_store, layers_of

__all__ = ["Layers"]


class Layers:
    """What a run knows of the fallbacks of its recorders."""

    def __init__(self, root: Path, *, may_delete: bool) -> None:
        self._root = root
        self._may_delete = may_delete
        self._before: dict[str, dict[str, int]] = {}
        """The files of each directory when the first recorder had it, and their stamps."""

    def resolved(self, fallback: Any) -> list[Any]:
        """Return the stores of the option, directories relative to pytest's root as whole paths."""
        several = fallback if isinstance(fallback, list | tuple) else [fallback]
        found = [self._absolute(store) for store in several]  # pyright: ignore[reportUnknownVariableType]
        for store in found:
            if self._may_delete and isinstance(store, str) and "://" not in store and store not in self._before:
                opened = as_store(store)
                stamps = {opened.location(name): stamp(opened, name) for name in opened.scan()}
                self._before[store] = {path: seen for path, seen in stamps.items() if seen}
        return found

    def _absolute(self, store: Any) -> Any:
        if not isinstance(store, str | os.PathLike) or "://" in str(store):
            return store
        return os.path.abspath(self._root / Path(store).expanduser())  # noqa: PTH100

    def notes(self, recorder: TestRecorder, users: Sequence[str]) -> list[Note]:
        """Return what a recorder used of the directories below its own: only if all tests have run is the rest unused."""
        # What records everything anew does not look below.
        mode = "replay" if recorder.modes <= {Mode.REPLAY, Mode.RECORD_IF_MISSING} else "live"
        return [
            Note(
                directory=layer.location(),
                mode=mode,
                users=[*users],
                used=sorted(
                    path
                    for path in recorder.used
                    if path.startswith((f"{layer.location()}{os.sep}", f"{layer.location()}#"))
                ),
                scope=FALLBACK,
                reach=str(self._root),
                before=self._before.get(layer.location(), {}),
                unrecorded={},
                counts={},
            )
            for layer in layers_of(recorder.store)[1:]
            if isinstance(layer, DirectoryStore | JsonLinesStore)
        ]
