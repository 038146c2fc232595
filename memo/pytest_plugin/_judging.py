"""Which recordings are unused, and which belong to tests that no longer exist."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from zlib import crc32

import pytest

from memo._recordings.document import parse
from memo.errors import MemoError
from memo.pytest_plugin._places import Places
from memo.pytest_plugin._settings import Settings
from memo.pytest_plugin._usage import FALLBACK, Note, Usage
from memo.stores import DirectoryStore, Store, as_store
from memo.stores.file_names import JSON_LINES

__all__ = ["Verdict", "judge", "stamp"]


@dataclass(slots=True)
class Verdict:
    """What became of the recordings that no test used."""

    unused: list[str] = field(default_factory=list)
    """The files of unused recordings that were kept, but for those of fallbacks."""
    below: dict[str, list[str]] = field(default_factory=dict)
    """The same of each fallback, by its directory."""
    orphaned: list[str] = field(default_factory=list)
    """The directories, or files, of tests that no longer exist, or no longer record."""
    deleted: int = 0

    @property
    def all_unused(self) -> list[str]:
        """The files of unused recordings that were kept."""
        return [*self.unused, *(path for paths in self.below.values() for path in paths)]

    def complaint(self, settings: Settings) -> str:
        """Return why the run fails, or an empty text."""
        files = [path for path in self.orphaned if path.endswith(JSON_LINES)]
        kinds = (
            (len(self.all_unused), "unused recording", "unused recordings"),
            (len(self.orphaned) - len(files), "directory of a removed test", "directories of removed tests"),
            (len(files), "file of a removed test", "files of removed tests"),
        )
        found = [f"{count:,} {one if count == 1 else many}" for count, one, many in kinds if count]
        if settings.unused != "fail" or not found:
            return ""
        return f"memo: the run fails for {' and '.join(found)} (memo_unused = fail)"


def judge(
    config: pytest.Config, settings: Settings, usage: Usage, passed: Callable[[str], bool], exitstatus: int
) -> Verdict:
    """Judge the recordings of the tests that ran, and delete those that are to be deleted.

    A recording is unused if every test that could use it ran and passed, and none did.
    """
    verdict = Verdict()
    run = _Run(config, usage)
    for note in usage.notes.values():
        if (
            note.directory
            and (note.mode not in _LIVE or note.rules)
            and run.reaches_all(note)
            and all(map(passed, note.users))
        ):
            _judge_note(note, settings, usage, verdict)
    finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if finished and settings.unused != "ignore" and run.is_unfiltered():
        pointed_at = {miss["renamed"][0] for miss in usage.misses if miss.get("renamed")}
        orphaned = _orphaned(run, Places(config.rootpath, settings.directory), usage)
        verdict.orphaned = sorted(
            directory
            for directory in orphaned
            if not any(Path(directory).is_relative_to(renamed) for renamed in pointed_at)
        )
    return verdict


_LIVE = ("live", "verify")
"""The modes in which no recording is replayed or written."""


def _judge_note(note: Note, settings: Settings, usage: Usage, verdict: Verdict) -> None:
    store = as_store(note.directory)
    used = {path.casefold() for path in (*note.used, *usage.written_after_report)}
    unused = [name for name in store.scan() if not _is_used(store, name, used)]
    for name in unused:
        path, mode = store.location(name), note.mode_of(name.rpartition("/")[0]) if note.rules else note.mode
        if mode in _LIVE:
            continue
        if mode != "record" and settings.unused != "delete":
            if settings.unused != "ignore":
                kept = verdict.below.setdefault(note.directory, []) if note.scope == FALLBACK else verdict.unused
                kept.append(path)
            continue
        if stamp(store, name) == note.before.get(path):  # otherwise another process wrote it during the run
            verdict.deleted += store.delete(name)
            _remove_empty(Path(path).parent, _holder(Path(note.directory)))


def _is_used(store: Store, name: str, used: set[str]) -> bool:
    """Return whether a recording was used, or one inside whose call it was recorded: a replay does not run that."""
    seen: set[str] = set()
    while name not in seen:
        if store.location(name).casefold() in used:
            return True
        seen.add(name)
        try:
            parent = parse(store.get(name) or b"", name).parent
        except MemoError:
            return False
        if parent is None:
            return False
        name = parent
    return False


def stamp(store: Store, name: str) -> int | None:
    """Return what changes as soon as a recording is written again: its file's time, or a checksum of its line."""
    try:
        if isinstance(store, DirectoryStore):
            return os.stat(store.location(name)).st_mtime_ns  # noqa: PTH116 - as text, like all paths of a store
        return crc32(store.get(name) or b"")
    except (OSError, MemoError):
        return None


