"""Recorded calls of huggingface-hub, made again by its own client: requests for Hugging Face's router, or the client's own endpoint."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import urlencode, urlsplit

from memo._recordings.document import Document
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import checked, seam_of, with_ids
from memo.patches.presets.huggingface_hub import PATCHES

__all__ = ["remade_huggingface"]

_ROUTER = "https://router.huggingface.co"


def remade_huggingface(document: Document, clients: Clients) -> Remade:
    """Return a call of `InferenceClient`, with the token of its user. Raises `Unreachable`."""
    arguments = checked(document, rooted=True)
    client: Any = clients.find(
        "huggingface_hub",
        str(arguments.get("server")),
        make="InferenceClient",
        server_of=_server_of,
        setting="--client MODULE:NAME",
    )
    function, wrapped = seam_of(PATCHES, client, "_inner_post")
    body = with_ids(arguments.get("body"))
    is_json = isinstance(body, dict | list)
    if not (is_json or isinstance(body, bytes)):
        raise Unreachable("its body is not in the recording")
    query = urlencode(arguments.get("query") or {}, doseq=True)
    utils, common = import_module("huggingface_hub.utils"), import_module("huggingface_hub.inference._common")
    asked = common.RequestParameters(
        url=f"{arguments['server']}{arguments['path']}{query and f'?{query}'}",
        task=document.function.partition(".")[2].replace("_", "-"),
        model=None,
        json=body if is_json else None,
        data=None if is_json else body,
        headers={**utils.build_hf_headers(token=client.token), **client.headers},
    )
    return Remade(function, wrapped, client, (asked,), {"stream": bool(arguments.get("stream"))})


def _server_of(client: Any) -> str:
    """Return the server that a client calls: that of the URL which is its model, or Hugging Face's."""
    url = urlsplit(client.model or "")
    return f"{url.scheme}://{url.netloc}" if url.netloc else _ROUTER
