"""Pydantic models: the plain form (the model's own JSON, validated again) and the exact form (field by field).

plain   {"__type__": "app:Answer", "value": {…}}
        + "set": "declared"       extras do not count as set fields (SDKs that build without validation do so);
                 "declared at top"  the same, where only the model itself has extras, and none inside it
        + "attributes": {…}       whatever else is in the instance's __dict__
exact   {"__type__": "app:Answer", "exact": {field: value, …}}
        + "set": […]              the set fields, unless they are exactly the ones in "exact"
        + "missing": […]          fields without a value (`model_construct`)
        + "extra", "private", "attributes"
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from pydantic_core import ValidationError

from memo._values.kinds import by_class, fielded_state, is_model
from memo._values.secrets import is_secret_type
from memo.codecs._iterators import holds_iterator
from memo.codecs._shape import listed, mapping
from memo.codecs.sameness import Met, difference
from memo.errors import DataMismatch, TypeNotFound, UntrustedType

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Plain", "counter", "exact_form", "plain_form", "read_exact", "read_plain", "validator"]


_SHALLOW = 50
_STEADY = (None, dataclasses.MISSING, bool, bytes, dict, float, frozenset, int, list, set, str, tuple)
"""Default factories whose results are always equal."""


class Plain(NamedTuple):
    """A model's plain form, proved: validating `data` gives the model back."""

    data: Any
    fields_set_mode: str
    """Which fields count as set: "declared" or "declared at top" (without extras), "all", "" (there are no extras)."""
    attributes: dict[str, Any]
    shallow: bool
    """True if `data` cannot be nested deep."""
    changeable: list[Any]
    """What can change inside the model, but for its attributes: once for each place that it is in."""


def plain_form(value: BaseModel, parts: Callable[[Any], Any]) -> Plain | None:
    """Return the plain form, or None if validating it would not give back an equal object."""
    cls = type(value)
    if holds_iterator(value):
        return None  # pydantic would read it
    try:
        written = cls.__pydantic_serializer__.to_json(
            value, by_alias=True, exclude_unset=True, round_trip=True, warnings=False
        )
        # orjson reads what is stored, so its reading has to come back equal.
        data = orjson.loads(written)
        back = cls.__pydantic_validator__.validate_json(orjson.dumps(data))
    except Exception:  # noqa: BLE001 - serializers and validators are the user's code: if one fails, the exact form is taken
        return None
    if type(back) is not cls:
        return None
    fields = _fields(cls)
    held = value.__dict__
    attributes = {name: item for name, item in held.items() if name not in fields} if len(held) > len(fields) else {}
    if attributes:
        vars(back).update(attributes)
    shallow = written.count(b"{") + written.count(b"[") <= _SHALLOW
    met = Met()
    if difference(back, value, parts, met) is None:
        fields_set_mode = "all" if met.has_extras else ""
    else:
        fields_set_mode, met = extras(back), Met()
        if not fields_set_mode:
            return None
        _count_inside(back)
        if difference(back, value, parts, met) is not None:
            return None
    if (_may_vary(cls) and varies(back)) or imports_by_name(cls):
        return None
    if met and met[0] is value:
        del met[0]
    return Plain(data, fields_set_mode, attributes, shallow, met)


@by_class
def _fields(cls: Any) -> frozenset[str]:
    return frozenset(cls.model_fields)


@by_class
def _may_vary(cls: Any) -> bool:
    """Return whether objects of the class can hold what `varies` looks for, judged by its schema."""
    pending: list[Any] = [cls.__pydantic_core_schema__]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") in ("set", "frozenset") or "default_factory" in node:
                return True
            pending.extend(node.values())
        elif isinstance(node, list | tuple):
            pending.extend(node)
        elif isinstance(node, type) and is_secret_type(node):
            return True
    return False


