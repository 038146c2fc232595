"""The forms that values are written in.

A JSON value is its own form. Every other form is an object with `"__type__"`; so is the form of a mapping that has such
a key, or keys that are no text. `_models`, `errors` and `items` describe the forms of models, exceptions and lists of
models; `_reader` is the inverse.

    "value"        what a codec, a builtin (tuple, set, bytes, …), an enum, a named tuple, a dataclass or an attrs class holds
    "name"         of an enum's member that its value does not lead to
    "content"      the builtin that an instance of a subclass of a builtin is
    "attributes"   whatever else was set on an instance; "missing": its fields without a value

A value that holds a mutable object in several places is written as `sharing`, where each such object is `shared`: once with
its form, and else with its number alone (see `_sharing`).
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from memo._json import canonical_json
from memo._values import scalars
from memo._values.kinds import (
    builtin_base,
    builtin_content,
    field_names,
    fielded_state,
    has_fields,
    is_iterator,
    is_model,
    is_named_tuple,
    own_attributes,
)
from memo._values.paths import step_text
from memo._values.scalars import LARGEST, SMALLEST, is_text
from memo.codecs import _models
from memo.codecs.errors import chain_form, exception_form
from memo.codecs.items import pack
from memo.codecs.registry import Codec, codec_of
from memo.codecs.sharing import can_change, changeable
from memo.codecs.types import ImportedInCall, Types
from memo.errors import MemoError, TypeNotFound, UnrecordableValue, UntrustedType

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["MAX_DEPTH", "Writer", "parts"]

MAX_DEPTH = 100
"""How deep a value may be nested. (Each level takes up to two of JSON's, and orjson writes 254.)"""

_MAX_LINKS = 30
"""How many links the chain of an exception may have, those of its causes and contexts included."""
_NAMING = (
    "to make the class known: define it in a module, name it in the annotations of the function, or pass it to the call"
)
_ONCE = "to record it, return it once"
_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"


def parts(value: Any) -> Any:
    """Return what identifies a value that is neither JSON nor a data class: the data that its codec encodes."""
    codec = codec_of(type(value))
    if isinstance(value, BaseException):
        if codec is not None:
            return [codec.encode(value), chain_form(value, _itself)]
        return exception_form(value, _itself, _itself)
    if typing.get_origin(value) is not None:
        return repr(value)
    return codec.encode(value) if codec is not None else id(value)


def _itself(part: Any, step: str) -> Any:
    return part


class Writer:
    """One encoding: knows the depth, and whether anything still needs to be proved."""

    unproved = False
    _outside: BaseException | None = None
    _depth = 0
    _links = 0
    _in_chain = False
    _in_error = False

    def __init__(
        self,
        types: Types,
        *,
        outside: BaseException | None = None,
        streams: Sequence[Any] | None = None,
        shared: Iterable[int] | None = None,
    ) -> None:
        self._types = types
        self._awaited = set(shared or ())
        self._given: dict[int, int] = {}
        """The numbers of the shared objects that are written."""
        self._held: dict[int, Any] | None = None if shared is None else {}
        """What is mutable, by its identity: held, so that no other object gets the identity."""
        self.shared: set[int] = set()
        """With `shared`, the identities of the other mutable objects that are in several places. If there are any, the tree
        is incomplete."""
        self._streams = streams
        self._met: set[int] = set()
        if outside is not None:
            self._outside = outside
        self._above: set[int] = set()

    def write(self, value: Any, step: str = "") -> Any:
        """Return the tree of `value`; `step` continues the path of the container to `value`.

        Raises `UnrecordableValue` with the path from there on.
        """
        kind = type(value)
        if kind is str:
            plain = value.isascii() or is_text(value)
            return value if plain else {"__type__": "str", "value": scalars.text_form(value)}
        if kind is int:
            return value if SMALLEST <= value <= LARGEST else {"__type__": "int", "value": scalars.int_form(value)}
        if kind is float:
            return value if value - value == 0 else {"__type__": "float", "value": scalars.float_form(value)}
        if value is None or kind is bool:
            return value
        at = id(value)
        if at in self._above:
            raise UnrecordableValue(step, "holds itself")
        if self._held is not None and (kind is dict or kind is list or can_change(kind)):
            if at in self._held:
                return self._again(at)
            if at in self._awaited:
                return self._first(value, at, step)
            self._held[at] = value
        self._above.add(at)
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                raise UnrecordableValue("", _TOO_DEEP)  # noqa: TRY301 - the handler below adds the path
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
            self._above.discard(at)

    def _first(self, value: Any, at: int, step: str) -> dict[str, Any]:
        """Return the form of a shared object in the first of its places."""
        self._awaited.discard(at)
        number = self._given[at] = len(self._given)
        self._depth += 1
        try:
            return {"__type__": "shared", "at": number, "value": self.write(value, step)}
        finally:
            self._depth -= 1

    def _again(self, at: int) -> dict[str, Any] | None:
        """Return the form of a shared object in another of its places; None if it was not known to be shared."""
        if at in self._given:
            return {"__type__": "shared", "at": self._given[at]}
        self.shared.add(at)
        return None

    def _list(self, value: list[Any]) -> Any:
        tree: list[Any] = []
        try:
            for item in value:
                tree.append(  # noqa: PERF401 - on an error, its length is the index
                    item if item is None or (type(item) is str and item.isascii()) else self.write(item)
                )
        except UnrecordableValue as error:
            error.path = f"[{len(tree)}]{error.path}"
            raise
        packed = pack(tree) if len(tree) > 1 and is_model(type(value[0])) and not self._given else {}
        return {"__type__": "list", **packed} if "of" in packed else tree

    def _dict(self, value: dict[Any, Any]) -> Any:
        if _TEXT.issuperset(map(type, value)) and "__type__" not in value and is_text("".join(value)):
            return self._plain_dict(value)
        self._depth += 1  # Three levels of JSON, not two.
        try:
            pairs = [[self.write(key, ".keys()"), self.write(item, step_text(key))] for key, item in value.items()]
        finally:
            self._depth -= 1
        return {"__type__": "dict", "value": pairs}

    def _plain_dict(self, value: dict[str, Any]) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        key = ""
        try:
            for key, item in value.items():
                tree[key] = item if item is None or (type(item) is str and item.isascii()) else self.write(item)
        except UnrecordableValue as error:
            error.path = step_text(key) + error.path
            raise
        return tree

    def _other(self, value: Any, kind: type) -> Any:
        if self._streams is not None:
            form = self._stream(value, self._streams)
            if form is not None:
                return form
        codec = codec_of(kind)
        if codec is not None and (self._in_error or not is_iterator(kind)):
            return self._coded(value, kind, codec)
        if is_model(kind):
            return self._model(value, kind)
        if kind is tuple:
            return {"__type__": "tuple", "value": [self.write(item, f"[{i}]") for i, item in enumerate(value)]}
        if kind is set or kind is frozenset:
            return self._set(value, kind)
        if kind is bytes or kind is bytearray:
            return {"__type__": kind.__name__, **scalars.bytes_form(bytes(value))}
        if isinstance(value, type) or typing.get_origin(value) is not None:
            return {"__type__": "type", "value": self._spell(value)}
        if isinstance(value, Enum):
            return self._enum(value, kind)
        self.unproved = True
        return self._instance(value, kind)

    def _instance(self, value: Any, kind: type) -> dict[str, Any]:
        """Return the form of an object whose class may do anything: whether it comes back the same is to be proved."""
        if isinstance(value, BaseException):
            return self._exception(value, kind)
        if builtin_base(kind) is not None:
            return self._subclass(value, kind)
        if has_fields(kind):
            return self._fielded(value, kind)
        if is_named_tuple(kind):
            return {
                "__type__": self._spell(kind),
                "value": [self.write(item, f".{name}") for name, item in zip(kind._fields, value, strict=False)],  # type: ignore[attr-defined]
            }
        raise UnrecordableValue("", f"is a {kind.__module__}.{kind.__qualname__}, which is not a type that memo knows")

    def _coded(self, value: Any, kind: type, codec: Codec) -> dict[str, Any]:
        self.unproved = True
        try:
            data = codec.encode(value)
        except MemoError:
            raise
        except Exception as error:
            raise UnrecordableValue("", f"({kind.__name__}) {error}") from error
        form = {"__type__": codec.name, "value": self.write(data)}
        return {**form, **self._chain(value)} if isinstance(value, BaseException) else form

    def _stream(self, value: Any, streams: Sequence[Any]) -> dict[str, Any] | None:
        """Return the form of a live stream, which is still to be filled; None for anything else."""
        for index, stream in enumerate(streams):
            if stream is value:
                if index in self._met:
                    raise UnrecordableValue("", "is a stream that is in the result twice", fix=_ONCE)
                self._met.add(index)
                return {"__type__": "stream", "at": index}
        return None

    def _set(self, value: Any, kind: type) -> dict[str, Any]:
        members = [self.write(member, "{…}") for member in value]
        self.unproved = True
        return {"__type__": kind.__name__, "value": sorted(members, key=canonical_json)}

    def _fielded(self, value: Any, kind: Any) -> dict[str, Any]:
        fields = set(field_names(kind))
        held = fielded_state(value)
        form = {"value": {name: self.write(held[name], f".{name}") for name in held if name in fields}}
        rest = {name: self.write(held[name], f".{name}") for name in held if name not in fields}
        missing = {"missing": sorted(fields - held.keys())} if fields - held.keys() else {}
        return {"__type__": self._spell(kind), **form, **missing, **({"attributes": rest} if rest else {})}

    def _subclass(self, value: Any, kind: Any) -> dict[str, Any]:
        form = {"__type__": self._spell(kind), "content": self.write(builtin_content(value))}
        held = own_attributes(value)
        attributes = {"attributes": {name: self.write(held[name], f".{name}") for name in held}} if held else {}
        return {**form, **attributes}

    def _exception(self, value: BaseException, kind: type) -> dict[str, Any]:
        if not self._in_chain:
            self._links = 0
        name = self._spell(kind)
        before, self._in_error = self._in_error, True
        try:
            return {"__type__": name, **exception_form(value, self.write, self._link, outside=self._outside)}
        finally:
            self._in_error = before

    def _chain(self, value: BaseException) -> dict[str, Any]:
        if not self._in_chain:
            self._links = 0
        return chain_form(value, self._link, outside=self._outside)

    def _link(self, value: BaseException, step: str) -> Any:
        """Return the tree of a link in the chain of an exception."""
        self._links += 1
        if self._links > _MAX_LINKS:
            raise UnrecordableValue(step, f"is one of more than {_MAX_LINKS} exceptions in a chain")
        before, self._in_chain = self._in_chain, True
        try:
            return self.write(value, step)
        finally:
            self._in_chain = before

    def _model(self, value: Any, kind: type) -> Any:
        name = self._spell(kind)
        plain = None if self._holds_shared(value) else _models.plain_form(value, parts)
        if plain is None:
            self.unproved = True
            return {"__type__": name, **_models.exact_form(value, self.write)}
        if self._held is not None and not self._given:
            self._hold(plain.changeable)
        # A level of values takes up to two of JSON's; a plain form has only JSON's.
        if not plain.shallow and 2 * self._depth + _levels(plain.data) > 2 * MAX_DEPTH:
            raise UnrecordableValue("", _TOO_DEEP)
        form = {"__type__": name, "value": plain.data}
        if plain.fields_set_mode:
            form["set"] = plain.fields_set_mode
        if plain.attributes:
            form["attributes"] = self.write(plain.attributes)
        return form

    def _holds_shared(self, model: BaseModel) -> bool:
        """Return whether a model holds an object that is known to be in several places: its plain form would make several."""
        if not self._awaited and not self._given:
            return False
        return any(id(part) in self._awaited or id(part) in self._given for part in changeable(model))

    def _hold(self, inside: list[Any]) -> None:
        """Note what a model's plain form holds."""
        assert self._held is not None
        ids = [*map(id, inside)]
        if len(set(ids)) == len(ids) and self._held.keys().isdisjoint(ids):
            self._held.update(zip(ids, inside, strict=True))
            return
        for at, part in zip(ids, inside, strict=True):
            if at in self._held:
                self.shared.add(at)
            self._held[at] = part

    def _enum(self, value: Enum, kind: Any) -> Any:
        name = self._spell(kind)
        # By value first: the members that an enum makes up for unknown values have no name to be found by.
        if type(value.value) in (str, int) and _member(kind, value.value) is value:
            return {"__type__": name, "value": self.write(value.value, ".value")}
        if kind.__members__.get(value.name) is value:
            return {"__type__": name, "name": value.name}
        if _member(kind, value.value) is value:
            self.unproved = True
            return {"__type__": name, "value": self.write(value.value, ".value")}
        raise UnrecordableValue("", f"is not a member of {name} that can be found again")

    def _spell(self, kind: Any) -> str:
        try:
            return self._types.spell(kind)
        except ImportedInCall as error:
            package = error.module.partition(".")[0]
            raise UnrecordableValue(
                "",
                f"has the type {error.name}, which {error.reason}; a replay does not run the call",
                fix=f"import {error.module} before the call, or pass trust=({package!r},)",
            ) from error
        except (UntrustedType, TypeNotFound) as error:
            raise UnrecordableValue("", f"has the type {error.name} ({error.reason})", fix=_NAMING) from error
        except TypeError as error:
            raise UnrecordableValue("", f"has a type without a name ({error})") from error


_TEXT = frozenset({str})


def _member(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except Exception:  # noqa: BLE001 - `_missing_` is the user's code
        return None


def _levels(tree: Any) -> int:
    """Return how deep a tree of JSON is nested."""
    if type(tree) is dict:
        tree = tree.values()
    elif type(tree) is not list:
        return 0
    return 1 + max(map(_levels, tree), default=0)
