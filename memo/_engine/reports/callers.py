"""Who made each call of a session: two different functions, or objects, that have the same key would share one answer."""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple
from warnings import warn

from memo._engine.reports.frames import user_stacklevel
from memo.errors import KeyCollision, KeyCollisionWarning

__all__ = ["Callers", "caller_of"]

_REMEMBERED_CALLS = 16_384
"""Calls whose caller is remembered, the newest: about 2 MB for a session that lives as long as a server."""
_DEPTH = 3
"""How deep attributes of attributes are compared."""
_PLAIN = (type(None), bool, int, float, complex, str, bytes, Enum)


class Callers:
    """The caller of each key in one session: the function, or a weak reference to the object whose method it is."""

    def __init__(self) -> None:
        self.by_key: dict[str, Any] = {}
        """Read in place where a call is made: most calls come from the caller that made them before."""
        self._classes: dict[str, weakref.ref[type]] = {}
        """The class of each object, which may be gone by then: whether it is must not decide whether a warning is given."""
        self._warned: set[str] = set()

    def check(self, function: str, key: str, caller: Any, *, memoizes: bool) -> None:
        """Compare the caller with the one that made the same call before.

        Warns `KeyCollisionWarning`, once a function; raises `KeyCollision` where calls are memoized, unless the function
        was merely redefined.
        """
        callers = self.by_key
        before = callers.get(key)
        if before is not None:
            collision = _collision(before, caller, self._classes.get(key))
            if collision is not None:
                self._report(function, collision, memoizes=memoizes)
        elif len(callers) >= _REMEMBERED_CALLS:
            oldest = next(iter(callers))
            callers.pop(oldest, None)
            self._classes.pop(oldest, None)
        callers[key] = caller
        if isinstance(caller, weakref.ref):
            self._classes[key] = weakref.ref(type(caller()))

    def _report(self, function: str, collision: _Collision, *, memoizes: bool) -> None:
        if memoizes and not collision.is_redefinition:
            raise KeyCollision(function, collision.first, collision.second)
        if function not in self._warned:
            warning = KeyCollisionWarning(function, collision.first, collision.second)
            warn(warning, stacklevel=user_stacklevel())
            self._warned.add(function)  # afterwards: a warning that is an error is raised each time


def caller_of(function: Any, instance: Any) -> Any:
    """Return what stands for the caller: compared by identity, and keeping no object of the user's alive."""
    try:
        return weakref.ref(instance)
    except TypeError:  # its class has slots, and none for weak references
        return function


class _Collision(NamedTuple):
    first: str
    second: str
    is_redefinition: bool = False


def _collision(before: Any, now: Any, class_before: weakref.ref[type] | None) -> _Collision | None:
    """Return how two callers differ, None if they do not, or if that cannot be seen: of an object that is gone, only its class can."""
    if isinstance(before, weakref.ref) and isinstance(now, weakref.ref):
        first, second = before(), now()
        if first is None:
            cls = None if class_before is None else class_before()
            if cls is None or next(_differences(cls, type(second), _DEPTH), None) is None:
                return None
            return _Collision(*_two_objects(cls, type(second)))
        different = next(_differences(first, second, _DEPTH), None)
        return None if different is None else _Collision(*_two_objects(type(first), type(second), different))
    if isinstance(before, weakref.ref) or isinstance(now, weakref.ref):
        return None
    first, second = before.function, now.function
    if _is_redefined(first, second):
        return _Collision(_place(first), _place(second), is_redefinition=True)
    different = next(_differences(first, second, _DEPTH), None)
    if different is None:
        return None
    return _Collision(_place(first), f"{_place(second)}{f' with another {different}' if different else ''}")


def _two_objects(first: type, second: type, different: str = "") -> tuple[str, str]:
    return f"a {first.__qualname__}", f"a {second.__qualname__}{f' with another {different}' if different else ''}"


def _place(function: Any) -> str:
    """Name a callable by its file and line, where these are known."""
    core: Any = function
    while not isinstance(core, types.FunctionType):
        below = getattr(core, "func", None) or getattr(core, "__func__", None) or getattr(core, "__wrapped__", None)
        if below is None:
            return f"a {type(function).__qualname__}"
        core = below
    return f"{core.__qualname__} ({core.__code__.co_filename}:{core.__code__.co_firstlineno})"


