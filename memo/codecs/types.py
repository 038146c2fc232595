"""The types that one function's recordings may name, and how their names resolve."""

from __future__ import annotations

import collections.abc
import functools
import importlib
import operator
import sys
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from memo._values.kinds import (
    BUILTINS,
    class_name,
    declares,
    is_data_type,
    is_stream_class,
    is_typed_dict,
    module_name,
)
from memo.codecs._reach import classes_in, held_by, is_annotation, plain_function, reachable, reachable_in
from memo.codecs._spelling import ALIASES, atoms, is_generic, parse, spell
from memo.codecs.imports import BodyImports, imported_in_calls
from memo.codecs.registry import codec_of, known_type
from memo.errors import MemoError, TypeNotFound, TypeNotImported, UntrustedType

__all__ = ["ImportedInCall", "Types", "held_by", "is_annotation"]

_TYPING: dict[str, Any] = {
    "typing:Any": Any,
    "typing:Union": typing.Union,
    "typing:Literal": typing.Literal,
    "types:UnionType": types.UnionType,
    **{f"typing:{name}": getattr(typing, name) for name in ALIASES},
    **{f"collections.abc:{name}": getattr(collections.abc, name) for name in collections.abc.__all__},
}


class ImportedInCall(TypeNotFound):
    """A type's module was imported while the call ran: a replay, which does not run it, would not find the type."""

    def __init__(self, name: str, module: str) -> None:
        self.module = module
        super().__init__(name, f"is in the module {module}, which was imported while the call ran")


