"""msgspec: structs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from memo.codecs._shape import listed, mapping
from memo.codecs.registry import register_codec

__all__: list[str] = []

msgspec: Any = import_module("msgspec")


def _struct(value: Any) -> list[Any]:
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    return [fields, dict(getattr(value, "__dict__", {}))]


def _struct_of(data: Any, cls: Any) -> Any:
    fields, attributes = map(mapping, listed(data))
    value = cls(**fields)
    for name, item in fields.items():  # whatever `__post_init__` made of them
        msgspec.structs.force_setattr(value, name, item)
    if attributes:
        value.__dict__.update(attributes)
    return value


register_codec(msgspec.UnsetType, encode=lambda _: None, decode=lambda _: msgspec.UNSET, name="msgspec:UnsetType")
register_codec(msgspec.Struct, encode=_struct, decode=_struct_of, subclasses=True)
