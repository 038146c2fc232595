"""What requests of SDKs that are made again have in common: the patched method, the types of answers, ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from memo._calls.decoded import holds_mask
from memo._recordings.document import Document
from memo._recordings.plain import unpacked
from memo.codecs.types import Types
from memo.errors import MemoError
from memo.patches._applied import function_of
from memo.patches._patch import Patch
from memo.patches._remaking.call import Unreachable
from memo.patches._targets import resolve
from memo.patches._wrapper import is_patched, unpatched

__all__ = ["answer_types", "checked", "function_seam", "seam_of", "with_ids"]

_ID = re.compile(r"<id (\d+)>")


def seam_of(patches: Iterable[Patch], client: Any, method: str) -> tuple[Any, Any]:
    """Return what memo knows of a client's method, and the method without memo. Raises `Unreachable`."""
    found = unpatched(client, method)
    if found is not None:
        return found
    for kind in type(client).__mro__:
        target = f"{kind.__module__}:{kind.__qualname__}.{method}"
        for patch in patches:
            if patch.target == target or patch.target.endswith(f"_base_client:{kind.__qualname__}.{method}"):
                original = vars(kind)[method]
                return function_of(original, patch), original.__get__(client)
    raise Unreachable(f"its client, {type(client).__qualname__}, has no {method} that memo knows")


def function_seam(patches: Iterable[Patch], target: str) -> tuple[Any, Any]:
    """Return what memo knows of a function of a module, and the function without memo."""
    _, found = resolve(target)
    if is_patched(found):
        return found._self_bound, found._self_original
    return function_of(found, next(patch for patch in patches if patch.target == target)), found


def checked(document: Document, *, rooted: bool = False) -> dict[str, Any]:
    """Return the arguments of a request. Raises `Unreachable` where they cannot be sent as they are, or to any server.

    With `rooted`, the SDK appends the path to the server as it is: without a slash before it, the path would be a part of the host.
    """
    arguments: dict[str, Any] = document.arguments
    path = arguments.get("path")
    if not (isinstance(path, str) and isinstance(arguments.get("method", ""), str)):
        raise Unreachable("its method or its path is not in the recording")
    if "://" in path or path.startswith("//") or (rooted and not path.startswith("/")):
        raise Unreachable("its path names another server")
    if "files" in arguments or "content" in arguments:
        raise Unreachable("it uploads what is not in the recording")
    if holds_mask(arguments):
        raise Unreachable("an argument holds a credential, which is not in the recording")
    return arguments


def answer_types(document: Document, package: str) -> list[Any]:
    """Return the types of what a call returned, or of the items of its stream, the most common one first.

    Only the SDK's own package is imported for that. Raises `Unreachable` for a type that is gone.
    """
    types, names = Types(trust=(package,)), dict[str, None]()
    for outcome in document.outcomes:
        stream = outcome.get("stream")
        if stream is not None and isinstance(stream.get("of"), str):
            names[stream["of"]] = None
        trees = unpacked(stream)["items"] if stream is not None else [outcome.get("value")]
        names |= {
            tree["__type__"]: None for tree in trees if isinstance(tree, dict) and isinstance(tree.get("__type__"), str)
        }
    try:
        return [types.resolve(name) for name in names if name != "json"]
    except MemoError as error:
        raise Unreachable(str(error).splitlines()[0]) from error


def with_ids(body: Any) -> Any:
    """Return a body with ids of its own in place of the numbers that a key has for them."""
    if isinstance(body, dict):
        return {name: with_ids(part) for name, part in body.items()}
    if isinstance(body, list):
        return [with_ids(part) for part in body]
    return _ID.sub(r"call_\1", body) if isinstance(body, str) and _ID.fullmatch(body) else body