class Types:
    """The types that one function's recordings may name.

    They are the ones that the function's own annotations reach, those with a registered codec, and the data types of
    modules that the program has imported, that the function's own body imports, or whose top-level package `trust` names.
    Everything else is `UntrustedType`, and nothing is imported, called or built to find that out. A name resolves once;
    threads may share the object.
    """

    def __init__(
        self,
        function: Callable[..., Any] | None = None,
        *,
        reach: Iterable[Any] = (),
        owned: Iterable[Any] = (),
        trust: Iterable[str] = (),
    ) -> None:
        self._function = function
        self._reach = tuple(reach)
        self._owned = tuple(owned)
        self.names_owned = False
        """Whether a name led to what only the object whose method is called reaches."""
        self._trust = frozenset(trust)
        self._reached: dict[str, Any] | None = None
        self._resolved: dict[str, Any] = {}
        self._spelled: dict[Any, str] = {}
        self._settled: set[type] = set()
        self._aliases: dict[int, Any] = {}
        """Generics with arguments to which a name leads, by identity: the like of `Optional[int]` and `int | None` are equal, and two."""
        self._body = BodyImports(function)

    def spell(self, cls: Any) -> str:
        """Return the name of `cls`, proved to resolve back to `cls`.

        Raises `UntrustedType` or `TypeNotFound` for a class whose name does not.
        """
        # Only classes are remembered: `Optional[int]` and `int | None` are equal, and two.
        name = self._spelled.get(cls) if isinstance(cls, type) else None
        if name is None:
            alias = typing.get_origin(cls) is not None
            name = spell(cls)
            found = self.resolve(name)
            if found is not cls and not (alias and repr(found) == repr(cls) and found == cls):
                other = "another class of that name" if repr(found) == repr(cls) else repr(found)
                raise TypeNotFound(name, f"that name leads to {other}")
            if imported_in_calls:
                self._refuse_late(name)
            if not alias:
                self._spelled[cls] = name
        return name

    def resolve(self, name: str) -> Any:
        """Return the type of that name. Raises `UntrustedType` or `TypeNotFound`."""
        if not isinstance(name, str):
            raise TypeNotFound(repr(name), "that is not a name")
        found = self._resolved.get(name)
        if found is None:
            try:
                found = self._resolved[name] = self._generic(name) if is_generic(name) else self._atom(name)
            except MemoError:
                raise
            except BaseException as error:
                # Classes are the user's code: a metaclass, a `__set_name__`, a `__class_getitem__`.
                raise TypeNotFound(name, f"looking it up raised {type(error).__name__}: {error}") from error
        return found

    def spell_stream(self, cls: type) -> str | None:
        """Return the name of the class of a stream; None if a replay would not find the class by a name."""
        name = class_name(cls)
        try:
            if self.resolve_stream(name) is not cls:
                return None
            if imported_in_calls:
                self._refuse_late(name)
        except (UntrustedType, TypeNotFound):
            return None
        return name

    def resolve_stream(self, name: str) -> type:
        """Return the class of a stream, which is no data type. Raises `UntrustedType` or `TypeNotFound`."""
        if not isinstance(name, str):
            raise TypeNotFound(repr(name), "that is not a name")
        module, _, qualname = name.partition(":")
        found: type = self._lookup(name, module, qualname, is_stream_class)
        return found

    def _generic(self, name: str) -> Any:
        try:
            return parse(name, self._atom, _build)
        except (UntrustedType, TypeNotFound):
            found = self._known(name)
            # Built only if there is none: each building of a class may give another one.
            return found if found is not None else parse(name, self._atom, _build, self._known)

    def _known(self, name: str) -> Any:
        """Return what annotations, arguments or the modules of its parts lead to under a name that is no place in a module."""
        found = self._reachable().get(name)
        if found is not None:
            return found
        if self._owned:
            found = reachable(None, self._owned).get(name)
            if found is not None:
                self.names_owned = True
                return found
        own = getattr(plain_function(self._function), "__module__", None)
        for module in dict.fromkeys((own, *(module for module, _ in atoms(name)), "pydantic.types")):
            found = _in_module(module).get(name)
            if found is not None:
                return found
        return None

    def _atom(self, name: str) -> Any:
        found = BUILTINS.get(name) or _TYPING.get(name) or known_type(name)
        if found is not None:
            return found
        module, colon, qualname = name.partition(":")
        if not colon:
            module, qualname = _split_dotted(name)
        try:
            return self._lookup(name, module, qualname)
        except (UntrustedType, TypeNotFound):
            # The annotations come last: reading them is slow, and only local or moved classes need it.
            found = self._known(f"{module}:{qualname}")
            if found is None:
                raise
            return found

    def _lookup(self, name: str, module: str, qualname: str, is_kind: Callable[[type], object] | None = None) -> Any:
        if not module or not qualname:
            raise TypeNotFound(name, "that is not a name")
        if "<locals>" in qualname:
            raise UntrustedType(name, "is local to a function and not named in the recorded function's annotations")
        main = sys.modules.get("__main__")
        # `python -m package` is found under the name of the package, which is its own module.
        if main is not None and module_name("__main__") == module and qualname.partition(".")[0] in vars(main):
            return _attribute(name, main, qualname, is_kind)
        return _attribute(name, self._module(name, module), qualname, is_kind)

    def reaching(self, annotations: Iterable[Any], owned: Iterable[Any] = ()) -> Types:
        """Return these types and those that some more annotations, and those of the object of a method, reach."""
        return Types(
            self._function, reach=(*self._reach, *annotations), owned=(*self._owned, *owned), trust=self._trust
        )

    def unnamed(self, values: Iterable[Any], depth: int) -> list[Any]:
        """Return the classes in a call's arguments to which no name leads: made at run time, or with such arguments."""
        return [cls for cls in classes_in(values, depth) if self._is_unnamed(cls)]

    def _is_unnamed(self, cls: Any) -> bool:
        if not issubclass(type(cls), type):
            return self._aliases.get(id(cls)) is not cls and self._is_unnamed_alias(cls)
        if cls in self._settled:
            return False
        if is_data_type(cls) and codec_of(cls) is None and self._is_unspelled(cls):
            return True
        self._settled.add(cls)
        return False

    def _is_unnamed_alias(self, alias: Any) -> bool:
        try:
            is_quoted = '"' in spell(alias)
        except Exception:  # noqa: BLE001 - the metadata of `Annotated` are the user's, and so is their `repr`
            return True
        # A name without quoted parts is made of names of classes, of which each is looked at by itself.
        if is_quoted and self._is_unspelled(alias):
            return True
        if len(self._aliases) >= _MOST_ALIASES:
            self._aliases.clear()
        self._aliases[id(alias)] = alias
        return False

    def _is_unspelled(self, annotation: Any) -> bool:
        try:
            self.spell(annotation)
        except (UntrustedType, TypeNotFound):
            return True
        return False

    def _refuse_late(self, name: str) -> None:
        """Raise `TypeNotImported` for a type that a replay in a new process would not find: it does not run the function."""
        for module, qualname in atoms(name):
            if (
                module in imported_in_calls
                and module.partition(".")[0] not in self._trust
                and not self._body.bring_in(module, qualname)
                and f"{module}:{qualname}" not in self._reachable()
            ):
                raise ImportedInCall(name, module)

    def _reachable(self) -> dict[str, Any]:
        if self._reached is None:
            self._reached = reachable(self._function, self._reach)
        return self._reached

    def _module(self, name: str, module: str) -> types.ModuleType:
        loaded = sys.modules.get(module)
        if loaded is not None:
            return loaded
        top = module.partition(".")[0]
        if module.endswith("__main__"):
            raise TypeNotImported(name, module)
        try:
            if top in self._trust:
                return importlib.import_module(module)
            self._body.execute(top)
        except BaseException as error:
            raise TypeNotFound(name, f"its module cannot be imported ({type(error).__name__}: {error})") from error
        loaded = sys.modules.get(module)
        if loaded is None:
            raise TypeNotImported(name, module if top in sys.modules else top)
        return loaded


