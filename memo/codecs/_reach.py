"""The classes that annotations reach: those named in them, and in the fields of those, and so on."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, cast

from memo._values.kinds import class_name, in_slots, is_data_type, is_model, is_typed_dict
from memo.codecs._spelling import spell

__all__ = ["classes_in", "held_by", "is_annotation", "plain_function", "reachable", "reachable_in"]


def reachable(function: Callable[..., Any] | None, annotations: Iterable[Any]) -> dict[str, Any]:
    """Return what a function's annotations and some more `annotations` reach, by name.

    Those are data types, and annotations that a name alone does not spell (`Annotated`, aliases of types, type variables).
    """
    found: dict[str, Any] = {}
    for annotation in (*_hints(function), *annotations):
        _walk(annotation, found)
    return found


def reachable_in(module: types.ModuleType) -> dict[str, Any]:
    """Return what the classes, the annotations and the functions of a module reach, by name."""
    found: dict[str, Any] = {}
    for value in list(vars(module).values()):
        if issubclass(type(value), type) or is_annotation(value):
            _walk(value, found)
        elif type(value) is types.FunctionType and value.__module__ == module.__name__:
            for hint in _hints(value):
                _walk(hint, found)
    return found


def is_annotation(value: Any) -> bool:
    """Return whether a value is a generic with its arguments, an alias of a type or a type variable."""
    # Asked of its class: a proxy's `__class__` is code.
    return type(value).__module__ in _ANNOTATING and (
        typing.get_origin(value) is not None or type(value).__name__ in ("TypeAliasType", "TypeVar")
    )


_ANNOTATING = frozenset({"collections.abc", "types", "typing", "typing_extensions"})


def classes_in(values: Iterable[Any], depth: int) -> Iterator[Any]:
    """Yield the classes in a call's arguments: passed as such, in annotations, or of models and objects, to some depth.

    Where that is more than none, annotations that a name alone does not spell are among them.
    """
    for value in values:
        kind = type(value)
        if kind in _SCALARS:
            continue
        if issubclass(kind, type):
            yield value
        elif is_annotation(value):
            if depth > 0:
                yield value
            yield from classes_in(typing.get_args(value), depth - 1)
        else:
            if kind.__module__ != "builtins":
                yield kind
            if depth > 0:
                yield from classes_in(_parts(value, kind), depth - 1)


def held_by(owner: Any) -> Iterator[Any]:
    """Yield the object or the class whose method is called, and the attributes of the class and its bases."""
    yield owner
    cls = owner if issubclass(type(owner), type) else type(owner)
    for base in cls.__mro__:
        if base.__module__ not in _NOT_THE_USERS:
            yield from list(vars(base).values())


_NOT_THE_USERS = frozenset({"abc", "builtins", "pydantic.main", "typing"})
_SCALARS = frozenset({str, int, float, bool, bytes, types.NoneType})
_MOST = 200


def _parts(value: Any, kind: type) -> Iterable[Any]:
    if kind is list or kind is tuple:
        return value[:_MOST]  # type: ignore[no-any-return]
    if kind is dict:
        return islice(value.values(), _MOST)
    try:
        held = object.__getattribute__(value, "__dict__")  # a proxy's own `__getattribute__` is code
    except Exception:  # noqa: BLE001 - so is a property of that name
        return [item for _, item in in_slots(value)]
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


def _walk(annotation: Any, found: dict[str, Any]) -> None:
    """Add what an annotation reaches to `found`."""
    if isinstance(annotation, list | tuple):
        for part in annotation:
            _walk(part, found)
    elif isinstance(annotation, type) and typing.get_origin(annotation) is None:
        _walk_class(annotation, found)
    elif type(annotation).__module__ not in _ANNOTATING:
        return  # a proxy may have itself as any attribute
    elif not is_annotation(annotation) or _is_new(annotation, found):
        for inner in (getattr(annotation, "__value__", None), getattr(annotation, "__bound__", None)):  # type X = …
            if inner is not None:
                _walk(inner, found)
        origin = typing.get_origin(annotation)
        if origin is not None and origin is not annotation:  # `Generic` is its own
            _walk(origin, found)
            _walk(typing.get_args(annotation), found)


def _is_new(annotation: Any, found: dict[str, Any]) -> bool:
    """Return whether an annotation was not met before (an alias may name itself), and note one that is quoted in names."""
    with suppress(Exception):  # the metadata of `Annotated` are the user's, and so is their `repr`
        name = spell(annotation)
        # What a forward reference means depends on the class that is built with it.
        if '"' in name and "ForwardRef(" not in name:
            is_new = name not in found
            found.setdefault(name, annotation)
            return is_new
    return True


def _walk_class(cls: type, found: dict[str, Any]) -> None:
    name = class_name(cls)
    if name in found or cls.__module__ == "builtins":
        return
    if is_data_type(cls) or is_typed_dict(cls):
        found[name] = cls
    generic = getattr(cls, "__pydantic_generic_metadata__", None)
    if generic and generic["origin"]:
        with suppress(Exception):
            found.setdefault(spell(cls), cls)
        _walk((generic["origin"], *generic["args"]), found)
    if is_model(cls):
        for field in cast("Any", cls).model_fields.values():
            _walk(field.annotation, found)
    elif not issubclass(cls, enum.Enum):
        for hint in _hints(cls):
            _walk(hint, found)