def _is_redefined(first: Any, second: Any) -> bool:
    """Return whether a name of a module was redefined: a notebook's cell that is run again, a module that is reloaded."""
    if not (isinstance(first, types.FunctionType) and isinstance(second, types.FunctionType)):
        return False
    name = second.__qualname__
    is_of_module = "<locals>" not in name and "<lambda>" not in name
    return (
        is_of_module
        and (first.__module__, first.__qualname__) == (second.__module__, name)
        and not _is_same_code(first.__code__, second.__code__)
    )


def _differences(first: Any, second: Any, depth: int, name: str = "") -> Iterator[str]:
    """Yield the names of what is different between two values for certain, "" where it has no name.

    Locks, connections and the like, which hold no data to be compared, count as equal. So does what a partial binds, which
    is in the key.
    """
    while isinstance(first, functools.partial):
        first = first.func
    while isinstance(second, functools.partial):
        second = second.func
    if first is second:
        return
    if type(first) is not type(second):
        yield name
    elif isinstance(first, _PLAIN):
        if first != second and not (first != first and second != second):
            yield name
    elif isinstance(first, types.FunctionType):
        yield from _function_differences(first, second, depth, name)
    elif isinstance(first, types.MethodType | types.BuiltinFunctionType | type | types.ModuleType):
        yield from _part_differences(first, second, depth, name)
    elif depth:
        yield from _content_differences(first, second, depth - 1, name)


def _function_differences(first: Any, second: Any, depth: int, name: str) -> Iterator[str]:
    if not _is_same_code(first.__code__, second.__code__):
        yield name
    elif depth:
        named = zip(first.__code__.co_freevars, first.__closure__ or (), second.__closure__ or (), strict=False)
        for variable, one, other in named:
            yield from _differences(_content(one), _content(other), depth - 1, variable)
        if depth < _DEPTH:  # the defaults of the function itself are in the key
            yield from _differences(first.__defaults__, second.__defaults__, depth - 1, "default")
            yield from _differences(first.__kwdefaults__, second.__kwdefaults__, depth - 1, "default")


def _part_differences(first: Any, second: Any, depth: int, name: str) -> Iterator[str]:
    if isinstance(first, type | types.ModuleType):
        if (first.__module__ if isinstance(first, type) else "", first.__name__) != (
            second.__module__ if isinstance(second, type) else "",
            second.__name__,
        ):
            yield name
    elif isinstance(first, types.BuiltinFunctionType):
        if first.__qualname__ != second.__qualname__:
            yield name
        yield from _differences(first.__self__, second.__self__, depth, name)
    else:
        yield from _differences(first.__func__, second.__func__, depth, name)
        yield from _differences(first.__self__, second.__self__, depth, name)


def _content_differences(first: Any, second: Any, depth: int, name: str) -> Iterator[str]:
    if isinstance(first, set | frozenset):
        if first != second:
            yield name
        return
    ours, theirs = _parts(first), _parts(second)
    if ours.keys() != theirs.keys():
        yield name
        return
    for part, value in ours.items():
        yield from _differences(value, theirs[part], depth, part if isinstance(part, str) else name)


def _parts(value: Any) -> dict[Any, Any]:
    """Return the items of a container, or the attributes of an object, by their keys, places or names."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return dict(vars(value)) if hasattr(value, "__dict__") else {}


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty yet
        return None


def _is_same_code(first: types.CodeType, second: types.CodeType) -> bool:
    """Return whether two functions run the same code, wherever it is written."""
    if first is second:
        return True
    if (first.co_code, first.co_names, first.co_varnames) != (second.co_code, second.co_names, second.co_varnames):
        return False
    return len(first.co_consts) == len(second.co_consts) and all(
        _is_same_code(one, other)
        if isinstance(one, types.CodeType) and isinstance(other, types.CodeType)
        else (type(one), one) == (type(other), other)
        for one, other in zip(first.co_consts, second.co_consts, strict=True)
    )
