"""Pickling and copying of decorated functions: by their names, as functions themselves are pickled."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from importlib import import_module
from typing import Any

__all__ = ["PickledByName", "PickledMethod"]


class PickledByName:
    """A function that is pickled by its module and name, and that is its own copy."""

    __slots__ = ()

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()

    def __reduce__(self: Any) -> Any:
        module, name = str(getattr(self, "__module__", "")), getattr(self, "__qualname__", "")
        try:
            found = _as_written(sys.modules[module], name)
        except (KeyError, AttributeError):
            found = None
        if found is not self:
            raise pickle.PicklingError(f"cannot pickle {name or self!r}: it is not found as {module}.{name}")
        return _by_name, (module, name, True)


class PickledMethod:
    """A method that is pickled as what it is the method of, and its name."""

    __slots__ = ()

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        instance = self._self_receiver
        return self if instance is None else getattr(copy.deepcopy(instance, memo), self.__name__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()

    def __reduce__(self: Any) -> Any:
        instance = self._self_receiver
        if instance is None or self._self_binding == "staticmethod":
            return _by_name, (self.__module__, self.__qualname__, False)
        return getattr, (instance, self.__name__)


def _as_written(module: Any, name: str) -> Any:
    """Return what is assigned to a name of a module, bound to nothing."""
    *path, last = name.split(".")
    owner = module
    for part in path:
        owner = getattr(owner, part)
    found = inspect.getattr_static(owner, last)
    return found.__func__ if isinstance(found, classmethod | staticmethod) else found


def _by_name(module: str, name: str, as_written: bool) -> Any:  # noqa: FBT001 - pickle passes arguments by position
    """Return the function of that name when it is unpickled."""
    found = import_module(module)
    if as_written:
        return _as_written(found, name)
    for part in name.split("."):
        found = getattr(found, part)
    return found
