"""Typed JSON: any data value as a tree of plain JSON values, and back.

A JSON value stands for itself. Everything else is an object with `"__type__"`; so is a mapping that has such a key, or
keys that are no text. Which of a model's forms is taken is decided by proof (`_models`); whatever else is not exact by
construction is decoded again and compared before it is stored.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from typing import Any, cast

import orjson

from memo._json import canonical_json, held_json
from memo._values import scalars
from memo._values.kinds import dataclass_state, is_model, is_named_tuple, slot_members
from memo._values.scalars import LARGEST, SMALLEST, is_text
from memo.codecs import _models
from memo.codecs._exceptions import exception_form, exception_of
from memo.codecs.items import Items, pack
from memo.codecs.types import Types
from memo.codecs.registry import codec_named, codec_of
from memo.codecs.sameness import difference, step
from memo.errors import DataMismatch, MemoError, TypeNotFound, UnrecordableValue, UntrustedType

__all__ = ["MAX_DEPTH", "Values"]

MAX_DEPTH = 100
"""How deep a value may be nested. (Each level takes up to two of JSON's, and orjson writes 254.)"""

_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"

_FLOAT = 16
"""How long the text of a float is, at least, for which the object takes no more than twice the memory."""

_BUILTIN_DATA = (bytearray, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
"""What holds data of its own, besides any fields that a subclass has."""


class Values:
    """Encodes and decodes values with the types that one function's recordings may name."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._readers: dict[tuple[str, str | None], Callable[[bytes], Any]] = {}

    def encode(self, value: Any) -> Any:
        """The typed JSON of `value`, as a tree, proved to decode to an equal value.

        Raises `UnrecordableValue`, naming the path, for what is no data or would not come back the same.
        """
        try:
            writer = _Writer(self.types)
            tree = writer.write(value)
            lost = difference(self.decode(tree), value, parts) if writer.unproved else None
        except UnrecordableValue:
            raise
        except RecursionError as error:
            raise UnrecordableValue("", "is nested too deep for the stack") from error
        except Exception as error:
            raise UnrecordableValue("", f"could not be read back ({error})") from error
        if lost is not None:
            raise UnrecordableValue(lost, f"({type(value).__name__}) would not come back equal")
        return tree

    def encode_error(self, error: BaseException) -> dict[str, Any]:
        """The form of an error: what has no recorded form among its attributes is left out and named."""
        tree: dict[str, Any] = _Writer(self.types).write(error)
        try:
            again = _Writer(self.types).write(self.decode(tree))
        except Exception as failure:
            raise UnrecordableValue("", f"could not be read back ({failure})") from failure
        if canonical_json(_kept(again)) != canonical_json(_kept(tree)):
            raise UnrecordableValue("", f"({type(error).__name__}) would not come back equal")
        return tree

    def decode(self, tree: Any) -> Any:
        """A fresh value. Raises `UntrustedType`, `TypeNotFound` or `DataMismatch`."""
        try:
            return self._decode(tree)
        except RecursionError as error:
            raise DataMismatch("JSON", "it is nested too deep") from error

    def _decode(self, tree: Any) -> Any:
        kind = type(tree)
        if kind is list:
            return [self._decode(each) for each in tree]
        if kind is not dict:
            return tree
        if "__type__" not in tree:
            return {key: self._decode(each) for key, each in tree.items()}
        name = tree["__type__"]
        try:
            return self._tagged(name, tree)
        except (MemoError, RecursionError):
            raise
        except Exception as error:
            # Whatever the data makes a codec, a validator or an enum raise, the data is at fault.
            raise DataMismatch(str(name), f"{type(error).__name__}: {error}") from error

    def reader(self, tree: Any, *, once: bytes | None = None) -> Callable[[], Any]:
        """A function that gives a fresh value of `tree` at each call, at the least cost: this is the replay path.

        With `once`, the JSON that `tree` was read from, it is called one time, and may give of `tree` itself.
        """
        kind = type(tree)
        if kind is dict and "__type__" in tree:
            read = self._model_reader(tree) if "value" in tree else None
            if read is None:
                return self._tagged_reader(tree, once)
            value = orjson.dumps(tree["value"]) if once is not None else held_json(tree["value"])
            made = partial(read, value)
            if "attributes" not in tree:
                return made
            attributes = tree["attributes"]
            if type(attributes) is dict and "__type__" not in attributes and _is_text(attributes.values()):
                return _with(made, lambda: attributes)  # what an SDK puts on a model: the id of a request
            return _with(made, self.reader(attributes))
        if kind is not dict and kind is not list:
            return lambda: tree
        if once is not None and b"__type__" not in once and b"\\u" not in once:  # an escape may be one of its letters
            return lambda: tree
        if kind is list and len(tree) > 1 and set(map(type, tree)) == {float}:
            return _numbers(tree)
        data = _held(tree)
        if b'"__type__"' not in data:
            return lambda: orjson.loads(data)
        return lambda: self.decode(orjson.loads(data))

    def _model_reader(self, tree: dict[str, Any]) -> Callable[[bytes], Any] | None:
        """What builds models from the JSON of their plain form; None where `tree` is anything else."""
        name, fields_set_mode = tree["__type__"], tree.get("set")
        try:
            return self._readers[name, fields_set_mode]
        except (KeyError, TypeError):  # TypeError: one of them is a list, which memo never wrote
            cls = self.model(name)
            return None if cls is None else self.plain_reader(cls, name, fields_set_mode=fields_set_mode)

    def _tagged_reader(self, tree: dict[str, Any], once: bytes | None) -> Callable[[], Any]:
        if tree["__type__"] == "list":
            try:
                items = Items(tree, self, once=once is not None)
            except MemoError:
                raise
            except Exception as error:
                raise DataMismatch("list", f"{type(error).__name__}: {error}") from error
            return lambda: list(items)
        if once is not None:
            return lambda: self.decode(tree)
        data = _held(tree)
        return lambda: self.decode(orjson.loads(data))

    def plain_reader(self, cls: Any, name: str, *, fields_set_mode: str | None) -> Callable[[bytes], Any]:
        """A function that builds models of that class from the JSON of their plain form. Made once for a name."""
        if fields_set_mode is not None and type(fields_set_mode) is not str:
            raise DataMismatch(name, f"its set fields are counted in an unknown way ({fields_set_mode!r})")
        made = self._readers.get((name, fields_set_mode))
        if made is None:
            made = self._readers[name, fields_set_mode] = _plain_reader(cls, name, fields_set_mode)
        return made

    def model(self, name: str) -> Any:
        """The model class of that name, None if it is the name of anything else."""
        if type(name) is str and (name in _READERS or codec_named(name) is not None):
            return None
        cls = self.types.resolve(name)
        return cls if isinstance(cls, type) and is_model(cls) else None

    def _tagged(self, name: str, node: dict[str, Any]) -> Any:
        read = _READERS.get(name)
        if read is not None:
            return read(self, self._decode, node)
        codec = codec_named(name)
        if codec is not None:
            return codec.decode(self._decode(node["value"]))
        cls: Any = self.types.resolve(name)
        if not isinstance(cls, type):
            raise UntrustedType(name, "is no class")
        if is_model(cls):
            if "exact" in node:
                return _models.read_exact(cls, node, self._decode, name)
            value = _models.read_plain(cls, orjson.dumps(node["value"]), name)
            count = _models.counter(node.get("set"))
            if count is not None:
                count(value)
            if "attributes" in node:
                value.__dict__.update(self._decode(node["attributes"]))
            return value
        if issubclass(cls, BaseException):
            return exception_of(cls, node, self._decode)
        if issubclass(cls, Enum):
            return cls(self._decode(node["value"])) if "value" in node else cls[node["name"]]
        if dataclasses.is_dataclass(cls):
            return _read_dataclass(cls, node, self._decode, name)
        if is_named_tuple(cls):
            return tuple.__new__(cast("Any", cls), [self._decode(each) for each in node["value"]])
        raise UntrustedType(name, "is no data type (model, dataclass, enum, named tuple, exception)")


def _held(tree: Any) -> bytes:
    try:
        return held_json(tree)
    except orjson.JSONEncodeError as error:
        raise DataMismatch("JSON", str(error)) from error


def _numbers(values: list[float]) -> Callable[[], list[float]]:
    """A function that gives a fresh list of these, of which most are like those of an embedding."""
    if len(orjson.dumps(values[:_FLOAT])) >= _FLOAT * _FLOAT:
        kept = tuple(values)  # numbers do not change: only the list has to be new
        return lambda: [*kept]
    # Short ones: as numbers they take less memory than as objects, and less time than as text.
    from array import array

    return array("d", values).tolist


def _plain_reader(cls: Any, name: str, fields_set_mode: str | None) -> Callable[[bytes], Any]:
    try:
        validate = cls.__pydantic_validator__.validate_json
    except Exception as error:
        raise DataMismatch(name, str(error)) from error
    count = _models.counter(fields_set_mode)

    def read(data: bytes) -> Any:
        try:
            return validate(data)
        except Exception:  # noqa: BLE001 - said better by read_plain
            return _models.read_plain(cls, data, name)

    def read_and_count(data: bytes) -> Any:
        value = read(data)
        count(value)  # type: ignore[misc]
        return value

    return read if count is None else read_and_count


def parts(value: Any) -> Any:
    """What identifies a value that is neither JSON nor a data class: what its codec says of it."""
    if isinstance(value, BaseException):
        return exception_form(value, lambda each, step: each)
    if typing.get_origin(value) is not None:
        return repr(value)
    codec = codec_of(type(value))
    return codec.encode(value) if codec is not None else id(value)


class _Writer:
    """One encoding: knows the depth, and whether anything still needs to be proved."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._above: set[int] = set()
        self._depth = 0
        self.unproved = False

    def write(self, value: Any, step: str = "") -> Any:
        """The tree of `value`; `step` is how its path goes on from that of its container."""
        kind = type(value)
        if kind is str:
            if value.isascii():
                return value
            return value if is_text(value) else {"__type__": "str", "value": scalars.text_form(value)}
        if kind is int:
            return value if SMALLEST <= value <= LARGEST else {"__type__": "int", "value": scalars.int_form(value)}
        if kind is float:
            if value - value == 0:
                return value
            return {"__type__": "float", "value": scalars.float_form(value)}
        if value is None or kind is bool:
            return value
        if id(value) in self._above:
            raise UnrecordableValue(step, "holds itself")
        self._above.add(id(value))
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                raise UnrecordableValue("", _TOO_DEEP)  # noqa: TRY301 - it gets its path below, like what comes from inside
            if kind is list:
                return self._list(value)
            if kind is dict:
                return self._dict(value)
            return self._other(value, kind)
        except UnrecordableValue as error:
            error.path = step + error.path
            raise
        finally:
            self._depth -= 1
            self._above.discard(id(value))

    def _list(self, value: list[Any]) -> Any:
        tree = [self.write(each, f"[{index}]") for index, each in enumerate(value)]
        packed = pack(tree) if len(tree) > 1 and is_model(type(value[0])) else {}
        return {"__type__": "list", **packed} if "of" in packed else tree

    def _dict(self, value: dict[Any, Any]) -> Any:
        if all(type(key) is str and key != "__type__" for key in value):
            tree = {key: self.write(each, step(key)) for key, each in value.items()}
            if all(key.isascii() for key in tree) or is_text("".join(tree)):
                return tree
        self._depth += 1  # Three levels of JSON, not two.
        try:
            pairs = [[self.write(key, ".keys()"), self.write(each, step(key))] for key, each in value.items()]
        finally:
            self._depth -= 1
        return {"__type__": "dict", "value": pairs}

    def _other(self, value: Any, kind: type) -> Any:
        codec = codec_of(kind)
        if codec is not None:
            self.unproved = True
            try:
                data = codec.encode(value)
            except MemoError:
                raise
            except Exception as error:
                raise UnrecordableValue("", f"({kind.__name__}) {error}") from error
            return {"__type__": codec.name, "value": self.write(data)}
        if is_model(kind):
            return self._write_model(value, kind)
        if kind is tuple:
            return {"__type__": "tuple", "value": [self.write(each, f"[{i}]") for i, each in enumerate(value)]}
        if kind is set or kind is frozenset:
            members = [self.write(each, "{…}") for each in value]
            self.unproved = True
            return {"__type__": kind.__name__, "value": sorted(members, key=canonical_json)}
        if kind is bytes or kind is bytearray:
            return {"__type__": kind.__name__, **scalars.bytes_form(bytes(value))}
        if isinstance(value, type) or typing.get_origin(value) is not None:
            return {"__type__": "type", "value": self._spell(value)}
        if isinstance(value, Enum):
            return self._write_enum(value, kind)
        if isinstance(value, BaseException):
            self.unproved = True
            return {"__type__": self._spell(kind), **exception_form(value, self.write)}
        self.unproved = True
        if dataclasses.is_dataclass(kind) and not issubclass(kind, _BUILTIN_DATA):
            fields = {field.name for field in dataclasses.fields(kind)}
            held = dataclass_state(value)
            form = {"value": {name: self.write(held[name], f".{name}") for name in held if name in fields}}
            rest = {name: self.write(held[name], f".{name}") for name in held if name not in fields}
            missing = {"missing": sorted(fields - held.keys())} if fields - held.keys() else {}
            return {"__type__": self._spell(kind), **form, **missing, **({"attributes": rest} if rest else {})}
        if is_named_tuple(kind):
            return {
                "__type__": self._spell(kind),
                "value": [self.write(each, f".{name}") for name, each in zip(kind._fields, value, strict=False)],  # type: ignore[attr-defined]
            }
        raise UnrecordableValue("", f"is a {kind.__module__}.{kind.__qualname__}, which is no data that memo knows")

    def _write_model(self, value: Any, kind: type) -> Any:
        name = self._spell(kind)
        plain = _models.plain_form(value, parts)
        if plain is None:
            self.unproved = True
            return {"__type__": name, **_models.exact_form(value, self.write)}
        if not plain.shallow and self._depth + _levels(plain.data) > MAX_DEPTH:
            raise UnrecordableValue("", _TOO_DEEP)
        form = {"__type__": name, "value": plain.data}
        if plain.fields_set_mode:
            form["set"] = plain.fields_set_mode
        if plain.attributes:
            form["attributes"] = self.write(plain.attributes)
        return form

    def _write_enum(self, value: Enum, kind: Any) -> Any:
        name = self._spell(kind)
        # By value first: the members that an enum makes up for unknown values have no name to be found by.
        if type(value.value) in (str, int) and _member(kind, value.value) is value:
            return {"__type__": name, "value": self.write(value.value, ".value")}
        if kind.__members__.get(value.name) is value:
            return {"__type__": name, "name": value.name}
        if _member(kind, value.value) is value:
            self.unproved = True
            return {"__type__": name, "value": self.write(value.value, ".value")}
        raise UnrecordableValue("", f"is no member of {name} that could be found again")

    def _spell(self, kind: Any) -> str:
        try:
            return self._types.spell(kind)
        except (UntrustedType, TypeNotFound) as error:
            raise UnrecordableValue("", f"has the type {error.name}, which {error.reason}") from error
        except TypeError as error:
            raise UnrecordableValue("", f"has a type without a name ({error})") from error


def _member(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except Exception:  # noqa: BLE001 - `_missing_` is the user's code
        return None


def _levels(tree: Any) -> int:
    """How deep a tree of JSON is nested."""
    if type(tree) is dict:
        tree = tree.values()
    elif type(tree) is not list:
        return 0
    return 1 + max(map(_levels, tree), default=0)


def _kept(tree: Any) -> Any:
    """The form of an error without the names of what was left out."""
    if type(tree) is dict:
        return {key: _kept(each) for key, each in tree.items() if key != "left_out" or "args" not in tree}
    return [_kept(each) for each in tree] if type(tree) is list else tree


def _is_text(values: Iterable[Any]) -> bool:
    return all(type(each) is str for each in values)


def _with(read: Callable[[], Any], attributes: Callable[[], Any]) -> Callable[[], Any]:
    def read_both() -> Any:
        value = read()
        value.__dict__.update(attributes())
        return value

    return read_both


def _read_dataclass(cls: Any, node: dict[str, Any], decode: Callable[[Any], Any], name: str) -> Any:
    fields = {field.name for field in dataclasses.fields(cls)}
    stored = node["value"]
    changed = (stored.keys() - fields) | (fields - stored.keys() - set(node.get("missing", ())))
    if changed:
        raise DataMismatch(name, f"its fields have changed ({', '.join(sorted(changed))})")
    value = object.__new__(cls)
    for field, each in stored.items():
        object.__setattr__(value, field, decode(each))
    for attribute, each in node.get("attributes", {}).items():
        # Not setattr: data may name `__class__`.
        slot = slot_members(cls).get(attribute)
        if slot is not None:
            slot.__set__(value, decode(each))
        else:
            value.__dict__[attribute] = decode(each)
    return value


_READERS: dict[str, Callable[[Values, Callable[[Any], Any], dict[str, Any]], Any]] = {
    "bytearray": lambda _, __, node: bytearray(scalars.bytes_of(node)),
    "bytes": lambda _, __, node: scalars.bytes_of(node),
    "dict": lambda _, decode, node: {decode(key): decode(each) for key, each in node["value"]},
    "float": lambda _, __, node: float(node["value"]),
    "frozenset": lambda _, decode, node: frozenset(decode(node["value"])),
    "int": lambda _, __, node: scalars.int_of(node["value"]),
    "json": lambda _, decode, node: decode(node["value"]),
    "list": lambda values, _, node: list(Items(node, values)),
    "set": lambda _, decode, node: set(decode(node["value"])),
    "str": lambda _, __, node: scalars.text_of(node["value"]),
    "tuple": lambda _, decode, node: tuple(decode(node["value"])),
    "type": lambda values, _, node: values.types.resolve(node["value"]),
}
