"""Keys: the canonical form of a call's arguments, and the digest that two calls share only if nothing tells them apart.

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
| a credential (by its name) | left out; by its shape, or SecretStr: a mask |
| anything else | `UnkeyableArgument` |
"""

from __future__ import annotations

import dataclasses
import typing
from collections import ChainMap, Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from hashlib import sha256
from itertools import chain
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from memo._calls.argument_cache import ArgumentCache
from memo._calls.digest import call_key, call_tail, digest
from memo._calls.paths import Step, change, parse_path, pop
from memo._calls.secrets import is_credential, looks_secret, mask, plain_names
from memo._calls.signature import Signature
from memo._json import canonical_json
from memo._values.kinds import class_name, dataclass_state, is_model, is_named_tuple
from memo._values.scalars import LARGEST, SMALLEST, bytes_form, float_form, int_form, is_text, text_form
from memo._values.secrets import SECRET_TYPES
from memo.codecs.registry import codec_of
from memo.codecs.values import MAX_DEPTH
from memo.errors import InvalidOption, MemoError, UnkeyableArgument
from memo.scrub import Scrubber

__all__ = [
    "NOTHING_WATCHED",
    "Call",
    "Describe",
    "KeyBuilder",
    "KeyRules",
    "canonical_fingerprint",
    "watched_fingerprint",
]

_DIGEST_FROM = 1024
_LONGEST_PATH = 60
_KNOWN = 4096
_PAIRS = (list, tuple)


NOTHING_WATCHED: Mapping[str, str] = MappingProxyType({})
_NO_SCRUBBERS: Mapping[str, Scrubber | Iterable[Scrubber]] = MappingProxyType({})


class Call(typing.NamedTuple):
    """One call: what identifies it, and what was watched beside it."""

    function: str
    key: str
    arguments: bytes
    """Canonical JSON: exactly what was hashed."""
    version: str | int | None = None
    watched: Mapping[str, str] = NOTHING_WATCHED
    """Path to fingerprint."""

    @classmethod
    def of(cls, function: str, arguments: Mapping[str, Any], version: str | int | None = None) -> Call:
        """The call of that function with those arguments, which may be anything that has a canonical form."""
        data = _Canonical(function, frozenset()).dump(dict(arguments))
        return cls(function, call_key(function, data, version), data, version)


Describe = Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[str, dict[str, Any]]]
"""From `self`, positional and keyword arguments to the call's name and its arguments, where they are not the signature's."""


class KeyRules(typing.NamedTuple):
    """What a recorder leaves out of the keys of all functions, where they have it. False if that is nothing."""

    ignore: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    scrub: Mapping[str, Scrubber | Iterable[Scrubber]] = _NO_SCRUBBERS

    @classmethod
    def of(
        cls,
        ignore: Iterable[str],
        watch: Iterable[str],
        scrub: Mapping[str, Scrubber | Iterable[Scrubber]] | None,
    ) -> KeyRules:
        """The same from what users write. Raises `InvalidOption` for what is no path."""
        key_rules = cls(_tuple(ignore), _tuple(watch), dict(scrub) if scrub else _NO_SCRUBBERS)
        for option, paths in key_rules._asdict().items():
            for path in paths:
                parse_path(path, option)
        return key_rules

    def __bool__(self) -> bool:
        return bool(self.ignore or self.watch or self.scrub)


