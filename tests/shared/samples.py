"""Values of any annotated type: arguments for a call, and the JSON that an API would answer with."""

import collections.abc
import datetime as dt
import enum
import io
import os
import types
import typing
from typing import Any, Literal, Union, get_args, get_origin

import pydantic
import typing_extensions

DEEPEST = 7
TIME = "2026-01-02T03:04:05.123456Z"
ENDED = {
    "in_progress": 0,
    "index": 0,
    "content_index": 0,
    "output_index": 0,
    "has_more": False,
    "has_next_page": False,
    "next_page": None,
    "next": None,
    "next_page_token": None,
}
"""Fields of pages that have no next one, counts of what is still to be done, and places of first parts."""


class NoSample(Exception):
    """No value of this type can be made up."""


def hints(owner: Any) -> dict[str, Any]:
    """The annotations of a function, a model or a typed dict; none that cannot be resolved."""
    try:
        return typing_extensions.get_type_hints(owner, include_extras=True)
    except Exception:  # names that only a type checker imports
        return {}


def plain(kind: Any) -> Any:
    """A type without what is said about it: `Annotated`, `Required`, aliases, new types, bounds."""
    while True:
        origin = get_origin(kind)
        if origin in (
            typing.Annotated,
            typing_extensions.Required,
            typing_extensions.NotRequired,
            typing.Required,
            typing.NotRequired,
        ):
            kind = get_args(kind)[0]
        elif isinstance(kind, typing_extensions.TypeAliasType):
            kind = kind.__value__
        elif isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        elif isinstance(kind, typing.TypeVar):
            kind = kind.__bound__ or (kind.__constraints__[0] if kind.__constraints__ else str)
        elif isinstance(kind, typing.ForwardRef):
            kind = kind.__forward_arg__
        else:
            return kind


def members(kind: Any) -> list[Any]:
    """The types of a union, without what an SDK has for "not given"."""
    kind = plain(kind)
    if get_origin(kind) in (Union, types.UnionType):
        found = [part for member in get_args(kind) for part in members(member)]
        return [part for part in found if getattr(part, "__name__", "") not in ("NotGiven", "Omit", "NoneType")] or [
            type(None)
        ]
    return [kind]


SCALARS: dict[Any, Any] = {
    str: "text", int: 3, float: 0.5, bool: True, type(None): None, bytes: b"bytes", object: "anything", Any: "anything",
    os.PathLike: None, dt.datetime: dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.date: dt.date(2026, 1, 2),
}  # fmt: skip
LISTS = (list, collections.abc.Iterable, collections.abc.Sequence, collections.abc.Collection, tuple, set)
MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def argument(kind: Any, depth: int = 0) -> Any:
    """An argument of that type, as small as it can be. Raises `NoSample`."""
    if depth > DEEPEST:
        raise NoSample(kind)
    parts = members(kind)
    if len(parts) > 1:
        for part in parts:
            try:
                return argument(part, depth)
            except NoSample:
                continue
        raise NoSample(kind)
    kind, origin, inner = parts[0], get_origin(parts[0]), get_args(parts[0])
    if origin is Literal:
        return inner[0]
    if kind in (io.BytesIO, typing.IO) or origin is typing.IO or getattr(kind, "__name__", "") in ("IO", "PathLike"):
        raise NoSample(kind)
    if origin in MAPPINGS or kind in MAPPINGS:
        return {"name": argument(inner[1], depth + 1)} if inner else {}
    if origin in LISTS or kind in LISTS or getattr(origin, "__name__", "") == "SequenceNotStr":
        items = [argument(part, depth + 1) for part in inner if part is not Ellipsis] or ["text"]
        return tuple(items) if origin is tuple else items
    if typing_extensions.is_typeddict(kind):
        known = hints(kind)
        return {name: argument(known[name], depth + 1) for name in kind.__required_keys__ if name in known}
    if (kind in SCALARS and SCALARS[kind] is not None) or kind is type(None):
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if origin is type:
        return Parsed
    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        return kind.model_validate_json(_json(answer(kind)))
    raise NoSample(kind)


class Parsed(pydantic.BaseModel):
    """What a caller has answers parsed as."""

    text: str = "text"


def _json(tree: Any) -> bytes:
    import json

    return json.dumps(tree).encode()


def answer(kind: Any, depth: int = 0, name: str = "") -> Any:
    """The JSON of a value of that type, with all of its fields as deep as they are distinguished. Raises `NoSample`."""
    if name in ENDED:
        return ENDED[name]
    parts = members(kind)
    if len(parts) > 1:
        for part in parts:
            try:
                return answer(part, depth, name)
            except NoSample:
                continue
        raise NoSample(kind)
    kind, origin, inner = parts[0], get_origin(parts[0]), get_args(parts[0])
    if origin is Literal:
        return next((value for value in inner if value in ("completed", "succeeded", "ready", "processed")), inner[0])
    if isinstance(kind, str):
        return "text"
    if kind in (dt.datetime, dt.date):
        return TIME if kind is dt.datetime else TIME[:10]
    if origin in MAPPINGS or kind in MAPPINGS:
        return {"name": answer(inner[1], depth + 1)} if inner and depth < DEEPEST else {}
    if origin in LISTS or kind in LISTS:
        return [answer(inner[0], depth + 1)] if inner and depth < DEEPEST else []
    if kind is bytes:
        return "Ynl0ZXM="
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind)).value
    if typing_extensions.is_typeddict(kind):
        return {key: answer(each, depth + 1) for key, each in hints(kind).items()}
    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        return _object(kind, depth)
    if depth > DEEPEST:
        raise NoSample(kind)
    return 3 if isinstance(kind, type) and issubclass(kind, int) else "text"


def _object(kind: type[pydantic.BaseModel], depth: int) -> Any:
    if depth > DEEPEST:
        raise NoSample(kind)
    found: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        if not field.is_required() and depth > 2:
            continue
        try:
            found[field.alias or name] = answer(field.annotation, depth + 1, name)
        except NoSample:
            if field.is_required():
                raise
    if kind.model_config.get("extra") == "allow" and depth == 0:
        found["unknown_to_the_sdk"] = {"n": [1, None, 0.5, "é"]}
    return found
