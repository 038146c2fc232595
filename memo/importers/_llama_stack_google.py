"""Calls of google-genai in llama-stack's files: the request that the SDK makes of them, and what it got, as the preset records both.

The files hold the arguments of the SDK's methods and the objects that they returned, but neither the project nor the location of
Vertex, which are in the request's path. Those are `GOOGLE_CLOUD_PROJECT` and `GOOGLE_CLOUD_LOCATION`, as the SDK's client
has them; without these, "project" and "global".
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from memo._calls.call import Call
from memo.codecs.http import is_public_header
from memo.importers.report import NotCarried

__all__ = ["google_answer", "google_call", "project_and_location"]

_METHODS = {"generate_content": "request", "generate_content_stream": "request_streamed"}
"""The method of the SDK's HTTP client that each method of the API calls."""
_OWN = {"automatic_function_calling_history", "parsed", "sdk_http_response"}
"""What the SDK adds to an answer."""


class _Asked(Exception):
    """The request that was to be made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.asked = args, kwargs


def project_and_location() -> tuple[str, str]:
    """Return the project and the location of Vertex for which calls are imported."""
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or "project", os.environ.get("GOOGLE_CLOUD_LOCATION") or "global"


def google_call(endpoint: str, body: dict[str, Any], *, vertex: bool) -> Call:
    """Return the call that the preset records when the SDK's method is called. Raises `NotCarried`."""
    client = _client(vertex, *project_and_location())
    try:
        answer = getattr(client.models, endpoint)(**body)
        if endpoint.endswith("_stream"):
            next(iter(answer))
    except _Asked as error:
        from memo.patches.presets.google_genai import PATCHES

        args, kwargs = error.asked
        patch = next(patch for patch in PATCHES if patch.target.endswith(f".{_METHODS[endpoint]}"))
        assert patch.describe is not None
        return Call.of(*patch.describe(client._api_client, args, kwargs))
    except Exception as error:  # noqa: BLE001 - what the SDK says of arguments that it does not take
        raise NotCarried(f"is no request of google-genai ({type(error).__name__}: {error})") from None
    raise NotCarried("is no request of google-genai")


def google_answer(item: Any) -> dict[str, Any]:
    """Return an answer as the preset records it: its public headers, and its body as it came. Raises `NotCarried`."""
    from google.genai import types

    try:
        answer = types.GenerateContentResponse.model_validate(item)
    except ValueError as error:
        raise NotCarried(f"holds no answer of google-genai ({error})") from None
    http = answer.sdk_http_response
    headers = (http.headers if http is not None else None) or {}
    body = answer.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_OWN)
    return {
        "headers": {name: value for name, value in headers.items() if is_public_header(name)},
        "body": body,
        "form": "compact",
    }


@lru_cache(maxsize=4)
def _client(vertex: bool, project: str, location: str) -> Any:  # noqa: FBT001 - a key of the cache
    """Return a client that makes no request."""
    try:
        from google.auth.credentials import AnonymousCredentials
        from google.genai import Client
    except ModuleNotFoundError:
        raise NotCarried("is a call of google-genai: pip install google-genai") from None
    if vertex:
        client: Any = Client(vertexai=True, project=project, location=location, credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    else:
        client = Client(api_key="none")

    def ask(*args: Any, **kwargs: Any) -> Any:
        raise _Asked(*args, **kwargs)

    for method in _METHODS.values():
        setattr(client._api_client, method, ask)
    return client