class _Run:
    """Which tests a run included."""

    def __init__(self, config: pytest.Config, usage: Usage) -> None:
        self._config = config
        self._usage = usage
        start = config.invocation_params.dir
        self._named = [(start / name.partition("::")[0]).resolve() for name in config.args]
        self._is_whole = (
            usage.collected
            and not usage.lost
            and not getattr(config.option, "lf", False)
            and not any("::" in name for name in config.args)
        )

    def reaches_all(self, note: Note) -> bool:
        """Return whether every test that could use the recordings of a note was collected."""
        if note.scope == "test":
            return True
        if note.scope in ("class", "module"):
            return self._is_whole
        if not self._is_whole or self._usage.skipped or not self._usage.selected or self._ignores():
            return False
        if note.scope == "package":
            return self.includes(Path(note.reach))
        return self._includes_project()

    def is_unfiltered(self) -> bool:
        """Return whether every test was run that is in the named directories."""
        return (
            self._is_whole
            and self._usage.selected
            and not self._ignores()
            and all(path.is_dir() for path in self._named)
        )

    def includes(self, path: Path) -> bool:
        """Return whether the run was asked for a directory, or for one above it."""
        return any(path.resolve().is_relative_to(named) for named in self._named)

    def _ignores(self) -> bool:
        option = self._config.option
        return bool(option.ignore or option.ignore_glob)

    def _includes_project(self) -> bool:
        root = self._config.rootpath
        paths = [path for name in self._config.getini("testpaths") for path in sorted(root.glob(name))]
        if self.includes(root) or (paths and all(map(self.includes, paths))):
            return True
        return not any(not self.includes(path) for path in self._test_files(root))

    def _test_files(self, root: Path) -> Iterator[Path]:
        patterns, skipped = self._config.getini("python_files"), self._config.getini("norecursedirs")
        for folder, names, files in os.walk(root):
            names[:] = [
                name
                for name in names
                if not any(fnmatch(name, pattern) for pattern in skipped)
                and not Path(folder, name, "pyvenv.cfg").exists()
            ]
            yield from (Path(folder, file) for file in files if any(fnmatch(file, pattern) for pattern in patterns))


def _orphaned(run: _Run, places: Places, usage: Usage) -> Iterable[str]:
    """Yield the directories of tests that no longer exist, under the directories that the run was asked for."""
    for folder in map(Path, usage.folders):
        if not run.includes(folder):
            continue
        for module in _directories(places.folder(folder)):
            file = folder / f"{module.name}.py"
            if module.name.startswith("@") or (file.exists() and str(file) not in usage.modules):
                continue
            for test in [*_directories(module), *module.glob(f"*{JSON_LINES}")]:
                shared = "@" in test.name and file.exists()
                if str(test).removesuffix(JSON_LINES) not in usage.expected and not shared and _holds_recordings(test):
                    yield str(test)


def _directories(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return []


def _holds_recordings(test: Path) -> bool:
    return test.is_file() or any(next(function.glob("*.json"), None) is not None for function in _directories(test))


def _holder(directory: Path) -> Path:
    """Return the directory of recordings that a test's own directory is in, which stays when it is empty."""
    return next((folder for folder in directory.parents if folder.name == "recordings"), directory.parent)


def _remove_empty(folder: Path, end: Path) -> None:
    """Remove a directory and those above it, up to `end`, as long as they are empty."""
    while folder != end and folder.is_relative_to(end):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
