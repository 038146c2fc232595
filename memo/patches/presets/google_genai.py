"""google-genai: every call of a `Client` over HTTP, async and sync, plain and streamed, of the Gemini API and of Vertex.

Recorded is what the SDK's HTTP client gets, below automatic function calling: the user's own tools run in a replay, too.
The name is the wire's verb (`google.generate_content`, `google.generate_content_stream`, `google.embed_content`, …) or the
collection (`google.models`, `google.interactions`); the path has the API's version and, of Vertex, project and location. Only
those response headers are kept that may be written. Uploads and downloads are in `_google_files`, the resources that the SDK
generates (`interactions`, `agents`, `webhooks`, …) in `_google_resources`. `live` and `interactions.connect` speak over a
WebSocket: there is no request to record.
"""

import copy
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from memo._calls.signature import Signature
from memo._engine.calls.decision import CallLive
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._values.ids import numbered
from memo.codecs.http import is_public_header
from memo.codecs.registry import register_codec
from memo.patches import _google_files, _google_resources
from memo.patches._faulty import HttpFaultyCall
from memo.patches._google_naming import function_of
from memo.patches._patch import Patch
from memo.patches._sockets import sockets
from memo.patches._text import readable, text_of

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "google-genai>=1.0"
_SIGNATURE = Signature(lambda http_method, path, request_dict, http_options=None: None)


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    asked = _SIGNATURE.bind(args, kwargs)
    asked["request_dict"] = copy.deepcopy(asked["request_dict"])  # which the client changes when it builds the request
    path, request = asked["path"], client._build_request(**asked)
    url = urlsplit(request.url)
    return function_of(path), {
        "method": asked["http_method"].upper(),
        "path": url.path,
        "query": {
            parameter: given
            for parameter, given in parse_qs(url.query, keep_blank_values=True).items()
            if parameter != "key"
        },
        "body": numbered(request.data) or None,
        "server": f"{url.scheme}://{url.netloc}",
    }


def _recorded(answer: Any) -> dict[str, Any]:
    """Return an `HttpResponse` as plain data: its body as JSON, where that gives the same text again."""
    if not hasattr(answer, "body"):
        return {"body": answer}  # of an early version: plain data
    headers = {name: value for name, value in (answer.headers or {}).items() if is_public_header(name)}
    return {"headers": headers, **readable(answer.body)}


def _answer(recorded: dict[str, Any]) -> Any:
    if "form" not in recorded:
        return recorded["body"]
    answer = sys.modules["google.genai._api_client"].SdkHttpResponse
    return answer(headers=recorded["headers"], body=text_of(recorded))


def _response_of(headers: dict[str, str]) -> Any:
    return sys.modules["google.genai._api_client"].HttpResponse(headers=headers)


# What an error in the middle of a stream holds: an open connection, of which only the headers are data.
register_codec(
    "google.genai._api_client:HttpResponse",
    encode=lambda response: {name: value for name, value in response.headers.items() if is_public_header(name)},
    decode=_response_of,
)


class _Faults(HttpFaultyCall):
    """The faults of a call."""

    @property
    def clients(self) -> tuple[str, ...]:  # type: ignore[override]
        """The client of httpx that makes the request."""
        return ("_async_httpx_client",) if self.wrapped.__name__.startswith("async_") else ("_httpx_client",)

    @property
    def streams(self) -> bool:
        """Return whether the call returns a stream."""
        return str(self.wrapped.__name__).endswith("_streamed")

    def _method(self, *, is_lost: bool) -> Any:
        method = super()._method(is_lost=is_lost)
        method.__self__._use_aiohttp = lambda: False  # which the SDK prefers for async requests where it is installed
        return method

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        return {
            "error": {
                "code": status,
                "message": f"memo: status {status}, as asked for",
                "status": _STATUSES.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT"),
            }
        }


_STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""What the API names these errors."""


class _GoogleRun(CallDriver):
    """A call of `BaseApiClient`."""

    faulty = _Faults

    def _attempt(self, live: CallLive) -> Attempt | None:
        attempt = super()._attempt(live)
        if attempt is not None:
            attempt.convert = _recorded
        return attempt

    def _played(self, outcome: Any) -> Any:
        outcome.sync = False  # whichever client recorded it: the streams of the sync one are played by `_play`
        played = super()._played(outcome)
        return played if outcome.items is not None else _answer(played)

    def _play(self, outcome: Any) -> Any:
        play, typed = super()._play(outcome), copy.copy(outcome)
        typed.items = [_answer(item) for item in outcome.items or ()]
        return play._replace(outcome=typed)


_CLIENT = "google.genai._api_client:BaseApiClient"
PATCHES = (
    *(
        Patch(f"{_CLIENT}.{method}", Options(name="google"), _GoogleRun, _described, offered=True)
        for method in ("async_request", "async_request_streamed", "request", "request_streamed")
    ),
    *_google_files.PATCHES,
    *_google_resources.PATCHES,
    *sockets("google", ("google.genai.live:AsyncLive.connect", "google.genai.live_music:AsyncLiveMusic.connect")),
)
