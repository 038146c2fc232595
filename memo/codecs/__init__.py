"""Values as typed JSON: `dumps` and `loads`, and `register_codec`, which teaches memo a type.

Recordings are made of this JSON. The form of each kind of value is described where it is written (`memo.codecs._writer`).
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

from memo._values.secrets import SECRET_TYPES
from memo.codecs import _builtin as _builtin
from memo.codecs import _contents as _contents
from memo.codecs import _packages as _packages
from memo.codecs import http as http
from memo.codecs.registry import register_codec
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import DataMismatch, UnrecordableValue

__all__ = ["dumps", "loads", "register_codec"]


def dumps(value: Any, *, types: Iterable[Any] = (), trust: Iterable[str] = ()) -> bytes:
    """Return `value` as typed JSON, proved to come back equal: types, values, set fields, extras, private attributes.

    `types` are annotations whose classes may be local to a function; `trust` names top-level packages, as in `loads`.
    Raises `UnrecordableValue`, naming the path, for anything that is not data (functions, open generators, connections), what
    would come back different, and secrets (`SecretStr`), which are never written.
    """
    tree = Values(Types(reach=types, trust=trust)).encode(value)
    data = orjson.dumps(tree)
    if any(name.encode() in data for name in SECRET_TYPES) and _holds_secret(tree):
        raise UnrecordableValue(
            "", "holds a secret (SecretStr), which is never written", fix="to write it all the same: get_secret_value()"
        )
    return data


def loads(data: bytes | str, *, types: Iterable[Any] = (), trust: Iterable[str] = ()) -> Any:
    """Return the value that `dumps` wrote.

    The data may name types of packages that the program has already imported, that `types` (annotations) reach or that
    live in the top-level packages in `trust`. Raises `UntrustedType`, `TypeNotFound` or `DataMismatch`; nothing is
    imported, called or built before the name is trusted.
    """
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DataMismatch("JSON", str(error)) from None
    return Values(Types(reach=types, trust=trust)).decode(tree)


def _holds_secret(tree: Any) -> bool:
    if isinstance(tree, dict):
        return tree.get("__type__") in SECRET_TYPES or any(map(_holds_secret, tree.values()))
    return isinstance(tree, list) and any(map(_holds_secret, tree))


if not TYPE_CHECKING:
    _MOVED = {
        "MAX_DEPTH": "values", "Items": "items", "Packer": "items", "pack": "items",
        "codec_of": "registry", "known_type": "registry", "class_name": "registry",
    }  # fmt: skip

    def __getattr__(name: str) -> Any:
        if name not in _MOVED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import warnings

        warnings.warn(
            f"memo.codecs.{name} is not public, and is now in memo.codecs.{_MOVED[name]}",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(import_module(f"memo.codecs.{_MOVED[name]}"), name)
