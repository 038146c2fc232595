"""Values as typed JSON: `dumps` and `loads`, and what recordings are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from memo._values.kinds import class_name
from memo.codecs import _builtin as _builtin
from memo.codecs import http as http
from memo.codecs.items import Items, Packer, pack
from memo.codecs.types import Types
from memo.codecs.registry import codec_of, known_type, register_codec
from memo.codecs.values import MAX_DEPTH, Values
from memo.errors import DataMismatch, UnrecordableValue

__all__ = [
    "MAX_DEPTH",
    "Items",
    "Packer",
    "Types",
    "Values",
    "class_name",
    "codec_of",
    "dumps",
    "known_type",
    "loads",
    "pack",
    "register_codec",
]

_SECRET_TYPES = ("pydantic.types:SecretStr", "pydantic.types:SecretBytes")


def dumps(value: Any, *, types: Iterable[Any] = (), trust: Iterable[str] = ()) -> bytes:
    """`value` as typed JSON, proved to come back equal: same types, values, set fields, extras, private attributes.

    `types` are annotations whose classes may be local to a function; `trust` names top-level packages, as in `loads`.
    Raises `UnrecordableValue`, naming the path, for what is no data (functions, open generators, connections), what
    would come back different, and secrets (`SecretStr`), which are never written.
    """
    tree = Values(Types(reach=types, trust=trust, known=known_type)).encode(value)
    data = orjson.dumps(tree)
    if any(name.encode() in data for name in _SECRET_TYPES) and _holds_secret(tree):
        raise UnrecordableValue("", "holds a secret (SecretStr), which is never written")
    return data


def loads(data: bytes | str, *, types: Iterable[Any] = (), trust: Iterable[str] = ()) -> Any:
    """The value that `dumps` wrote.

    It may name data types of packages that the program has already imported, that `types` (annotations) reach or that
    live in the top-level packages in `trust`. Raises `UntrustedType`, `TypeNotFound` or `DataMismatch`; nothing is
    imported, called or built before the name is trusted.
    """
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DataMismatch("JSON", str(error)) from None
    return Values(Types(reach=types, trust=trust, known=known_type)).decode(tree)


def _holds_secret(tree: Any) -> bool:
    if isinstance(tree, dict):
        return tree.get("__type__") in _SECRET_TYPES or any(map(_holds_secret, tree.values()))
    return isinstance(tree, list) and any(map(_holds_secret, tree))
