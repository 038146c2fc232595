"""Recorded requests of cohere, made again by its own client."""

from __future__ import annotations

from typing import Any

from memo._recordings.document import Document
from memo.patches._remaking.call import Remade
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import checked, seam_of, with_ids
from memo.patches.presets.cohere import PATCHES

__all__ = ["remade_cohere"]


def remade_cohere(document: Document, clients: Clients) -> Remade:
    """Return a request of a client's HTTP client. Raises `Unreachable`."""
    arguments = checked(document)
    client = clients.find("cohere", arguments.get("server"), make="ClientV2", server_of=_server, setting="CO_API_URL")
    http, body = client._client_wrapper.httpx_client, with_ids(arguments.get("body"))
    is_stream = isinstance(body, dict) and body.get("stream") is True
    function, wrapped = seam_of(PATCHES, http, "stream" if is_stream else "request")
    request = {"method": arguments["method"], "params": arguments.get("query") or None, "json": body}
    return Remade(function, wrapped, http, (arguments["path"],), request)


def _server(client: Any) -> str:
    return str(client._client_wrapper.get_base_url())
