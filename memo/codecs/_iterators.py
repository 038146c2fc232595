"""Iterators inside of pydantic models: pydantic's serializers would read them, and their consumer would get nothing."""

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


def _holds(value: Any) -> bool:
    kind = type(value)
    if kind in _PLAIN:
        return False
    if kind is dict:
        return any(map(_holds, value.values()))
    if kind is list or kind is tuple:
        return any(map(_holds, value))
    if is_model(kind):
        return _holds(value.__dict__) or _holds(value.__pydantic_extra__)
    return is_iterator(kind)


_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))
