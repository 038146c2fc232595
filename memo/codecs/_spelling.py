"""The spelling of types: a class or a generic with its arguments as text, and the text as a tree of names.

int                       a builtin
package.module:Class      any other class (dotted names, `package.module.Class`, are read too)
app:Page[int]             a generic class with its arguments; typing:Union[…] and typing:Literal["a",1] as arguments
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable
from typing import Any, cast

import orjson

from memo._values.kinds import class_name
from memo.errors import TypeNotFound

__all__ = ["SYNTAX", "parse", "spell"]

SYNTAX = re.compile(r'[\[\],"]')
"""The characters that only the name of a generic has."""
_MAX_TOKENS = 250
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\],]|[^\[\],"]+')
_LITERAL = "typing:Literal"


def spell(annotation: Any) -> str:
    """Return the name of a class, or of an annotation that is the argument of one. Raises `TypeNotFound`."""
    if annotation is None or annotation is types.NoneType:
        return "None"
    if annotation is Any:
        return "typing:Any"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    generic = getattr(annotation, "__pydantic_generic_metadata__", None)
    if generic and generic["origin"]:
        origin, arguments = generic["origin"], generic["args"]
    if origin is typing.Union or origin is types.UnionType:
        # Two spellings, because `Page[int | None]` and `Page[Optional[int]]` are two classes.
        return f"{origin.__module__}:{'Union' if origin is typing.Union else 'UnionType'}[{','.join(map(spell, arguments))}]"
    if origin is typing.Literal and all(type(value) in (str, int, bool, types.NoneType) for value in arguments):
        return f"{_LITERAL}[{','.join(orjson.dumps(value).decode() for value in arguments)}]"
    if isinstance(origin, type) and arguments:
        return f"{class_name(cast('Any', origin))}[{','.join(map(spell, arguments))}]"
    if isinstance(annotation, type):
        return class_name(annotation)
    raise TypeNotFound(str(annotation), "such a type has no name")


def parse(name: str, atom: Callable[[str], Any], build: Callable[[str, Any, list[Any]], Any]) -> Any:
    """Return the type that a generic's name spells.

    `atom` resolves the name of a class, `build` applies one to its arguments. Raises `TypeNotFound` for a malformed name.
    """
    tokens = _TOKEN.findall(name)
    if "".join(tokens) != name or len(tokens) > _MAX_TOKENS:
        raise _no_name(name)
    found = _expression(tokens, name, atom, build)
    if tokens:
        raise _no_name(name)
    return found


def _expression(
    tokens: list[str], whole: str, atom: Callable[[str], Any], build: Callable[[str, Any, list[Any]], Any]
) -> Any:
    if not tokens or tokens[0][0] in '[],"':
        raise _no_name(whole)
    head = tokens.pop(0)
    origin: Any = atom(head)
    if not tokens or tokens[0] != "[":
        return origin
    arguments: list[Any] = []
    while tokens and tokens.pop(0) != "]":
        if head == _LITERAL and tokens:
            arguments.append(_literal(tokens.pop(0), whole))
        else:
            arguments.append(_expression(tokens, whole, atom, build))
        if not tokens or tokens[0] not in ",]":
            raise _no_name(whole)
    return build(head, origin, arguments)


def _literal(token: str, whole: str) -> Any:
    try:
        return orjson.loads(token)
    except orjson.JSONDecodeError:
        raise TypeNotFound(whole, f"{token} is no literal") from None


def _no_name(text: str) -> TypeNotFound:
    return TypeNotFound(text, "that is no name")
