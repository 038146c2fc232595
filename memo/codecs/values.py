"""Typed JSON: any data value as a tree of plain JSON values, and back.

Which of a model's forms is taken is decided by proof (`_models`); whatever else is not exact by construction is decoded
again and compared before it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import partial
from typing import Any

import orjson

from memo._json import canonical_json, held_json
from memo._values.kinds import is_model
from memo._values.scalars import LARGEST, SMALLEST
from memo.codecs import _models
from memo.codecs._reader import is_builtin_form, read_form
from memo.codecs._shape import mapping
from memo.codecs._writer import MAX_DEPTH, Writer, parts
from memo.codecs.decoder import CutShort, Further
from memo.codecs.items import Items, is_plain
from memo.codecs.registry import codec_named
from memo.codecs.sameness import difference
from memo.codecs.sharing import SharedObjects, can_become
from memo.codecs.types import Types
from memo.errors import DataMismatch, MemoError, TypeNotFound, UnrecordableValue, UntrustedType

__all__ = ["MAX_DEPTH", "Values"]

_NESTED = (dict, list)
_LONG_FLOAT = 16
"""The length of a float's text from which on the float object takes at most twice the memory of the text."""


class Values:
    """Encodes and decodes values with the types that one function's recordings may name."""

    is_of_one_call = False
    """True if the types are those of one call's arguments: what is read with them must not be kept for another call."""

    streams: Sequence[Any] | None = None
    """Live streams that a value to be written may hold: their forms are filled later."""
    _owned: Callable[[], Iterable[Any]] | None = None
    _shared = SharedObjects(None)
    """The objects that the value being decoded holds in several places."""
    cut_short: CutShort | None = None
    """Makes the error for a stream inside a recorded value that is read further than it was recorded."""
    further: Callable[[], Further | None] | None = None
    """Returns what goes on with such a stream, where a call may be made."""

    def __init__(self, types: Types) -> None:
        self.types: Types = types
        self._readers: dict[tuple[str, str | None], Callable[[bytes], Any]] = {}

    def reaching(self, annotations: Iterable[Any], owned: Iterable[Any] = ()) -> Values:
        """Return values with the types that some more annotations reach: those of one call, and of nothing held for others.

        `owned` are those of the object whose method is called.
        """
        values = Values(self.types.reaching(annotations, owned))
        values.is_of_one_call = True
        return values

    def of_object(self, owned: Callable[[], Iterable[Any]]) -> Values:
        """Return values that ask for the classes in the object whose method is called where no name leads to a class."""
        values = copy(self)
        values._owned = owned
        return values

    def holding(self, streams: Sequence[Any] | None) -> Values:
        """Return values that write live streams as `{"__type__": "stream", "at": …}`, the index in `streams`."""
        values = copy(self)
        values.streams = streams
        return values

    def sharing(self, tree: Any) -> Values:
        """Return values that read one tree, with the objects that it holds in several places."""
        values = copy(self)
        values._shared = SharedObjects(tree)
        return values

    def shared(self, node: dict[str, Any], decode: Callable[[Any], Any]) -> Any:
        """Return the object that a `shared` form stands for. Raises `DataMismatch` for one that is not in the value."""
        return self._shared.read(node, decode)

    def going_on(self, further: Callable[[], Further | None], cut_short: CutShort) -> Values:
        """Return values whose streams go on with `further`, or raise what `cut_short` makes, where they are read further."""
        values = copy(self)
        values.further, values.cut_short = further, cut_short
        return values

    def encode(self, value: Any) -> Any:
        """Return the typed JSON of `value`, as a tree, proved to decode to an equal value.

        Raises `UnrecordableValue`, naming the path, for what is no data or would not come back the same.
        """
        kind = type(value)
        if (
            (kind is str and value.isascii())
            or (kind is int and SMALLEST <= value <= LARGEST)
            or kind is bool
            or value is None
        ):
            return value  # most items of streams
        try:
            writer = Writer(self.types, streams=self.streams, shared=())
            tree = writer.write(value)
            if writer.shared:
                tree, lost = self._sharing(value, writer.shared)
            else:
                lost = difference(self.decode(tree), value, parts) if writer.unproved else None
        except UnrecordableValue as error:
            if self._owned is None or not self._reaches_owner(error):
                raise
            return self.encode(value)
        except RecursionError as error:
            raise UnrecordableValue("", "is nested too deep for the stack") from error
        except BaseException as error:
            # Codecs, serializers, validators and properties are the user's code: they may raise SystemExit, too.
            raise UnrecordableValue("", f"could not be read back ({_named(error)})") from error
        if lost is not None:
            raise UnrecordableValue(lost, f"({type(value).__name__}) would not come back equal")
        return tree

    def _reaches_owner(self, refusal: UnrecordableValue) -> bool:
        """Return whether there are classes in the object of the call that were not known yet; from now on they are."""
        owned, self._owned = self._owned, None
        if owned is None or not isinstance(refusal.__cause__, UntrustedType | TypeNotFound):
            return False
        found = [*owned()]  # looking for them takes a fraction of a millisecond, so only now
        if found:
            self.types, self._readers, self.is_of_one_call = self.types.reaching((), found), {}, True
        return bool(found)

    def again(self, item: Any, tree: Any) -> Any:
        """Return the form of an item of a stream that is the object which came last, changed since: `tree` is its own form."""
        return {"__type__": "again", "value": tree} if can_become(type(item)) else tree

    def _sharing(self, value: Any, shared: Iterable[int]) -> tuple[Any, str | None]:
        """Return the form of a value that holds objects in several places, and the path of what would not come back equal.

        Proved by writing again what is read of it: comparing the values would take each way to each object.
        """

        def written(value: Any, shared: Iterable[int], streams: Sequence[Any] | None) -> Any:
            return {"__type__": "sharing", "value": Writer(self.types, streams=streams, shared=shared).write(value)}

        tree = written(value, shared, self.streams)
        again = self.decode(tree)
        if self.streams:
            return tree, difference(again, value, parts)
        writer = Writer(self.types, shared=())
        writer.write(again)
        return tree, None if orjson.dumps(written(again, writer.shared, None)) == orjson.dumps(tree) else ""

    def encode_error(self, error: BaseException, *, outside: BaseException | None = None) -> dict[str, Any]:
        """Return the form of an error and its chain. What has no recorded form is left out and named in the form.

        The chain ends before `outside`, which was being handled when the call began. Raises `UnrecordableValue` if the
        rest would not come back the same.
        """
        try:
            tree: dict[str, Any] = Writer(self.types, outside=outside).write(error)
        except UnrecordableValue as refusal:
            if self._owned is None or not self._reaches_owner(refusal):
                raise
            tree = Writer(self.types, outside=outside).write(error)
        try:
            again = Writer(self.types).write(self.decode(tree))
        except BaseException as failure:
            raise UnrecordableValue("", f"could not be read back ({_named(failure)})") from failure
        if canonical_json(_kept(again)) != canonical_json(_kept(tree)):
            raise UnrecordableValue("", f"({type(error).__name__}) would not come back equal")
        return tree

    def decode(self, tree: Any) -> Any:
        """Return a fresh value. Raises `UntrustedType`, `TypeNotFound` or `DataMismatch`."""
        try:
            return self._decode(tree)
        except RecursionError as error:
            raise DataMismatch("JSON", "it is nested too deep") from error

    def _decode(self, tree: Any) -> Any:
        kind = type(tree)
        if kind is list:
            return [self._decode(item) if type(item) in _NESTED else item for item in tree]
        if kind is not dict:
            return tree
        if "__type__" not in tree:
            return {key: self._decode(item) if type(item) in _NESTED else item for key, item in tree.items()}
        name = tree["__type__"]
        try:
            return read_form(self, self._decode, name, tree)
        except (MemoError, RecursionError):
            raise
        except BaseException as error:
            # Whatever the data makes a codec, a validator or an enum raise, SystemExit too: the data is at fault.
            raise DataMismatch(str(name), f"{type(error).__name__}: {error}") from error

    def reader(self, tree: Any, *, once: bytes | None = None) -> Callable[[], Any]:
        """Return a function that gives a fresh value of `tree` at each call, at the least cost: this is the replay path.

        With `once`, the JSON that `tree` was read from, the function is called one time, and may return parts of `tree`.
        """
        kind = type(tree)
        if kind is dict and "__type__" in tree:
            read = self._model_reader(tree) if "value" in tree else None
            if read is None:
                return self._tagged_reader(tree, once)
            value = _held(tree["value"], orjson.dumps if once is not None else held_json)
            read_model = partial(read, value)
            if "attributes" not in tree:
                return read_model
            attributes = tree["attributes"]
            if type(attributes) is not dict:
                raise DataMismatch(tree["__type__"], f"its attributes are recorded as {type(attributes).__name__}")
            if "__type__" not in attributes and _are_text(attributes.values()):
                return _with(read_model, _always(attributes))  # what an SDK puts on a model: the id of a request
            return _with(read_model, self.reader(attributes))
        if (kind is not dict and kind is not list) or (once is not None and is_plain(once)):
            return _always(tree)
        if kind is list and len(tree) > 1 and set(map(type, tree)) == {float}:
            return _numbers(tree)
        data = _held(tree)
        return partial(orjson.loads, data) if b'"__type__"' not in data else partial(self._read_json, data)

    def _read_json(self, data: bytes) -> Any:
        return self.decode(orjson.loads(data))

    def _model_reader(self, tree: dict[str, Any]) -> Callable[[bytes], Any] | None:
        """Return a function that builds models from the JSON of their plain form; None if `tree` is no such form."""
        name, fields_set_mode = tree["__type__"], tree.get("set")
        try:
            return self._readers[name, fields_set_mode]
        except (KeyError, TypeError):  # TypeError: one of them is a list, which memo never wrote
            cls = self.model(name)
            return None if cls is None else self.plain_reader(cls, name, fields_set_mode=fields_set_mode)

    def _tagged_reader(self, tree: dict[str, Any], once: bytes | None) -> Callable[[], Any]:
        if tree["__type__"] == "list":
            items = Items(tree, self, once=once)
            return lambda: list(items)
        return partial(self.decode, tree) if once is not None else partial(self._read_json, _held(tree))

    def plain_reader(self, cls: Any, name: str, *, fields_set_mode: str | None) -> Callable[[bytes], Any]:
        """Return a function that builds models of that class from the JSON of their plain form. Made once for a name."""
        if fields_set_mode is not None and type(fields_set_mode) is not str:
            raise DataMismatch(name, f"its set fields are counted in an unknown way ({fields_set_mode!r})")
        made = self._readers.get((name, fields_set_mode))
        if made is None:
            made = self._readers[name, fields_set_mode] = _plain_reader(cls, name, fields_set_mode)
        return made

    def model(self, name: str) -> Any:
        """Return the model class of that name, None if it is the name of anything else."""
        if type(name) is str and (is_builtin_form(name) or codec_named(name) is not None):
            return None
        cls = self.types.resolve(name)
        return cls if isinstance(cls, type) and is_model(cls) else None


