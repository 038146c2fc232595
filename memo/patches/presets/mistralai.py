"""mistralai: every call of its client, plain and streamed, async and sync.

Recorded is the response that the client gets from `do_request`, below its models: their types, streams and errors are made
by the client itself in a replay, too. Retries happen inside a call.
"""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import parse_qs

from memo._calls.signature import Signature
from memo._engine.calls.options import Options
from memo._values.ids import numbered
from memo.patches._http.faults import ResponseFaults
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


class _Faults(ResponseFaults):
    stream_type = "text/event-stream"

    @property
    def _attribute(self) -> str:
        """The attribute of the configuration that holds the client."""
        return "async_client" if self.wrapped.__name__.endswith("_async") else "client"

    def http_client(self) -> Any:
        """Return the client of httpx that makes the request."""
        return getattr(self._own()[1].sdk_configuration, self._attribute)

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        return {"object": "error", "message": f"memo: status {status}, as asked for", "type": "error", "code": status}

    def _method(self, *, is_lost: bool) -> Any:
        function, client = self._own()
        made = copy.copy(client)
        made.sdk_configuration = copy.copy(client.sdk_configuration)
        setattr(made.sdk_configuration, self._attribute, self._answered(self.http_client(), is_lost=is_lost))
        return function.__get__(made)


class _Call(HttpCall):
    faulty = _Faults


class _AsyncCall(AsyncHttpCall):
    faulty = _Faults


PATCHES = tuple(
    Patch(f"{module}:BaseSDK.{method}", Options(name="mistralai"), run, _described, offered=True, versioned=True)
    for module in ("mistralai.client.basesdk", "mistralai.basesdk")  # of 2.x and later, of 1.x
    for method, run in (("do_request_async", _AsyncCall), ("do_request", _Call))
)
