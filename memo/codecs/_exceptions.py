"""Exceptions: type, args, notes and the attributes that can be recorded; rebuilt without running `__init__`.

    {"__type__": "openai:RateLimitError", "args": […], "attributes": {…}, "notes": […], "left_out": […]}

`left_out` names the attributes that have no recorded form (connections, tasks, …): a replayed error lacks them.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from memo._values.kinds import slot_members
from memo.codecs._shape import listed, mapping
from memo.errors import UnrecordableValue

__all__ = ["exception_form", "exception_of"]


def exception_form(error: BaseException, encode: Callable[[Any, str], Any]) -> dict[str, Any]:
    """The recorded form of an exception."""
    form: dict[str, Any] = {"args": [encode(each, f".args[{index}]") for index, each in enumerate(error.args)]}
    attributes, left_out = {}, []
    for name, value in {**_held(error), **error.__dict__}.items():
        if name == "__notes__":
            continue
        try:
            attributes[name] = encode(value, f".{name}")
        except UnrecordableValue:
            left_out.append(name)
    if attributes:
        form["attributes"] = attributes
    notes = getattr(error, "__notes__", None)
    if notes:
        form["notes"] = encode(notes, ".__notes__")
    if left_out:
        form["left_out"] = left_out
    return form


def exception_of(cls: type[BaseException], node: dict[str, Any], decode: Callable[[Any], Any]) -> BaseException:
    """Return the exception of a form. Its `__init__` does not run."""
    base = next(ancestor for ancestor in cls.__mro__ if ancestor.__module__ == "builtins")
    args = tuple(decode(arg) for arg in listed(node["args"]))
    if issubclass(base, BaseExceptionGroup):
        listed(args[1] if type(args[1]) is not tuple else [])  # a range would become a tuple before it is looked at
    new: Any = base.__new__
    error: BaseException = new(cls, *args)
    vars(BaseException)["args"].__set__(error, args)
    members = _members(cls)
    for name, attribute in mapping(node.get("attributes", {})).items():
        # Not setattr: a class may define a property or a __setattr__ of that name.
        if name in members:
            members[name].__set__(error, decode(attribute))
        else:
            error.__dict__[name] = decode(attribute)
    if "notes" in node:
        error.__dict__["__notes__"] = listed(decode(node["notes"]))
    return error


def _members(cls: type[BaseException]) -> dict[str, Any]:
    """The attributes that exceptions hold outside of `__dict__`: OSError.errno, StopIteration.value, any `__slots__`."""
    written = {
        name: member
        for each in cls.__mro__
        if each.__module__ == "builtins" and each is not BaseExceptionGroup  # It holds its args.
        for name, member in vars(each).items()
        if isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType)
        and name != "args"
        and not name.startswith("__")
    }
    return written | {
        name: each for name, each in slot_members(cls).items() if each.__objclass__.__module__ != "builtins"
    }


def _held(error: BaseException) -> dict[str, Any]:
    held = {}
    for name, member in sorted(_members(type(error)).items()):
        try:
            value = member.__get__(error)
        except (AttributeError, TypeError):  # never set
            continue
        if value is not None or member.__objclass__.__module__ != "builtins":
            held[name] = value
    return held
