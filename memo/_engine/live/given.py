"""Results that are, or hold, what the caller gave: its arguments, or the object whose method was called.

A replay gives the caller the same objects, as the call did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from memo._engine.live.held import Steps, at, is_there, placed
from memo._values.kinds import has_fields, is_model, own_attributes
from memo._values.paths import path_text, steps_of
from memo.codecs.sharing import become, can_become, can_change
from memo.errors import DataMismatch

__all__ = ["given_back", "given_in"]

_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))


def may_share(value: Any, arguments: Iterable[Any], *, are_plain: bool) -> bool:
    """Return whether a result may be, or hold, something mutable of the arguments: looked at in the least time.

    Where those are plain, models in the result are not looked into, since validation copies lists and mappings.
    """
    ids: set[int] = set()
    pending = [value]
    for held in pending:  # it grows
        kind = type(held)
        if kind in _PLAIN or id(held) in ids:
            continue
        if kind is list or kind is dict:
            ids.add(id(held))
            pending += held if kind is list else held.values()
        elif kind is tuple:
            pending += held
        elif not are_plain:
            return True
    if not ids:
        return False
    met: set[int] = set()
    pending = [*arguments]
    for held in pending:
        kind = type(held)
        if kind in _PLAIN or id(held) in met:
            continue
        if id(held) in ids:
            return True
        met.add(id(held))
        if kind is list or kind is tuple:
            pending += held
        elif kind is dict:
            pending += held.values()
        elif not are_plain:
            return True
    return False


def given_in(value: Any, arguments: Mapping[str, Any], instance: Any) -> dict[str, str]:
    """Return the places in a result of what the caller gave, each with its place in the arguments: "" is the object itself."""
    if value is instance and can_become(type(value)):
        return {"": ""}
    if type(value) in _PLAIN or not arguments:
        return {}
    ids = {id(held): steps for steps, held in _changeable(arguments) if steps}
    found: dict[str, str] = {}
    if ids:
        met = ids.keys()
        for steps, held in _changeable(value, stop=met):
            if id(held) in met:
                found[path_text(steps)] = path_text(ids[id(held)])
    return found


def given_back(value: Any, given: Mapping[str, Any], arguments: Mapping[str, Any], instance: Any) -> Any:
    """Return a recorded result with the caller's own objects in their places."""
    for place, source in given.items():
        if source == "":
            return become(instance, value)
        steps, origin = steps_of(place), steps_of(source)
        if steps is None or origin is None:
            raise DataMismatch("given", f"{place!r} or {source!r} is no place")
        own = at(arguments, origin)
        if is_there(own):
            value = placed(value, steps, own)
    return value


def _changeable(value: Any, *, stop: Iterable[int] = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield what can be changed in a value, with the steps to it: each object once. Do not look into those to `stop` at."""
    met: set[int] = set()
    pending: list[tuple[Steps, Any]] = [((), value)]
    while pending:
        steps, held = pending.pop()
        kind = type(held)
        if kind in _PLAIN or id(held) in met:
            continue
        met.add(id(held))
        if kind is list or kind is dict or can_change(kind):
            yield steps, held
            if id(held) in stop:
                continue
        pending += [((*steps, step), inner) for step, inner in _inside(held, kind) if type(inner) not in _PLAIN]


def _inside(value: Any, kind: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [(key, item) for key, item in value.items() if type(key) is str]
    if isinstance(value, list | tuple):
        return enumerate(value)
    return own_attributes(value).items() if is_model(kind) or has_fields(kind) else ()
