"""Equality as a recording needs it: same types all the way down, same values, same set fields.

`==` is too kind (1 == 1.0 == True, a model equals one with other set fields) and too strict (NaN != NaN).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, time
from enum import Enum
from typing import TYPE_CHECKING, Any

from memo._values.kinds import (
    builtin_base,
    builtin_content,
    by_class,
    fielded_state,
    has_fields,
    in_slots,
    is_model,
    is_named_tuple,
    own_attributes,
    slot_members,
)
from memo._values.paths import step_text
from memo.codecs.registry import codec_of
from memo.codecs.sharing import can_change

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Met", "difference"]

_BY_EQUALITY = frozenset({str, int, bool, bytes, type(None)})


def _alike(a: Any, b: Any) -> bool:
    """Return whether two values are plain and the same: the quick case, which most of a tree is."""
    kind = type(a)
    return kind is type(b) and (kind in _BY_EQUALITY or (kind is float and a != 0)) and a == b


class Met(list[Any]):
    """What can change in a value, as it is met in a comparison: once for each place that it is in."""

    has_extras = False
    """Whether there was a model with fields that its class does not declare."""


_Parts = Callable[[Any], Any]
_Comparison = Callable[[Any, Any, _Parts, Met], str | None]


def difference(a: Any, b: Any, parts: Callable[[Any], Any], met: Met | None = None) -> str | None:
    """Return the path of the first place where `a` is not `b`, "" for the whole; None if there is none.

    `parts` takes a value of a type that only a codec knows and returns what identifies the value.
    What can change in `b`, itself included, is added to `met`.
    """
    kind = type(a)
    if kind is not type(b):
        return ""
    compare, changes = _comparison(kind)
    if met is None:
        met = Met()
    elif changes:
        met.append(b)
    return compare(a, b, parts, met)


@by_class
def _comparison(kind: type) -> tuple[_Comparison, bool]:
    """Return the function that compares two values of that type, and whether they can change."""
    return _comparing(kind), can_change(kind)


def _comparing(kind: type) -> _Comparison:
    if kind in _BY_EQUALITY or kind is bytearray:
        return _equal
    if kind in _BUILTINS:
        return _BUILTINS[kind]
    if is_model(kind):
        return _model
    if issubclass(kind, Enum):
        return _identical
    if builtin_base(kind) is not None:
        return _subclass
    if has_fields(kind):
        return _fielded
    if is_named_tuple(kind):
        return _named_tuple
    return _other


def _equal(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    return None if a == b else ""


def _identical(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    return None if a is b else ""


def _float(a: float, b: float, parts: _Parts, met: Met) -> str | None:
    return None if (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b) else ""


def _fielded(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    return _fields(fielded_state(a), fielded_state(b), parts, met)


def _subclass(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    if codec_of(type(a)) is not None:
        return _other(a, b, parts, met)
    inner = difference(builtin_content(a), builtin_content(b), parts, met)
    return _fields(own_attributes(a), own_attributes(b), parts, met) if inner is None else inner


def _named_tuple(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    inner = _sequence(a, b, parts, met)
    return _fields(getattr(a, "__dict__", {}), getattr(b, "__dict__", {}), parts, met) if inner is None else inner


def _moment(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    alike = a.replace(tzinfo=None) == b.replace(tzinfo=None) and a.fold == b.fold
    return difference(a.tzinfo, b.tzinfo, parts) if alike else ""


def _other(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    return None if difference(parts(a), parts(b), parts) is None else ""


def _sequence(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    if len(a) != len(b):
        return ""
    for index, (x, y) in enumerate(zip(a, b, strict=True)):
        if _alike(x, y):
            continue
        inner = difference(x, y, parts, met)
        if inner is not None:
            return f"[{index}]{inner}"
    return None


def _mapping(a: dict[Any, Any], b: dict[Any, Any], parts: _Parts, met: Met) -> str | None:
    if len(a) != len(b):
        return ""
    for (name, x), (other, y) in zip(a.items(), b.items(), strict=True):
        if not _alike(name, other) and difference(name, other, parts, met) is not None:
            return ""
        if _alike(x, y):
            continue
        inner = difference(x, y, parts, met)
        if inner is not None:
            return f"{step_text(name)}{inner}"
    return None


def _set(a: Any, b: Any, parts: _Parts, met: Met) -> str | None:
    if len(a) != len(b):
        return ""
    rest = list(b)
    for x in a:
        at = next((i for i, y in enumerate(rest) if difference(x, y, parts) is None), None)
        if at is None:
            return ""
        difference(x, rest.pop(at), parts, met)
    return None


def _fields(a: dict[str, Any], b: dict[str, Any], parts: _Parts, met: Met) -> str | None:
    if a.keys() != b.keys():
        return ""
    for name, x in a.items():
        y = b[name]
        if x is y:
            continue
        kind = type(x)
        if kind is not type(y):
            return f".{name}"
        # `_alike`, inlined: most of the time that proving a model takes is spent here.
        if (kind in _BY_EQUALITY or (kind is float and x != 0)) and x == y:
            continue
        compare, changes = _comparison(kind)
        if changes:
            met.append(y)
        inner = compare(x, y, parts, met)
        if inner is not None:
            return f".{name}{inner}"
    return None


def _model(a: BaseModel, b: BaseModel, parts: _Parts, met: Met) -> str | None:
    inner = _fields(vars(a), vars(b), parts, met)
    if inner is not None:
        return inner
    if a.__pydantic_fields_set__ != b.__pydantic_fields_set__:
        return ""
    extra, other = a.__pydantic_extra__, b.__pydantic_extra__
    if extra or other:
        met.has_extras = True
        inner = difference(extra, other, parts, met)
        if inner is not None:
            return inner
    elif extra != other:
        return ""
    private, other = a.__pydantic_private__, b.__pydantic_private__
    if private is not other:
        inner = difference(private, other, parts, met)
        if inner is not None:
            return inner
    return _fields(dict(in_slots(a)), dict(in_slots(b)), parts, met) if slot_members(type(a)) else None


_BUILTINS: dict[type, _Comparison] = {
    float: _float,
    list: _sequence,
    tuple: _sequence,
    dict: _mapping,
    set: _set,
    frozenset: _set,
    datetime: _moment,
    time: _moment,
}
