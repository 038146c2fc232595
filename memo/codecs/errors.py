"""Exceptions: type, args, notes, attributes and chain, as far as they can be recorded; rebuilt without running `__init__`.

    {"__type__": "openai:RateLimitError", "args": […], "attributes": {…}, "notes": […],
     "cause": {"__type__": …}, "context": {"__type__": …}, "suppress_context": true, "left_out": […]}

`"context": "cause"` stands for one exception that is both; `suppress_context` is written where it is not what `raise … from`
makes it. `left_out` names the attributes and links that have no recorded form (connections, tasks, an exception of a local
class, whatever is beyond 30 links, …): a replayed error lacks them.
"""

from __future__ import annotations

import logging
import types
from collections.abc import Callable
from typing import Any

from memo._values.kinds import slot_members
from memo.codecs._shape import listed, mapping
from memo.errors import TypeNotFound, UnrecordableValue, UntrustedType

__all__ = ["chain_form", "exception_form", "exception_of", "left_out_paths", "read_chain"]


log = logging.getLogger("memo")
_LINKS = [vars(BaseException)[name] for name in ("__cause__", "__context__", "__suppress_context__")]
"""Not the attributes: a class may define properties of these names."""


def exception_form(
    error: BaseException,
    encode: Callable[[Any, str], Any],
    encode_link: Callable[[Any, str], Any],
    *,
    outside: BaseException | None = None,
) -> dict[str, Any]:
    """Return the recorded form of an exception. `encode_link` encodes the exceptions in its chain.

    `outside` is an exception that the caller of the recorded function was handling: Python links it to whatever is
    raised in the meantime, and will do so in a replay, too.
    """
    form: dict[str, Any] = {"args": [encode(arg, f".args[{index}]") for index, arg in enumerate(error.args)]}
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
    chain = chain_form(error, encode_link, outside=outside)
    left_out += chain.pop("left_out", [])
    return {**form, **chain, **({"left_out": left_out} if left_out else {})}


def chain_form(
    error: BaseException, encode: Callable[[Any, str], Any], *, outside: BaseException | None = None
) -> dict[str, Any]:
    """Return the part of an exception's form that holds its chain."""
    form: dict[str, Any] = {}
    left_out = []
    cause, context, suppressed = (link.__get__(error) for link in _LINKS)
    for name, link in (("cause", cause), ("context", context)):
        if link is None or (link is outside and name == "context"):
            continue
        if name == "context" and link is cause:
            if "cause" in form:
                form["context"] = "cause"
            continue
        try:
            form[name] = encode(link, f".__{name}__")
        except UnrecordableValue:
            left_out.append(f"__{name}__")
    if suppressed != ("cause" in form):
        form["suppress_context"] = suppressed
    if left_out:
        form["left_out"] = left_out
    return form


def left_out_paths(form: Any, path: str = "") -> list[str]:
    """Return the paths of what was left out of the form of an error, and of the exceptions in it."""
    if type(form) is not dict:
        items = enumerate(form) if type(form) is list else ()
        return [found for index, item in items for found in left_out_paths(item, f"{path}[{index}]")]
    own = (
        [f"{path}.{name}" for name in form.get("left_out", ())]
        if "__type__" in form and type(form.get("left_out")) is list
        else []
    )
    inner = [
        found
        for name, item in form.items()
        if type(item) in (dict, list)
        for found in left_out_paths(item, _step(path, name))
    ]
    return [found.lstrip(".") for found in (*own, *inner)]


def _step(path: str, name: str) -> str:
    if name in ("attributes", "value"):
        return path
    return f"{path}.__{name}__" if name in ("cause", "context") else f"{path}.{name}"


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
    read_chain(error, node, decode)
    return error


def read_chain(error: BaseException, node: dict[str, Any], decode: Callable[[Any], Any]) -> None:
    """Link an exception as it was: the inverse of `chain_form`."""
    links: dict[str, Any] = {}
    for name in ("cause", "context"):
        if name in node and node[name] != "cause":
            try:
                links[name] = decode(node[name])
            except (UntrustedType, TypeNotFound) as lost:
                # The transport below an SDK may be imported by its first request, which a replay does not make.
                log.warning("%s is replayed without its __%s__: %s", type(error).__name__, name, lost)
    if node.get("context") == "cause":
        links["context"] = links.get("cause")
    if "cause" in node or "suppress_context" in node:
        links["suppress_context"] = bool(node.get("suppress_context", True))
    for name, link in links.items():  # the cause first: setting it sets `__suppress_context__`
        vars(BaseException)[f"__{name}__"].__set__(error, link)


def _members(cls: type[BaseException]) -> dict[str, Any]:
    """Return the attributes that exceptions hold outside `__dict__`: OSError.errno, StopIteration.value, any `__slots__`."""
    written = {
        name: member
        for base in cls.__mro__
        if base.__module__ == "builtins" and base is not BaseExceptionGroup  # It holds its args.
        for name, member in vars(base).items()
        if isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType)
        and name != "args"
        and not name.startswith("__")
    }
    return written | {
        name: slot for name, slot in slot_members(cls).items() if slot.__objclass__.__module__ != "builtins"
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
