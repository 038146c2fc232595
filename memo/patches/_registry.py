"""Applying patches: one wrapper a target, counted, undone exactly, whatever happens around it.

A target is `"package.module:function"` or `"package.module:Class.method"`. If its module is not imported yet, it is
patched when it is.
"""

from __future__ import annotations

import importlib.util
import inspect
import logging
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import wrapt

from memo._recordable import Options, Recordable
from memo._run import Run
from memo.errors import InvalidOption, MemoError
from memo.keys import Describe

__all__ = ["Patch", "TargetNotFound", "apply", "check", "undo"]

log = logging.getLogger("memo")


class TargetNotFound(MemoError, AttributeError):
    """What a patch names is not there."""

    def __init__(self, target: str, reason: str, nearest: list[str]) -> None:
        self.target = target
        self.reason = reason
        self.nearest = tuple(nearest)
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(f"{target} can not be patched: {reason}.{hint}")


@dataclass(frozen=True)
class Patch:
    """What to make recordable from outside, and how."""

    target: str
    options: Options = field(default_factory=Options)
    run: type[Run] = Run
    """Drives the calls: a preset's own where results need more than their codec."""
    describe: Describe | None = None
    """Names a call and its arguments, where they are not those of the signature."""
    offered: bool = False
    """By a preset: a target that is not there is no error."""


class _Applied:
    """One target's wrapper, and how many installations want it."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self.count = 0
        self.wrapper: Recordable | None = None
        self._owner: Any = None
        self._original: Any = None
        self._own = True

    def wrap(self) -> None:
        """Put the wrapper in place, or switch on the one that somebody's is lying on."""
        if self.wrapper is not None:
            self.wrapper._self_known.enabled = True
            return
        module, path = split(self.patch.target)
        *parents, name = path.split(".")
        owner: Any = sys.modules[module]
        for part in parents:
            owner = _attribute(owner, part, self.patch.target)
        _attribute(owner, name, self.patch.target)
        # As it stands in the class, not bound: staticmethod and classmethod stay what they are.
        original = inspect.getattr_static(owner, name)
        while type(original) is Recordable:
            original = original.__wrapped__  # a parent's patched method: its calls are recorded once
        self._owner, self._original, self._own = owner, original, name in vars(owner)
        self.wrapper = Recordable(original, None, self.patch.options, self.patch.run, self.patch.describe)
        setattr(owner, name, self.wrapper)

    def unwrap(self) -> bool:
        """Take the wrapper away, leaving no trace. False where somebody's wrapper lies on it: it goes inert instead."""
        if self.wrapper is None:
            return True
        name = self.patch.target.rpartition(":")[2].rpartition(".")[2]
        if vars(self._owner).get(name) is not self.wrapper:
            self.wrapper._self_known.enabled = False
            log.warning(
                "%s: another wrapper was put on it since; memo's stays below, and does nothing any more", self.patch.target
            )
            return False
        if self._own and self._original is not None:
            setattr(self._owner, name, self._original)
        else:
            delattr(self._owner, name)  # inherited: no shadow of the parent's stays behind
        self.wrapper = None
        return True


_lock = threading.RLock()
_applied: dict[str, _Applied] = {}
_hooked: set[str] = set()


def split(target: str) -> tuple[str, str]:
    """Module and path of a target. Raises `InvalidOption`."""
    module, colon, path = target.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        raise InvalidOption("target", target, ["package.module:function", "package.module:Class.method"])
    return module, path


def check(patch: Patch) -> None:
    """Raise `TargetNotFound` for a target that can be seen not to be there, without importing anything."""
    module, path = split(patch.target)
    if module in sys.modules:
        owner: Any = sys.modules[module]
        for part in path.split("."):
            owner = _attribute(owner, part, patch.target)
        if not callable(owner):
            raise TargetNotFound(patch.target, "it can not be called", [])
    else:
        top = module.partition(".")[0]
        if top not in sys.modules and importlib.util.find_spec(top) is None:
            known = sorted({name.partition(".")[0] for name in sys.modules} - {"__main__"})
            raise TargetNotFound(patch.target, f"there is no package {top}", _nearest(top, known))


def apply(patch: Patch) -> None:
    """Put a patch in place, now or when its module is imported; once more if it is in place already.

    Raises `InvalidOption` if it is in place with other options, `TargetNotFound`.
    """
    with _lock:
        applied = _applied.get(patch.target)
        if applied is None:
            applied = _Applied(patch)
        elif applied.count and (applied.patch.options, applied.patch.run) != (patch.options, patch.run):
            raise InvalidOption(
                "options", f"{patch.options} for {patch.target}", [f"{applied.patch.options}, as it is patched already"]
            )
        elif not applied.count:
            applied.patch = patch if applied.wrapper is None else applied.patch
        module = split(patch.target)[0]
        if module in sys.modules:
            applied.wrap()
        elif module not in _hooked:
            _hooked.add(module)
            wrapt.register_post_import_hook(_imported, module)
        applied.count += 1
        _applied[patch.target] = applied


def undo(patch: Patch) -> None:
    """Take back one `apply`. The last one takes the wrapper away."""
    with _lock:
        applied = _applied.get(patch.target)
        if applied is None or not applied.count:
            return
        applied.count -= 1
        if not applied.count and applied.unwrap():
            del _applied[patch.target]


def _imported(module: Any) -> None:
    """A module with targets was imported. Nothing that goes wrong here may break that import."""
    with _lock:
        for target, applied in list(_applied.items()):
            if applied.count and split(target)[0] == module.__name__ and applied.wrapper is None:
                try:
                    applied.wrap()
                except Exception as error:  # noqa: BLE001 - it would come out of the user's import statement
                    level = logging.INFO if applied.patch.offered else logging.ERROR
                    log.log(level, "%s", error)


def _nearest(name: str, known: list[str]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(name, known, 2)


def _attribute(owner: Any, name: str, target: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        where = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", repr(owner))
        raise TargetNotFound(target, f"{where} has no {name}", _nearest(name, dir(owner))) from None
