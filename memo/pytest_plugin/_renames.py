"""Recordings of a test that was renamed: the same call under the name of a test that no longer exists."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from memo.errors import MemoError
from memo.maintenance.trees import recordings_below
from memo.pytest_plugin._places import Places
from memo.pytest_plugin._usage import Usage
from memo.stores import DirectoryStore, JsonLinesStore
from memo.stores.file_names import JSON_LINES

__all__ = ["Rename", "Renames"]


class Rename(NamedTuple):
    """A directory of recordings that has to follow its test."""

    old: str
    new: str
    command: str

    def advice(self, start: Path) -> str:
        """Return the advice for people, with paths relative to `start`."""
        shown = os.path.relpath(self.old, start)
        return f"  renamed?   this call is recorded in {shown}\n             {self.command}"


class Renames:
    """Looks for the recordings of renamed tests."""

    def __init__(self, config: pytest.Config, places: Places, usage: Usage) -> None:
        self._config = config
        self._places = places
        self._usage = usage
        self._start = config.invocation_params.dir
        self._roots: list[Path] | None = None
        self._listed: dict[Path, list[Path]] = {}
        """Directories in a directory: a thousand misses look at the same ones."""

    def find(self, place: str, entry: str) -> Rename | None:
        """Return the rename that brings an entry to the directory of its test, if a test that is gone has the entry.

        If several have it (what all tests of a renamed class call, say), the test with the most similar name is taken.
        """
        for sisters in self._sisters(Path(place)):
            gone = [
                sister for sister in sisters if str(sister) != place and _holds(sister, entry) and self._is_gone(sister)
            ]
            if gone:
                old = max(gone, key=partial(_likeness, Path(place)))
                new = Path(place.removesuffix(JSON_LINES) + (JSON_LINES if old.suffix == JSON_LINES else ""))
                return self._rename(old, new)
        return None

    def _sisters(self, place: Path) -> Iterator[list[Path]]:
        """Yield the directories of tests: of the same file, then of the same folder, then of each other folder."""
        yield self._directories(place.parent)
        folder = place.parent.parent
        yield self._tests_in(folder, but=place.parent)
        if self._roots is None:
            self._roots = recordings_below(self._config.rootpath)
        for root in self._roots:
            if root != folder:
                yield self._tests_in(root)

    def _tests_in(self, folder: Path, but: Path | None = None) -> list[Path]:
        return [test for module in self._directories(folder) if module != but for test in self._directories(module)]

    def _directories(self, folder: Path) -> list[Path]:
        found = self._listed.get(folder)
        if found is None:
            try:
                found = sorted(path for path in folder.iterdir() if _may_hold(path))
            except OSError:
                found = []
            self._listed[folder] = found
        return found

    def _is_gone(self, directory: Path) -> bool:
        """Return whether no test records in a directory any more, as far as the run, or else the source, shows."""
        directory = directory.with_name(directory.name.removesuffix(JSON_LINES))
        if str(directory) in self._usage.expected or "@" in directory.name.partition("[")[0]:
            return False
        file = self._test_file(directory.parent)
        if file is None or not file.exists():
            return True
        whole = str(file) in self._usage.modules and not any("::" in name for name in self._config.args)
        if whole:
            return True
        function = directory.name.partition("[")[0].rpartition(".")[2]
        try:
            return re.search(rf"\bdef {re.escape(function)}\b", file.read_text(encoding="utf-8")) is None
        except (OSError, UnicodeDecodeError):
            return False

    def _test_file(self, module: Path) -> Path | None:
        """Return the test file whose recordings are in a directory, if recordings are kept beside test files."""
        return module.parent.parent / f"{module.name}.py" if module.parent.name == "recordings" else None

    def _rename(self, old: Path, new: Path) -> Rename:
        file = self._test_file(old.parent)
        if old.parent != new.parent and file is not None and not file.exists() and not new.parent.exists():
            old, new = old.parent, new.parent  # the file was renamed, with all of its tests
        command = f"memo mv {_quoted(str(old), self._start)} {_quoted(str(new), self._start)}"
        return Rename(str(old), str(new), command)


def _may_hold(path: Path) -> bool:
    return not path.name.startswith(".") and (path.suffix == JSON_LINES or path.is_dir())


def _holds(directory: Path, entry: str) -> bool:
    if directory.suffix == JSON_LINES:
        try:
            return JsonLinesStore(directory).get(entry) is not None
        except MemoError:
            return False
    return os.path.exists(DirectoryStore(directory).location(entry))  # noqa: PTH110 - a store's paths are text


def _likeness(place: Path, sister: Path) -> float:
    """Return how similar the names of two tests are, from 0 to 1."""
    return SequenceMatcher(None, place.name, sister.name.removesuffix(JSON_LINES)).ratio()


def _quoted(path: str, start: Path) -> str:
    return shlex.quote(os.path.relpath(path, start))
