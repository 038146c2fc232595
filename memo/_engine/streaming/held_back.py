"""A stream of any class whose items are cut off or slowed down by a fault: the stream itself in everything else."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from memo._engine.streaming.delegates import Delegate, delegate_class
from memo._values.kinds import declares, is_iterator, is_model

__all__ = ["hold_back", "is_held_back"]


def is_held_back(cls: type) -> bool:
    """Return whether the objects of a class are streams: iterators, and async iterables that are no data."""
    return is_iterator(cls) or (declares(cls, "__aiter__") and not is_model(cls))


def hold_back(value: Any, change: Callable[[Any], Any], achange: Callable[[Any], Any]) -> Any:
    """Return a stream whose items pass `change`, `achange` if they are async; its methods read them, too."""
    cls: Any = value.__class__
    is_async = declares(cls, "__anext__") or declares(cls, "__aiter__")
    made = _held_back_class(cls)(value)
    made._self_items = achange(_Items(value)) if is_async else change(_Items(value))
    return made


class _Items:
    """The items of a stream, and nothing else of it: to end them does not close the stream."""

    def __init__(self, source: Any) -> None:
        self._source = self._items = source

    def __iter__(self) -> Any:
        self._items = iter(self._source)
        return self._items

    def __aiter__(self) -> Any:
        self._items = aiter(self._source)
        return self._items

    async def aclose(self) -> None:
        """Close the generator that was made for these items."""
        if self._items is not self._source and hasattr(self._items, "aclose"):
            await self._items.aclose()


class _HeldBack(Delegate):
    """A stream with a fault."""

    _self_items: Any

    def __getattr__(self, name: str) -> Any:
        found = inspect.getattr_static(self.__wrapped__.__class__, name, None)
        if isinstance(found, FunctionType) and name not in getattr(self.__wrapped__, "__dict__", ()):
            return MethodType(found, self)
        return getattr(self.__wrapped__, name)


@functools.lru_cache(maxsize=256)
def _held_back_class(cls: Any) -> Any:
    methods = {name: method for name, method in _METHODS.items() if declares(cls, name)}
    return delegate_class(_HeldBack, cls, methods)


def _iterated(self: Any) -> Any:
    return self if is_iterator(type(self.__wrapped__)) else self._self_items


def _next(self: Any) -> Any:
    return next(self._self_items)


async def _anext(self: Any) -> Any:
    return await anext(self._self_items)


def _enter(self: Any) -> Any:
    entered = self.__wrapped__.__enter__()
    return self if entered is self.__wrapped__ else entered


async def _aenter(self: Any) -> Any:
    entered = await self.__wrapped__.__aenter__()
    return self if entered is self.__wrapped__ else entered


_METHODS = {
    "__iter__": _iterated,
    "__next__": _next,
    "__aiter__": _iterated,
    "__anext__": _anext,
    "__enter__": _enter,
    "__aenter__": _aenter,
}
