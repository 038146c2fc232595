"""One patched target: the wrapper in its place, how many installations want it, and how it is undone exactly.

- A method that a class inherits is patched in that class alone: instances of its parent are not recorded, and when the
  patch is taken back, the class has no such attribute of its own, as before.
- A function that is `@recordable` already stays as it is: the decorator in the code wins, and its call is recorded once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.calls.recordable import BoundRecordable, Recordable
from memo._engine.sessions.guard import lift
from memo.errors import AlreadyPatched, InvalidOption, TargetNotFound
from memo.patches._patch import Patch
from memo.patches._targets import loaded_as, namespace, resolve, split
from memo.patches._wrapper import Patched, is_decorated, is_patched, is_under

__all__ = ["AppliedPatch", "function_of"]

_IMMUTABLE = 1 << 8
"""The flag of a type whose attributes cannot be set (`Py_TPFLAGS_IMMUTABLETYPE`)."""


class AppliedPatch:
    """One target's wrapper, and how many installations want it."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self.count = 0
        self.name = patch.target.rpartition(":")[2].rpartition(".")[2]
        self.wrapper: Any = None
        self.same: AppliedPatch | None = None
        """The earlier patch of the same function under another target."""
        self.function: Any = None
        """What the wrapper knows of its function, with the current options."""
        self.owner: Any = None
        self._original: Any = None
        self._before: Any = None
        self._own = True
        self._loaded: object = None
        self._copies: list[tuple[ModuleType, str]] = []
        """Where the function was imported before it was patched: each module, and its name there."""

    def wrap(self, others: Iterable[AppliedPatch]) -> None:
        """Put the wrapper in place, unless it is there already, perhaps below a foreign one, or one of the others is."""
        owner, _ = resolve(self.patch.target)
        lift(owner, self.name)
        owner, found = resolve(self.patch.target)
        loaded = loaded_as(sys.modules[split(self.patch.target)[0]])
        if self.wrapper is not None:
            if self._is_in_place(owner, loaded):
                return
            self.unwrap()
            self.wrapper = None
        if self._is_patched_as(owner, others):
            return
        own, before = self.name in namespace(owner), None
        while is_patched(found):  # a parent's, another module's, or one left here switched off: a call is recorded once
            if own and found is namespace(owner)[self.name]:
                if found._self_applied.owner is owner:
                    own = found._self_own
                else:
                    before = found
            found = found._self_original
        if type(found) is BoundRecordable and is_patched(found._self_parent):
            found = found._self_parent._self_original.__get__(owner, type(owner))  # one object's method
        if not self._is_decorated(found):
            self._put(owner, found, own=own)
            self._before, self._loaded = found if before is None else before, loaded

    def _is_in_place(self, owner: Any, loaded: object) -> bool:
        """Return whether the wrapper is in place, and give it the current options."""
        if owner is self.owner and is_under(namespace(owner).get(self.name), self.wrapper):
            if self.count == 0:  # it was switched off, and the options may have changed
                self.function = self.wrapper._self_bound = self._function_of(self._original)
            return True
        # Something else may be in its place for now, a test's double perhaps, but not in a module that was loaded anew.
        return self.count > 0 and loaded is self._loaded

    def _is_decorated(self, found: Any) -> bool:
        """Return whether the function is `@recordable` itself. Raises `AlreadyPatched` for options without effect."""
        if not is_decorated(found):
            return False
        if self.patch.options:
            raise AlreadyPatched(self.patch.target, _words(self.patch), "the function is @recordable in the code")
        return True

    def _put(self, owner: Any, original: Any, *, own: bool) -> None:
        if isinstance(owner, type) and owner.__flags__ & _IMMUTABLE:
            raise TargetNotFound(self.patch.target, f"{owner.__qualname__} is built in, and cannot be changed", [])
        self.function = self._function_of(original)
        made = Patched(
            self,
            original,
            owner if not own and isinstance(owner, type) else None,
            self.patch.prepare,
            self.patch.passes,
        )
        try:
            setattr(owner, self.name, made)
        except (AttributeError, TypeError) as error:
            raise TargetNotFound(self.patch.target, f"{error}", []) from None
        self.wrapper, self.owner, self._original, self._own = made, owner, original, own
        if self.patch.by_name:
            modules: list[Any] = [*sys.modules.values()]
            self._copies = [
                (module, name)
                for module in modules
                if isinstance(module, ModuleType)  # some packages put other objects there
                for name in _names_of(original, module)
            ]
            for module, name in self._copies:
                setattr(module, name, made)

    def _is_patched_as(self, owner: Any, others: Iterable[AppliedPatch]) -> bool:
        """Return whether the function is patched already, by a target that reaches its class or module another way."""
        for other in others:
            there = other.owner is owner and other.name == self.name
            if there and other.wrapper is not None and is_under(namespace(owner).get(self.name), other.wrapper):
                other.agree(self.patch)
                other.count += 1
                self.same = other
                return True
        return False

    def agree(self, patch: Patch) -> None:
        """Raise `AlreadyPatched` if the target is patched with other options."""
        mine = self.patch
        if _settings(mine) != _settings(patch):
            raise AlreadyPatched(patch.target, _words(patch), f"it is patched already, with {_words(mine)}")

    def _function_of(self, original: Any) -> Any:
        try:
            return function_of(original, self.patch)
        except (AlreadyPatched, InvalidOption):
            raise
        except (TypeError, ValueError) as error:
            raise TargetNotFound(self.patch.target, str(error), []) from None

    def unpatched(self, wrapper: Patched, instance: Any) -> tuple[Any, Any] | None:
        """Return what the wrapper knows of its function, and the method below the wrapper; None if it is switched off."""
        if not self.count or self.wrapper is not wrapper or not self._own:
            return None
        return self.function, self._original.__get__(instance)

    def unwrap(self) -> bool:
        """Take the wrapper away, leaving no trace. Return False where something else has its place."""
        wrapper = self.wrapper
        if wrapper is None:
            return True
        if namespace(self.owner).get(self.name) is not wrapper:
            return False
        for module, name in self._copies:
            if namespace(module).get(name) is wrapper:
                setattr(module, name, self._original)
        self._copies = []
        if self._own:
            setattr(self.owner, self.name, self._before)
        else:
            delattr(self.owner, self.name)  # inherited: no shadow of the parent's stays behind
        self.wrapper = None
        return True


