"""The canonical form of a call's arguments: two calls share it only if nothing that identifies them differs.

| a value | in a call |
|---|---|
| None, bool, int, float, text | itself; 1, 1.0, True and "1" differ, so do 0.0 and -0.0; NaN equals NaN |
| list, tuple | a list |
| mapping | an object; its order does not matter; keys that are no text, or `__type__`, are kept apart from text |
| set | its members, sorted by their own canonical form |
| bytes | text or base64, over 1 KiB a digest |
| model, dataclass, named tuple, enum | its class name (without the module) and its fields |
| a class | its name, and its JSON schema if it has one |
| a type with a codec | its class name and what the codec says |
| an SDK's "not given" | left out |
| a credential, by its name | left out, or a digest with the salt of the store |
| a credential, by its shape, or a SecretStr | a mask, or a digest with the salt of the store |
| anything else | `UnkeyableArgument` |
"""

from __future__ import annotations

import typing
from collections import ChainMap, Counter, OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from hashlib import sha256
from itertools import chain
from types import MappingProxyType
from typing import Any

import orjson

from memo._calls.class_forms import class_form, short_name
from memo._calls.credentials import LEFT_OUT, Credential, CredentialFilter
from memo._calls.secret_forms import is_credential
from memo._calls.secret_names import holds_headers
from memo._calls.secrets import NO_RULES, SecretRules, header_text, is_header, looks_secret, mask
from memo._calls.unkeyable import Unkeyable, without_form
from memo._values.kinds import fielded_state, has_fields, is_model, is_named_tuple
from memo._values.paths import Step, path_text
from memo._values.scalars import LARGEST, SMALLEST, bytes_form, float_form, int_form, is_text, text_form
from memo._values.secrets import SECRET_TYPES
from memo.codecs.registry import codec_of
from memo.codecs.values import MAX_DEPTH
from memo.errors import MemoError, UnkeyableArgument

__all__ = ["Canonical", "NotText"]

_DIGEST_FROM = 1024
_LONGEST_PATH = 60
_KNOWN = 4096
_PAIRS = (list, tuple)
_NAMES = (str, bytes)


class _TooDeep(Exception):
    """A value is nested deeper than `MAX_DEPTH`, or holds itself."""


class NotText(Exception):
    """A shared part of the arguments holds text that has lone surrogates, which UTF-8 has not."""


_HEADERS: Any = object()
"""What names like `headers` name: pairs under them are headers."""
_FEW = 8
_DICT, _TEXTS = {dict}, {str, type(None)}
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_MAPPINGS = (OrderedDict, defaultdict, Counter, ChainMap, MappingProxyType)
_PLAIN: dict[type, Callable[[Any], Any]] = {
    # What an instance of a subclass holds, whatever the subclass's own `__str__`, `__iter__` or `__float__` says.
    str: lambda value: str.__getitem__(value, slice(None)),
    int: int.__index__,
    float: float.__pos__,
    list: lambda value: [*list.__iter__(value)],
    tuple: lambda value: [*tuple.__iter__(value)],
    dict: lambda value: dict(dict.items(value)),
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
}


