"""mistralai: every call of its client, plain and streamed, async and sync.

Recorded is the response that the client gets from `do_request`, below its models: their types, streams and errors are made
by the client itself in a replay, too. Retries happen inside a call.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from memo._calls.signature import Signature
from memo._engine.calls.options import Options
from memo._values.ids import numbered
from memo.patches._http_calls import AsyncHttpCall, HttpCall, fixed_words, sent
from memo.patches._patch import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "mistralai>=1.0"
_SIGNATURE = Signature(lambda hook_ctx=None, request=None, *_, **__: None)


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    request = _SIGNATURE.bind(args, kwargs)["request"]
    url = request.url
    path = url.path.removeprefix("/v1")
    return f"mistralai.{fixed_words(path)}", {
        "method": request.method,
        "path": url.path,
        "query": parse_qs(url.query.decode(), keep_blank_values=True),
        "body": numbered(sent(request.read())),
        "server": f"{url.scheme}://{url.netloc.decode()}",
    }


PATCHES = tuple(
    Patch(f"{module}:BaseSDK.{method}", Options(name="mistralai"), run, _described, offered=True, versioned=True)
    for module in ("mistralai.client.basesdk", "mistralai.basesdk")  # of 2.x and later, of 1.x
    for method, run in (("do_request_async", AsyncHttpCall), ("do_request", HttpCall))
)
