"""The places of recordings: `recordings/<module>/<test>/` beside the test file, `@module` and the like if shared."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from memo.errors import StoreError
from memo.stores.file_names import IN_TEST_NAMES, JSON_LINES, safe_name

__all__ = ["Places", "is_store"]


class Places:
    """The directories of tests and scopes, one for each.

    | recordings of | directory |
    |---|---|
    | `tests/test_a.py::TestX::test_y[z]` | `tests/recordings/test_a/TestX.test_y[z]/` |
    | fixtures of the class, the module | `tests/recordings/test_a/TestX.@class/`, `…/@module/` |
    | fixtures of the package, the session | `tests/recordings/@package/`, `recordings/@session/` |

    With a directory of their own, `tests/recordings/` becomes `<directory>/tests/`. With `memo_layout = "test"`, each of
    these directories is a file instead, with `.jsonl` at the end of its name.
    """

    def __init__(self, root: Path, directory: str | None, layout: str = "recording") -> None:
        self._root = root
        self._layout = layout
        in_files = directory is not None and not is_store(directory)
        self._base = root / Path(directory or "").expanduser() if in_files else None
        self._modules: dict[Path, str] = {}
        self._parents: dict[pytest.Item | pytest.Collector | None, str] = {}
        """The names of tests' classes, as the names of the directories begin with them."""

    def folder(self, directory: Path) -> Path:
        """Return the directory for the recordings of the test files in a directory."""
        if self._base is None:
            return directory / "recordings"
        inside = directory.relative_to(self._root) if directory.is_relative_to(self._root) else directory
        return self._base.joinpath(*(safe_name(part) for part in inside.parts))

    def module(self, path: Path) -> str:
        """Return the directory for the recordings of a test file."""
        found = self._modules.get(path)
        if found is None:
            found = self._modules[path] = str(self.folder(path.parent) / safe_name(path.stem))
        return found

    def test(self, item: pytest.Item) -> str:
        """Return the directory for a test's recordings."""
        classes = self._parents.get(item.parent)
        if classes is None:
            classes = self._parents[item.parent] = "".join(f"{name}." for name in _classes(item))
        return f"{self.module(item.path)}/{safe_name(classes + item.name, IN_TEST_NAMES)}"

    def store(self, place: str) -> str:
        """Return the directory or the file with the recordings of a place: the one that is there, else as the layout says.

        Raises `StoreError` if both are there, as a merge of branches with different layouts leaves them.
        """
        file = f"{place}{JSON_LINES}"
        is_directory, is_file = _is_filled(place), os.path.isfile(file)  # noqa: PTH113 - as text: every test passes here
        if is_directory and is_file:
            raise StoreError(
                place,
                f"and {Path(file).name} beside it both hold recordings of one test",
                f"to join them: memo mv {shlex.quote(place)} {shlex.quote(file)}",
            )
        return file if is_file or (self._layout == "test" and not is_directory) else place

    def scope(self, node: Any, scope: str) -> str:
        """Return the directory for recordings that a class, a module, a package or the session shares."""
        if scope == "session":
            return str(self.folder(self._root) / "@session")
        if scope == "package":
            return str(self.folder(node.path) / "@package")
        return f"{self.module(node.path)}/{safe_name('.'.join([*_classes(node), f'@{scope}']), IN_TEST_NAMES)}"


def is_store(directory: str) -> bool:
    """Return whether a text names one store for all tests: a URL, or a file of JSON lines."""
    return "://" in directory or directory.endswith(JSON_LINES)


def _is_filled(directory: str) -> bool:
    try:
        return bool(os.listdir(directory))  # noqa: PTH208
    except OSError:
        return False


def _classes(node: Any) -> list[str]:
    return [cls.name for cls in node.listchain() if isinstance(cls, pytest.Class)]