class Canonical:
    """The canonical form of a function's arguments."""

    _nests = True
    """Whether mappings in lists are gone through by the quick way."""

    def __init__(self, function: str, rules: SecretRules = NO_RULES, *, shares: bool = False) -> None:
        self._function = function
        self._rules = rules
        self._shares = shares
        """Whether a tree may hold parts of the arguments themselves: where nobody changes it."""
        self._judged: dict[str, Any] = {}
        """Mapping keys met so far that a plain object can have, and what they name: False for nothing special."""

    def dump(self, arguments: Mapping[str, Any]) -> bytes:
        """Return arguments as canonical JSON without credentials. Raises `UnkeyableArgument`."""
        return self.write(self.tree(arguments))

    def tree(self, arguments: Mapping[str, Any]) -> Any:
        """Return arguments as a tree of plain JSON values, with marks for what is unkeyable and for credentials by name."""
        try:
            return self._mapping(arguments, 1)
        except _TooDeep:
            return _CycleSafe(self._function, self._rules)._mapping(arguments, 1)

    def write(self, tree: Any) -> bytes:
        """Return a tree as canonical JSON without credentials. Raises `UnkeyableArgument`."""
        credentials = CredentialFilter(self._function, self.form_of, self._rules)
        tree = credentials.by_name(tree)
        data = self.json(tree)
        return self.json(credentials.by_shape(tree)) if looks_secret(data.decode()) else data

    def form_of(self, value: Any) -> Any:
        """Return the canonical tree of one value, with marks as in `tree`."""
        return self.tree({"value": value}).get("value")

    def unkeyable(self, tree: dict[str, Any]) -> list[str]:
        """Return the names at the top of a tree under which something has no canonical form."""
        return [name for name, member in tree.items() if any(without_form(member, ()))]

    def json(self, tree: Any) -> bytes:
        """Return a tree as canonical JSON. Raises `UnkeyableArgument`."""
        try:
            return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            self.check(tree)
            raise NotText from None

    def check(self, tree: Any, steps: tuple[Step, ...] = ()) -> None:
        """Raise `UnkeyableArgument` if a tree, to which `steps` lead, holds a value without a canonical form."""
        for inner, reason in without_form(tree, steps):
            path = mask(path_text(inner))  # a mapping's key may be a credential
            if len(path) > _LONGEST_PATH:
                path = f"{path[:_LONGEST_PATH]}…"
            raise UnkeyableArgument(self._function, path, reason) from None

    def _form(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return value if value.isascii() or is_text(value) else {"__type__": "str", "value": text_form(value)}
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if SMALLEST <= value <= LARGEST else {"__type__": "int", "value": int_form(value)}
        if kind is float:
            return value if value - value == 0 else {"__type__": "float", "value": float_form(value)}
        if depth > MAX_DEPTH:
            raise _TooDeep
        if kind is dict:
            return self._mapping(value, depth + 1)
        if kind is list or kind is tuple:
            return self._list(value, depth)
        try:
            return self._other(value, kind, depth + 1)
        except (MemoError, RecursionError, _TooDeep):
            raise
        except Exception as error:  # noqa: BLE001 - codecs and classes are the user's code
            return Unkeyable(f"{_no_form(kind)} ({mask(repr(error))})")

    def _list(self, value: Any, depth: int) -> Any:
        if value and type(value[0]) in _PAIRS and all(map(_is_pair, value)):
            return self._pairs(value, depth, named=False)
        nested = self._nests and depth < MAX_DEPTH  # a conversation: a list of many mappings
        if nested and self._shares and len(value) > _FEW and self._are_plain(value):
            return value
        return [
            form
            for item in value
            if (
                form := self._mapping(item, depth + 2) if nested and type(item) is dict else self._form(item, depth + 1)
            )
            is not LEFT_OUT
        ]

    def _pairs(self, value: Any, depth: int, *, named: bool) -> Any:
        """Return the form of a list of pairs, which may be headers: they are if `named` so."""
        return [
            Credential(pair, name=header_text(pair[0]))
            if is_header(pair[0], pair[1], self._rules, named=named)
            else self._form(pair, depth + 1)
            for pair in value
        ]

    def _named(self, key: str) -> Any:
        """Return what a key names: the form of a credential, or `_HEADERS`; False for nothing special."""
        if len(self._judged) > _KNOWN:
            self._judged.clear()
        named = self._judged[key] = self._rules.judge(key) or (_HEADERS if holds_headers(key) else False)
        return named

    def _hidden(self, named: Any, item: Any, depth: int) -> Any:
        """Return the form of a credential, or of headers, under a key that names them; None if the item is neither."""
        if named is _HEADERS:
            if type(item) in _PAIRS and item and all(map(_is_pair, item)) and depth < MAX_DEPTH:
                return self._pairs(item, depth + 1, named=True)
        elif is_credential(named, item):
            return Credential(item)
        return None

    def _mapping(self, value: Mapping[Any, Any], depth: int, *, schema: bool = False) -> Any:
        tree: dict[str, Any] = {}
        judged = self._judged
        for key, item in value.items():
            named = judged.get(key) if type(key) is str else None
            if named is None:
                if type(key) is not str or key == "__type__" or not is_text(key):
                    return self._odd_mapping(value, depth)
                named = self._named(key)
            if named and not schema and (form := self._hidden(named, item, depth)) is not None:
                tree[key] = form
                continue
            if type(item) is str and item.isascii():
                tree[key] = item
                continue
            if key == "properties" and type(item) is dict and depth < MAX_DEPTH:
                form = self._mapping(item, depth + 1, schema=True)  # JSON schema: a `password` is described, not given
            else:
                form = self._form(item, depth)
            if form is not LEFT_OUT:
                tree[key] = form
        return tree

    def _are_plain(self, mappings: list[Any]) -> bool:
        """Return whether mappings of harmless names hold text and None, and so are their own form, without a loop in Python."""
        if set(map(type, mappings)) != _DICT:
            return False
        for name in set().union(*mappings):
            if type(name) is not str or self._judged.get(name, True):  # not met yet, or a credential's
                return False
        return set(map(type, chain.from_iterable(map(dict.values, mappings)))) <= _TEXTS

    def _odd_mapping(self, value: Mapping[Any, Any], depth: int) -> Any:
        depth += 1  # three levels of JSON, not two
        pairs: list[Any] = []
        for key, item in value.items():
            if is_header(key, item, self._rules, named=True):
                pairs.append(Credential([key, item], name=str(header_text(key))))
            elif (form := self._form(item, depth)) is not LEFT_OUT:
                pairs.append([self._form(key, depth), form])
        return {"__type__": "dict", "pairs": self._sorted(pairs)}

    def _sorted(self, forms: list[Any]) -> list[Any] | Unkeyable:
        for _, reason in without_form(forms, ()):
            return Unkeyable(reason)
        return sorted(forms, key=_sortable)

    def _other(self, value: Any, kind: type, depth: int) -> Any:
        if kind is datetime and value.tzinfo is not None and value.utcoffset() is not None:
            # The same moment on the same clock is the same argument, whichever class says what the offset is.
            name = getattr(value.tzinfo, "key", None)
            zone = {"zone": name} if isinstance(name, str) else {}
            return {"__type__": "datetime", "value": value.isoformat(), **zone}
        if kind in _MAPPINGS:
            return self._mapping(value, depth)
        if kind in (bytes, bytearray, memoryview):
            return _bytes(bytes(value))
        if kind in _VIEWS:
            return {"__type__": kind.__name__, "value": self._form(list(value), depth)}
        codec = codec_of(kind)
        if codec is not None:
            if codec.name in SECRET_TYPES:
                return Credential(codec.encode(value), {"__type__": kind.__name__})
            name = codec.name.rpartition(":")[2].rpartition("<locals>.")[2]
            return {"__type__": name, "value": self._form(codec.encode(value), depth)}
        if isinstance(value, set | frozenset) and kind in (set, frozenset):
            return {"__type__": "set", "value": self._sorted([self._form(item, depth) for item in value])}
        if isinstance(value, type) or typing.get_origin(value) is not None:
            return class_form(value)
        if kind.__name__ in ("NotGiven", "Omit") and not value:
            return LEFT_OUT
        return self._data(value, kind, depth)

    def _data(self, value: Any, kind: Any, depth: int) -> Any:
        """Return the form of an instance of a data class, or of a subclass of a builtin: the name of the class, and what it holds."""
        if isinstance(value, Enum):
            return {"__type__": short_name(kind), "value": self._form(value.value, depth)}
        if is_model(kind):
            held = {name: value.__dict__[name] for name in kind.model_fields if name in value.__dict__}
            form = {"__type__": short_name(kind), "value": self._mapping(held, depth)}
            if value.__pydantic_extra__:
                form["extra"] = self._mapping(value.__pydantic_extra__, depth)
            return form
        if has_fields(kind):
            return {"__type__": short_name(kind), "value": self._mapping(fielded_state(value), depth)}
        if is_named_tuple(kind):
            return {
                "__type__": short_name(kind),
                "value": self._mapping(dict(zip(kind._fields, value, strict=True)), depth),
            }
        if isinstance(value, BaseException):
            return {"__type__": short_name(kind), "value": self._form([list(value.args), value.__dict__], depth)}
        for base, plain in _PLAIN.items():
            if issubclass(kind, base):
                held = {"attributes": self._mapping(value.__dict__, depth)} if getattr(value, "__dict__", None) else {}
                return {"__type__": short_name(kind), "value": self._form(plain(value), depth), **held}
        return Unkeyable(_no_form(kind))


class _CycleSafe(Canonical):
    """Finds values that hold themselves. The quick way would go through one that holds itself twice forever."""

    _nests = False

    def __init__(self, function: str, rules: SecretRules) -> None:
        super().__init__(function, rules)
        self._above: set[int] = set()

    def _form(self, value: Any, depth: int) -> Any:
        if id(value) in self._above:
            return Unkeyable("holds itself")
        if depth > MAX_DEPTH:
            return Unkeyable(f"is nested deeper than {MAX_DEPTH} levels")
        self._above.add(id(value))
        try:
            return super()._form(value, depth)
        finally:
            self._above.discard(id(value))


def _bytes(data: bytes) -> dict[str, Any]:
    is_long = len(data) > _DIGEST_FROM
    form = {"sha256": sha256(data).hexdigest(), "size": len(data)} if is_long else bytes_form(data)
    return {"__type__": "bytes", **form}


def _is_pair(value: Any) -> bool:
    return type(value) in _PAIRS and len(value) == 2 and type(value[0]) in _NAMES


def _sortable(form: Any) -> bytes:
    return orjson.dumps(form, option=orjson.OPT_SORT_KEYS, default=lambda credential: None)


def _no_form(kind: type) -> str:
    return f"is a {kind.__module__}.{kind.__qualname__}, which has no canonical form"
