"""cohere: every call of its clients, of both versions of the API, plain and streamed, async and sync.

Recorded is the response of the client's own HTTP client, below its models and events, which the client makes in a replay, too.
Retries happen inside a call.
"""

from __future__ import annotations

import sys
from typing import Any

from memo._calls.signature import Signature
from memo._engine.calls.options import Options
from memo._values.ids import numbered
from memo.patches._http.faults import AsyncContextFaults, ContextFaults, ResponseFaults
from memo.patches._http_calls import (
    AsyncHttpCall,
    AsyncHttpContext,
    HttpCall,
    HttpContext,
    fixed_words,
)
from memo.patches._patch import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "cohere>=5.0"
_SIGNATURE = Signature(
    lambda path=None, *, method, base_url=None, params=None, json=None, data=None, content=None, files=None, omit=None, **_: (
        None
    )
)


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    asked = _SIGNATURE.bind(args, kwargs)
    base, omit, path = client.base_url, asked["omit"], asked["path"] or ""
    body = asked["json"] if asked["json"] is not None else asked["data"]
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if value is not None and value is not omit}
    arguments: dict[str, Any] = {
        "method": asked["method"],
        "path": path,
        "query": asked["params"] or {},
        "body": numbered(sys.modules["cohere.core.jsonable_encoder"].jsonable_encoder(body)),
        "server": str(asked["base_url"] or (base() if callable(base) else base) or "").rstrip("/"),
    }
    more = {name: asked[name] for name in ("content", "files") if asked[name] is not None}
    return f"cohere.{fixed_words(path.removeprefix('v1/').removeprefix('v2/'))}", {**arguments, **more}


class _Faults(ResponseFaults):
    clients = ("httpx_client",)
    stream_type = "text/event-stream"

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        return {"id": "memo", "message": f"memo: status {status}, as asked for"}


class _StreamFaults(_Faults, ContextFaults): ...


class _AsyncStreamFaults(_Faults, AsyncContextFaults): ...


class _Of:
    """What the calls of cohere have in common."""

    _kwargs: dict[str, Any]
    _args: tuple[Any, ...]

    def request(self, recorded: Any) -> Any:
        _, asked = _described(self._instance, self._args, self._kwargs)  # type: ignore[attr-defined]
        return sys.modules["httpx"].Request(asked["method"], f"{asked['server']}/{asked['path']}")

    @property
    def _is_retry(self) -> bool:
        return bool(self._kwargs.get("retries"))


class _Call(_Of, HttpCall):
    faulty = _Faults

    def sync(self) -> Any:
        return self._invoke(None) if self._is_retry else super().sync()


class _AsyncCall(_Of, AsyncHttpCall):
    faulty = _Faults

    async def coroutine(self) -> Any:
        return await (self._invoke(None) if self._is_retry else super().coroutine())


class _Stream(_Of, HttpContext):
    faulty = _StreamFaults


class _AsyncStream(_Of, AsyncHttpContext):
    faulty = _AsyncStreamFaults


PATCHES = tuple(
    Patch(f"cohere.core.http_client:{client}.{method}", Options(name="cohere"), run, _described, offered=True)
    for client, method, run in (
        ("AsyncHttpClient", "request", _AsyncCall),
        ("AsyncHttpClient", "stream", _AsyncStream),
        ("HttpClient", "request", _Call),
        ("HttpClient", "stream", _Stream),
    )
)