def _settings(patch: Patch) -> tuple[Any, ...]:
    return patch.options, patch.run, patch.describe, patch.prepare, patch.streams, patch.passes


def _words(patch: Patch) -> str:
    names = ("run", "describe", "prepare", "streams", "passes")
    named = {name: getattr(patch, name) for name in names}
    more = {name: value for name, value in named.items() if value not in (None, CallDriver, ())}
    return str({**patch.options, **more})


def function_of(function: Any, patch: Patch) -> Any:
    """Return what a wrapper knows of its function. Raises `InvalidOption` for options that do not fit it.

    A package that a patch names is trusted: SDKs import their own modules when they need them, which a replay may not.
    """
    trust = patch.options.get("trust", ())
    packages = (*((trust,) if isinstance(trust, str) else trust), patch.target.partition(":")[0].partition(".")[0])
    options: Options = {**patch.options, "trust": packages}
    if patch.streams:
        options["streams"] = patch.streams
    made: Any = Recordable(function, None, options, patch.run, patch.describe)
    return made._self_bound


def _names_of(function: Any, module: ModuleType) -> list[str]:
    """Return the names under which a module holds a function. To pass over one that holds none takes 1 µs."""
    held = namespace(module)
    if id(function) not in map(id, [*held.values()]):
        return []
    return [name for name, value in [*held.items()] if value is function]
