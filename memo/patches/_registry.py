"""Applying patches: one wrapper a target, counted, undone exactly, whatever happens around it.

A target is `"package.module:function"` or `"package.module:Class.method"`. If its module is not imported yet, it is
patched when it is.

- A method that a class inherits is patched in that class alone: instances of its parent are not recorded, and when the
  patch is taken back, the class has no such attribute of its own, as before.
- A function that is `@recordable` already stays as it is: the decorator in the code stands, and its call is recorded once.
- A module that is reloaded, or imported anew, has lost its patches until the next installation.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import inspect
import logging
import pkgutil
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

import wrapt

from memo._calls.key_builder import Describe
from memo._engine.active import current
from memo._engine.driver import CallDriver
from memo._engine.guard import again, lift
from memo._engine.recordable import BoundRecordable, Options, Recordable
from memo.errors import InvalidOption, TargetNotFound

__all__ = ["Patch", "apply", "check", "lock", "split", "undo", "unpatched"]

log = logging.getLogger("memo")

_IMMUTABLE = 1 << 8
"""The flag of a type whose attributes can not be set (`Py_TPFLAGS_IMMUTABLETYPE`)."""


@dataclass(frozen=True)
class Patch:
    """What to make recordable from outside, and how."""

    target: str
    options: Options = field(default_factory=Options)
    run: type[CallDriver] = CallDriver
    """Drives the calls: a preset's own where results need more than their codec."""
    describe: Describe | None = None
    """Names a call and its arguments, where they are not those of the signature."""
    offered: bool = False
    """By a preset: a target that is not there is no error."""


