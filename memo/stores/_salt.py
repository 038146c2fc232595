"""The salt of a store: the key of digests of credentials, so that nobody can try credentials without the store."""

from __future__ import annotations

import os
from binascii import Error, unhexlify
from typing import cast

import orjson

from memo._calls.digest import call_key, entry_name
from memo.errors import RecordingDamaged
from memo.stores._store import Creates, Salted, Store

__all__ = ["SALT_BYTES", "checked_salt", "has_salt", "new_salt", "salt"]

SALT_BYTES = 32
_FUNCTION = "memo.salt"


def salt(store: Store) -> bytes:
    """Return the 32 random bytes of a store. They are made once: in the whole fleet, the first maker wins.

    A store that is not `Salted` keeps the salt as a recording of a function `memo.salt`. Blocks as `get` and `create` of the
    store do. Raises `StoreError` if the salt can neither be read nor made, and `RecordingDamaged`. Deleting the salt makes a
    new one: recordings whose key depends on the old salt are no longer found.
    """
    if isinstance(store, Salted):
        return store.salt()
    key = call_key(_FUNCTION, b"{}")
    name = entry_name(_FUNCTION, key)
    entry = store.get(name)
    if entry is None:
        made = _recording(key, new_salt())
        if isinstance(store, Creates):
            entry = store.create(name, made) or made
        else:
            store.put(name, made)
            entry = store.get(name) or made
    return _from_recording(entry, store.location(name))


def has_salt(store: Store) -> bool:
    """Return whether a store has a salt already; a store on a server, or in one file, counts as if it had."""
    if isinstance(store, Salted):
        return getattr(store, "has_salt", True)
    return store.get(entry_name(_FUNCTION, call_key(_FUNCTION, b"{}"))) is not None


def new_salt() -> bytes:
    """Make a salt."""
    return os.urandom(SALT_BYTES)


def checked_salt(salt: bytes, location: str) -> bytes:
    """Return the salt. Raises `RecordingDamaged` if the bytes are none."""
    if len(salt) != SALT_BYTES:
        raise RecordingDamaged(location, f"is not a salt: {len(salt):,} bytes instead of {SALT_BYTES}")
    return salt


def _recording(key: str, salt: bytes) -> bytes:
    document = {
        "memo": 1,
        "function": _FUNCTION,
        "key": key,
        "arguments": {},
        "outcomes": [{"value": salt.hex(), "seconds": 0.0}],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _from_recording(entry: bytes, location: str) -> bytes:
    try:
        return checked_salt(unhexlify(cast(str, orjson.loads(entry)["outcomes"][0]["value"])), location)
    except (ValueError, LookupError, TypeError, Error):
        raise RecordingDamaged(location, "is not a salt") from None
