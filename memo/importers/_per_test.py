"""The directory of each test, as pytest's plugin keeps its recordings, and the test that a cassette is of."""

from __future__ import annotations

import json
from pathlib import Path

from memo.errors import InvalidOption
from memo.importers.report import NotCarried
from memo.stores import DirectoryStore, Store
from memo.stores.file_names import folder_of_test, safe_name

__all__ = ["CassetteTests", "TestStores"]


class TestStores:
    """The store of each test: beside the test files where the base is the root of the tests, else as with `memo_dir`."""

    __test__ = False  # for pytest

    def __init__(self, base: Store, *, per_test: bool) -> None:
        self._base = base
        self._root = Path(base.location()) if per_test else None
        if per_test and not isinstance(base, DirectoryStore):
            raise InvalidOption("DEST", base.location(), ["a directory: each test has one of its own below it"])

    def of(self, test: str | None) -> Store:
        """Return the store of a test; of None, that of the session's fixtures."""
        if self._root is None:
            return self._base
        if test is None:
            beside = any((self._root / name).exists() for name in ("pyproject.toml", "pytest.ini", "tests"))
            return DirectoryStore(self._root / "recordings" / "@session" if beside else self._root / "@session")
        folders, module, name = folder_of_test(test)
        if (self._root / test.partition("::")[0]).is_file():
            return DirectoryStore(self._root.joinpath(*folders, "recordings", module, name))
        return DirectoryStore(self._root.joinpath(*map(safe_name, folders), module, name))


class CassetteTests:
    """The tests of the cassettes in `cassettes/<module>/<test>.yaml`, beside the test files.

    The name of a cassette has a dash in place of what no file name may have. Which test it was is known where pytest's cache,
    in the root or in the working directory, names the tests that ran; elsewhere the dash stands for itself.
    """

    def __init__(self, root: Path) -> None:
        self._roots = [root.resolve(), Path.cwd()]
        self._ran = {
            _cassette(base, test): test
            for base in reversed(self._roots)
            for test in _tests_that_ran(base)
            if "::" in test
        }

    def of(self, cassette: Path) -> str:
        """Return the id of the test that a cassette is of. Raises `NotCarried` if its place does not say so."""
        path = cassette.resolve().with_suffix("")
        root = next((root for root in self._roots if path.is_relative_to(root)), None)
        if root is None:
            raise NotCarried("is outside DEST and the working directory, so its test is unknown")
        parts = path.relative_to(root).parts
        places = [index for index, part in enumerate(parts[:-2]) if part == "cassettes"]
        if not places:
            raise NotCarried(
                "is not cassettes/<module>/<test>.yaml below DEST or the working directory, so its test is unknown: import it without --per-test"
            )
        folders, (module, *names) = parts[: places[-1]], parts[places[-1] + 1 :]
        name, bracket, parameters = "/".join(names).partition("[")
        test = "/".join((*folders, f"{module}.py"))
        ran = self._ran.get(path)
        if ran is not None:
            return f"{test}::{ran.partition('::')[2]}"
        return f"{test}::{name.replace('.', '::')}{bracket}{parameters}"


def _cassette(root: Path, test: str) -> Path:
    """Return where pytest-recording keeps the cassette of a test, without its suffix."""
    file, _, rest = test.partition("::")
    names, bracket, parameters = rest.partition("[")
    name = f"{'.'.join(names.split('::')[-2:])}{bracket}{parameters}"
    module = root / file
    return module.parent / "cassettes" / module.stem / name.translate(_FORBIDDEN)


_FORBIDDEN = dict.fromkeys(map(ord, r"<>?%*:|\"'/"), "-")


def _tests_that_ran(root: Path) -> list[str]:
    try:
        found = json.loads((root / ".pytest_cache/v/cache/nodeids").read_bytes())
    except (OSError, ValueError):
        return []
    return [test for test in found if isinstance(test, str)] if isinstance(found, list) else []
