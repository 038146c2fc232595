"""Stores as users write them: a path, a URL, or an object."""

from __future__ import annotations

import os
import re
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl
from weakref import WeakValueDictionary

from memo.errors import InvalidOption, MissingExtra
from memo.stores._directory import DirectoryStore
from memo.stores._json_lines import JsonLinesStore
from memo.stores._store import Store
from memo.stores.file_names import JSON_LINES

__all__ = ["as_store", "masked", "options"]


class _Kind(NamedTuple):
    module: str
    store: str
    """A class with the classmethod `from_url(url) -> Store`, which does not connect."""
    extra: str = ""
    needs: str = ""
    """A module that only the extra installs."""

    @property
    def shared(self) -> bool:
        """True if one URL gives one store: for those with connections, and without relative paths."""
        return bool(self.extra)


_REDIS = _Kind("memo.stores._redis", "RedisStore", "redis", "redis")
_OBJECTS = _Kind("memo.stores._object", "ObjectStore", "s3", "obstore")
_KINDS = {
    "memory": _Kind("memo.stores._memory", "MemoryStore"),
    "sqlite": _Kind("memo.stores._sqlite", "SqliteStore"),
    "redis": _REDIS,
    "rediss": _REDIS,
    "valkey": _REDIS,
    "valkeys": _REDIS,
    "s3": _OBJECTS,
    "gs": _OBJECTS,
    "az": _OBJECTS,
}
_ALLOWED = (
    "a directory's path",
    "a file's path that ends in .jsonl",
    *(f"{scheme}://" for scheme in _KINDS),
    "an object with get, put, delete and scan",
    "a py-key-value store",
)

_PATHS = (str, os.PathLike)
_made: WeakValueDictionary[str, Store] = WeakValueDictionary()
_concurrent = threading.Lock()


def as_store(store: Store | str | os.PathLike[str] | object) -> Store:
    """Return the store that a user names: by a path (`~` is expanded), a URL, a store or a py-key-value store.

    A path is that of a directory, or of a file of JSON lines if it ends in `.jsonl`. A store is returned as it is. The URL of
    a server gives the same store for as long as anybody uses that store. Does not connect. Raises `InvalidOption` for anything else, and `MissingExtra` for a URL whose client is not installed.
    """
    if isinstance(store, str) and "://" in store:
        return _by_url(store)
    if isinstance(store, _PATHS):
        path = os.fspath(store)
        return JsonLinesStore(path) if str(path).endswith(JSON_LINES) else DirectoryStore(path)
    if isinstance(store, Store):
        return store
    if hasattr(store, "put"):
        from memo.stores._key_value import KeyValueStore, is_key_value

        if is_key_value(store):
            return KeyValueStore(store)
    raise InvalidOption("store", store, _ALLOWED)


def _by_url(url: str) -> Store:
    kind = _KINDS.get(url.partition("://")[0].lower())
    if kind is None:
        raise InvalidOption("store", masked(url), _ALLOWED)
    with _concurrent:
        store = _made.get(url) if kind.shared else None
        if store is None:
            store = cast(Store, _class(kind, url).from_url(url))
            if kind.shared:
                _made[url] = store
        return store


def _class(kind: _Kind, url: str) -> Any:
    if kind.needs and find_spec(kind.needs) is None:
        raise MissingExtra(f"a {url.partition('://')[0]}:// store", kind.extra)
    return getattr(import_module(kind.module), kind.store)


def masked(url: str) -> str:
    """Return a URL as it may be shown: without user, password and query, which may be credentials."""
    scheme, separator, rest = url.partition("://")
    server, slash, path = rest.partition("/")
    if "@" in server:
        server = server.rpartition("@")[2]
    elif "@" in path and ":" in server and not server.rpartition(":")[2].isdigit():
        # What looks like a host is the start of a password with an unescaped slash.
        server, slash, path = path.rpartition("@")[2].partition("/")
    return re.split(r"[?#]", f"{scheme}{separator}{server}{slash}{path}", maxsplit=1)[0]


def options(url: str, **defaults: float | str | None) -> dict[str, Any]:
    """Return the known options with the values of a URL's query, or their defaults. Raises `InvalidOption`."""
    found: dict[str, Any] = dict(defaults)
    for name, text in parse_qsl(url.partition("?")[2].partition("#")[0], keep_blank_values=True):
        if name not in defaults:
            raise InvalidOption(f"store {masked(url)}: option", name, sorted(defaults))
        found[name] = text if isinstance(defaults[name], str) else _number(url, name, text)
    return found


def _number(url: str, name: str, text: str) -> float:
    """Return a positive number of a URL's query. Raises `InvalidOption`."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise InvalidOption(f"store {masked(url)}: {name}", text, ["a positive number"])
    return value
