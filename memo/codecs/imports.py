"""What is imported while functions run: a replay does not run them.

A recording may name types of modules that the program has imported, and importing is never decided by a file. So a type
whose module was first imported while a recorded call ran is not there in the replay of a new process, unless the
function's own import statements, which the replay may execute as they are written, bring it in.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from memo.codecs._reach import plain_function

__all__ = ["BodyImports", "imported_in_calls", "note_imports"]

imported_in_calls: set[str] = set()
"""The modules that were first imported while a recorded call ran, in this process."""


def note_imports(since: int) -> int:
    """Note the modules that were imported since `sys.modules` had `since` entries. Return how many entries it has."""
    count = len(sys.modules)
    if count > since:
        imported_in_calls.update(islice(tuple(sys.modules), since, None))
    return count


class BodyImports:
    """The import statements in a function's body, at any depth."""

    def __init__(self, function: Callable[..., Any] | None) -> None:
        core = plain_function(function)
        self._globals: dict[str, Any] = core.__globals__ if isinstance(core, types.FunctionType) else {}
        self._code = core.__code__ if isinstance(core, types.FunctionType) else None
        self._statements: list[tuple[str, Any, int]] | None = None

    def execute(self, package: str) -> None:
        """Import what the function imports of a top-level package. Raises whatever the package raises."""
        for name, names, level in self._of(package):
            __import__(name, self._globals, None, names, level)

    def bring_in(self, module: str, cls: str) -> bool:
        """Return whether those statements, executed in a new process, import `module`, or a module that binds its class."""
        package = module.partition(".")[0]
        for name, names, level in self._of(package):
            imported = self._absolute(name, level)
            candidates = [imported, *(f"{imported}.{part}" for part in names or ())]
            for candidate in candidates:
                if candidate == module or candidate.startswith(f"{module}."):
                    return True
                bound = vars(sys.modules.get(candidate) or types).get(cls)
                if isinstance(bound, type) and bound.__module__ == module:
                    return True
        return False

    def _of(self, package: str) -> Iterator[tuple[str, Any, int]]:
        if self._statements is None:
            self._statements = [] if self._code is None else list(_statements(self._code))
        for name, names, level in self._statements:
            if self._absolute(name, level).partition(".")[0] == package:
                yield name, names, level

    def _absolute(self, name: str, level: int) -> str:
        if not level:
            return name
        parents = str(self._globals.get("__package__") or "").split(".")
        return ".".join([*parents[: len(parents) - level + 1], *([name] if name else [])])


def _statements(code: types.CodeType) -> Iterator[tuple[str, Any, int]]:
    """Yield module, names (`from … import names`) and level of the import statements in some code."""
    constants: list[Any] = [0, None]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level, names = constants[-2:]
            yield (
                str(instruction.argval),
                names if isinstance(names, tuple) else None,
                level if type(level) is int else 0,
            )
        elif instruction.opname.startswith("LOAD_"):
            constants = [constants[-1], instruction.argval]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _statements(constant)
