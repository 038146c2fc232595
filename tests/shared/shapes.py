"""`shape`, an identity check of the tests' own: what memo proves with must not be what proves memo."""

import dataclasses
import enum
import io
import struct
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, UserString, defaultdict, deque
from datetime import datetime, time
from pathlib import PurePath
from types import MappingProxyType, SimpleNamespace

from pydantic import BaseModel

BUILTINS = (
    str,
    bytes,
    bytearray,
    int,
    float,
    complex,
    list,
    tuple,
    dict,
    set,
    frozenset,
    Counter,
    OrderedDict,
    defaultdict,
)


def shape(value):
    """`value` as nested tuples of text that are equal only for identical values."""
    kind = type(value)
    if kind is float:
        return ("float", "nan" if value != value else struct.pack(">d", value))
    if kind is int:
        return ("int", hex(value))
    if value is None or kind in (bool, str, bytes, bytearray):
        return (kind.__name__, repr(value))
    if isinstance(value, type):
        return ("type", id(value))
    if isinstance(value, enum.Enum):
        return ("enum", id(kind), value.name, shape(value.value))
    if isinstance(value, BaseModel):
        return (
            "model",
            id(kind),
            {name: shape(each) for name, each in value.__dict__.items()},
            frozenset(value.__pydantic_fields_set__),
            shape(value.__pydantic_extra__),
            shape(value.__pydantic_private__),
            other_slots(value),
        )
    if isinstance(value, BaseException):
        special = ("errno", "strerror", "filename", "filename2", "value", "code", "name", "path", "msg", "object", "start",
                   "end", "reason", "encoding", "exceptions", "message", "lineno", "offset", "text")  # fmt: skip
        held = {name: shape(vars(kind)[name].__get__(value)) if name in vars(kind) else shape(getattr(value, name))
                for name in special if type(getattr(kind, name, None)).__name__ in ("member_descriptor", "getset_descriptor")}  # fmt: skip
        return ("error", id(kind), shape(value.args), {k: shape(v) for k, v in value.__dict__.items()}, held)
    for base in (str, bytes, bytearray, int, float, complex, list, tuple, dict, set, frozenset):
        if isinstance(value, base) and kind not in BUILTINS and not hasattr(kind, "_fields"):
            content = shape(base(value.items() if base is dict else value))
            return ("subclass", id(kind), content, {k: shape(v) for k, v in getattr(value, "__dict__", {}).items()}, other_slots(value),
                    repr(getattr(value, "default_factory", None)), repr(list(value)) if base is dict else "")  # fmt: skip
    if isinstance(value, (UserDict, UserList, UserString, ChainMap, MappingProxyType, SimpleNamespace)):
        held = dict(value) if isinstance(value, MappingProxyType) else vars(value)
        return ("wrapper", id(kind), shape(held))
    if dataclasses.is_dataclass(value):
        names = [each.name for each in dataclasses.fields(value) if hasattr(value, each.name)]
        held = {**{name: getattr(value, name) for name in names}, **getattr(value, "__dict__", {})}
        return ("dataclass", id(kind), {k: shape(v) for k, v in held.items()}, other_slots(value, names))
    if isinstance(value, (list, tuple)):
        return ("sequence", id(kind), tuple(map(shape, value)), repr(getattr(value, "__dict__", None)))
    if isinstance(value, deque):
        return ("deque", value.maxlen, tuple(map(shape, value)))
    if isinstance(value, dict):
        return ("mapping", id(kind), tuple((shape(k), shape(v)) for k, v in value.items()),
                repr(getattr(value, "default_factory", None)))  # fmt: skip
    if isinstance(value, (set, frozenset)):
        return ("set", id(kind), sorted(repr(shape(each)) for each in value))
    if isinstance(value, (datetime, time)):
        return (
            "moment",
            id(kind),
            repr(value.replace(tzinfo=None)),
            value.fold,
            id(type(value.tzinfo)),
            repr(value.tzinfo),
        )
    if isinstance(value, complex):
        return ("complex", shape(value.real), shape(value.imag))
    if kind in (io.BytesIO, io.StringIO):
        return ("file", value.getvalue(), value.tell(), repr(value.__getstate__()))
    if kind is memoryview:
        return ("view", value.tobytes(), value.readonly, value.format)
    if kind.__name__ == "Headers":
        return ("headers", id(kind), repr(value.raw))
    if isinstance(value, PurePath):
        return ("path", id(kind), str(value))
    return ("other", id(kind), repr(value))


def other_slots(value, known=()):
    held = {}
    for each in type(value).__mro__:
        slots = vars(each).get("__slots__", ())
        for slot in [slots] if isinstance(slots, str) else slots:
            name = f"_{each.__name__.lstrip('_')}{slot}" if slot.startswith("__") and not slot.endswith("__") else slot
            if not slot.startswith("__pydantic") and slot not in ("__dict__", "__weakref__", *known):
                try:
                    held[slot] = shape(object.__getattribute__(value, name))
                except AttributeError:
                    held[slot] = "unset"
    return held