def varies(value: Any) -> bool:
    """Return whether the plain form of a model could read back different in another process.

    A set has another order in every process, a field left unset is filled anew by its factory, and a secret may only be
    written where its type names it as a secret.
    """
    if is_secret_type(type(value)):
        return True
    if isinstance(value, list | tuple):
        return any(varies(item) for item in value)
    if isinstance(value, dict):
        return any(varies(item) for item in value.values())
    if isinstance(value, set | frozenset):
        return len(value) > 1
    if dataclasses.is_dataclass(value):
        made = (field.default_factory for field in dataclasses.fields(value) if not field.init)
        return any(factory not in _STEADY for factory in made) or varies(fielded_state(value))
    if not is_model(type(value)):
        return False
    chosen = value.__pydantic_fields_set__
    return (
        any(
            name not in chosen and field.default_factory not in _STEADY
            for name, field in type(value).model_fields.items()
        )
        or varies(value.__dict__)
        or varies(value.__pydantic_extra__)
    )


def counter(fields_set_mode: str | None) -> Callable[[Any], object] | None:
    """Return the function that corrects the set fields of a model just validated; None if nothing has to be corrected."""
    return {"declared": _count_inside, "declared at top": _count_at_top}.get(fields_set_mode or "")


def extras(value: BaseModel) -> str:
    """Return "declared" if models inside this one have extras, "declared at top" if only this one has, else ""."""
    held = value.__dict__
    for name in _holders(type(value)) or ():
        if _has_extras(held.get(name)):
            return "declared"
    return "declared at top" if value.__pydantic_extra__ else ""


def _count_at_top(value: BaseModel) -> None:
    extra = value.__pydantic_extra__
    if extra:
        value.__pydantic_fields_set__.difference_update(extra)


def _count_inside(value: Any) -> None:
    # On the replay path: fields that can hold no models are skipped.
    kind = type(value)
    names = _holders(kind)
    if names is None:
        if kind is list or kind is tuple:
            for item in value:
                _count_inside(item)
        elif kind is dict:
            for item in value.values():
                _count_inside(item)
        return
    extra = value.__pydantic_extra__
    if extra:
        value.__pydantic_fields_set__.difference_update(extra)
    held = value.__dict__
    for name in names:
        item = held.get(name)
        if item is not None:
            _count_inside(item)


def _has_extras(value: Any) -> bool:
    if value is None:
        return False
    kind = type(value)
    names = _holders(kind)
    if names is None:
        for item in value if kind is list or kind is tuple else value.values() if kind is dict else ():
            if _has_extras(item):
                return True
        return False
    if value.__pydantic_extra__:
        return True
    held = value.__dict__
    for name in names:  # noqa: SIM110 - half the time of any()
        if _has_extras(held.get(name)):
            return True
    return False


@by_class
def _holders(cls: Any) -> tuple[str, ...] | None:
    """Return the fields of a model class that may hold models; None for any other class."""
    if not is_model(cls):
        return None
    return tuple(name for name, field in cls.model_fields.items() if not _is_scalar(field.annotation))


