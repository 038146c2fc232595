"""Codecs: how one type of value becomes typed JSON and comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar, overload

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
    decode_as: Callable[[Any, type], Any] | None = None
    """Decodes to a value of a subclass, if the codec holds for subclasses."""


_codecs: dict[str, Codec] = {}
_by_type: dict[type, Codec | None] = {}
_later: dict[str, tuple[Callable[[], object], bool]] = {}


@overload
def register_codec(
    cls: type[T],
    *,
    encode: Callable[[T], Any],
    decode: Callable[[Any], T],
    name: str | None = None,
    subclasses: Literal[False] = False,
) -> None: ...
@overload
def register_codec(
    cls: type[T],
    *,
    encode: Callable[[T], Any],
    decode: Callable[[Any, type[T]], T],
    name: str | None = None,
    subclasses: Literal[True],
) -> None: ...
@overload
def register_codec(
    cls: str,
    *,
    encode: Callable[[Any], Any],
    decode: Callable[..., Any],
    name: str | None = None,
    subclasses: bool = False,
) -> None: ...
@overload
def register_codec(
    *,
    encode: Callable[[Any], Any],
    decode: Callable[..., Any],
    name: str | None = None,
    subclasses: bool = False,
) -> Callable[[type[T]], type[T]]: ...
def register_codec(
    cls: type[Any] | str | None = None,
    *,
    encode: Callable[[Any], Any],
    decode: Callable[..., Any],
    name: str | None = None,
    subclasses: bool = False,
) -> Any:
    """Teach memo a type, for keys and for recordings alike.

    `encode(value)` returns data that memo can already record (`None`, numbers, text, bytes, lists, dicts, models, …) and
    that holds everything about the value: two values with equal data count as equal, in keys too. `decode(data)` builds
    a fresh value from that data. The codec holds for values of exactly this class; with `subclasses=True` also for those
    of its subclasses that have no codec of their own, and `decode(data, cls)` builds a value of the class `cls`.

    `cls` may be a string `"module:qualname"`, so that a codec can be registered for a class that is not imported yet.
    Without `cls`, the result is a decorator for the class. Registering a class again replaces its codec. Recordings
    name the type by `name`, the class's own name by default; a subclass always by its own name.
    """
    if cls is None:

        def decorator(decorated: type[T]) -> type[T]:
            _register(class_name(decorated), encode, decode, name, subclasses=subclasses)
            return decorated

        return decorator
    _register(cls if isinstance(cls, str) else class_name(cls), encode, decode, name, subclasses=subclasses)
    return None


def _register(
    target: str, encode: Callable[[Any], Any], decode: Callable[..., Any], name: str | None, *, subclasses: bool
) -> None:
    if subclasses:
        codec = Codec(name or target, encode, partial(_decode_own, decode, target), decode)
    else:
        codec = Codec(name or target, encode, decode)
    _codecs[target] = _codecs[codec.name] = codec
    _by_type.clear()


def _decode_own(decode: Callable[[Any, type], Any], target: str, data: Any) -> Any:
    cls = _class_named(target)
    if cls is None:
        raise TypeError(f"is a {target}, which this program has not imported")
    return decode(data, cls)


def register_later(module: str, register: Callable[[], object], *, optional: bool = False) -> None:
    """Register the codecs of a module's or a package's classes when the first of them is met: importing it costs time.

    An `optional` package's codecs wait until the program has imported the package: data never causes the import.
    """
    _later[module] = (register, optional)


def codec_of(cls: type) -> Codec | None:
    """Return the codec for values of that class: its own, or one of a base class that was registered with `subclasses`."""
    try:
        return _by_type[cls]
    except KeyError:
        found = _by_type[cls] = _inherited(cls)
        return found


def _inherited(cls: type) -> Codec | None:
    own = codec_named(class_name(cls)) or _renamed(cls)
    if own is not None:
        return own
    for base in cls.__mro__[1:]:
        codec = codec_named(class_name(base))
        if codec is not None and codec.decode_as is not None:
            return replace(codec, name=class_name(cls), decode=partial(_decode_as, codec.decode_as, cls))
    return None


def _renamed(cls: type) -> Codec | None:
    """Return the codec of a class that another package has given its own name: SDKs do so with the client's classes that they export."""
    if cls.__module__ == "builtins":
        return None
    name = cls.__qualname__
    is_standard = cls.__module__.partition(".")[0] in sys.stdlib_module_names
    for module, (_, optional) in [*_later.items()]:
        if optional and is_standard:
            continue  # a package exports what it imports, such as polars.Any
        # No getattr: a package's own would be asked for what it does not have.
        if vars(sys.modules.get(module, sys)).get(name) is cls:
            return codec_named(f"{module}:{name}")
    for target in [*_codecs]:
        module, _, qualname = target.partition(":")
        if qualname == name and vars(sys.modules.get(module, sys)).get(name) is cls:
            return _codecs[target]
    return None


def _decode_as(decode: Callable[[Any, type], Any], cls: type, data: Any) -> Any:
    return decode(data, cls)


def codec_named(name: str) -> Codec | None:
    """Return the codec that was registered under a type's name."""
    found = _codecs.get(name)
    if found is None and _later:
        module = name.partition(":")[0]
        for package in (module, module.partition(".")[0]):
            register, optional = _later.get(package, (None, False))
            if register is not None and not (optional and package not in sys.modules):
                register()
                _later.pop(
                    package, None
                )  # only now: another thread that meets the class in the meantime registers, too
                return _codecs.get(name)
    return found


def known_type(name: str) -> type | None:
    """Return the class of a registered codec's name, if that class is imported already."""
    return _class_named(name) if codec_named(name) is not None else None


def _class_named(name: str) -> type | None:
    module, _, qualname = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None