class Patched(Recordable):
    """A recordable put in place from outside. While no installation wants it, it is the function itself."""

    def __init__(self, applied: AppliedPatch, original: Any, inheritor: type | None) -> None:
        def wrapper(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if inheritor is not None and instance is not None:
                wrapped = _inherited(inheritor, applied.name, original, instance, wrapped)
            session = current() if applied.count and applied.wrapper is self else None
            if session is None:
                return wrapped(*args, **kwargs)
            return applied.function.run(session, session.mode, wrapped, instance, args, kwargs)

        super(Recordable, self).__init__(original, wrapper)
        self._self_known = applied.function
        self._self_applied = applied
        self._self_original = original
        self._self_own = inheritor is None


class AppliedPatch:
    """One target's wrapper, and how many installations want it."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self.count = 0
        self.name = patch.target.rpartition(":")[2].rpartition(".")[2]
        self.wrapper: Any = None
        self.same: AppliedPatch | None = None
        """The same function under another target, which was there first."""
        self.function: Any = None
        """What the wrapper knows of its function: the options of those who want it now."""
        self.owner: Any = None
        self._original: Any = None
        self._before: Any = None
        self._own = True
        self._loaded: object = None

    def wrap(self) -> None:
        """Put the wrapper in place, or find it in place, perhaps below somebody else's."""
        if self.same is not None:
            return
        owner, _ = _resolve(self.patch.target)
        lift(owner, self.name)
        owner, found = _resolve(self.patch.target)
        loaded = _loading(sys.modules[split(self.patch.target)[0]])
        if self.wrapper is not None:
            if self._stands(owner, loaded):
                return
            self.unwrap()
            self.wrapper = None
        if self._is_there(owner):
            return
        own, before = self.name in _namespace(owner), None
        while _is_ours(found):  # a parent's, another module's, or one left here switched off: a call is recorded once
            if own and found is _namespace(owner)[self.name]:
                if found._self_applied.owner is owner:
                    own = found._self_own
                else:
                    before = found
            found = found._self_original
        if type(found) is BoundRecordable and _is_ours(found._self_parent):
            found = found._self_parent._self_original.__get__(owner, type(owner))  # one object's method
        if not self._leaves(found):
            self._put(owner, found, own=own)
            self._before, self._loaded = found if before is None else before, loaded

    def _stands(self, owner: Any, loaded: object) -> bool:
        """Whether the wrapper is in place, with the options of now."""
        if owner is self.owner and _lies_under(_namespace(owner).get(self.name), self.wrapper):
            if self.count == 0:  # it was switched off: the options may be others now
                self.function = self.wrapper._self_known = self._known(self._original)
            return True
        # Something else may be in its place for now, a test's double perhaps, but not in a module that was loaded anew.
        return self.count > 0 and loaded is self._loaded

    def _leaves(self, found: Any) -> bool:
        """Whether the function is `@recordable` by itself. Raises `InvalidOption` for options that can have no effect."""
        if not _decorated(found):
            return False
        if self.patch.options:
            raise InvalidOption(
                "options", f"{_words(self.patch)} for {self.patch.target}", ["none: it is @recordable already"]
            )
        return True

    def _put(self, owner: Any, original: Any, *, own: bool) -> None:
        if isinstance(owner, type) and owner.__flags__ & _IMMUTABLE:
            raise TargetNotFound(self.patch.target, f"{owner.__qualname__} is built in, and can not be changed", [])
        self.function = self._known(original)
        made = Patched(self, original, owner if not own and isinstance(owner, type) else None)
        try:
            setattr(owner, self.name, made)
        except (AttributeError, TypeError) as error:
            raise TargetNotFound(self.patch.target, f"{error}", []) from None
        self.wrapper, self.owner, self._original, self._own = made, owner, original, own

    def _is_there(self, owner: Any) -> bool:
        """Whether the function is patched already, by a target that reaches its class or module by another way."""
        for other in _applied.values():
            there = other is not self and other.count and other.owner is owner and other.name == self.name
            if there and other.wrapper is not None and _lies_under(_namespace(owner).get(self.name), other.wrapper):
                other.agree(self.patch)
                other.count += 1
                self.same = other
                return True
        return False

    def agree(self, patch: Patch) -> None:
        """Raise `InvalidOption` if it is in place with other options."""
        mine = self.patch
        if (mine.options, mine.run, mine.describe) != (patch.options, patch.run, patch.describe):
            raise InvalidOption(
                "options", f"{_words(patch)} for {patch.target}", [f"{_words(mine)}, with which it is patched already"]
            )

    def _known(self, original: Any) -> Any:
        try:
            return _known(original, self.patch)
        except InvalidOption:
            raise
        except (TypeError, ValueError) as error:
            raise TargetNotFound(self.patch.target, str(error), []) from None

    def unpatched(self, wrapper: Patched, instance: Any) -> tuple[Any, Any] | None:
        """What is known of the function, and the one that a call comes to without the wrapper; None where that is off."""
        if not self.count or self.wrapper is not wrapper or not self._own:
            return None
        return self.function, self._original.__get__(instance)

    def unwrap(self) -> bool:
        """Take the wrapper away, leaving no trace. False where something else is in its place: somebody's wrapper around it."""
        if self.same is not None:
            same, self.same = self.same, None
            undo(same.patch)
        wrapper = self.wrapper
        if wrapper is None:
            return True
        if _namespace(self.owner).get(self.name) is not wrapper:
            return False
        if self._own:
            setattr(self.owner, self.name, self._before)
        else:
            delattr(self.owner, self.name)  # inherited: no shadow of the parent's stays behind
        self.wrapper = None
        return True


def unpatched(instance: Any, name: str) -> tuple[Any, Any] | None:
    """What is known of a method of that object that is patched, and the method without memo's wrapper.

    None for one that is not, or that somebody has put something on top of: in a subclass, or in this object alone.
    """
    found = _ABSENT
    if name not in vars(instance):
        for kind in type(instance).__mro__:
            found = vars(kind).get(name, _ABSENT)
            if found is not _ABSENT:
                break
    return found._self_applied.unpatched(found, instance) if _is_ours(found) else None


lock = threading.RLock()
_applied: dict[str, AppliedPatch] = {}
_hooked: set[str] = set()


def split(target: str) -> tuple[str, str]:
    """Module and path of a target. Raises `InvalidOption`."""
    module, colon, path = target.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        raise InvalidOption("target", target, ["package.module:function", "package.module:Class.method"])
    return module, path


def check(patch: Patch, *, path: Sequence[str] | None = ()) -> None:
    """Raise `TargetNotFound` for a target that can be seen not to be there, without importing anything.

    And `InvalidOption` for options that fit no function. `path` is where modules may lie beside `sys.path`; None says
    that this can not be known yet.
    """
    module, _ = split(patch.target)
    _known(_anything, patch)
    _wait(module)
    if module in sys.modules:
        _resolve(patch.target)
    elif path is not None:
        _find(patch.target, module, path)


def apply(patch: Patch) -> None:
    """Put a patch in place, now or when its module is imported; once more if it is in place already.

    Raises `InvalidOption` if it is in place with other options, `TargetNotFound`.
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
            applied.wrap()
        applied.count += 1
        _applied[patch.target] = applied
        if not loaded and module not in _hooked:
            _hooked.add(module)
            wrapt.register_post_import_hook(_imported, module)


def undo(patch: Patch) -> None:
    """Take back one `apply`. The last one takes the wrapper away."""
    with lock:
        applied = _applied.get(patch.target)
        if applied is None or not applied.count:
            return
        applied.count -= 1
        if not applied.count:
            if applied.unwrap():
                _applied.pop(patch.target, None)
            else:
                log.warning("%s: it was wrapped or replaced since; memo's wrapper does nothing any more", patch.target)
        _sweep()
    again()


def _sweep() -> None:
    """Take away what was left switched off under somebody's wrapper, where that is gone by now."""
    for target, applied in list(_applied.items()):
        if not applied.count and applied.unwrap():
            _applied.pop(target, None)


def _wait(module: str) -> None:
    """Let another thread finish the import of a module. Not under the lock: the hook at its end takes it."""
    if _initializing(sys.modules.get(module)):
        with suppress(Exception):  # it fails for that thread, too
            importlib.import_module(module)


def _initializing(module: Any) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _imported(module: Any) -> None:
    """A module with targets was imported. Nothing that goes wrong here may break that import."""
    with lock:
        _hooked.discard(module.__name__)
        for target, applied in list(_applied.items()):
            if applied.count and split(target)[0] == module.__name__:
                try:
                    applied.wrap()
                except Exception as error:  # noqa: BLE001 - it would come out of the user's import statement
                    log.log(logging.WARNING if applied.patch.offered else logging.ERROR, "%s", error)


def _words(patch: Patch) -> str:
    named = {"run": patch.run, "describe": patch.describe}
    more = {name: each for name, each in named.items() if each not in (None, CallDriver)}
    return str({**patch.options, **more})


def _known(function: Any, patch: Patch) -> Any:
    """What a wrapper knows of its function. Raises `InvalidOption` for options that do not fit it."""
    made: Any = Recordable(function, None, patch.options, patch.run, patch.describe)
    return made._self_known


def _is_ours(found: Any) -> bool:
    return type(found) is Patched


async def _anything(*args: Any, **kwargs: Any) -> None:
    """Any function: options that do not fit it fit none."""


def _resolve(target: str) -> tuple[Any, Any]:
    """What holds the target, and the target as it stands there, not bound. Raises `TargetNotFound`."""
    module, path = split(target)
    *parents, name = path.split(".")
    owner: Any = sys.modules[module]
    before = f"{module}:"
    for part in parents:
        owner = _attribute(owner, part, target, before)
        before += f"{part}."
    value = _attribute(owner, name, target, before)
    if inspect.isclass(value):
        raise TargetNotFound(
            target, "it is a class; name one of its methods", [f"{target}.{each}" for each in _methods(value)]
        )
    if not callable(value):
        raise TargetNotFound(target, f"it is no function, but of type {type(value).__qualname__}", [])
    if not isinstance(owner, type):
        return owner, _namespace(owner).get(name, value)
    for each in owner.__mro__:
        if name in vars(each):
            return owner, vars(each)[name]
    raise TargetNotFound(target, f"{owner.__qualname__} gets {name} from its metaclass", [])


def _methods(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_") and callable(getattr(kind, name, None))][:3]


def _attribute(owner: Any, name: str, target: str, before: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        where = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", None) or repr(owner)
        reason = f"{where} has no {name}"
        if where == "__main__" or _initializing(owner):
            reason += " yet, since it is still being run"
        raise TargetNotFound(target, reason, [f"{before}{each}" for each in _nearest(name, dir(owner))]) from None


def _find(target: str, module: str, more: Sequence[str]) -> None:
    """Look for a module that is not imported. Raises `TargetNotFound`."""
    path: Sequence[str] | None = None
    before = ""
    for part in module.split("."):
        name = before + part
        if name in sys.modules:
            path = list(getattr(sys.modules[name], "__path__", ()))
        else:
            spec = _spec(name, path) or (_spec(name, more) if path is None else None)
            if spec is None:
                known = {each.name for each in pkgutil.iter_modules([*sys.path, *more] if path is None else path)}
                kind = "module" if before else "package"
                nearest = [
                    before + each for each in _nearest(part, known | (set() if before else sys.stdlib_module_names))
                ]
                raise TargetNotFound(target, f"there is no {kind} {name}", nearest)
            path = list(spec.submodule_search_locations or ())
        before = f"{name}."


def _spec(name: str, path: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    """Where a module lies, as the import would find it: `importlib.util.find_spec` would import its parents."""
    for finder in sys.meta_path:
        found = finder.find_spec(name, path) if hasattr(finder, "find_spec") else None
        if found is not None:
            return found
    return None


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(name, sorted(known), 2)


def _namespace(owner: Any) -> dict[str, Any]:
    return getattr(owner, "__dict__", {})


def _loading(module: ModuleType) -> object:
    """Another object whenever the module has been loaded again."""
    return getattr(module, "__spec__", None) or module


def _decorated(found: Any) -> bool:
    """Whether it was made recordable where it is defined."""
    inner = found.__func__ if isinstance(found, staticmethod | classmethod) else found
    return type(inner) in (Recordable, BoundRecordable)


def _inherited(inheritor: type, name: str, original: Any, instance: Any, wrapped: Any) -> Any:
    """What a call of an inherited method comes to without memo's wrapper.

    That is what `inheritor` inherits, but in a subclass with several parents it may be another parent's.
    """
    kind = instance if isinstance(instance, type) and inheritor in instance.__mro__ else type(instance)
    order = inspect.getmro(kind)
    if inheritor not in order:
        return wrapped
    for each in order[order.index(inheritor) + 1 :]:
        found = vars(each).get(name, _ABSENT)
        if _is_ours(found):
            found = found._self_original if found._self_own else _ABSENT
        if found is original:
            return wrapped
        if found is not _ABSENT:
            if not hasattr(type(found), "__get__"):
                return found
            return found.__get__(None if instance is kind else instance, kind)
    return wrapped


_ABSENT: Any = object()


def _lies_under(top: Any, wrapper: Patched) -> bool:
    """Whether a call of `top` comes to the wrapper, as far as can be seen: wrapt, `functools.wraps`, closures, names."""
    waiting, seen = [(top, 0)], 0
    while waiting and seen < 200:
        each, depth = waiting.pop(0)
        seen += 1
        if each is wrapper or (type(each) is BoundRecordable and each._self_parent is wrapper):
            return True
        if depth > 4:
            continue
        under = [getattr(each, "__wrapped__", None), getattr(each, "__func__", None)]
        if isinstance(each, partial):
            under.append(each.func)
        if isinstance(each, FunctionType):
            under += [cell.cell_contents for cell in each.__closure__ or () if _filled(cell)]
            under += [each.__globals__.get(name) for name in each.__code__.co_names if depth == 0]
        waiting += [(one, depth + 1) for one in under if callable(one)]
    return False


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True
