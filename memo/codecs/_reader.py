"""The inverse of `_writer`: a fresh value of each form that has `"__type__"`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

import orjson

from memo._values import scalars
from memo._values.kinds import is_model, is_named_tuple, slot_members
from memo.codecs import _models
from memo.codecs._exceptions import exception_of
from memo.codecs.items import Items
from memo.codecs.registry import codec_named
from memo.errors import DataMismatch, UntrustedType

if TYPE_CHECKING:
    from memo.codecs.values import Values

__all__ = ["is_builtin_form", "read_form"]

Decode = Callable[[Any], Any]


def is_builtin_form(name: str) -> bool:
    """Return whether a form of that `"__type__"` is one of a builtin type's."""
    return name in _BUILTINS


def read_form(values: Values, decode: Decode, name: str, node: dict[str, Any]) -> Any:
    """Return the value of a form. Raises `UntrustedType`, `TypeNotFound`, `DataMismatch`, or whatever a class raises."""
    read = _BUILTINS.get(name)
    if read is not None:
        return read(values, decode, node)
    codec = codec_named(name)
    if codec is not None:
        return codec.decode(decode(node["value"]))
    cls: Any = values.types.resolve(name)
    if not isinstance(cls, type):
        raise UntrustedType(name, "is no class")
    if is_model(cls):
        return _model(cls, node, decode, name)
    if issubclass(cls, BaseException):
        return exception_of(cls, node, decode)
    if issubclass(cls, Enum):
        return cls(decode(node["value"])) if "value" in node else cls[node["name"]]
    if dataclasses.is_dataclass(cls):
        return _dataclass(cls, node, decode, name)
    if is_named_tuple(cls):
        return tuple.__new__(cast("Any", cls), [decode(item) for item in node["value"]])
    raise UntrustedType(name, "is no data type (model, dataclass, enum, named tuple, exception)")


def _model(cls: Any, node: dict[str, Any], decode: Decode, name: str) -> Any:
    if "exact" in node:
        return _models.read_exact(cls, node, decode, name)
    value = _models.read_plain(cls, orjson.dumps(node["value"]), name)
    count = _models.counter(node.get("set"))
    if count is not None:
        count(value)
    if "attributes" in node:
        value.__dict__.update(decode(node["attributes"]))
    return value


def _dataclass(cls: Any, node: dict[str, Any], decode: Decode, name: str) -> Any:
    fields = {field.name for field in dataclasses.fields(cls)}
    stored = node["value"]
    changed = (stored.keys() - fields) | (fields - stored.keys() - set(node.get("missing", ())))
    if changed:
        raise DataMismatch(name, f"its fields have changed ({', '.join(sorted(changed))})")
    value = object.__new__(cls)
    for field, item in stored.items():
        object.__setattr__(value, field, decode(item))
    for attribute, item in node.get("attributes", {}).items():
        # Not setattr: data may name `__class__`.
        slot = slot_members(cls).get(attribute)
        if slot is not None:
            slot.__set__(value, decode(item))
        else:
            value.__dict__[attribute] = decode(item)
    return value


_BUILTINS: dict[str, Callable[[Values, Decode, dict[str, Any]], Any]] = {
    "bytearray": lambda _, __, node: bytearray(scalars.bytes_of(node)),
    "bytes": lambda _, __, node: scalars.bytes_of(node),
    "dict": lambda _, decode, node: {decode(key): decode(item) for key, item in node["value"]},
    "float": lambda _, __, node: float(node["value"]),
    "frozenset": lambda _, decode, node: frozenset(decode(node["value"])),
    "int": lambda _, __, node: scalars.int_of(node["value"]),
    "json": lambda _, decode, node: decode(node["value"]),
    "list": lambda values, _, node: list(Items(node, values)),
    "set": lambda _, decode, node: set(decode(node["value"])),
    "str": lambda _, __, node: scalars.text_of(node["value"]),
    "tuple": lambda _, decode, node: tuple(decode(node["value"])),
    "type": lambda values, _, node: values.types.resolve(node["value"]),
}
