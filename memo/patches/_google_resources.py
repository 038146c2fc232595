"""The resources of google-genai that are generated for it: `interactions`, `agents`, `webhooks`, and others.

Recorded is the response that a resource gets from its HTTP client, below its models and streams, which the SDK makes in a
replay, too. Retries happen inside a call. The continuations of an interaction are calls of their own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from memo._calls.signature import Signature
from memo._engine.calls.options import Options
from memo._values.ids import numbered
from memo.patches._google_naming import function_of
from memo.patches._http_calls import AsyncHttpCall, HttpCall, sent
from memo.patches._patch import Patch

__all__ = ["PATCHES"]

_SIGNATURE = Signature(lambda hook_ctx=None, request=None, *_, **__: None)


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    request = _SIGNATURE.bind(args, kwargs)["request"]
    url = request.url
    return function_of(url.path), {
        "method": request.method,
        "path": url.path,
        "query": parse_qs(url.query.decode(), keep_blank_values=True),
        "body": numbered(sent(request.read())) or None,
        "server": f"{url.scheme}://{url.netloc.decode()}",
    }


PATCHES = tuple(
    Patch(f"google.genai._gaos.basesdk:{target}", Options(name="google"), run, _described, offered=True, versioned=True)
    for target, run in (("AsyncBaseSDK.do_request_async", AsyncHttpCall), ("BaseSDK.do_request", HttpCall))
)
