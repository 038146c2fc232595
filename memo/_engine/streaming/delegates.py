"""Objects that stand for another: they have its attributes, and those special methods that its class has, no others.

A proxy of wrapt has all special methods, so that `hasattr(stream, "__enter__")` would be true only while it is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Delegate", "delegate_class"]

_OWN = frozenset(
    {"__class__", "__del__", "__delattr__", "__getattr__", "__getattribute__", "__init__", "__new__", "__setattr__"}
)
"""What a delegate does itself, or never: it is made and forgotten without its original."""
_ALWAYS = (
    "__dir__",
    "__format__",
    "__ge__",
    "__gt__",
    "__hash__",
    "__le__",
    "__lt__",
    "__reduce_ex__",
    "__repr__",
    "__str__",
)
"""What all objects have."""


class Delegate:
    """An object in the place of `__wrapped__`. Its own attributes begin with `_self_`."""

    __wrapped__: Any

    def __init__(self, wrapped: Any) -> None:
        object.__setattr__(self, "__wrapped__", wrapped)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_self_"):
            object.__setattr__(self, name, value)
        else:
            setattr(self.__wrapped__, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__wrapped__, name)

    def __eq__(self, other: object) -> Any:
        return self.__wrapped__ == (other.__wrapped__ if isinstance(other, type(self)) else other)

    def __ne__(self, other: object) -> Any:
        return self.__wrapped__ != (other.__wrapped__ if isinstance(other, type(self)) else other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)


def delegate_class(base: type[Delegate], cls: type, methods: dict[str, Any]) -> Any:
    """Return a subclass of `base`, a delegate, for the objects of a class, in which these methods take the place of its own."""
    special = {
        name
        for origin in cls.__mro__
        if origin is not object
        for name, held in vars(origin).items()
        if name.startswith("__")
        and name.endswith("__")
        and callable(held)
        and not isinstance(held, type | staticmethod)
    }
    names = {*special, *_ALWAYS} - _OWN - {"__eq__", "__ne__"}
    of_class = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    if cls.__hash__ is None:
        methods = {**methods, "__hash__": None}
    of_instance = {name: property(_attribute(name)) for name in ("__class__", "__dict__")}
    return type(
        cls.__name__, (base,), {**{name: _method(name) for name in names}, **methods, **of_class, **of_instance}
    )


def _attribute(name: str) -> Callable[[Any], Any]:
    return lambda self: getattr(self.__wrapped__, name)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.__wrapped__, name)(*args, **kwargs)

    method.__name__ = name
    return method
