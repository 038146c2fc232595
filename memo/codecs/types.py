"""Types by name: how a recording spells a type, and which types it may name.

int                       a builtin
package.module:Class      any other class (dotted names, `package.module.Class`, are read too)
app:Page[int]             a generic model with its arguments; typing:Union[…] and typing:Literal["a",1] as arguments
"""

from __future__ import annotations

import enum
import functools
import importlib
import inspect
import operator
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, cast

import orjson

from memo._values.kinds import BUILTINS, class_name, declares, is_data_type, is_model, module_name
from memo.errors import TypeNotFound, UntrustedType

__all__ = ["Types"]


_TYPING: dict[str, Any] = {
    "typing:Any": Any,
    "typing:Union": typing.Union,
    "typing:Literal": typing.Literal,
    "types:UnionType": types.UnionType,
}
_LONGEST = 250
"""How many tokens a name may have: enough for any real type, too few to exhaust the stack."""
_SYNTAX = re.compile(r'[\[\],"]')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\],]|[^\[\],"]+')


class Types:
    """The types that one function's recordings may name.

    These are what the function's own annotations reach, the types with a registered codec (`known`), and the data types
    of top-level packages that the program has already imported or that `trust` names. Everything else is `UntrustedType`,
    and nothing is imported, called or built to find that out. Names resolve once; the object may be shared by threads.
    """

    def __init__(
        self,
        function: Callable[..., Any] | None = None,
        *,
        reach: Iterable[Any] = (),
        trust: Iterable[str] = (),
        known: Callable[[str], type | None] = lambda name: None,
    ) -> None:
        self._function = function
        self._reach = tuple(reach)
        self._trust = frozenset(trust)
        self._known = known
        self._reached: dict[str, type] | None = None
        self._resolved: dict[str, Any] = {}
        self._spelled: dict[Any, str] = {}

    def spell(self, cls: Any) -> str:
        """The name of `cls`, proved to resolve back to it.

        Raises `UntrustedType` or `TypeNotFound` for one that would not.
        """
        # Only classes are remembered: `Optional[int]` and `int | None` are equal, and two.
        name = self._spelled.get(cls) if isinstance(cls, type) else None
        if name is None:
            alias = typing.get_origin(cls) is not None
            name = _spell(cls)
            found = self.resolve(name)
            if found is not cls and not (alias and repr(found) == repr(cls) and found == cls):
                raise TypeNotFound(name, f"that name leads to {found!r}")
            if not alias:
                self._spelled[cls] = name
        return name

    def resolve(self, name: str) -> Any:
        """The type of that name. Raises `UntrustedType` or `TypeNotFound`."""
        if not isinstance(name, str):
            raise TypeNotFound(repr(name), "that is no name")
        found = self._resolved.get(name)
        if found is None:
            found = self._resolved[name] = self._parsed(name) if _SYNTAX.search(name) else self._atom(name)
        return found

    def _parsed(self, name: str) -> Any:
        tokens = _TOKEN.findall(name)
        if "".join(tokens) != name or len(tokens) > _LONGEST:
            raise TypeNotFound(name, "that is no name")
        found = self._expression(tokens, name)
        if tokens:
            raise TypeNotFound(name, "that is no name")
        return found

    def _expression(self, tokens: list[str], whole: str) -> Any:
        if not tokens or tokens[0] in "[],":
            raise TypeNotFound(whole, "that is no name")
        head = tokens.pop(0)
        if head[0] == '"':
            raise TypeNotFound(whole, "that is no name")
        origin: Any = self._atom(head)
        if not tokens or tokens[0] != "[":
            return origin
        arguments: list[Any] = []
        while tokens and tokens.pop(0) != "]":
            if origin is typing.Literal and tokens:
                arguments.append(_literal(tokens.pop(0), whole))
            else:
                arguments.append(self._expression(tokens, whole))
            if not tokens or tokens[0] not in ",]":
                raise TypeNotFound(whole, "that is no name")
        generic = head in _TYPING or head in BUILTINS
        if not (generic or (issubclass(type(origin), type) and declares(origin, "__class_getitem__"))):
            raise TypeNotFound(whole, f"{head} is not generic")
        try:
            if origin is types.UnionType:
                return functools.reduce(operator.or_, arguments)
            return origin[tuple(arguments) if len(arguments) != 1 else arguments[0]]
        except Exception as error:  # noqa: BLE001 - building a generic model runs pydantic on the user's types
            raise TypeNotFound(whole, f"{head} does not take these arguments ({error})") from None

    def _atom(self, name: str) -> Any:
        found = BUILTINS.get(name) or _TYPING.get(name) or self._known(name)
        if found is not None:
            return found
        module, colon, qualname = name.partition(":")
        if not colon:
            module, qualname = _split_dotted(name)
        try:
            return self._lookup(name, module, qualname)
        except (UntrustedType, TypeNotFound):
            # The annotations come last: reading them is slow, and only local or moved classes need it.
            if self._reached is None:
                self._reached = _reachable(self._function, self._reach)
            found = self._reached.get(f"{module}:{qualname}")
            if found is None:
                raise
            return found

    def _lookup(self, name: str, module: str, qualname: str) -> Any:
        if not module or not qualname:
            raise TypeNotFound(name, "that is no name")
        if "<locals>" in qualname:
            raise UntrustedType(name, "is local to a function and not named in the recorded function's annotations")
        main = sys.modules.get("__main__")
        # `python -m package` is found under the name of the package, which is a module of its own.
        if main is not None and module_name("__main__") == module and qualname.partition(".")[0] in vars(main):
            return self._attribute(name, main, qualname)
        return self._attribute(name, self._module(name, module), qualname)

    def _module(self, name: str, module: str) -> types.ModuleType:
        loaded = sys.modules.get(module)
        if loaded is not None:
            return loaded
        top = module.partition(".")[0]
        if top not in sys.modules and top not in self._trust:
            raise UntrustedType(name, f"lives in the package {top}, which this program has not imported")
        if top in sys.stdlib_module_names or module.endswith("__main__"):
            raise UntrustedType(name, f"lives in the module {module}, which this program has not imported")
        try:
            return importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - a module's own code may raise anything
            raise TypeNotFound(name, f"its module can not be imported ({error})") from None

    def _attribute(self, name: str, module: types.ModuleType, qualname: str) -> Any:
        found: Any = module
        for part in qualname.split("."):
            # Not getattr: a module's or a metaclass's __getattr__ is code that data would run.
            # Nor isinstance: a proxy's `__class__` is code, too.
            found = vars(found).get(part) if issubclass(type(found), types.ModuleType | type) else None
            if found is None:
                raise TypeNotFound(name, f"there is no {part} in its module")
        if not issubclass(type(found), type) or not is_data_type(found):
            raise UntrustedType(name, "is no data type (model, dataclass, enum, named tuple, exception)")
        return found


def _split_dotted(name: str) -> tuple[str, str]:
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        if ".".join(parts[:cut]) in sys.modules:
            return ".".join(parts[:cut]), ".".join(parts[cut:])
    return ".".join(parts[:-1]), parts[-1]


def _literal(token: str, whole: str) -> Any:
    try:
        return orjson.loads(token)
    except orjson.JSONDecodeError:
        raise TypeNotFound(whole, f"{token} is no literal") from None


def _spell(annotation: Any) -> str:
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
        return f"{origin.__module__}:{'Union' if origin is typing.Union else 'UnionType'}[{','.join(map(_spell, arguments))}]"
    if origin is typing.Literal and all(type(each) in (str, int, bool, types.NoneType) for each in arguments):
        return f"typing:Literal[{','.join(orjson.dumps(each).decode() for each in arguments)}]"
    if isinstance(origin, type) and arguments:
        return f"{class_name(cast('Any', origin))}[{','.join(map(_spell, arguments))}]"
    if isinstance(annotation, type):
        return class_name(annotation)
    raise TypeNotFound(str(annotation), "such a type has no name")


def _reachable(function: Callable[..., Any] | None, also: Iterable[Any]) -> dict[str, type]:
    """The classes in a function's annotations, and in the fields of those, by name."""
    found: dict[str, type] = {}
    for annotation in (*_hints(function), *also):
        _walk(annotation, found)
    return found


def _hints(owner: Any) -> list[Any]:
    if owner is None:
        return []
    while isinstance(owner, staticmethod | classmethod | types.MethodType):
        owner = owner.__func__
    owner = inspect.unwrap(owner) if callable(owner) and not isinstance(owner, type) else owner
    if not isinstance(owner, type | types.FunctionType) and hasattr(owner, "func"):
        owner = owner.func
    elif not isinstance(owner, type) and not hasattr(owner, "__annotations__") and callable(owner):
        owner = type(owner).__call__
    local: dict[str, Any] = {}
    if isinstance(owner, types.FunctionType) and owner.__closure__:
        for name, cell in zip(owner.__code__.co_freevars, owner.__closure__, strict=True):
            try:
                local[name] = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
    try:
        return list(typing.get_type_hints(owner, localns=local or None, include_extras=True).values())
    except Exception:  # noqa: BLE001 - a hint that does not evaluate (TYPE_CHECKING imports) only reaches nothing
        return [hint for hint in getattr(owner, "__annotations__", {}).values() if not isinstance(hint, str)]


def _walk(annotation: Any, found: dict[str, type]) -> None:
    if isinstance(annotation, list | tuple):
        for each in annotation:
            _walk(each, found)
        return
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        name = class_name(annotation)
        if name in found or annotation.__module__ == "builtins":
            return
        if is_data_type(annotation):
            found[name] = annotation
        generic = getattr(annotation, "__pydantic_generic_metadata__", None)
        if generic and generic["origin"]:
            _walk((generic["origin"], *generic["args"]), found)
        if is_model(annotation):
            for field in cast(Any, annotation).model_fields.values():
                _walk(field.annotation, found)
        elif not issubclass(annotation, enum.Enum):
            for hint in _hints(annotation):
                _walk(hint, found)
        return
    value = getattr(annotation, "__value__", None)  # type X = …
    if value is not None:
        _walk(value, found)
    bound = getattr(annotation, "__bound__", None)
    if bound is not None:
        _walk(bound, found)
    origin = typing.get_origin(annotation)
    if origin is not None:
        _walk(origin, found)
        _walk(typing.get_args(annotation), found)
