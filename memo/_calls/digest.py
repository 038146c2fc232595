"""The digest of a call: its key, and how much of the key names its recording."""

from __future__ import annotations

from hashlib import sha256

import orjson

__all__ = ["KEY_CHARACTERS", "call_key", "call_tail", "digest", "entry_name"]

KEY_CHARACTERS = 32
"""How much of the key names the entry: 128 bits."""

_HEAD = sha256(b'{"arguments":')  # the first one sets up OpenSSL: here, and not in the first replay
_HEAD.hexdigest()


def entry_name(function: str, key: str) -> str:
    """Return the name under which a store keeps the recording of a call."""
    return f"{function}/{key[:KEY_CHARACTERS]}"


def call_key(function: str, arguments: bytes, version: str | int | None = None) -> str:
    """Return the key (sha256, 64 hex characters) of a call whose arguments are canonical JSON."""
    return digest(arguments, call_tail(function, version))


def digest(arguments: bytes, tail: bytes) -> str:
    """Return the key of a call from its arguments and what `call_tail` returns."""
    hashed = _HEAD.copy()
    hashed.update(arguments)
    hashed.update(tail)
    return hashed.hexdigest()


def call_tail(function: str, version: str | int | None = None) -> bytes:
    """Return what is hashed after the arguments, and is the same for all calls of a function."""
    tail = b',"function":' + orjson.dumps(function)
    if version is not None:
        tail += b',"version":' + orjson.dumps(version)
    return tail + b"}"
