"""The inverse of `_writer`: a fresh value of each form that has `"__type__"`."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import orjson

from memo._values import scalars
from memo._values.kinds import builtin_base, field_names, has_fields, is_model, is_named_tuple, slot_members
from memo.codecs import _models
from memo.codecs._shape import listed, mapping, text
from memo.codecs.decoder import Decode, Decoder
from memo.codecs.errors import exception_of, read_chain
from memo.codecs.items import Items
from memo.codecs.registry import codec_named, codec_of
from memo.codecs.streams import read_manager, read_response, read_stream
from memo.errors import DataMismatch, UntrustedType

__all__ = ["is_builtin_form", "read_form"]


def is_builtin_form(name: str) -> bool:
    """Return whether a form of that `"__type__"` is one of a builtin type's."""
    return name in _BUILTINS


def read_form(values: Decoder, decode: Decode, name: str, node: dict[str, Any]) -> Any:
    """Return the value of a form. Raises `UntrustedType`, `TypeNotFound`, `DataMismatch`, or whatever a class raises.

    A container is only ever built of a list or an object of the JSON: a value is as large as what is recorded of it.
    """
    read = _BUILTINS.get(name)
    if read is not None:
        return read(values, decode, node)
    codec = codec_named(name)
    if codec is None:
        cls: Any = values.types.resolve(name)
        if not isinstance(cls, type):
            raise UntrustedType(name, "is not a class")
        codec = codec_of(cls)
        if codec is None:
            return _read_class(cls, node, decode, name)
    value = codec.decode(decode(node["value"]))
    if isinstance(value, BaseException):
        read_chain(value, node, decode)
    return value


def _read_class(cls: Any, node: dict[str, Any], decode: Decode, name: str) -> Any:
    if is_model(cls):
        return _model(cls, node, decode, name)
    if issubclass(cls, BaseException):
        return exception_of(cls, node, decode)
    if issubclass(cls, Enum):
        return cls(decode(node["value"])) if "value" in node else cls[node["name"]]
    if "content" in node:
        return _subclass(cls, node, decode, name)
    if has_fields(cls):
        return _fielded(cls, node, decode, name)
    if is_named_tuple(cls):
        return _named_tuple(cls, node, decode, name)
    raise UntrustedType(name, "is not a data type (model, dataclass, enum, named tuple, exception)")


def _model(cls: Any, node: dict[str, Any], decode: Decode, name: str) -> Any:
    if "exact" in node:
        return _models.read_exact(cls, node, decode, name)
    value = _models.read_plain(cls, orjson.dumps(node["value"]), name)
    count = _models.counter(node.get("set"))
    if count is not None:
        count(value)
    if "attributes" in node:
        value.__dict__.update(mapping(decode(mapping(node["attributes"]))))
    return value


def _fielded(cls: Any, node: dict[str, Any], decode: Decode, name: str) -> Any:
    stored = mapping(node["value"])
    if tuple(stored) != field_names(cls):  # which it nearly always is
        fields = set(field_names(cls))
        changed = (stored.keys() - fields) | (fields - stored.keys() - set(listed(node.get("missing", []))))
    else:
        changed = set()
    if changed:
        raise DataMismatch(name, f"its fields have changed ({', '.join(sorted(changed))})")
    value = object.__new__(cls)
    for field, item in stored.items():
        object.__setattr__(value, field, decode(item))
    if "attributes" in node:
        _set_attributes(value, node, decode)
    return value


def _named_tuple(cls: Any, node: dict[str, Any], decode: Decode, name: str) -> Any:
    stored = listed(node["value"])
    if len(stored) != len(cls._fields):
        raise DataMismatch(name, f"it has {len(cls._fields)} fields, and {len(stored)} are recorded")
    return tuple.__new__(cls, [decode(item) for item in stored])


def _subclass(cls: Any, node: dict[str, Any], decode: Decode, name: str) -> Any:
    """Return an instance of a subclass of a builtin: its content, then its attributes. No code of the class runs."""
    base: Any = builtin_base(cls)
    content: Any = decode(node["content"])
    if base is None or type(content) is not base:
        raise DataMismatch(name, f"its content is recorded as {type(content).__name__}")
    value: Any
    if issubclass(base, dict):
        value = base.__new__(cls)
        for key, item in content.items():
            base.__setitem__(value, key, item)
    elif base in (list, bytearray):
        value = base.__new__(cls)
        base.extend(value, content)
    elif base is set:
        value = set.__new__(cls)
        set.update(value, content)
    else:
        value = base.__new__(cls, content)
    _set_attributes(value, node, decode)
    return value


def _set_attributes(value: Any, node: dict[str, Any], decode: Decode) -> None:
    slots = slot_members(type(value))
    for attribute, item in mapping(node.get("attributes", {})).items():
        # Not setattr: data may name `__class__`.
        if attribute in slots:
            slots[attribute].__set__(value, decode(item))
        else:
            value.__dict__[attribute] = decode(item)


def _members(decode: Decode, node: dict[str, Any]) -> list[Any]:
    return [decode(item) if type(item) in _NESTED else item for item in listed(node["value"])]


_NESTED = (dict, list)


_BUILTINS: dict[str, Callable[[Decoder, Decode, dict[str, Any]], Any]] = {
    "again": lambda _, decode, node: decode(node["value"]),  # in an item that is looked at by itself
    "bytearray": lambda _, __, node: bytearray(scalars.bytes_of(node)),
    "bytes": lambda _, __, node: scalars.bytes_of(node),
    "dict": lambda _, decode, node: {decode(key): decode(item) for key, item in map(listed, listed(node["value"]))},
    "float": lambda _, __, node: float(text(node["value"])),
    "frozenset": lambda _, decode, node: frozenset(_members(decode, node)),
    "int": lambda _, __, node: scalars.int_of(text(node["value"])),
    "json": lambda _, decode, node: decode(node["value"]),
    "list": lambda values, _, node: list(Items(node, values)),
    "manager": lambda values, _, node: read_manager(values, node),
    "response": lambda values, _, node: read_response(values, node),
    "set": lambda _, decode, node: set(_members(decode, node)),
    "shared": lambda values, decode, node: values.shared(node, decode),
    "sharing": lambda values, _, node: values.sharing(node["value"]).decode(node["value"]),
    "str": lambda _, __, node: scalars.text_of(node["value"]),
    "stream": lambda values, _, node: read_stream(values, node),
    "tuple": lambda _, decode, node: tuple(_members(decode, node)),
    "type": lambda values, _, node: values.types.resolve(node["value"]),
}
