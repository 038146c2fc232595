"""The spelling of types: a class or a generic with its arguments as text, and the text as a tree of names.

int                       a builtin
package.module:Class      any other class (dotted names, `package.module.Class`, are read too)
app:Page[int]             a generic class with its arguments; typing:Union[…] and typing:Literal["a",1] as arguments
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, cast

import orjson

from memo._values.kinds import class_name
from memo.errors import TypeNotFound

__all__ = ["atoms", "is_generic", "parse", "spell"]

_SYNTAX = re.compile(r'[\[\],"]')
_MAX_LENGTH, _MAX_GENERIC_LENGTH = 1_000, 100_000
"""How many characters a name may have: enough for any real type."""
_MAX_DEPTH = 30
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\],]|[^\[\],"]+')
_ATOM = re.compile(r'([^\[\],":]+):([^\[\],":]+)')
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


def atoms(name: str) -> list[tuple[str, str]]:
    """Return module and qualname of each class in a name, but for builtins."""
    return [(match[1], match[2]) for match in _ATOM.finditer(name)]


def is_generic(name: str) -> bool:
    """Return whether a name is one of a generic with its arguments. Raises `TypeNotFound` for a name that is too long."""
    generic = _SYNTAX.search(name) is not None
    if len(name) > (_MAX_GENERIC_LENGTH if generic else _MAX_LENGTH):
        raise TypeNotFound(f"{name[:60]}…", f"that is no name: it has {len(name):,} characters")
    return generic


def parse(name: str, atom: Callable[[str], Any], build: Callable[[str, Any, list[Any]], Any]) -> Any:
    """Return the type that a generic's name spells.

    `atom` resolves the name of a class, `build` applies one to its arguments. Raises `TypeNotFound` for a malformed name.
    """
    return _Parser(name, atom, build).parsed()


class _Parser:
    def __init__(self, name: str, atom: Callable[[str], Any], build: Callable[[str, Any, list[Any]], Any]) -> None:
        self._name = name
        self._atom = atom
        self._build = build
        self._tokens = list(self._tokenized())
        self._next = 0

    def _tokenized(self) -> Iterator[str]:
        at = 0
        while at < len(self._name):
            token = _TOKEN.match(self._name, at)
            if token is None:
                raise _no_name(self._name)
            yield token[0]
            at = token.end()
        yield ""

    def parsed(self) -> Any:
        found = self._expression(0)
        if self._peek():
            raise _no_name(self._name)
        return found

    def _peek(self) -> str:
        return self._tokens[self._next]

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1]

    def _expression(self, depth: int) -> Any:
        if depth > _MAX_DEPTH or self._peek()[:1] in ("", "[", "]", ",", '"'):
            raise _no_name(self._name)
        head = self._take()
        origin: Any = self._atom(head)
        if self._peek() != "[":
            return origin
        arguments: list[Any] = []
        while self._take() != "]":
            if head == _LITERAL and self._peek():
                arguments.append(_literal(self._take(), self._name))
            else:
                arguments.append(self._expression(depth + 1))
            if self._peek() not in (",", "]"):
                raise _no_name(self._name)
        return self._build(head, origin, arguments)


def _literal(token: str, whole: str) -> Any:
    try:
        return orjson.loads(token)
    except orjson.JSONDecodeError:
        raise TypeNotFound(whole, f"{token} is no literal") from None


def _no_name(text: str) -> TypeNotFound:
    return TypeNotFound(text, "that is no name")
