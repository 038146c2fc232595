"""Recorded requests of google-genai, made again by its own client."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from memo._recordings.document import Document
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import checked, seam_of, with_ids
from memo.patches.presets.google_genai import PATCHES

__all__ = ["remade_google"]


def remade_google(document: Document, clients: Clients) -> Remade:
    """Return a request of a `Client`. Raises `Unreachable`."""
    arguments = checked(document)
    if "method" not in arguments or not isinstance(arguments.get("query"), dict):
        raise Unreachable("memo does not send or fetch files again")
    is_vertex = "/projects/" in arguments["path"]
    client = clients.find(
        "google.genai",
        arguments.get("server"),
        server_of=_server,
        setting="GOOGLE_VERTEX_BASE_URL" if is_vertex else "GOOGLE_GEMINI_BASE_URL",
    )
    http = client._api_client
    below = arguments["path"].removeprefix(urlsplit(str(http._http_options.base_url)).path.rstrip("/")).lstrip("/")
    version, _, path = below.partition("/")
    query = urlencode(arguments["query"], doseq=True)
    is_stream = "streamGenerateContent" in path
    function, wrapped = seam_of(PATCHES, http, "request_streamed" if is_stream else "request")
    request = (arguments["method"].lower(), f"{path}?{query}" if query else path, with_ids(arguments.get("body")) or {})
    return Remade(function, wrapped, http, request, {"http_options": {"api_version": version}})


def _server(client: Any) -> str:
    url = urlsplit(str(client._api_client._http_options.base_url))
    return f"{url.scheme}://{url.netloc}"
