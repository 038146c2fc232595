"""Kinds of class: models, named tuples, data types, what their instances hold, and what classes are called."""

from __future__ import annotations

import dataclasses
import enum
import functools
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

__all__ = [
    "BUILTINS",
    "by_class",
    "class_name",
    "dataclass_state",
    "declares",
    "in_slots",
    "is_data_type",
    "is_model",
    "is_named_tuple",
    "module_name",
    "slot_members",
]

T = TypeVar("T")


BUILTINS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, object, set, str, tuple, type)
} | {"None": types.NoneType}


def module_name(module: str) -> str:
    """The importable name of a module: the script that runs as `__main__` has one too."""
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else module  # noqa: PTH119, PTH122 - a tenth of pathlib's time


def class_name(cls: type) -> str:
    """`module:qualname`, a bare name for a builtin."""
    if cls.__module__ == "builtins" and BUILTINS.get(cls.__name__) is cls:
        return str(cls.__name__)
    return f"{module_name(cls.__module__)}:{cls.__qualname__}"


def is_named_tuple(cls: type) -> bool:
    """Whether instances are named tuples."""
    return issubclass(cls, tuple) and declares(cls, "_fields")


def declares(cls: Any, name: str) -> bool:
    # Not hasattr: a metaclass's __getattr__ is code that data would run.
    return any(name in vars(each) for each in cls.__mro__)


def by_class(function: Callable[[type], T]) -> Callable[[type], T]:
    """Remembers what `function` says of a class."""
    return functools.cache(function)


@by_class
def is_model(cls: type) -> bool:
    """Whether a class is a pydantic model's. Before pydantic's models are imported, none is, and memo leaves it at that."""
    pydantic = sys.modules.get("pydantic.main")
    return pydantic is not None and issubclass(cls, pydantic.BaseModel)


def is_data_type(cls: type) -> bool:
    """Whether instances are only data: what a recording may make memo build."""
    return (
        is_model(cls)
        or issubclass(cls, enum.Enum | BaseException)
        or declares(cls, "__dataclass_fields__")
        or is_named_tuple(cls)
    )


def dataclass_state(value: Any) -> dict[str, Any]:
    """What a dataclass instance holds: its fields, then whatever else was set on it, in slots or not."""
    held: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        try:
            held[field.name] = object.__getattribute__(value, field.name)
        except AttributeError:
            continue
    held.update(
        (name, each) for name, each in (*getattr(value, "__dict__", {}).items(), *in_slots(value)) if name not in held
    )
    return held


@by_class
def slot_members(cls: type) -> dict[str, types.MemberDescriptorType]:
    """The `__slots__` of a class and its bases, but for those that every model has."""
    return {
        name: member
        for each in reversed(cls.__mro__)
        if (each.__module__, each.__name__) != ("pydantic.main", "BaseModel")
        for name, member in vars(each).items()
        if isinstance(member, types.MemberDescriptorType)
    }


def in_slots(value: Any) -> Iterator[tuple[str, Any]]:
    """The names and values of the slots that were set."""
    for name, member in slot_members(type(value)).items():
        try:
            yield name, member.__get__(value)
        except AttributeError:
            continue
