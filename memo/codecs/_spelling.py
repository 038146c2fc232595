"""The spelling of types: a class or a generic with its arguments as text, and the text as a tree of names.

int                       a builtin
package.module:Class      any other class (dotted names, `package.module.Class`, are read too)
app:Page[int]             a generic class with its arguments; typing:Union[…], typing:Literal["a",1,app:Color.RED],
                          typing:Callable[[int],str] and tuple[int,...] as arguments
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, EnumType
from typing import Any, cast

import orjson

from memo._values.kinds import class_name
from memo.errors import TypeNotFound

__all__ = ["ALIASES", "atoms", "is_generic", "parse", "spell"]

_SYNTAX = re.compile(r'[\[\],"]')
_MAX_LENGTH, _MAX_GENERIC_LENGTH = 1_000, 100_000
"""How many characters a name may have: enough for any real type."""
_MAX_DEPTH = 30
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\],]|[^\[\],"]+')
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
ALIASES = frozenset(
    name for name, alias in vars(typing).items() if isinstance(getattr(alias, "__origin__", None), type)
)
"""The generics of `typing` that stand for others: List, Dict, Callable, Sequence, …"""
_ATOM = re.compile(r'([^\[\],":]+):([^\[\],":]+)')
_LITERAL, _ANNOTATED = "typing:Literal", "typing:Annotated"


def spell(annotation: Any) -> str:
    """Return the name of a class, or of an annotation that is the argument of one.

    What has no name of its own is quoted (a forward reference, the metadata of `Annotated`): it is never evaluated, and a
    class with such an argument is only found where annotations, arguments or modules lead to it.
    """
    if annotation is None or annotation is types.NoneType:
        return "None"
    if annotation is Any:
        return "typing:Any"
    if annotation is ...:
        return "..."
    if isinstance(annotation, list):
        return f"[{_spelled(annotation)}]"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    generic = getattr(annotation, "__pydantic_generic_metadata__", None)
    if generic and generic["origin"]:
        origin, arguments = generic["origin"], generic["args"]
    head = _head(annotation, origin)
    if origin is typing.Literal:
        return f"{head}[{','.join(map(_spell_literal, arguments))}]"
    if head is not None and arguments:
        return f"{head}[{_spelled(arguments)}]"
    if isinstance(annotation, type):
        return class_name(annotation)
    return orjson.dumps(_ADDRESS.sub("", repr(annotation))).decode()


def _head(annotation: Any, origin: Any) -> str | None:
    """Return the name of a generic without its arguments."""
    if origin is typing.Union or origin is types.UnionType:
        # Two spellings, because `Page[int | None]` and `Page[Optional[int]]` are two classes.
        return "typing:Union" if origin is typing.Union else "types:UnionType"
    if origin is typing.Literal or origin is typing.Annotated:
        return f"typing:{'Literal' if origin is typing.Literal else 'Annotated'}"
    if not isinstance(origin, type):
        return None
    alias = getattr(annotation, "_name", None)
    if type(annotation).__module__ == "typing" and alias in ALIASES:
        return f"typing:{alias}"  # `typing.List[int]` is another class's argument than `list[int]`
    return class_name(cast("Any", origin))


def _spelled(arguments: Iterable[Any]) -> str:
    return ",".join(map(spell, arguments))


def _spell_literal(value: Any) -> str:
    if isinstance(value, Enum):
        return f"{class_name(type(value))}.{value.name}"
    if type(value) in (str, int, bool, types.NoneType):
        return orjson.dumps(value).decode()
    return orjson.dumps(repr(value)).decode() + '""'  # quoted twice: no literal


def atoms(name: str) -> list[tuple[str, str]]:
    """Return module and qualname of each class in a name, but for builtins."""
    return [(match[1], match[2]) for match in _ATOM.finditer(name)]


def is_generic(name: str) -> bool:
    """Return whether a name is one of a generic with its arguments. Raises `TypeNotFound` for a name that is too long."""
    generic = _SYNTAX.search(name) is not None
    if len(name) > (_MAX_GENERIC_LENGTH if generic else _MAX_LENGTH):
        raise TypeNotFound(f"{name[:60]}…", f"that is not a name: it has {len(name):,} characters")
    return generic


def parse(
    name: str,
    atom: Callable[[str], Any],
    build: Callable[[str, Any, list[Any]], Any],
    known: Callable[[str], Any] = lambda _: None,
) -> Any:
    """Return the type that a generic's name spells.

    `atom` resolves the name of a class, `build` applies one to its arguments, `known` returns the annotation of a name that
    has quoted parts, or None. Raises `TypeNotFound` for a malformed name.
    """
    return _Parser(name, atom, build, known).parsed()


class _Parser:
    def __init__(
        self,
        name: str,
        atom: Callable[[str], Any],
        build: Callable[[str, Any, list[Any]], Any],
        known: Callable[[str], Any],
    ) -> None:
        self._name = name
        self._atom = atom
        self._build = build
        self._known = known
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
        if depth > _MAX_DEPTH:
            raise _no_name(self._name)
        if depth and self._peek() == "[":
            if self._tokens[self._next + 1] == "]":  # the parameters of a Callable that takes none
                self._next += 2
                return []
            return self._arguments(depth, self._expression)
        if self._peek() == "..." and depth:
            self._take()
            return ...
        if depth and self._peek()[:1] == '"':
            return self._annotation(self._take())
        if self._peek()[:1] in ("", "[", "]", ",", '"'):
            raise _no_name(self._name)
        head = self._take()
        if head == _ANNOTATED:
            return self._annotation(head + self._bracketed())
        origin: Any = self._atom(head)
        if self._peek() != "[":
            return origin
        arguments = self._arguments(depth, self._literal if head == _LITERAL else self._expression)
        return self._build(head, origin, arguments)

    def _annotation(self, text: str) -> Any:
        found = self._known(text)
        if found is None:
            raise TypeNotFound(self._name, f"only an annotation, an argument or its module leads to {text}")
        return found

    def _bracketed(self) -> str:
        """Take the text of the arguments that follow, which are none to build."""
        start, inside = self._next, 0
        while self._peek():
            inside += {"[": 1, "]": -1}.get(self._take(), 0)
            if inside <= 0:
                break
        return "".join(self._tokens[start : self._next])

    def _arguments(self, depth: int, argument: Callable[[int], Any]) -> list[Any]:
        arguments: list[Any] = []
        while self._take() != "]":
            arguments.append(argument(depth + 1))
            if self._peek() not in (",", "]"):
                raise _no_name(self._name)
        return arguments

    def _literal(self, _: int) -> Any:
        token = self._take()
        cls, dot, member = token.rpartition(".")
        if ":" in token and token[0] != '"' and dot:
            enum = self._atom(cls)
            if isinstance(enum, EnumType) and member in enum.__members__:
                return enum.__members__[member]
            raise _no_name(self._name)
        return _literal(token, self._name)


def _literal(token: str, whole: str) -> Any:
    try:
        return orjson.loads(token)
    except orjson.JSONDecodeError:
        raise TypeNotFound(whole, f"{token} is not a literal") from None


def _no_name(text: str) -> TypeNotFound:
    return TypeNotFound(text, "that is not a name")
