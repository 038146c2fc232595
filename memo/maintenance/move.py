"""Move the recordings of a test that was renamed, so that the test finds them again."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from memo._recordings.document import Document
from memo.errors import Refused, StoreNotReadable
from memo.maintenance.changes import ApplyResult, Plan, apply, plan_changes
from memo.maintenance.trees import StoreTree, folder_of, open_directory, pending_folder, with_pending
from memo.stores.file_names import IN_TEST_NAMES, JSON_LINES, safe_name

__all__ = ["MovePlan", "move", "plan_move"]


_DIGEST = re.compile("-[0-9a-f]{12}$")
"""Ends a directory's name if the test's name cannot be a file's."""


class MovePlan:
    """The planned move of a directory of recordings."""

    def __init__(self, store: StoreTree, plan: Plan, rewrite: Callable[[Document], Document]) -> None:
        self.store = store
        self.plan = plan
        self.rewrite = rewrite


def plan_move(old: Path, new: Path) -> MovePlan:
    """Plan to move the recordings of a test, a test file or a whole directory. Writes nothing.

    `old` and `new` are directories as the pytest plugin names them, or files of JSON lines, which need no suffix. The test
    that a recording names is renamed with them. What is pending goes along. A recording that has another content at its new place already is an obstacle. Raises `StoreNotReadable` if there are no
    recordings in `old`, and `Refused` if one directory holds the other.
    """
    old, new = (Path(os.path.abspath(path.expanduser())) for path in (old, new))  # noqa: PTH100 - links stay as they are
    if not old.exists() and _with_suffix(old).is_file():
        old, new = _with_suffix(old), _with_suffix(_without_suffix(new))
    if not old.is_dir() and (old.suffix != JSON_LINES or not old.is_file()):
        raise StoreNotReadable(str(old), "is not a directory of recordings" if old.exists() else "does not exist")
    if new == old or new.is_relative_to(old) or old.is_relative_to(new):
        raise Refused(str(new), f"cannot take the recordings of {old}: one directory holds the other")
    found = with_pending(open_directory(old)) if old.is_dir() else None
    parts = found.folders if isinstance(found, StoreTree) else [""]
    root = Path(os.path.commonpath([old, new]))
    prefix, new_prefix = (path.relative_to(root).as_posix() for path in (old, new))
    folders = ["/".join(filter(None, (prefix, part))) for part in parts]
    aside, new_aside = map(pending_folder, (prefix, new_prefix))
    if found is None and Path(root, aside).is_file():  # what is pending beside a file
        folders.append(aside)
    store = StoreTree(root, folders)
    names = list(store.scan())
    if not names:
        raise StoreNotReadable(str(old), "holds no recordings")
    rewrite = partial(_renamed, _without_suffix(old), _without_suffix(new))

    def rename(name: str) -> str:
        folder = folder_of(store, name)
        if folder == aside:
            return f"{new_aside}{name.removeprefix(folder)}"
        moved = "/".join(filter(None, (new_prefix, folder.removeprefix(prefix).removeprefix("/"))))
        return f"{moved}{name.removeprefix(folder)}"

    return MovePlan(store, plan_changes(store, names, rewrite, rename=rename), rewrite)


def _with_suffix(path: Path) -> Path:
    return path.with_name(f"{path.name}{JSON_LINES}")


def _without_suffix(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(JSON_LINES))


def move(planned: MovePlan) -> ApplyResult:
    """Move all recordings, or none: see `memo.maintenance.changes.apply`."""
    return apply(planned.store, planned.plan, planned.rewrite)


def _renamed(old: Path, new: Path, document: Document) -> Document:
    """Return the recording with the new names of its tests."""
    before = document.test
    after = _test(before, old, new)
    outcomes = [
        {**outcome, "test": _test(outcome["test"], old, new)} if isinstance(outcome.get("test"), str) else outcome
        for outcome in document.outcomes
    ]
    if after == before and outcomes == document.outcomes:
        return document
    return document._replace(test=after, outcomes=outcomes)


def _test(test: str | None, old: Path, new: Path) -> str | None:
    """Return the id of a test after its rename; the same id if that is not a test of the old directory."""
    if test is None or "::" not in test:
        return test
    file, _, name = test.partition("::")
    if Path(file).stem == old.parent.name and _directory_name(name) == old.name:  # one test
        renamed = _test_name(new.name, name)
        return test if renamed is None else f"{_file(file, old.parent, new.parent)}::{renamed}"
    if Path(file).stem == old.name and not _DIGEST.search(new.name):  # a test file
        return f"{_file(file, old, new)}::{name}"
    return test


def _file(file: str, old: Path, new: Path) -> str:
    """Return the test file whose recordings are in `new`, given the one whose recordings are in `old`."""
    folder = os.path.normpath(os.path.join(os.path.dirname(file), os.path.relpath(new.parent, old.parent)))  # noqa: PTH118, PTH120
    if old.parent != new.parent and new.parent.name == old.parent.name:  # of two directories named `recordings`
        between = os.path.relpath(new.parent.parent, old.parent.parent)
        folder = os.path.normpath(os.path.join(os.path.dirname(file), between))  # noqa: PTH118, PTH120
    return (Path(folder) / f"{new.name}{Path(file).suffix}").as_posix()


def _directory_name(name: str) -> str:
    """Return a test's name as its directory has it: `TestX::test_y[z]` is `TestX.test_y[z]`."""
    classes, bracket, parameters = name.partition("[")
    return safe_name(f"{classes.replace('::', '.')}{bracket}{parameters}", IN_TEST_NAMES)


def _test_name(directory: str, old: str) -> str | None:
    """Return the name of the test whose recordings are in a directory, given its old name; None if that is unknown.

    A name that ends with a digest does not show the parameters: then these are the old ones, if the digest agrees.
    """
    classes, bracket, parameters = directory.partition("[")
    if not _DIGEST.search(directory):
        return f"{classes.replace('.', '::')}{bracket}{parameters}"
    _, bracket, parameters = old.partition("[")
    name = f"{classes.replace('.', '::')}{bracket}{parameters}"
    return name if _directory_name(name) == directory else None
