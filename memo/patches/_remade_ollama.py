"""Recorded requests of ollama, made again by its own client."""

from __future__ import annotations

from typing import Any

from memo._calls.decoded import holds_mask
from memo._recordings.document import Document
from memo.patches._remade import Remade, Unreachable
from memo.patches._seams import answer_types, seam_of, with_ids
from memo.patches.clients import Clients
from memo.patches.presets.ollama import PATCHES

__all__ = ["remade_ollama"]


def remade_ollama(document: Document, clients: Clients) -> Remade:
    """Return a request of `Client` or `AsyncClient`. Raises `Unreachable`."""
    arguments: dict[str, Any] = document.arguments
    if holds_mask(arguments):
        raise Unreachable("an argument holds a credential, which is not in the recording")
    client = clients.find("ollama", arguments.get("server"))
    body = with_ids(arguments.get("body"))
    is_stream = any("stream" in outcome for outcome in document.outcomes)
    types = answer_types(document, "ollama") or [dict]
    function, wrapped = seam_of(PATCHES, client, "_request")
    return Remade(
        function,
        wrapped,
        client,
        (types[0], arguments["method"], arguments["path"]),
        {"json": body, "params": arguments.get("query") or None, "stream": is_stream},
    )
