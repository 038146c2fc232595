"""What a decorated function is: its kind, its name in recordings, and whether it is a method."""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any

from memo._values.kinds import module_name
from memo.errors import InvalidOption

__all__ = ["core_of", "is_in_class", "kind_of", "name_of", "named_as"]


def core_of(function: Any) -> Any:
    """Return the routine that runs when something is called. Raises `InvalidOption` for what cannot be called."""
    core = function
    while isinstance(core, functools.partial):
        core = core.func
    if not callable(core):
        raise _not_callable(function)
    return core if inspect.isroutine(core) else type(core).__call__


def kind_of(function: Any) -> str:
    """Return what calls of a function return: "coroutine", "async generator" or "generator"; else it is "plain"."""
    if inspect.iscoroutinefunction(function):
        return "coroutine"
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & inspect.CO_ITERABLE_COROUTINE:
        return "plain"  # of `types.coroutine`: what it returns is awaited
    if inspect.isasyncgenfunction(function):
        return "async generator"
    return "generator" if inspect.isgeneratorfunction(function) else "plain"


def name_of(function: Any, core: Any) -> str:
    """Return the name of a function in recordings; `core` is what a `functools.partial` of it calls."""
    named = function if hasattr(function, "__qualname__") else None
    if named is None and isinstance(function, functools.partial):
        named = core
    if named is None:
        named = type(function)
    return f"{module_name(named.__module__ or 'builtins')}.{named.__qualname__}".replace("<locals>.", "")


def is_in_class(function: Any) -> bool:
    """Return whether a plain function is in a class body: judged by its names, since there is no class yet."""
    if not isinstance(function, types.FunctionType):
        return False
    parent = function.__qualname__.rpartition(".")[0]
    first = function.__code__.co_varnames[:1] if function.__code__.co_argcount else ()
    return bool(parent) and not parent.endswith("<locals>") and first in (("self",), ("cls",))


def named_as(function: Any, driver: Any) -> Any:
    """Return a copy of a driver whose coroutines have the name of the function: in warnings, and where tasks are shown."""
    copied = types.FunctionType(
        driver.__code__, driver.__globals__, driver.__name__, driver.__defaults__, driver.__closure__
    )
    copied.__name__ = getattr(function, "__name__", driver.__name__)
    copied.__qualname__ = getattr(function, "__qualname__", driver.__qualname__)
    return copied


def _not_callable(function: object) -> InvalidOption:
    error = InvalidOption("recordable", function, ["a function, a method or another callable"])
    what = type(function).__name__
    fix = ""
    if isinstance(function, property | functools.cached_property | functools.singledispatchmethod):
        fix = f"\n  put @recordable below @{what}"
    elif isinstance(function, functools.partialmethod):
        fix = "\n  decorate the method that it calls"
    error.args = (f"recordable() takes a function, a method or another callable, and not a {what}{fix}",)
    return error
