"""Kinds of class: models, named tuples, data types, the state of their instances, and the names of classes."""

from __future__ import annotations

import dataclasses
import enum
import functools
import io
import os
import sys
import types
from abc import ABCMeta
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

__all__ = [
    "BUILTINS",
    "builtin_base",
    "builtin_content",
    "by_class",
    "class_name",
    "declares",
    "field_names",
    "fielded_state",
    "has_fields",
    "in_slots",
    "is_data_type",
    "is_iterator",
    "is_model",
    "is_named_tuple",
    "is_stream_class",
    "is_typed_dict",
    "module_name",
    "own_attributes",
    "slot_members",
]

T = TypeVar("T")

_HEAP = 1 << 9
"""The flag of a class that a Python program made (`Py_TPFLAGS_HEAPTYPE`)."""


BUILTINS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, object, set, str, tuple, type)
} | {"None": types.NoneType}


def module_name(module: str) -> str:
    """Return the importable name of a module: the script that runs as `__main__` has one too."""
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else module  # noqa: PTH119, PTH122 - a tenth of pathlib's time


def class_name(cls: type) -> str:
    """Return `module:qualname`, a bare name for a builtin."""
    if cls.__module__ == "builtins" and BUILTINS.get(cls.__name__) is cls:
        return str(cls.__name__)
    return f"{module_name(cls.__module__)}:{cls.__qualname__}"


def is_named_tuple(cls: type) -> bool:
    """Return whether instances are named tuples."""
    return issubclass(cls, tuple) and declares(cls, "_fields")


def declares(cls: Any, name: str) -> bool:
    """Return whether a class or one of its bases has that attribute in its body."""
    # Not hasattr: a metaclass's __getattr__ is code that data would run.
    return any(name in vars(base) for base in cls.__mro__)


def by_class(function: Callable[[type], T]) -> Callable[[type], T]:
    """Cache `function`, a property of classes. Classes are few and live as long as the process."""
    return functools.cache(function)


@by_class
def is_model(cls: type) -> bool:
    """Return whether a class is a pydantic model. Never imports pydantic: before anybody does, no class is."""
    pydantic = sys.modules.get("pydantic.main")
    return pydantic is not None and issubclass(cls, pydantic.BaseModel)


def is_data_type(cls: type) -> bool:
    """Return whether instances are only data, so that memo may build them from a recording."""
    return (
        is_model(cls)
        or issubclass(cls, enum.Enum | BaseException)
        or has_fields(cls)
        or is_named_tuple(cls)
        or builtin_base(cls) is not None
    )


@by_class
def is_iterator(cls: type) -> bool:
    """Return whether instances give items once, one after another: no file, which is read in other ways, too."""
    return (declares(cls, "__anext__") or declares(cls, "__next__")) and not issubclass(cls, io.IOBase)


def is_stream_class(cls: type) -> bool:
    """Return whether instances can be read like a stream, and made without their `__init__`: a recording may name the class."""
    built_in = next(base for base in cls.__mro__ if not base.__flags__ & _HEAP)
    if built_in is not object and not issubclass(built_in, io.IOBase):
        return False
    return any(declares(cls, name) for name in ("__anext__", "__aiter__", "__next__", "__iter__", "read"))


def is_typed_dict(cls: type) -> bool:
    """Return whether a class is a TypedDict, which only annotations name: its instances are dicts."""
    return type(cls).__name__ == "_TypedDictMeta" and type(cls).__module__ in ("typing", "typing_extensions")


def has_fields(cls: type) -> bool:
    """Return whether a class is a dataclass or an attrs class."""
    return declares(cls, "__dataclass_fields__") or declares(cls, "__attrs_attrs__")


@by_class
def field_names(cls: Any) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass or an attrs class."""
    if declares(cls, "__dataclass_fields__"):
        return tuple(field.name for field in dataclasses.fields(cls))
    return tuple(attribute.name for attribute in cls.__attrs_attrs__)


def fielded_state(value: Any) -> dict[str, Any]:
    """Return the attributes of an instance: its fields, then whatever else was set, in slots or not."""
    held = own_attributes(value)
    names = field_names(type(value))
    if tuple(held) == names:  # which it nearly always is
        return held
    # Not getattr, which gives the default of a field that was deleted.
    return {name: held[name] for name in names if name in held} | held


def own_attributes(value: Any) -> dict[str, Any]:
    """Return what was set on an instance, in its `__dict__` and in slots."""
    attributes: dict[str, Any] = getattr(value, "__dict__", {})
    return {**attributes, **dict(in_slots(value))} if slot_members(type(value)) else attributes


_CONTENT: dict[type, Callable[[Any], Any]] = {
    # The content of an instance of a subclass, whatever the subclass's own `__str__`, `__iter__` or `__float__` returns.
    str: lambda value: str.__getitem__(value, slice(None)),
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: lambda value: bytearray.__getitem__(value, slice(None)),
    int: int.__index__,
    float: float.__pos__,
    complex: complex.__pos__,
    list: lambda value: [*list.__iter__(value)],
    tuple: lambda value: (*tuple.__iter__(value),),
    set: lambda value: {*set.__iter__(value)},
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    OrderedDict: lambda value: OrderedDict(OrderedDict.items(value)),
}


@by_class
def builtin_base(cls: type) -> type | None:
    """Return the builtin that a class is a subclass of, if the builtin holds data.

    None for the builtins themselves, for tuples with named fields (named tuples, `os.stat_result` and its like), and for
    classes whose metaclass could change what an instance is.
    """
    if cls in _CONTENT or cls is bool or is_named_tuple(cls) or declares(cls, "n_sequence_fields"):
        return None
    if type(cls) not in (type, ABCMeta):
        return None
    return next((base for base in cls.__mro__ if base in _CONTENT), None)


def builtin_content(value: Any) -> Any:
    """Return the content of an instance of a subclass of a builtin, as that builtin."""
    base = builtin_base(type(value))
    assert base is not None
    return _CONTENT[base](value)


@by_class
def slot_members(cls: type) -> dict[str, types.MemberDescriptorType]:
    """Return the `__slots__` of a class and its bases, without those of pydantic's `BaseModel` and of builtins."""
    return {
        name: member
        for base in reversed(cls.__mro__)
        if (base.__module__, base.__name__) != ("pydantic.main", "BaseModel") and base not in _CONTENT
        for name, member in vars(base).items()
        if isinstance(member, types.MemberDescriptorType)
    }


def in_slots(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of the slots that are set."""
    for name, member in slot_members(type(value)).items():
        try:
            yield name, member.__get__(value)
        except AttributeError:
            continue
