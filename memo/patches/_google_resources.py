"""The resources of google-genai that are generated for it: `interactions`, `agents`, `webhooks`, and others.

Recorded is the response that a resource gets from its HTTP client, below its models and streams, which the SDK makes in a
replay, too. Retries happen inside a call. The continuations of an interaction are calls of their own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from memo._calls.signature import Signature
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.rules.modes import Mode
from memo._engine.waiting.nesting import making
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


def _authorized(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "google.token", {}


class _Token(CallDriver):
    """The token of a request to Vertex, which is asked for before the request is made: not recorded, and not needed in a replay."""

    def sync(self) -> Any:
        provider = self._instance
        is_asked = making.get() is None and self.mode in (Mode.REPLAY, Mode.RECORD_IF_MISSING)
        if not is_asked or not hasattr(provider, "_pending_access_token"):
            return self._invoke(None)
        before, provider._pending_access_token = provider._pending_access_token, "replayed"
        try:
            return self._invoke(None)
        finally:
            provider._pending_access_token = before


PATCHES = (
    *(
        Patch(
            f"google.genai._gaos.basesdk:{target}",
            Options(name="google"),
            run,
            _described,
            offered=True,
            versioned=True,
        )
        for target, run in (("AsyncBaseSDK.do_request_async", AsyncHttpCall), ("BaseSDK.do_request", HttpCall))
    ),
    Patch(
        "google.genai._gaos._hooks.google_genai_auth:GoogleGenAISecurityProvider.__call__",
        Options(name="google"),
        _Token,
        _authorized,
        offered=True,
        versioned=True,
    ),
)