_reached: WeakKeyDictionary[types.ModuleType, tuple[int, dict[str, Any]]] = WeakKeyDictionary()
"""What each module reaches, and how many names the module had then."""
_MOST_ALIASES = 256


def _in_module(name: str | None) -> dict[str, Any]:
    """Return what a loaded module reaches, by name."""
    module = sys.modules.get(name or "")
    if module is None:
        return {}
    count, reached = _reached.get(module, (0, {}))
    if count != len(vars(module)):  # it may still be on its way
        count, reached = _reached[module] = (len(vars(module)), reachable_in(module))
    return reached


def _attribute(
    name: str, module: types.ModuleType, qualname: str, is_kind: Callable[[type], object] | None = None
) -> Any:
    """Return the data type (or another kind of class) at that place in a module. No code of the module's or of a metaclass's runs."""
    found: Any = module
    for part in qualname.split("."):
        # Not getattr: a module's or a metaclass's __getattr__ is code that data would run.
        # Nor isinstance: a proxy's `__class__` is code, too.
        found = vars(found).get(part) if issubclass(type(found), types.ModuleType | type) else None
        if found is None:
            raise TypeNotFound(name, f"there is no {part} in its module")
    if not issubclass(type(found), type) or not (is_kind or _is_nameable)(found):
        kinds = "data type (model, dataclass, enum, named tuple, exception)" if is_kind is None else "class of streams"
        raise UntrustedType(name, f"is not a {kinds}")
    return found


def _is_nameable(cls: type) -> bool:
    return is_data_type(cls) or is_typed_dict(cls) or codec_of(cls) is not None


def _build(head: str, origin: Any, arguments: list[Any]) -> Any:
    """Return a generic with its arguments. Raises `TypeNotFound` if it does not take them."""
    generic = head in _TYPING or head in BUILTINS
    if not (generic or (issubclass(type(origin), type) and declares(origin, "__class_getitem__"))):
        raise TypeNotFound(head, "it is not generic")
    try:
        if origin is types.UnionType:
            return functools.reduce(operator.or_, arguments)
        return origin[tuple(arguments) if len(arguments) != 1 else arguments[0]]
    except BaseException as error:  # building a generic model runs pydantic on the user's types
        raise TypeNotFound(head, f"it does not take these arguments ({error})") from error


def _split_dotted(name: str) -> tuple[str, str]:
    """Return module and qualname of a dotted name, by the longest prefix that is an imported module."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        if ".".join(parts[:cut]) in sys.modules:
            return ".".join(parts[:cut]), ".".join(parts[cut:])
    return ".".join(parts[:-1]), parts[-1]
