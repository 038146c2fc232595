"""Values that hold a mutable object in several places: `[a, a]` comes back as one object twice, not as two.

    {"__type__": "sharing", "value": [{"__type__": "shared", "at": 0, "value": {"n": 1}}, {"__type__": "shared", "at": 0}]}

Each shared object has its form in one place, and its number alone in the others. What can be changed are lists, mappings,
sets, exceptions, files in memory, and models and dataclasses that are not frozen. A model that holds a shared object has its
exact form.

An item of a stream that is the object that came before it, changed since, is `{"__type__": "again", "value": …}`: a replay changes
the object that it gave before. What several items hold in common is not compared.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from memo._values.kinds import by_class, declares, has_fields, is_model, own_attributes, slot_members
from memo.errors import DataMismatch

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["SharedObjects", "become", "can_become", "can_change", "changeable"]

_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))


@by_class
def can_change(cls: Any) -> bool:
    """Return whether a change of an instance shows in every place that holds the instance."""
    if cls.__hash__ is None or issubclass(cls, BaseException | io.BytesIO | io.StringIO):
        return True
    if is_model(cls):
        return not cls.model_config.get("frozen")
    if declares(cls, "__struct_config__"):  # msgspec
        return not cls.__struct_config__.frozen
    return has_fields(cls) and cls.__setattr__ is object.__setattr__  # a frozen class has its own


def changeable(model: BaseModel) -> list[Any]:
    """Return what can change inside a model, at any depth. An object in two places is in the list twice."""
    found: list[Any] = []
    met: set[int] = set()
    pending: list[Any] = [model]
    for value in pending:  # which grows
        kind = type(value)
        if kind is list or kind is dict or can_change(kind):
            found.append(value)
        at = id(value)
        if at in met:
            continue
        met.add(at)
        held: Iterable[Any]
        if kind is list:
            held = value
        elif is_model(kind):
            held = value.__dict__.values()
            if value.__pydantic_extra__:
                pending += [item for item in value.__pydantic_extra__.values() if type(item) not in _PLAIN]
            if value.__pydantic_private__:
                pending += [item for item in value.__pydantic_private__.values() if type(item) not in _PLAIN]
        else:
            held = _inside(value)
        if not _PLAIN.issuperset(map(type, held)):
            pending += [item for item in held if type(item) not in _PLAIN]
    return found[1:] if found and found[0] is model else found


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset | deque):
        return value
    return own_attributes(value).values() if has_fields(type(value)) else ()


_REFILLED: dict[type, Callable[[Any, Any], object]] = {
    bytearray: lambda old, new: old.__setitem__(slice(None), new),
    dict: lambda old, new: (old.clear(), old.update(new)),
    list: lambda old, new: old.__setitem__(slice(None), new),
    set: lambda old, new: (old.clear(), old.update(new)),
}


@by_class
def can_become(cls: Any) -> bool:
    """Return whether an instance can be given the state of another."""
    return cls in _REFILLED or (can_change(cls) and (is_model(cls) or has_fields(cls) or cls is SimpleNamespace))


def become(old: Any, new: Any) -> Any:
    """Give an object the state of another of its class, and return it. Raises `DataMismatch` for another class."""
    cls = type(new)
    if type(old) is not cls or not can_become(cls):
        raise DataMismatch("again", f"a {cls.__name__} comes after a {type(old).__name__}")
    if cls in _REFILLED:
        _REFILLED[cls](old, new)
        return old
    for name, member in slot_members(cls).items():
        with suppress(AttributeError):  # unset
            member.__delete__(old)
        with suppress(AttributeError):
            member.__set__(old, getattr(new, name))
    if hasattr(old, "__dict__"):
        old.__dict__.clear()
        old.__dict__.update(new.__dict__)
    if is_model(cls):
        for part in ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
            object.__setattr__(old, part, getattr(new, part))
    return old


class SharedObjects:
    """The shared objects of one value that is being decoded, each made where it is first asked for."""

    def __init__(self, tree: Any) -> None:
        self._forms = {node["at"]: node["value"] for node in _nodes(tree) if "value" in node}
        self._made: dict[int, Any] = {}

    def read(self, node: dict[str, Any], decode: Callable[[Any], Any]) -> Any:
        """Return the object that a `shared` form stands for. Raises `DataMismatch` for one that is not in the value."""
        at = node["at"]
        if at not in self._made:
            if at not in self._forms:
                raise DataMismatch("shared", f"the value holds no shared object {at!r}")
            self._made[at] = decode(self._forms[at])
        return self._made[at]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield the `shared` forms of a tree."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if type(node) is dict:
            if node.get("__type__") == "shared" and type(node.get("at")) is int:
                yield node
            pending.extend(node.values())
        elif type(node) is list:
            pending.extend(node)