def _always(value: Any) -> Callable[[], Any]:
    """Return a function that returns that value: a `lambda` where it is needed would slow down all that needs none."""
    return lambda: value


def _held(tree: Any, dump: Callable[[Any], bytes] = held_json) -> bytes:
    try:
        return dump(tree)
    except orjson.JSONEncodeError as error:
        raise DataMismatch("JSON", str(error)) from error


def _numbers(values: list[float]) -> Callable[[], list[float]]:
    """Return a function that gives a fresh list of these numbers, which are an embedding's more often than not."""
    if len(orjson.dumps(values[:_LONG_FLOAT])) >= _LONG_FLOAT * _LONG_FLOAT:
        kept = tuple(values)  # numbers do not change: only the list has to be new
        return lambda: [*kept]
    # Short ones: as numbers they take less memory than as objects, and less time than as text.
    from array import array

    return array("d", values).tolist


def _plain_reader(cls: Any, name: str, fields_set_mode: str | None) -> Callable[[bytes], Any]:
    validate = _models.validator(cls, name)
    count = _models.counter(fields_set_mode)

    def read(data: bytes) -> Any:
        try:
            return validate(data)
        except BaseException:  # noqa: BLE001 - read_plain raises it again, with the field
            return _models.read_plain(cls, data, name)

    def read_and_count(data: bytes) -> Any:
        value = read(data)
        try:
            count(value)  # type: ignore[misc]
        except BaseException as error:
            raise DataMismatch(name, f"{type(error).__name__}: {error}") from error
        return value

    return read if count is None else read_and_count


def _named(error: BaseException) -> str:
    """Return what an error says, on one line."""
    if isinstance(error, DataMismatch | TypeNotFound | UntrustedType):
        return f"{error.name}: {error.reason}"
    return str(error) if isinstance(error, Exception) and str(error) else f"{type(error).__name__}: {error}"


def _kept(tree: Any) -> Any:
    """Return the form of an error without the names of what was left out."""
    if type(tree) is dict:
        return {key: _kept(item) for key, item in tree.items() if key != "left_out" or "args" not in tree}
    return [_kept(item) for item in tree] if type(tree) is list else tree


def _are_text(values: Iterable[Any]) -> bool:
    return all(type(value) is str for value in values)


def _with(read: Callable[[], Any], attributes: Callable[[], Any]) -> Callable[[], Any]:
    def read_both() -> Any:
        value = read()
        more = attributes()
        try:
            value.__dict__.update(mapping(more))
        except (AttributeError, TypeError) as error:  # a validator returned something without attributes
            raise DataMismatch(type(value).__name__, f"its attributes are no object ({error})") from error
        return value

    return read_both
