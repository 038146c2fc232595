"""Recorded requests of mistralai, made again by its own client."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from importlib import import_module, util
from typing import Any
from urllib.parse import urlsplit

from memo._recordings.document import Document
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import checked, seam_of, with_ids
from memo.patches.presets.mistralai import PATCHES

__all__ = ["remade_mistral"]


def remade_mistral(document: Document, clients: Clients) -> Remade:
    """Return a request of `Mistral`. Raises `Unreachable`."""
    arguments = checked(document, rooted=True)
    body = with_ids(arguments.get("body"))
    if isinstance(body, str | bytes) and body:
        raise Unreachable("it uploads what is not in the recording")
    client = clients.find(
        "mistralai", arguments.get("server"), make=_make, server_of=_server, setting="--client MODULE:NAME"
    )
    root = type(client).__module__.rpartition(".")[0]
    config = client.sdk_configuration
    content = import_module(f"{root}.utils").SerializedRequestBody(
        "application/json", content=json.dumps(body).encode()
    )
    is_stream = isinstance(body, dict) and body.get("stream") is True
    request = client._build_request(
        method=arguments["method"],
        path=arguments["path"].removeprefix(urlsplit(config.get_server_details()[0]).path.rstrip("/")),
        base_url=None,
        url_variables=None,
        request=None,
        request_body_required=False,
        request_has_path_params=False,
        request_has_query_params=False,
        user_agent_header="user-agent",
        accept_header_value="text/event-stream" if is_stream else "application/json",
        security=config.security,
        get_serialized_body=(lambda: content) if body else None,
    )
    if arguments.get("query"):
        request.url = request.url.copy_merge_params(arguments["query"])
    function, wrapped = seam_of(PATCHES, client, "do_request")
    context = _called(
        import_module(f"{root}._hooks").HookContext,
        config=config,
        base_url=_server(client),
        operation_id=document.function,
        oauth2_scopes=None,
        security_source=config.security,
        tags=None,
        extensions=None,
    )
    failing = _accepted(wrapped, is_error_status_code=_is_error, error_status_codes=["4XX", "5XX"])
    return Remade(function, wrapped, client, (context, request), {"stream": is_stream, **failing})


def _is_error(status: int) -> bool:
    return status >= 400


def _called(function: Callable[..., Any], **given: Any) -> Any:
    return function(**_accepted(function, **given))


def _accepted(function: Callable[..., Any], **given: Any) -> dict[str, Any]:
    """Return those arguments that the function has in this version of the SDK."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in given.items() if name in parameters}


def _make() -> Any:
    module = "mistralai.client" if util.find_spec("mistralai.client") else "mistralai"  # of 2.x and later, of 1.x
    return import_module(module).Mistral(api_key=os.environ.get("MISTRAL_API_KEY"))


def _server(client: Any) -> str:
    url = urlsplit(client.sdk_configuration.get_server_details()[0])
    return f"{url.scheme}://{url.netloc}"
