"""Targets: `"package.module:function"` or `"package.module:Class.method"`, and what they name.

A module that is not imported is looked for without importing it or its parents.
"""

from __future__ import annotations

import importlib.machinery
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from types import ModuleType
from typing import Any

from memo.errors import InvalidOption, TargetNotFound

__all__ = ["find", "is_initializing", "loaded_as", "namespace", "resolve", "split"]


def split(target: str) -> tuple[str, str]:
    """Return the module and the path of a target. Raises `InvalidOption`."""
    module, colon, path = target.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        raise InvalidOption("target", target, ["package.module:function", "package.module:Class.method"])
    return module, path


def resolve(target: str) -> tuple[Any, Any]:
    """Return the target's owner, and what the owner has under that name, unbound. Raises `TargetNotFound`."""
    module, path = split(target)
    *parents, name = path.split(".")
    owner: Any = sys.modules[module]
    before = f"{module}:"
    for part in parents:
        owner = _attribute(owner, part, target, before)
        before += f"{part}."
    value = _attribute(owner, name, target, before)
    if inspect.isclass(value):
        raise TargetNotFound(
            target, "it is a class; name one of its methods", [f"{target}.{method}" for method in _methods(value)]
        )
    if not callable(value):
        raise TargetNotFound(target, f"it is not a function, but of type {type(value).__qualname__}", [])
    if not isinstance(owner, type):
        return owner, namespace(owner).get(name, value)
    for cls in owner.__mro__:
        if name in vars(cls):
            return owner, vars(cls)[name]
    raise TargetNotFound(target, f"{owner.__qualname__} gets {name} from its metaclass", [])


def _methods(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_") and callable(getattr(kind, name, None))][:3]


def _attribute(owner: Any, name: str, target: str, before: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        where = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", None) or repr(owner)
        reason = f"{where} has no {name}"
        if where == "__main__" or is_initializing(owner):
            reason += " yet, since it is still being run"
        raise TargetNotFound(target, reason, [f"{before}{near}" for near in _nearest(name, dir(owner))]) from None


def find(target: str, module: str, more: Sequence[str], *, suggest: bool = True) -> None:
    """Look for a module that is not imported. Raises `TargetNotFound`, which names what is there instead if `suggest` is true.

    Looking for suggestions lists every folder of `sys.path`, which takes 40 ms where many packages are installed.
    """
    path: Sequence[str] | None = None
    before = ""
    for part in module.split("."):
        name = before + part
        if name in sys.modules:
            path = list(getattr(sys.modules[name], "__path__", ()))
        else:
            spec = _spec(name, path) or (_spec(name, more) if path is None else None)
            if spec is None:
                folders = [*sys.path, *more] if path is None else path
                near = _suggestions(before, part, folders, module.rpartition(".")[2]) if suggest else []
                raise TargetNotFound(target, f"there is no {'module' if before else 'package'} {name}", near)
            path = list(spec.submodule_search_locations or ())
        before = f"{name}."


def _suggestions(before: str, part: str, folders: Sequence[str], last: str) -> list[str]:
    """Return the modules that may be meant: those of that name further down in the package, and those of similar names."""
    there = {found.name for found in pkgutil.iter_modules(folders)}
    if not before:
        there |= sys.stdlib_module_names
    deeper = _deeper(before, folders, last) if before else []
    return list(dict.fromkeys([*deeper, *(before + near for near in _nearest(part, there))]))


def _deeper(before: str, folders: Sequence[str], name: str) -> list[str]:
    """Return the modules of that name further down in a package, the uppermost first: packages move their modules."""
    found: list[tuple[int, str]] = []
    for folder in map(Path, folders):
        places = islice(chain(folder.rglob(f"{name}.py"), folder.rglob(f"{name}/__init__.py")), _MOST_PLACES)
        for place in places:
            parts = place.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if all(part.isidentifier() for part in parts):
                found.append((len(parts), before + ".".join(parts)))
    return [module for _, module in sorted(found)[:2]]


_MOST_PLACES = 1000


def _spec(name: str, path: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    """Find a module's spec as the import would. `importlib.util.find_spec` would import the parents."""
    for finder in sys.meta_path:
        try:
            found = finder.find_spec(name, path) if hasattr(finder, "find_spec") else None
        except KeyError:  # a package without `__init__.py`, whose parent is not imported
            return _namespace_spec(name, path or sys.path)
        if found is not None:
            return found
    return None


def _namespace_spec(name: str, path: Sequence[str]) -> importlib.machinery.ModuleSpec:
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(Path(folder, name.rpartition(".")[2])) for folder in path]
    return spec


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    return get_close_matches(name, sorted(names), 2)


def namespace(owner: Any) -> dict[str, Any]:
    """Return the attributes that a class, a module or an object has itself."""
    return getattr(owner, "__dict__", {})


def loaded_as(module: ModuleType) -> object:
    """Return an object that is another one after the module was loaded again."""
    return getattr(module, "__spec__", None) or module


def is_initializing(module: Any) -> bool:
    """Return whether a module is still being imported, by this thread or another one."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
