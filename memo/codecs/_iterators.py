"""Iterators inside pydantic models: pydantic's serializers would read them, and their consumer would get nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memo._values.kinds import by_class, is_iterator, is_model

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["holds_iterator"]


def holds_iterator(value: BaseModel) -> bool:
    """Return whether a model holds an iterator in a field or an extra that takes any object."""
    return bool(_may_hold(type(value)) or value.__pydantic_extra__) and _holds(value)


@by_class
def _may_hold(cls: Any) -> bool:
    """Return whether a field of the class takes any object, judged by its schema."""
    pending: list[Any] = [cls.__pydantic_core_schema__]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            kind = node.get("type")
            if type(kind) is str and kind in _OPEN:
                return True
            pending.extend(node.values())
        elif isinstance(node, list | tuple):
            pending.extend(node)
    return False


_OPEN = frozenset(("any", "generator", "is-instance", "function-plain"))


def _holds(model: BaseModel) -> bool:
    pending: list[Any] = [model]
    met: set[int] = set()
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind in _PLAIN or id(value) in met:
            continue
        met.add(id(value))
        if kind is dict:
            pending.extend(value.values())
        elif kind is list or kind is tuple:
            pending.extend(value)
        elif is_model(kind):
            pending += (value.__dict__, value.__pydantic_extra__)
        elif is_iterator(kind):
            return True
    return False


_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))