def _is_scalar(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return all(map(_is_scalar, typing.get_args(annotation)))
    return typing.get_origin(annotation) is typing.Literal or annotation in (str, int, float, bool, types.NoneType, Any)


@by_class
def imports_by_name(cls: Any) -> bool:
    """Return whether validating a model imports what the data name: it has an `ImportString`, at any depth."""
    importing = getattr(sys.modules.get("pydantic.types"), "ImportString", None)
    seen: set[Any] = set()
    pending: list[Any] = [cls]
    while pending:
        part = pending.pop()
        if part is importing or type(part) is importing:
            return True
        if type(part) is list or type(part) is tuple:
            pending.extend(part)
        elif isinstance(part, type):
            if part not in seen:
                seen.add(part)
                fields = vars(part).get("__pydantic_fields__") or getattr(part, "__annotations__", None) or {}
                for field in fields.values():
                    pending.append(getattr(field, "annotation", field))
                    pending.extend(getattr(field, "metadata", ()))
        elif hasattr(part, "__args__"):
            pending.extend(part.__args__)
            pending.extend(getattr(part, "__metadata__", ()))
    return False


def validator(cls: Any, name: str) -> Callable[[bytes], Any]:
    """Return what validates the JSON of a class. Raises `TypeNotFound` for a class that is not complete, `UntrustedType`."""
    if imports_by_name(cls):
        raise UntrustedType(name, "has an ImportString, which would import what the file names")
    try:
        return cls.__pydantic_validator__.validate_json  # type: ignore[no-any-return]
    except BaseException as error:
        raise TypeNotFound(name, f"it cannot be used ({type(error).__name__}: {error})") from error


def read_plain(cls: type[BaseModel], data: bytes, name: str) -> Any:
    """Return the model of that JSON. Raises `DataMismatch` if the type no longer accepts it, or what `validator` raises."""
    validate = validator(cls, name)
    try:
        return validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        cause = first.get("ctx", {}).get("error")  # what a validator of the user's raised
        raise DataMismatch(name, f"{where}: {first['msg']}" if where else first["msg"]) from (
            cause if isinstance(cause, BaseException) else None
        )
    except BaseException as error:
        raise DataMismatch(name, f"{type(error).__name__}: {error}") from error


def exact_form(value: BaseModel, encode: Callable[[Any, str], Any]) -> dict[str, Any]:
    """Return the object's parts one by one. None of its validators and serializers runs."""
    cls, held = type(value), value.__dict__
    fields = cls.model_fields
    form: dict[str, Any] = {
        "exact": {name: encode(item, f".{name}") for name, item in held.items() if name in fields},
    }
    if len(form["exact"]) != len(fields):
        form["missing"] = [name for name in fields if name not in held]
    if value.__pydantic_fields_set__ != form["exact"].keys():
        form["set"] = sorted(value.__pydantic_fields_set__)
    attributes = {name: encode(item, f".{name}") for name, item in held.items() if name not in fields}
    if attributes:
        form["attributes"] = attributes
    if value.__pydantic_extra__ != _no_extra(cls):
        form["extra"] = encode(value.__pydantic_extra__, "")
    if value.__pydantic_private__ is not None:
        form["private"] = encode(value.__pydantic_private__, "")
    return form


def read_exact(cls: type[BaseModel], node: dict[str, Any], decode: Callable[[Any], Any], name: str) -> Any:
    """Return the model of an exact form. No validator, no `__init__`, no `__new__` of the class runs."""
    stored = mapping(node["exact"])
    unknown = stored.keys() - cls.model_fields.keys()
    added = cls.model_fields.keys() - stored.keys() - set(listed(node.get("missing", [])))
    if unknown or added:
        raise DataMismatch(name, f"its fields have changed ({', '.join(sorted(unknown or added))})")
    held = {field: decode(item) for field, item in stored.items()}
    chosen = set(listed(node["set"])) if "set" in node else set(held)
    if "attributes" in node:
        held.update(mapping(decode(mapping(node["attributes"]))))
    value = object.__new__(cls)
    object.__setattr__(value, "__dict__", held)
    object.__setattr__(value, "__pydantic_fields_set__", chosen)
    if cls.__pydantic_root_model__:  # These two are constants of the class.
        return value
    object.__setattr__(
        value, "__pydantic_extra__", _state(node, "extra", decode) if "extra" in node else _no_extra(cls)
    )
    object.__setattr__(value, "__pydantic_private__", _state(node, "private", decode) if "private" in node else None)
    return value


def _state(node: dict[str, Any], part: str, decode: Callable[[Any], Any]) -> dict[str, Any] | None:
    state = decode(node[part])
    return None if state is None else mapping(state)


def _no_extra(cls: type[BaseModel]) -> dict[str, Any] | None:
    return {} if cls.model_config.get("extra") == "allow" else None
