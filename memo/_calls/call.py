"""A call: what identifies it, and what is watched beside that."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from memo._calls.canonical import Canonical
from memo._calls.digest import call_key

__all__ = ["NOTHING_WATCHED", "NO_VALUES", "Call", "Credentials"]

NOTHING_WATCHED: Mapping[str, str] = MappingProxyType({})
NO_VALUES: Mapping[str, list[Any]] = MappingProxyType({})


class Credentials(NamedTuple):
    """What a call leaves out of its key: where in the arguments it is, and a digest that is good in this process only."""

    paths: tuple[str, ...]
    digest: str


class Call(NamedTuple):
    """One invocation: the function's name, the key, and what was hashed."""

    function: str
    key: str
    arguments: bytes
    """Canonical JSON: exactly what was hashed."""
    version: str | int | None = None
    watched: Mapping[str, str] = NOTHING_WATCHED
    """Path to fingerprint."""
    credentials: Credentials | None = None
    """None if the call has no credential, or one that identifies the call."""
    has_types: bool = True
    """False if no value in the arguments is written with its type: none is a class, or an instance of one."""
    watched_values: Mapping[str, list[Any]] = NO_VALUES
    """Path to the canonical values of the watched fields, in which secrets are not masked yet."""

    @classmethod
    def of(cls, function: str, arguments: Mapping[str, Any], version: str | int | None = None) -> Call:
        """Return the call of a function with arguments that may be anything with a canonical form."""
        data = Canonical(function).dump(dict(arguments))
        return cls(function, call_key(function, data, version), data, version, has_types=b'"__type__"' in data)
