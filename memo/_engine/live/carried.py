"""What a stream is beside its items: its class, its attributes, and what is used of them while it passes."""

from __future__ import annotations

import sys
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from memo._engine.live.attempt import Attempt
from memo._engine.live.held import Part, attributes_of
from memo._values.kinds import by_class, is_iterator, is_stream_class, own_attributes
from memo._values.paths import path_text
from memo.errors import UnrecordableValue

__all__ = ["carries", "carry", "is_more", "is_named", "note_use"]

_ABSENT: Any = object()
_NAMELESS = "is a stream of which {} was used, and whose class a replay could not find by its name"
_AT_TOP = "to record it, define the class at the top level of its module"
_NO_DATA = "is a stream whose {} was used, which is no data: a replay would not have it"
_DATA = "to record the stream, use of it what is data: text, numbers, mappings, models"


def carries(attempt: Attempt, value: Any) -> bool:
    """Return whether a stream is more than its items, and the rest is recorded, too.

    An iterator is if it has public attributes or methods. What can be iterated and is no iterator is if a replay would find
    its class.
    """
    cls = type(value)
    return is_more(value) and (is_iterator(cls) or is_named(attempt, value))


def is_named(attempt: Attempt, value: Any) -> bool:
    """Return whether a replay would find the class of a stream."""
    return _class_name(attempt, value) is not None


def is_more(value: Any) -> bool:
    """Return whether a stream has attributes or methods beside its items."""
    cls = type(value)
    if not is_stream_class(cls):
        return False
    return (
        not is_iterator(cls)
        or any(not name.startswith("_") for name in own_attributes(value))
        or bool(_public_names(cls))
    )


@by_class
def _public_names(cls: type) -> list[str]:
    """Return the public names that a class itself and its bases outside the standard library have, and generators do not."""
    bases = [base for base in cls.__mro__ if base.__module__.partition(".")[0] not in sys.stdlib_module_names]
    return [name for base in bases for name in vars(base) if not name.startswith("_") and name not in _OF_GENERATORS]


_OF_GENERATORS = frozenset({"close", "send", "throw", "aclose", "asend", "athrow"})


def carry(part: Part, value: Any) -> bool:
    """Record the class of a stream, and its attributes as they are at first and in the end. Return False for one without a name."""
    attempt = part.held.attempt
    name = None if isinstance(value, AsyncGeneratorType | GeneratorType) else _class_name(attempt, value)
    if name is None:
        return False
    part.form["class"] = name
    before = attributes_of(attempt, value)
    if before:
        part.form["attributes"] = before

    def end() -> None:
        after = _changed(part, attributes_of(attempt, value))
        if after:
            part.form["after"] = after

    part.on_end = end
    return True


def note_use(part: Part, value: Any, name: str) -> None:
    """Note that an attribute or a method of a stream is used: a replay has what the stream's attributes are by now."""
    if "class" not in part.form:
        _refuse(part, UnrecordableValue(path_text(part.steps), _NAMELESS.format(name), fix=_AT_TOP))
        return
    attributes = attributes_of(part.held.attempt, value)
    if name in own_attributes(value) and name not in attributes:
        _refuse(part, UnrecordableValue(path_text(part.steps), _NO_DATA.format(name), fix=_DATA))
    elif part.count and not part.is_over and (changed := _changed(part, attributes)):
        part.form.setdefault("during", {}).setdefault(str(part.count), changed)


def _changed(part: Part, attributes: dict[str, Any]) -> dict[str, Any]:
    before = part.form.get("attributes", {})
    return {name: at for name, at in attributes.items() if before.get(name, _ABSENT) != at}


def _refuse(part: Part, error: UnrecordableValue) -> None:
    if part.is_over:
        part.held.attempt.refuse(error)  # it may be stored already
    else:
        part.failure = error


def _class_name(attempt: Attempt, value: Any) -> str | None:
    """Return the name of a stream's class; None if a replay would not find the class."""
    values, _ = attempt.encoding
    return values.types.spell_stream(type(value))
