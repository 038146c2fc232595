"""The directories of recordings: `recordings/<module>/<test>/` beside the test file, `@module` and the like if shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memo.stores.file_names import IN_TEST_NAMES, safe_name

__all__ = ["Places"]


class Places:
    """The directories of tests and scopes, one for each.

    | recordings of | directory |
    |---|---|
    | `tests/test_a.py::TestX::test_y[z]` | `tests/recordings/test_a/TestX.test_y[z]/` |
    | fixtures of the class, the module | `tests/recordings/test_a/TestX.@class/`, `…/@module/` |
    | fixtures of the package, the session | `tests/recordings/@package/`, `recordings/@session/` |

    With a directory of their own, `tests/recordings/` becomes `<directory>/tests/`.
    """

    def __init__(self, root: Path, directory: str | None) -> None:
        self._root = root
        in_files = directory is not None and "://" not in directory
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

    def scope(self, node: Any, scope: str) -> str:
        """Return the directory for recordings that a class, a module, a package or the session shares."""
        if scope == "session":
            return str(self.folder(self._root) / "@session")
        if scope == "package":
            return str(self.folder(node.path) / "@package")
        return f"{self.module(node.path)}/{safe_name('.'.join([*_classes(node), f'@{scope}']), IN_TEST_NAMES)}"


def _classes(node: Any) -> list[str]:
    return [cls.name for cls in node.listchain() if isinstance(cls, pytest.Class)]
