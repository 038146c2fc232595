"""Installations: patches in place until they are taken back, with the recorder that a configuration starts."""

from __future__ import annotations

import atexit
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from memo._engine.scopes.recorder import Recorder
from memo.patches import _registry
from memo.patches._patch import Patch
from memo.patches._stainless.naming import Naming

__all__ = ["Installation"]

_SHOWN = 10
"""The most failed calls that the report at the end of a process lists."""


class Installation:
    """Patches in place, until `uninstall` or the end of a `with`. Uninstalling twice has no further effect.

    Installations may be uninstalled in any order, by any thread: a target stays patched as long as one of them names it.
    If another library has wrapped a target since, memo's wrapper stays in its place, switched off, with a warning in the log.
    """

    def __init__(self, patches: Iterable[Patch], recorder: Recorder | None = None) -> None:
        self._patches: list[Patch] = []
        self.recorder: Recorder | None = None
        """The process-wide recorder that the configuration started."""
        try:
            for patch in patches:
                _registry.apply(patch)
                self._patches.append(patch)
                if isinstance(patch.describe, Naming):
                    from memo.patches._stainless import remembered  # not needed to import memo

                    remembered.began(patch.describe.module)
            if recorder is not None:
                self.recorder = recorder.start()
                atexit.register(self._report)
        except BaseException:
            self.uninstall()
            raise

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that are patched, or will be when their modules are imported."""
        return tuple(patch.target for patch in self._patches)

    def uninstall(self) -> None:
        """Remove the patches, and stop the recorder that was started with them. Raises what could not be recorded."""
        with _registry.lock:
            patches, self._patches = self._patches, []
            recorder, self.recorder = self.recorder, None
            for patch in reversed(patches):
                if isinstance(patch.describe, Naming):
                    from memo.patches._stainless import remembered

                    remembered.ended(patch.describe.module)
                _registry.undo(patch)
        if recorder is not None:
            atexit.unregister(self._report)
            recorder.stop()

    def remove(self) -> None:
        """Uninstall, under a deprecated name."""
        warnings.warn("Installation.remove() is now Installation.uninstall()", DeprecationWarning, stacklevel=2)
        self.uninstall()

    def _report(self) -> None:
        """Print what could not be recorded: the process ends, and there is no scope to raise it."""
        failures = self.recorder.failures if self.recorder is not None else []
        if failures:
            lines = [f"  {str(failure).splitlines()[0]}" for failure in failures[:_SHOWN]]
            if len(failures) > _SHOWN:
                lines.append(f"  and {len(failures) - _SHOWN} more")
            calls = "1 call" if len(failures) == 1 else f"{len(failures)} calls"
            with suppress(OSError, ValueError, AttributeError):  # stderr may be closed by now
                sys.stderr.write("\n".join([f"memo: {calls} could not be recorded:", *lines, ""]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.uninstall()
        except Exception:
            if error is None:
                raise  # the other error says more, and this one is in the log
