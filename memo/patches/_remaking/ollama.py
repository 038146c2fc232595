"""Recorded requests of ollama, made again by its own client."""

from __future__ import annotations

from memo._recordings.document import Document
from memo.patches._remaking.call import Remade
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import answer_types, checked, seam_of, with_ids
from memo.patches.presets.ollama import PATCHES

__all__ = ["remade_ollama"]


def remade_ollama(document: Document, clients: Clients) -> Remade:
    """Return a request of `Client` or `AsyncClient`. Raises `Unreachable`."""
    arguments = checked(document)
    client = clients.find("ollama", arguments.get("server"), setting="OLLAMA_HOST")
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
