"""Recorded calls of tavily, made again by its own client."""

from __future__ import annotations

from typing import Any

from memo._calls.decoded import NotDecodable, holds_mask, plain
from memo._recordings.document import Document
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import seam_of
from memo.patches.presets.tavily import PATCHES, server_of

__all__ = ["remade_tavily"]


def remade_tavily(document: Document, clients: Clients) -> Remade:
    """Return a call of `TavilyClient`. Raises `Unreachable`."""
    arguments: dict[str, Any] = dict(document.arguments)
    server = arguments.pop("self", {})
    client = clients.find(
        "tavily",
        server.get("server") if isinstance(server, dict) else None,
        make="TavilyClient",
        server_of=lambda client: server_of(client)["server"],
        setting="--client MODULE:NAME",
    )
    function, wrapped = seam_of(PATCHES, client, f"_{document.function.partition('.')[2]}")
    if holds_mask(arguments):
        raise Unreachable("an argument holds a credential, which is not in the recording")
    try:
        given: dict[str, Any] = {name: plain(form, name) for name, form in arguments.items()}
    except NotDecodable as error:
        raise Unreachable(str(error)) from error
    more = given.pop("kwargs", {})
    return Remade(function, wrapped, client, (), {**given, **more})
