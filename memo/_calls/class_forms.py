"""Forms of classes that are arguments: a name, and a JSON schema where there is one."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from memo._json import canonical_json
from memo._values.kinds import class_name

__all__ = ["class_form", "short_name"]

_schemas: WeakKeyDictionary[type, Any] = WeakKeyDictionary()


def short_name(kind: Any) -> str:
    """Return a class's name without its module: moving a class does not stale its recordings."""
    return str(kind.__qualname__).rpartition("<locals>.")[2]


def class_form(value: Any) -> Any:
    """Return the canonical form of a class or a generic alias. One without a schema is known by its module, too."""
    if not isinstance(value, type):
        return {"__type__": "type", "value": str(value)}
    form = {"__type__": "type", "value": short_name(value)}
    if value.__module__ == "builtins":
        return form
    if value not in _schemas:
        try:
            from pydantic import TypeAdapter

            _schemas[value] = _ordered(TypeAdapter(value).json_schema())
        except Exception:  # noqa: BLE001 - whatever pydantic says of a class that it cannot describe
            _schemas[value] = None
    if _schemas[value] is None:
        return {"__type__": "type", "value": class_name(value)}
    return {**form, "schema": _schemas[value]}


def _ordered(schema: Any) -> Any:
    """Return a schema with its lists sorted: among them are sets (defaults, an enum's values), in the order of this process."""
    if type(schema) is dict:
        return {name: _ordered(member) for name, member in schema.items()}
    return sorted(map(_ordered, schema), key=canonical_json) if type(schema) is list else schema
