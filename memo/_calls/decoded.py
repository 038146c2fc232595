"""Arguments from their canonical form: the values with which a recorded call is made again.

The canonical form leaves out what does not identify a call (which module a class is in, whether a list was a tuple), so the
function's annotations say what it was. Whoever makes a call of these arguments compares its key with the recorded one.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from memo._calls.secrets import MASK
from memo._values.scalars import bytes_of, int_of, text_of

__all__ = ["NotDecodable", "decoded", "holds_mask", "plain"]


class NotDecodable(Exception):
    """The arguments of a call cannot be made from its recording."""


def decoded(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call of a function, given their canonical form: positional ones, and others by name.

    Raises `NotDecodable`, saying why.
    """
    if holds_mask(arguments):
        raise NotDecodable("an argument holds a credential, which is not in the recording")
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # annotations are the user's code
        raise NotDecodable(f"its signature cannot be read ({error})") from error
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    by_position = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    for parameter in parameters:
        name = parameter.name
        if name not in arguments:
            if parameter.default is parameter.empty and parameter.kind not in _MANY:
                raise NotDecodable(f"its argument {name} is not in the recording")
            continue
        value = _value(arguments[name], hints.get(name, Any) if parameter.kind not in _MANY else Any, name)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            args += value
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            kwargs |= value
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY or not (by_position or parameter.kind is _POSITIONAL):
            kwargs[name] = value
        else:
            args.append(value)
    return tuple(args), kwargs


_MANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_POSITIONAL = inspect.Parameter.POSITIONAL_ONLY


def holds_mask(tree: Any) -> bool:
    """Return whether a credential was left out or masked somewhere in a canonical form."""
    if isinstance(tree, dict):
        return tree.get("__type__") == "secret" or any(map(holds_mask, tree.values()))
    return any(map(holds_mask, tree)) if isinstance(tree, list) else isinstance(tree, str) and MASK in tree


def _value(form: Any, hint: Any, name: str) -> Any:
    value = plain(form, name)
    if hint is Any or hint is inspect.Parameter.empty:
        return value
    from pydantic import TypeAdapter

    try:
        adapter = TypeAdapter(hint)
        try:
            return adapter.validate_python(value, by_name=True, by_alias=True)
        except TypeError:  # a pydantic before 2.11, or a type that takes no such options
            return adapter.validate_python(value)
    except Exception as error:  # the type is the user's
        raise NotDecodable(f"its argument {name} cannot be made a {_named(hint)} ({type(error).__name__})") from error


def _named(hint: Any) -> str:
    return getattr(hint, "__name__", None) or str(hint)


def plain(form: Any, name: str) -> Any:
    """Return a canonical form as plain values, which an annotation makes objects of."""
    if isinstance(form, list):
        return [plain(member, name) for member in form]
    if not isinstance(form, dict):
        return form
    if "__type__" not in form:
        return {key: plain(member, name) for key, member in form.items()}
    return _typed(form, name)


def _typed(form: dict[str, Any], name: str) -> Any:
    """Return the plain value of a form that names its type."""
    match form:
        case {"__type__": "bytes", "sha256": _}:
            raise NotDecodable(f"its argument {name} is in the recording as a digest")
        case {"__type__": "bytes"}:
            return bytes_of(form)
        case {"__type__": "dict", "pairs": pairs}:
            return {plain(key, name): plain(member, name) for key, member in pairs}
        case {"__type__": "int", "value": str(text)}:
            return int_of(text)
        case {"__type__": "float", "value": str(text)}:
            return float(text)
        case {"__type__": "str", "value": str(text)}:
            return text_of(text)
        case {"value": dict(fields), "extra": dict(more)}:
            return {**plain(fields, name), **plain(more, name)}
        case {"value": value}:
            return plain(value, name)
        case _:
            raise NotDecodable(f"its argument {name} cannot be made from the recording")