class KeyBuilder:
    """Turns the calls of one function into `Call`s, with the options that the function was given."""

    def __init__(
        self,
        function: str,
        signature: Signature,
        *,
        ignore: Iterable[str] = (),
        watch: Iterable[str] = (),
        key: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
        identity: Callable[[Any], Any] | None = None,
        version: str | int | None = None,
        scrub: Mapping[str, Scrubber | Iterable[Scrubber]] | None = None,
        secrets: Iterable[str] = (),
        describe: Describe | None = None,
        key_rules: KeyRules | None = None,
    ) -> None:
        self.function = function
        self._signature = signature
        self._describe = describe
        self._key = key
        self._identity = identity
        self._version = version
        self._tail = call_tail(function, version)
        more = key_rules or KeyRules()
        ignored = [*_tuple(ignore), *filter(self._has, more.ignore)]
        watched = dict.fromkeys([*_tuple(watch), *filter(self._has, more.watch)])
        scrubbed = [*(scrub or {}).items(), *(each for each in more.scrub.items() if self._has(each[0]))]
        paths = [self._path(path, "ignore") for path in ignored]
        self._ignored = [str(steps[0]) for steps in paths if len(steps) == 1]
        self._ignored_inside = [steps for steps in paths if len(steps) > 1]
        self._watch = [(path, self._path(path, "watch")) for path in watched]
        self._scrub = [
            (self._path(path, "scrub"), (each,) if callable(each) else tuple(each)) for path, each in scrubbed
        ]
        self.is_pure = key is None and identity is None and not self._scrub
        """Whether equal arguments always give the same call: no function of the user's takes part."""
        self._tree_changes = bool(self._ignored_inside or self._watch or self._scrub)
        self._secrets = plain_names(_tuple(secrets))
        self._canonical = _Canonical(function, self._secrets, shares=not self._tree_changes)
        self._searched: set[str] = set()
        """Keys of calls in whose arguments no secret was found: what is asked for again is not searched again."""
        # Scrubbers are the user's own code, which may say something else the next time.
        self._asked_again: ArgumentCache[Call] | None = None if self._scrub else ArgumentCache()

    def call(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """The call with those arguments; `instance` is the `self` or `cls` it was made on.

        Raises `DoesNotFit` where they do not fit the signature, `UnkeyableArgument` where one has no canonical form.
        """
        function = self.function
        if self._describe is None:
            arguments = self._signature.bind(args, kwargs)
        else:
            try:
                function, arguments = self._describe(instance, args, kwargs)
            except TypeError:
                self._signature.bind(args, kwargs)  # its own error, where it is the call that is wrong
                raise
        if self._key is not None:
            arguments = dict(self._key(dict(arguments)))
        if self._ignored:
            arguments = dict(arguments)
            for name in self._ignored:
                arguments.pop(name, None)
        if self._identity is not None and instance is not None:
            arguments = {**arguments, (self._signature.skipped or ["self"])[0]: self._identity(instance)}
        asked_again = self._asked_again
        if asked_again is not None:
            call = asked_again.get(function, arguments)
            if call is not None:
                return call
        canonical = self._canonical
        tree = canonical.tree(arguments)
        watched = self._change(tree) if self._tree_changes else NOTHING_WATCHED
        try:
            data = canonical.json(tree)
        except _NotText:
            tree = _Canonical(function, self._secrets).tree(arguments)
            data = canonical.json(tree)
        tail = self._tail if self._describe is None else call_tail(function, self._version)
        key = digest(data, tail)
        if key not in self._searched:
            masked = canonical.masked(tree, data)
            if masked is not data:
                return Call(function, digest(masked, tail), masked, self._version, watched)
            if len(self._searched) >= _KNOWN:
                self._searched.clear()
            self._searched.add(key)
            return Call(function, key, data, self._version, watched)
        call = Call(function, key, data, self._version, watched)
        if asked_again is not None:
            asked_again.add(function, arguments, call)
        return call

    def _change(self, tree: dict[str, Any]) -> dict[str, str]:
        for steps in self._ignored_inside:
            pop(tree, steps)
        for steps, scrubbers in self._scrub:
            for scrubber in scrubbers:
                change(tree, steps, scrubber)
        return {path: _fingerprint(self._canonical, path, pop(tree, steps)) for path, steps in self._watch}

    def _has(self, path: str) -> bool:
        """Whether there may be something at this path."""
        try:
            self._path(path, "")
        except InvalidOption:
            return False
        return True

    def _path(self, path: str, option: str) -> tuple[Step, ...]:
        steps = parse_path(path, option)
        names, keywords = self._signature.names, self._signature.keywords
        if steps[0] in names or self._key is not None or self._describe is not None:
            return steps
        if keywords is not None:
            return (keywords, *steps)
        raise InvalidOption(option, path, sorted(names) or ["(the function has no parameters)"])


def _tuple(value: Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def watched_fingerprint(path: str, values: Iterable[Any]) -> str:
    """What a recording remembers of what `watch` keeps out of the key at that path.

    It is the one of a call in which these values stand there: none if there is nothing, several if the path has a `[*]`.
    Raises `UnkeyableArgument` for one that has no canonical form.
    """
    canonical = _Canonical("watch", frozenset())
    tree = canonical.tree({"values": list(values)})
    return _fingerprint(canonical, path, tree["values"])


def canonical_fingerprint(path: str, values: list[Any]) -> str:
    """What `watched_fingerprint` says, of values that are canonical already: as they stand in a recording's arguments."""
    return _fingerprint(_Canonical("watch", frozenset()), path, values)


def _fingerprint(canonical: _Canonical, path: str, values: list[Any]) -> str:
    return sha256(canonical.write({path: values})).hexdigest()[:16]


class _Unkeyable:
    """Stands in a canonical tree for a value that has no canonical form: an error only if it is not left out."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _TooDeep(Exception):
    """A value is nested deeper than `MAX_DEPTH`, or holds itself."""


class _NotText(Exception):
    """A shared part of the arguments holds text that has lone surrogates, which UTF-8 has not."""


_LEFT_OUT: Any = object()
_FEW = 8
_DICT, _TEXTS = {dict}, {str, type(None)}
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


class _Canonical:
    """The canonical form of a function's arguments."""

    _nests = True
    """Mappings in lists are gone into without a look at them."""

    def __init__(self, function: str, secrets: frozenset[str], *, shares: bool = False) -> None:
        self._function = function
        self._secrets = secrets
        self._shares = shares
        """Whether a tree may hold parts of the arguments themselves: where nobody changes it."""
        self._known: dict[str, bool] = {}
        """Mapping keys met so far that a plain object can have, and whether they name a credential."""

    def dump(self, arguments: Mapping[str, Any]) -> bytes:
        """Canonical JSON."""
        return self.write(self.tree(arguments))

    def tree(self, arguments: Mapping[str, Any]) -> Any:
        """The arguments as a tree of plain JSON values (and `_Unkeyable`)."""
        try:
            return self._mapping(arguments, 1)
        except _TooDeep:
            return _CycleSafeCanonical(self._function, self._secrets)._mapping(arguments, 1)

    def write(self, tree: Any) -> bytes:
        """The tree as canonical JSON, values in the shape of secrets masked. Raises `UnkeyableArgument`."""
        return self.masked(tree, self.json(tree))

    def masked(self, tree: Any, data: bytes) -> bytes:
        """The canonical JSON of a tree with the values in the shape of secrets masked; itself, where there are none."""
        return orjson.dumps(_masked(tree), option=orjson.OPT_SORT_KEYS) if looks_secret(data.decode()) else data

    def json(self, tree: Any) -> bytes:
        """The tree as canonical JSON. Raises `UnkeyableArgument`."""
        try:
            return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            path, reason = next(_without_form(tree, ""), ("", ""))
            if not reason:
                raise _NotText from None
            if len(path) > _LONGEST_PATH:
                path = f"{path[:_LONGEST_PATH]}…"
            raise UnkeyableArgument(self._function, path, reason) from None

    def _form(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return value if value.isascii() or is_text(value) else {"__type__": "str", "value": text_form(mask(value))}
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
            if value and type(value[0]) in _PAIRS and all(map(_is_pair, value)):
                value = [each for each in value if not is_credential(each[0], self._secrets)]  # a list of headers
            nested = self._nests and depth < MAX_DEPTH  # a conversation: a list of many mappings
            if nested and self._shares and len(value) > _FEW and self._are_plain(value):
                return value
            return [
                form
                for each in value
                if (
                    form := self._mapping(each, depth + 2)
                    if nested and type(each) is dict
                    else self._form(each, depth + 1)
                )
                is not _LEFT_OUT
            ]
        try:
            return self._other(value, kind, depth + 1)
        except (MemoError, RecursionError, _TooDeep):
            raise
        except Exception as error:  # noqa: BLE001 - codecs and classes are the user's code
            return _Unkeyable(f"is a {kind.__module__}.{kind.__qualname__}, which has no canonical form ({error!r})")

    def _mapping(self, value: Mapping[Any, Any], depth: int, *, schema: bool = False) -> Any:
        tree: dict[str, Any] = {}
        known = self._known
        for key, each in value.items():
            secret = known.get(key) if type(key) is str else None
            if secret is None:
                if type(key) is not str or key == "__type__" or not is_text(key):
                    return self._odd_mapping(value, depth)
                if len(known) > _KNOWN:
                    known.clear()
                secret = known[key] = is_credential(key, self._secrets)
            if secret and not schema:
                continue
            if type(each) is str and each.isascii():
                tree[key] = each
                continue
            if key == "properties" and type(each) is dict and depth < MAX_DEPTH:
                form = self._mapping(each, depth + 1, schema=True)  # JSON schema: a `password` is described, not given
            else:
                form = self._form(each, depth)
            if form is not _LEFT_OUT:
                tree[key] = form
        return tree

    def _are_plain(self, mappings: list[Any]) -> bool:
        """Whether these are mappings of harmless names to text and None, and so their own form. No loop of Python's looks."""
        if set(map(type, mappings)) != _DICT:
            return False
        for name in set().union(*mappings):
            if type(name) is not str or self._known.get(name, True):  # not met yet, or a credential's
                return False
        return set(map(type, chain.from_iterable(map(dict.values, mappings)))) <= _TEXTS

    def _odd_mapping(self, value: Mapping[Any, Any], depth: int) -> Any:
        depth += 1  # three levels of JSON, not two
        pairs = [
            [self._form(key, depth), self._form(each, depth)]
            for key, each in value.items()
            if not (isinstance(key, str) and is_credential(key, self._secrets))
        ]
        return {"__type__": "dict", "pairs": self._sorted([pair for pair in pairs if pair[1] is not _LEFT_OUT])}

    def _sorted(self, forms: list[Any]) -> list[Any] | _Unkeyable:
        for _, reason in _without_form(forms, ""):
            return _Unkeyable(reason)
        return sorted(forms, key=canonical_json)

    def _other(self, value: Any, kind: type, depth: int) -> Any:
        if kind is datetime and value.tzinfo is not None and value.utcoffset() is not None:
            # The same moment on the same clock is the same argument, whichever class says what the offset is.
            name = getattr(value.tzinfo, "key", None)
            zone = {"zone": name} if isinstance(name, str) else {}
            return {"__type__": "datetime", "value": value.isoformat(), **zone}
        if kind in _MAPPINGS:
            return self._mapping(value, depth)
        codec = codec_of(kind)
        if codec is not None:
            if codec.name in SECRET_TYPES:
                return {"__type__": kind.__name__}
            name = codec.name.rpartition(":")[2].rpartition("<locals>.")[2]
            return {"__type__": name, "value": self._form(codec.encode(value), depth)}
        if isinstance(value, set | frozenset) and kind in (set, frozenset):
            return {"__type__": "set", "value": self._sorted([self._form(each, depth) for each in value])}
        if kind in (bytes, bytearray, memoryview):
            data = bytes(value)
            if len(data) > _DIGEST_FROM:
                return {"__type__": "bytes", "sha256": sha256(data).hexdigest(), "size": len(data)}
            return {"__type__": "bytes", **bytes_form(data)}
        if isinstance(value, type) or typing.get_origin(value) is not None:
            return _class_form(value)
        if kind.__name__ in ("NotGiven", "Omit") and not value:
            return _LEFT_OUT
        return self._data(value, kind, depth)

    def _data(self, value: Any, kind: Any, depth: int) -> Any:
        """An instance of a data class, or of a subclass of a builtin: the class's name, and what it holds."""
        if isinstance(value, Enum):
            return {"__type__": _short(kind), "value": self._form(value.value, depth)}
        if is_model(kind):
            held = {name: value.__dict__[name] for name in kind.model_fields if name in value.__dict__}
            form = {"__type__": _short(kind), "value": self._mapping(held, depth)}
            if value.__pydantic_extra__:
                form["extra"] = self._mapping(value.__pydantic_extra__, depth)
            return form
        if dataclasses.is_dataclass(kind):
            return {"__type__": _short(kind), "value": self._mapping(dataclass_state(value), depth)}
        if is_named_tuple(kind):
            return {
                "__type__": _short(kind),
                "value": self._mapping(dict(zip(kind._fields, value, strict=True)), depth),
            }
        if isinstance(value, BaseException):
            return {"__type__": _short(kind), "value": self._form([list(value.args), value.__dict__], depth)}
        for base, plain in _PLAIN.items():
            if issubclass(kind, base):
                held = {"attributes": self._mapping(value.__dict__, depth)} if getattr(value, "__dict__", None) else {}
                return {"__type__": _short(kind), "value": self._form(plain(value), depth), **held}
        return _Unkeyable(f"is a {kind.__module__}.{kind.__qualname__}, which has no canonical form")


class _CycleSafeCanonical(_Canonical):
    """Looks at each value for itself inside of itself: what holds itself twice is gone through for ever otherwise."""

    _nests = False

    def __init__(self, function: str, secrets: frozenset[str]) -> None:
        super().__init__(function, secrets)
        self._above: set[int] = set()

    def _form(self, value: Any, depth: int) -> Any:
        if id(value) in self._above:
            return _Unkeyable("holds itself")
        if depth > MAX_DEPTH:
            return _Unkeyable(f"is nested deeper than {MAX_DEPTH} levels")
        self._above.add(id(value))
        try:
            return super()._form(value, depth)
        finally:
            self._above.discard(id(value))


def _is_pair(value: Any) -> bool:
    return type(value) in _PAIRS and len(value) == 2 and type(value[0]) is str


def _short(kind: Any) -> str:
    """The class's name without its module: moving a class does not stale its recordings."""
    return str(kind.__qualname__).rpartition("<locals>.")[2]


_schemas: WeakKeyDictionary[type, Any] = WeakKeyDictionary()


def _class_form(value: Any) -> Any:
    if not isinstance(value, type):
        return {"__type__": "type", "value": str(value)}
    form = {"__type__": "type", "value": _short(value)}
    if value.__module__ == "builtins":
        return form
    if value not in _schemas:
        try:
            from pydantic import TypeAdapter

            _schemas[value] = _ordered(TypeAdapter(value).json_schema())
        except Exception:  # noqa: BLE001 - whatever pydantic says of a class that it can not describe
            _schemas[value] = None
    if _schemas[value] is None:
        return {"__type__": "type", "value": class_name(value)}
    return {**form, "schema": _schemas[value]}


def _ordered(schema: Any) -> Any:
    """The schema with its lists sorted: among them are sets (defaults, an enum's values), in the order of this process."""
    if type(schema) is dict:
        return {key: _ordered(each) for key, each in schema.items()}
    return sorted(map(_ordered, schema), key=canonical_json) if type(schema) is list else schema


def _masked(node: Any) -> Any:
    if type(node) is str:
        return mask(node)
    if type(node) is list:
        return [_masked(each) for each in node]
    if type(node) is dict:
        return {mask(key): _masked(each) for key, each in node.items()}
    return node


def _without_form(node: Any, path: str) -> typing.Iterator[tuple[str, str]]:
    """The paths of what has no canonical form, with the reason."""
    if isinstance(node, _Unkeyable):
        yield path, node.reason
    elif isinstance(node, list):
        for index, each in enumerate(node):
            yield from _without_form(each, f"{path}[{index}]")
    elif isinstance(node, dict):
        inner = "value" if "__type__" in node else ""
        for key, each in node.items():
            yield from _without_form(each, path if key == inner else f"{path}.{key}" if path else key)
