"""Streams inside a result, and context managers that give one: each as it is with a fault, the result as it is in everything else."""

from __future__ import annotations

import copy
import functools
import io
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

from memo._engine.streaming.delegates import Delegate, delegate_class
from memo._engine.streaming.held_back import is_held_back
from memo._values.kinds import declares, is_model, is_named_tuple

__all__ = ["holds_streams", "is_manager", "managed", "replaced"]

_DEPTH = 4
_FOUND = object()


def is_manager(cls: type) -> bool:
    """Return whether the objects of a class are context managers that are no streams, and no files."""
    return (declares(cls, "__enter__") or declares(cls, "__aenter__")) and not issubclass(cls, io.IOBase)


def holds_streams(value: Any) -> bool:
    """Return whether there is a stream inside a result."""
    return replaced(value, lambda _: _FOUND) is not value


def replaced(value: Any, change: Callable[[Any], Any], depth: int = _DEPTH) -> Any:
    """Return a result with each of its streams changed: a copy, or the value itself without any."""
    cls = type(value)
    if is_held_back(cls) or is_manager(cls):
        return change(value) if depth < _DEPTH else value
    members = _members(value) if depth else {}
    changed = {step: new for step, old in members.items() if (new := replaced(old, change, depth - 1)) is not old}
    if not changed:
        return value
    if isinstance(value, tuple):
        items = [changed.get(index, item) for index, item in enumerate(value)]
        return value._make(items) if is_named_tuple(cls) else tuple(items)  # type: ignore[attr-defined]
    made = copy.copy(value)
    for step, new in changed.items():
        if isinstance(value, dict | list):
            made[step] = new
        else:
            object.__setattr__(made, step, new)
    return made


def _members(value: Any) -> dict[Any, Any]:
    cls: Any = type(value)
    if cls is dict:
        return dict(value)
    if cls is list or isinstance(value, tuple):
        return dict(enumerate(value))
    return dict(vars(value)) if (is_dataclass(cls) or is_model(cls)) and hasattr(value, "__dict__") else {}


class _Managed(Delegate):
    """A context manager that gives something with a fault."""

    _self_change: Callable[[Any], Any]
    _self_achange: Callable[[Any], Any]


def managed(value: Any, change: Callable[[Any], Any], achange: Callable[[Any], Any]) -> Any:
    """Return a context manager whose gift passes `change`, or `achange`, a coroutine function, if it is entered by `async with`.

    It is left again where the change raises.
    """
    cls: Any = type(value)
    made = _managed_class(cls)(value)
    made._self_change, made._self_achange = change, achange
    return made


@functools.lru_cache(maxsize=256)
def _managed_class(cls: Any) -> Any:
    return delegate_class(_Managed, cls, {name: made for name, made in _METHODS.items() if declares(cls, name)})


def _enter(self: Any) -> Any:
    entered = self.__wrapped__.__enter__()
    try:
        return self._self_change(entered)
    except BaseException:
        self.__wrapped__.__exit__(None, None, None)
        raise


async def _aenter(self: Any) -> Any:
    entered = await self.__wrapped__.__aenter__()
    try:
        return await self._self_achange(entered)
    except BaseException:
        await self.__wrapped__.__aexit__(None, None, None)
        raise


_METHODS = {"__enter__": _enter, "__aenter__": _aenter}
