"""Codecs: how one type of value becomes typed JSON and comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from memo._values.kinds import class_name

__all__ = ["Codec", "codec_named", "codec_of", "known_type", "register_codec", "register_later"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Codec:
    """A pair of functions for one type.

    `encode` returns plain data (any value memo can record) that `decode` turns back into an equal value.
    """

    name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


_codecs: dict[str, Codec] = {}
_by_type: dict[type, Codec | None] = {}
_later: dict[str, Callable[[], None]] = {}


@overload
def register_codec(
    cls: type[T], *, encode: Callable[[T], Any], decode: Callable[[Any], T], name: str | None = None
) -> None: ...
@overload
def register_codec(
    cls: str, *, encode: Callable[[Any], Any], decode: Callable[[Any], Any], name: str | None = None
) -> None: ...
def register_codec(
    cls: type[Any] | str,
    *,
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any],
    name: str | None = None,
) -> None:
    """Teach memo a type, for keys and for recordings alike.

    `encode(value)` returns data that memo can already record (`None`, numbers, text, bytes, lists, dicts, models, …) and
    that holds everything about the value: two values with equal data count as equal, in keys too. `decode(data)` builds
    a fresh value from that data. The codec holds for values of exactly this class, not of its subclasses. `cls` may be a
    string `"module:qualname"`, so that a codec can be registered for a class that is not imported yet. Registering a
    class again replaces its codec. Recordings name the type by `name`, the class's own name by default.
    """
    target = cls if isinstance(cls, str) else class_name(cls)
    _codecs[target] = Codec(name or target, encode, decode)
    if name:
        _codecs[name] = _codecs[target]
    _by_type.clear()


def register_later(module: str, register: Callable[[], None]) -> None:
    """Register the codecs of a module's classes when the first of them is met: importing the module costs time."""
    _later[module] = register


def codec_of(cls: type) -> Codec | None:
    """Return the codec for values of exactly that class."""
    try:
        return _by_type[cls]
    except KeyError:
        found = _by_type[cls] = codec_named(class_name(cls))
        return found


def codec_named(name: str) -> Codec | None:
    """Return the codec of a recorded type name."""
    found = _codecs.get(name)
    if found is None and _later and (register := _later.pop(name.partition(":")[0], None)) is not None:
        register()
        return _codecs.get(name)
    return found


def known_type(name: str) -> type | None:
    """Return the class of a registered codec's name, if that class is imported already."""
    if codec_named(name) is None:
        return None
    module, _, qualname = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None
