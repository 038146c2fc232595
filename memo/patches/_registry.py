"""The patches of this process: which targets are patched, for how many installations, now or when they are imported.

A module that is reloaded, or imported anew, has lost its patches until the next installation.
"""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import wrapt

from memo._engine.sessions.guard import again
from memo.patches._applied import AppliedPatch, function_of
from memo.patches._patch import Patch
from memo.patches._targets import find, is_initializing, resolve, split

__all__ = ["apply", "check", "lock", "undo"]

log = logging.getLogger("memo")

lock = threading.RLock()
_applied: dict[str, AppliedPatch] = {}
_hooked: set[str] = set()


def check(patch: Patch, *, path: Sequence[str] | None = (), suggest: bool = True) -> None:
    """Raise `TargetNotFound` for a target that is visibly not there, without importing anything.

    And `InvalidOption` for options that fit no function. `path` lists folders of modules beside `sys.path`; None means
    that these are unknown yet. If `suggest` is true, the error names the modules that may be meant.
    """
    module, _ = split(patch.target)
    function_of(_anything, patch)
    _wait(module)
    if module in sys.modules:
        resolve(patch.target)
    elif path is not None:
        find(patch.target, module, path, suggest=suggest)


def apply(patch: Patch) -> None:
    """Put a patch in place, now or when its module is imported. Applying twice counts twice and patches once.

    Raises `AlreadyPatched` if the target is in place with other options, `TargetNotFound` if there is none.
    """
    module = split(patch.target)[0]
    _wait(module)
    with lock:
        _sweep()
        applied = _applied.get(patch.target) or AppliedPatch(patch)
        if applied.count:
            applied.agree(patch)
        if not applied.count:
            applied.patch = patch
        loaded = module in sys.modules
        if loaded:
            _wrap(applied)
        applied.count += 1
        _applied[patch.target] = applied
        if not loaded and module not in _hooked:
            _hooked.add(module)
            wrapt.register_post_import_hook(_imported, module)


def undo(patch: Patch) -> None:
    """Take back one `apply`; the last one takes the wrapper away."""
    with lock:
        applied = _applied.get(patch.target)
        if applied is None or not applied.count:
            return
        applied.count -= 1
        if not applied.count:
            if _unwrap(applied):
                _applied.pop(patch.target, None)
            else:
                log.warning("%s: it was wrapped or replaced since; memo's wrapper does nothing any more", patch.target)
        _sweep()
    again()


def _sweep() -> None:
    """Take away wrappers that were left switched off under a foreign wrapper which is gone by now."""
    for target, applied in list(_applied.items()):
        if not applied.count and _unwrap(applied):
            _applied.pop(target, None)


def _wait(module: str) -> None:
    """Let another thread finish the import of a module. Call it without the lock, which the import hook takes."""
    if is_initializing(sys.modules.get(module)):
        with suppress(Exception):  # the import fails in that thread, too
            importlib.import_module(module)


def _imported(module: Any) -> None:
    """Patch the targets of a module that was just imported. Log errors: they must not break the user's import."""
    with lock:
        _hooked.discard(module.__name__)
        for target, applied in list(_applied.items()):
            if applied.count and split(target)[0] == module.__name__:
                try:
                    _wrap(applied)
                except Exception as error:  # noqa: BLE001 - it would come out of the user's import statement
                    if not applied.patch.versioned:
                        log.log(logging.WARNING if applied.patch.offered else logging.ERROR, "%s", error)


def _wrap(applied: AppliedPatch) -> None:
    """Put the wrapper in place, unless the same function is patched under another target already."""
    if applied.same is None:
        applied.wrap(other for other in _applied.values() if other is not applied and other.count)


def _unwrap(applied: AppliedPatch) -> bool:
    """Take the wrapper away. Return False where something else has its place: a foreign wrapper around it."""
    if applied.same is not None:
        same, applied.same = applied.same, None
        undo(same.patch)
    return applied.unwrap()


async def _anything(*args: Any, **kwargs: Any) -> None:
    """Stand for any function: options that do not fit this one fit none."""
