"""The classes that annotations reach: those named in them, and in the fields of those, and so on."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, cast

from memo._values.kinds import class_name, is_data_type, is_model, is_typed_dict
from memo.codecs._spelling import spell

__all__ = ["classes_in", "plain_function", "reachable"]


def reachable(function: Callable[..., Any] | None, annotations: Iterable[Any]) -> dict[str, type]:
    """Return the data types that a function's annotations and some more `annotations` reach, by name."""
    found: dict[str, type] = {}
    for annotation in (*_hints(function), *annotations):
        _walk(annotation, found)
    return found


def classes_in(values: Iterable[Any], depth: int) -> Iterator[type]:
    """Yield the classes in a call's arguments: passed as such, in annotations, or of models and objects, to some depth."""
    for value in values:
        kind = type(value)
        if kind in _SCALARS:
            continue
        if isinstance(value, type):
            yield value
        elif typing.get_origin(value) is not None:
            yield from classes_in(typing.get_args(value), depth - 1)
        else:
            if kind.__module__ != "builtins":
                yield kind
            if depth > 0:
                yield from classes_in(_parts(value, kind), depth - 1)


_SCALARS = frozenset({str, int, float, bool, bytes, types.NoneType})
_MOST = 200


def _parts(value: Any, kind: type) -> Iterable[Any]:
    if kind is list or kind is tuple:
        return value[:_MOST]  # type: ignore[no-any-return]
    if kind is dict:
        return islice(value.values(), _MOST)
    held = getattr(value, "__dict__", None)
    return islice(held.values(), _MOST) if type(held) is dict else ()


def plain_function(owner: Any) -> Any:
    """Return the function below decorators, methods and partials; of a callable object its `__call__`; a class as it is."""
    while isinstance(owner, staticmethod | classmethod | types.MethodType):
        owner = owner.__func__
    owner = inspect.unwrap(owner) if callable(owner) and not isinstance(owner, type) else owner
    if not isinstance(owner, type | types.FunctionType) and hasattr(owner, "func"):
        return owner.func
    if not isinstance(owner, type) and not hasattr(owner, "__annotations__") and callable(owner):
        return type(owner).__call__
    return owner


def _hints(owner: Any) -> list[Any]:
    """Return the annotations of a function, a class or a callable object, evaluated where possible."""
    if owner is None:
        return []
    owner = plain_function(owner)
    try:
        return list(typing.get_type_hints(owner, localns=_closure(owner) or None, include_extras=True).values())
    except Exception:  # noqa: BLE001 - an annotation that cannot be evaluated (TYPE_CHECKING imports) reaches nothing
        return [hint for hint in getattr(owner, "__annotations__", {}).values() if not isinstance(hint, str)]


def _closure(owner: Any) -> dict[str, Any]:
    """Return the variables that a function closes over, as far as they are assigned."""
    held: dict[str, Any] = {}
    if isinstance(owner, types.FunctionType) and owner.__closure__:
        for name, cell in zip(owner.__code__.co_freevars, owner.__closure__, strict=True):
            try:
                held[name] = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
    return held


def _walk(annotation: Any, found: dict[str, type]) -> None:
    """Add the data types in an annotation to `found`."""
    if isinstance(annotation, list | tuple):
        for part in annotation:
            _walk(part, found)
    elif isinstance(annotation, type) and typing.get_origin(annotation) is None:
        _walk_class(annotation, found)
    else:
        for inner in (getattr(annotation, "__value__", None), getattr(annotation, "__bound__", None)):  # type X = …
            if inner is not None:
                _walk(inner, found)
        origin = typing.get_origin(annotation)
        if origin is not None:
            _walk(origin, found)
            _walk(typing.get_args(annotation), found)


def _walk_class(cls: type, found: dict[str, type]) -> None:
    name = class_name(cls)
    if name in found or cls.__module__ == "builtins":
        return
    if is_data_type(cls) or is_typed_dict(cls):
        found[name] = cls
    generic = getattr(cls, "__pydantic_generic_metadata__", None)
    if generic and generic["origin"]:
        found.setdefault(spell(cls), cls)
        _walk((generic["origin"], *generic["args"]), found)
    if is_model(cls):
        for field in cast("Any", cls).model_fields.values():
            _walk(field.annotation, found)
    elif not issubclass(cls, enum.Enum):
        for hint in _hints(cls):
            _walk(hint, found)
