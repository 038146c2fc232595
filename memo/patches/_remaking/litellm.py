"""Recorded calls of litellm, made again by its functions, with the credentials in the environment."""

from __future__ import annotations

import inspect
import os
from importlib import import_module
from typing import Any

from memo._calls.decoded import holds_mask
from memo._recordings.document import Document
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import function_seam, with_ids
from memo.patches.presets.litellm import PATCHES

__all__ = ["remade_litellm"]

_SERVERS = ("api_base", "base_url")
_MORE = frozenset(
    {"allowed_openai_params", "custom_llm_provider", "drop_params", "extra_body", "input", "prompt", "top_k"}
)
"""Arguments that are in no signature of litellm's, and do not say where a request goes."""


def remade_litellm(document: Document, clients: Clients) -> Remade:
    """Return a call of `completion`, `embedding`, `text_completion` or `responses`. Raises `Unreachable`."""
    name = document.function.partition(".")[2]
    target = next((patch.target for patch in PATCHES if patch.target.endswith(f":{name}")), None)
    if target is None:
        raise Unreachable("memo knows no function of litellm of that name")
    if holds_mask(document.arguments):
        raise Unreachable("an argument holds a credential, which is not in the recording")
    try:
        import_module(target.partition(":")[0])
    except ImportError as error:
        raise Unreachable(f"litellm cannot be imported: {error}") from error
    function, wrapped = function_seam(PATCHES, target)
    arguments: dict[str, Any] = with_ids(document.arguments)
    _check(arguments, frozenset(inspect.signature(wrapped).parameters))
    return Remade(function, wrapped, None, (), arguments)


def _check(arguments: dict[str, Any], parameters: frozenset[str]) -> None:
    """Raise `Unreachable` for arguments by which a recording would send the user's key to a server that it names."""
    ours = {
        text.rstrip("/") for name, text in os.environ.items() if name.endswith(("_API_BASE", "_BASE_URL", "_ENDPOINT"))
    }
    for name in _SERVERS:
        server = str(arguments.get(name) or "").rstrip("/")
        if server and server not in ours:
            raise Unreachable(
                f"it was recorded from {server}, which the environment does not name", f"OPENAI_API_BASE={server}"
            )
    if "://" in str(arguments.get("model", "")):
        raise Unreachable("its model names its own server")
    unknown = sorted(
        name
        for name in arguments.keys() - parameters - _MORE - {*_SERVERS}
        if not isinstance(arguments[name], bool | int | float)
    )
    if unknown:
        raise Unreachable(f"its argument {unknown[0]} is none that memo knows, and may name another server")
