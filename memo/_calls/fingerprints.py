"""Fingerprints: what a recording remembers of the fields that `watch` keeps out of the key."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from memo._calls.canonical import Canonical
from memo._values.paths import steps_of

__all__ = ["canonical_fingerprint", "fingerprint_of", "watched_fingerprint"]


def watched_fingerprint(path: str, values: Iterable[Any]) -> str:
    """Return the fingerprint of a call in which `path` leads to `values`: to none, to one, or to several by a `[*]`.

    Raises `UnkeyableArgument` for a value that has no canonical form.
    """
    canonical = Canonical("watch")
    return fingerprint_of(canonical, path, canonical.tree({"values": list(values)})["values"])


def canonical_fingerprint(path: str, values: list[Any]) -> str:
    """Return the same fingerprint from values that are canonical already, as in a recording's arguments."""
    return fingerprint_of(Canonical("watch"), path, values)


def fingerprint_of(canonical: Canonical, path: str, values: list[Any]) -> str:
    """Return the fingerprint of parts of a canonical tree. Raises `UnkeyableArgument`."""
    for value in values:
        canonical.check(value, steps_of(path) or ())
    return sha256(canonical.write({path: values})).hexdigest()[:16]
