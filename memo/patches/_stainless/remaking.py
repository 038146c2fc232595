"""Recorded requests of SDKs built by Stainless, made again by their own clients.

What is sent is the recorded method, path, query and body; the server, credentials and headers are the client's.
"""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from operator import or_
from types import NoneType
from typing import Annotated, Any

from memo._recordings.document import Document
from memo.codecs.responses import is_response
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import answer_types, checked, seam_of, with_ids
from memo.patches._stainless.driver import stainless

__all__ = ["remade_request"]

_BUILTINS = {kind.__name__: kind for kind in (bool, bytes, dict, float, int, list, object, str)}


def remade_request(document: Document, sdk: str, module: str, clients: Clients) -> Remade:
    """Return the request of a recording. Raises `Unreachable`."""
    arguments = checked(document)
    client = clients.find(module, arguments.get("server"))
    root = module.partition(".")[0]
    body = with_ids(arguments.get("body"))
    is_raw = arguments.get("response") == "raw"
    is_stream = any("stream" in outcome for outcome in document.outcomes) or (
        is_raw and isinstance(body, dict) and body.get("stream") is True
    )
    types = [] if is_raw else answer_types(document, root)
    if any(isinstance(kind, type) and is_response(kind) for kind in types):
        raise Unreachable("its stream is decoded by a class that is not in the recording")
    options = import_module(f"{module}._models").FinalRequestOptions.construct(
        method=arguments["method"].lower(),
        url=arguments["path"],
        params=arguments.get("query") or {},
        **({"json_data": body} if body is not None else {}),
        **({"headers": {"X-Stainless-Raw-Response": "true"}} if is_raw else {}),
    )
    stream_cls = None
    if is_stream:
        stream_cls = client._default_stream_cls[_union(types, module) if types else object]
    cast_to = _cast_to(arguments.get("response"), [] if is_stream else types, module, is_none=_is_none(document))
    function, wrapped = seam_of(stainless(sdk, module), client, "request")
    args, kwargs = (cast_to, options), {"stream": is_stream, "stream_cls": stream_cls}
    return Remade(function, wrapped, client, args, kwargs)


def _is_none(document: Document) -> bool:
    return any("value" in outcome and outcome["value"] is None for outcome in document.outcomes)


def _cast_to(response: Any, types: list[Any], module: str, *, is_none: bool) -> Any:
    """Return the type that the client is asked for: that of the answer, or, of an error, any that has the same name in the key."""
    if types:
        return types[0]
    if response == "raw":
        return object
    if response is None:
        return NoneType if is_none else import_module(f"{module}._models").BaseModel
    found = _BUILTINS.get(response) or getattr(import_module(f"{module}.types.beta"), response, None)
    if found is None:
        raise Unreachable(f"its type, {response}, is not in the recording")
    return found


def _union(types: list[Any], module: str) -> Any:
    """Return the type of the items of a stream, distinguished by their `type`."""
    if len(types) == 1:
        return types[0]
    utils = import_module(f"{module}._utils")
    if hasattr(utils, "PropertyInfo"):
        return Annotated[reduce(or_, types), utils.PropertyInfo(discriminator="type")]
    models = import_module(f"{module}._models")  # anthropic since 2.0
    return Annotated[reduce(or_, types), models.UnionDiscriminator("type")]
