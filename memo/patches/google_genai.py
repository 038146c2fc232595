"""google-genai: every call of a `Client` over HTTP, async and sync, plain and streamed, of the Gemini API and of Vertex.

Recorded is what the SDK's HTTP client gets, below automatic function calling: the user's own tools run in a replay, too.
The name is the wire's verb (`google.generate_content`, `google.generate_content_stream`, `google.embed_content`, …) or the
collection (`google.models`); the path has the API's version and, of Vertex, project and location. Only those response
headers are kept that may be written. Uploads, downloads, `live` and `interactions` do not come this way.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from memo._attempt import Attempt
from memo._flight import Flight
from memo._outcomes import Outcome
from memo._recordable import Options
from memo._run import Go, Run
from memo._signature import DoesNotFit
from memo._stream import Play
from memo.codecs._http import public_headers
from memo.patches._registry import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "google-genai>=1.0"

_NAMES = {"stream_generate_content": "generate_content_stream", "batch_embed_contents": "embed_content"}
"""Calls that the SDK names otherwise than the wire does."""

_FORMS: dict[str, Callable[[Any], Any]] = {
    "line": json.dumps,  # as the SDK writes chunks
    "lines": lambda body: json.dumps(body, indent=2, ensure_ascii=False) + "\n",  # as Google writes answers
    "text": lambda body: body,
}
"""How the text of a body follows from what is recorded of it."""


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        method, path, body, options = _asked(*args, **kwargs)
    except TypeError as error:
        raise DoesNotFit(*error.args) from None
    # As the client itself builds it, from a copy, since it changes the body.
    request = client._build_request(method, path, copy.deepcopy(body), options)
    url = urlsplit(request.url)
    query = {name: each for name, each in parse_qs(url.query, keep_blank_values=True).items() if name != "key"}
    parts = path.partition("?")[0].strip("/").split("/")
    verb = re.search(r":([a-z][A-Za-z]*)$", parts[-1])
    word = verb[1] if verb else parts[::2][-1]  # collection/id/collection/…
    name = re.sub(r"\W|(?<=[a-z])(?=[A-Z])", "_", word).lower()
    return f"google.{_NAMES.get(name, name)}", {
        "method": method.upper(),
        "path": url.path,
        "query": query,
        "body": request.data or None,
        "server": f"{url.scheme}://{url.netloc}",
    }


def _asked(http_method: str, path: str, request_dict: Any, http_options: Any = None) -> tuple[str, str, Any, Any]:
    return http_method, path, request_dict, http_options


def _recorded(answer: Any) -> dict[str, Any]:
    """An `HttpResponse` as plain data: its body as JSON, where that gives the same text again."""
    if not hasattr(answer, "body"):  # early versions return plain data
        return {"body": answer}
    headers = {name: each for name, each in (answer.headers or {}).items() if public_headers({name: each})}
    try:
        body = json.loads(answer.body)
        form = next(form for form in ("line", "lines") if _FORMS[form](body) == answer.body)
    except (TypeError, ValueError, StopIteration):
        body, form = answer.body, "text"
    return {"headers": headers, "body": body, "form": form}


def _answer(recorded: dict[str, Any]) -> Any:
    if "form" not in recorded:
        return recorded["body"]
    response = sys.modules["google.genai._api_client"].SdkHttpResponse
    return response(headers=recorded["headers"], body=_FORMS[recorded["form"]](recorded["body"]))


class _GoogleRun(Run):
    """A call of `BaseApiClient`."""

    def _attempt(self, go: Go, leading: Flight | None) -> Attempt | None:
        attempt: Any = super()._attempt(go, leading)
        if attempt is not None:
            add, snapshot = attempt.add, attempt.snapshot
            attempt.add = lambda item: add(_recorded(item))
            attempt.snapshot = lambda value: snapshot(_recorded(value))
        return attempt  # type: ignore[no-any-return]

    def _played(self, outcome: Outcome) -> Any:
        outcome.sync = False  # whichever client recorded it: the streams of the sync one are played by `_play`
        played = super()._played(outcome)
        return played if outcome.items is not None else _answer(played)

    def _play(self, outcome: Outcome) -> Play:
        play, typed = super()._play(outcome), copy.copy(outcome)
        typed.items = [_answer(each) for each in outcome.items or ()]  # type: ignore[assignment]
        return play._replace(outcome=typed)


PATCHES = tuple(
    Patch(
        f"google.genai._api_client:BaseApiClient.{method}", Options(name="google"), _GoogleRun, _described, offered=True
    )
    for method in ("async_request", "async_request_streamed", "request", "request_streamed")
)
