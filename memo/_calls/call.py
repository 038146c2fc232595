"""A call: what identifies it, and what is watched beside that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(slots=True, init=False, repr=False)
class Call:
    """One invocation: the function's name, the key, and what was hashed. It does not change.

    Not a named tuple, whose fields take five times as long to read: each replay reads ten of them.
    """

    function: str
    key: str
    arguments: bytes
    """Canonical JSON: exactly what was hashed."""
    version: str | int | None
    watched: Mapping[str, str]
    """Path to fingerprint."""
    credentials: Credentials | None
    """None if the call has no credential, or one that identifies the call."""
    has_types: bool
    """False if no value in the arguments is written with its type: none is a class, or an instance of one."""
    watched_values: Mapping[str, list[Any]]
    """Path to the canonical values of the watched fields, in which secrets are not masked yet."""

    def __init__(
        self,
        function: str,
        key: str,
        arguments: bytes,
        version: str | int | None = None,
        watched: Mapping[str, str] = NOTHING_WATCHED,
        credentials: Credentials | None = None,
        has_types: bool = True,  # noqa: FBT001, FBT002 - the fields in their order
        watched_values: Mapping[str, list[Any]] = NO_VALUES,
    ) -> None:
        self.function = function
        self.key = key
        self.arguments = arguments
        self.version = version
        self.watched = watched
        self.credentials = credentials
        self.has_types = has_types
        self.watched_values = watched_values

    def __repr__(self) -> str:
        return f"<call of {self.function}, {self.key}>"

    def with_arguments(self, arguments: bytes, key: str | None = None) -> Call:
        """Return the call with other arguments; with the same key, unless there is another."""
        rest = (self.version, self.watched, self.credentials, self.has_types, self.watched_values)
        return Call(self.function, self.key if key is None else key, arguments, *rest)

    @classmethod
    def of(cls, function: str, arguments: Mapping[str, Any], version: str | int | None = None) -> Call:
        """Return the call of a function with arguments that may be anything with a canonical form."""
        data = Canonical(function).dump(dict(arguments))
        return cls(function, call_key(function, data, version), data, version, has_types=b'"__type__"' in data)
