"""Recorded HTTP interactions, as calls of an SDK where they are such, else as requests.

The SDK itself receives the recorded response in place of a server's, with memo's patch installed: see `_taking`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from memo._calls.call import Call
from memo._recordings.answers import is_answer
from memo.errors import MissingExtra
from memo.importers._http_interactions import taken_as_http
from memo.importers._taking import Interaction, taken_from
from memo.importers.report import NotCarried
from memo.patches import Installation, install

__all__ = ["patched", "require_sdk", "taken"]


class _Endpoint(NamedTuple):
    """An endpoint that an SDK calls, and the type of its answer."""

    sdk: str
    method: str
    path: str
    """The path that the SDK's client adds to its base URL."""
    member: str
    """A member that every answer has."""
    answer: str
    """The type of a whole answer, `module:name`."""
    event: str = ""
    """The type of a stream's items, if the endpoint streams."""


_ENDPOINTS = (
    _Endpoint(
        "openai",
        "POST",
        "/chat/completions",
        "choices",
        "openai.types.chat:ChatCompletion",
        "openai.types.chat:ChatCompletionChunk",
    ),
    _Endpoint("openai", "POST", "/completions", "choices", "openai.types:Completion", "openai.types:Completion"),
    _Endpoint("openai", "POST", "/embeddings", "data", "openai.types:CreateEmbeddingResponse"),
    _Endpoint(
        "openai",
        "POST",
        "/responses",
        "output",
        "openai.types.responses:Response",
        "openai.types.responses:ResponseStreamEvent",
    ),
    _Endpoint("openai", "GET", "/models", "data", "openai.pagination:SyncPage[openai.types:Model]"),
    _Endpoint(
        "anthropic",
        "POST",
        "/v1/messages",
        "content",
        "anthropic.types:Message",
        "anthropic.types:RawMessageStreamEvent",
    ),
)
_CLIENTS = {"anthropic": "Anthropic", "openai": "OpenAI"}

_RAW = "x-stainless-raw-response"
_DEPLOYMENT = re.compile(r"(?P<server>.*/openai)/deployments/(?P<model>[^/]+)")
_TYPED = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?|true|false|null|", re.IGNORECASE)
"""Text in a URL that can mean a number, a bool or nothing as well."""
_EVENTS_END = re.compile(rb"\s*|:.*|\s*data: ?\[DONE\]\s*")
"""Text that can follow the last blank line of a stream of events."""


def require_sdk() -> None:
    """Raise `MissingExtra` if openai's SDK is not installed."""
    if find_spec("openai") is None:
        raise MissingExtra("importing cassettes", "cassettes")


def patched(*, http: bool = False) -> Installation:
    """Return the patches of HTTP clients and, without `http`, of SDKs, installed as long as the `with` block lasts."""
    return install("http") if http else install(*_CLIENTS, "http")


def taken(interaction: Interaction, *, http: bool = False) -> tuple[Call, dict[str, Any]]:
    """Return the call that makes this request, and the outcome that the response gives. Call it inside `patched()`.

    That is the call of an SDK whose endpoint the URL is, else, and always with `http`, the request. Raises `NotCarried` for
    a response that is no answer to the call.
    """
    found = None if http else _endpoint(interaction)
    return taken_as_http(interaction) if found is None else _taken_by_sdk(interaction, *found)


def _taken_by_sdk(interaction: Interaction, endpoint: _Endpoint, server: str) -> tuple[Call, dict[str, Any]]:
    body = _request_body(interaction) if endpoint.method == "POST" else None
    stream = bool(endpoint.event) and body is not None and body.get("stream") is True
    if endpoint.sdk == "openai" and body is not None:
        server = _azure(server, body)
    _check_status(interaction.status)
    sdk, http = _sdk(endpoint.sdk)
    content = _decoded(interaction, http)
    if interaction.status < 300:
        _check(content, endpoint, stream=stream)
    client = _client(interaction, sdk, http, endpoint, server)
    raw = interaction.request_headers.get(_RAW)
    query = _query(interaction)
    options = {"params": query, "headers": {_RAW: raw} if raw else {}}

    def call() -> None:
        try:
            result = _result(client, sdk, endpoint, body, options, stream=stream)
            if raw:
                result.http_response.read()
            elif stream:
                for _ in result:
                    pass
        except sdk.APIError as error:
            if not is_answer(error):
                status = getattr(error, "status_code", type(error).__name__)
                raise NotCarried(
                    f"was answered with {status}, which says nothing about the call, so memo does not record it"
                ) from None

    with client:
        return taken_from(call)


def _result(
    client: Any, sdk: Any, endpoint: _Endpoint, body: dict[str, Any] | None, options: dict[str, Any], *, stream: bool
) -> Any:
    """Make the request with the SDK's client; return what the SDK makes of the response."""
    cast_to = _named(endpoint.answer)
    if endpoint.method == "GET":
        return client.get(endpoint.path, cast_to=cast_to, options=options)
    if not stream:
        return client.post(endpoint.path, body=body, cast_to=cast_to, options=options)
    stream_cls = sdk.Stream[_named(endpoint.event)]
    return client.post(endpoint.path, body=body, cast_to=cast_to, options=options, stream=True, stream_cls=stream_cls)


def _check_status(status: int) -> None:
    """Raise `NotCarried` for a status that is neither an answer nor an error."""
    if not (200 <= status < 300 or 400 <= status < 600):
        raise NotCarried(f"was answered with the status {status}, which is neither an answer nor an error")


def _client(interaction: Interaction, sdk: Any, http: Any, endpoint: _Endpoint, server: str) -> Any:
    """Return a client of the SDK that is answered with the recorded response."""
    headers, sent = interaction.sent()
    return getattr(sdk, _CLIENTS[endpoint.sdk])(
        api_key="-",
        base_url=server,
        max_retries=0,
        http_client=http.Client(
            transport=http.MockTransport(
                lambda _: http.Response(interaction.status, headers=headers, stream=http.ByteStream(sent))
            ),
            trust_env=False,
        ),
    )


# The request


def _endpoint(interaction: Interaction) -> tuple[_Endpoint, str] | None:
    """Return the endpoint of a request, and the base URL of the client that calls it; None for another request."""
    url = urlsplit(interaction.url)
    for endpoint in _ENDPOINTS:
        if interaction.method == endpoint.method and url.path.endswith(endpoint.path):
            if endpoint.sdk == "openai" and "anthropic-version" in interaction.request_headers:
                break
            if endpoint.sdk == "anthropic" and (
                "anthropic-beta" in interaction.request_headers or "beta=true" in url.query
            ):
                raise NotCarried(
                    "is a call of anthropic's beta, whose types the request does not tell: --http imports it as a request"
                )
            return endpoint, f"{url.scheme}://{url.netloc}{url.path.removesuffix(endpoint.path)}"
    return None


def _request_body(interaction: Interaction) -> dict[str, Any]:
    try:
        # Not orjson: it would round integers of more than 64 bits.
        body = json.loads(interaction.request_body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NotCarried("has a request body that is not a JSON object")
    return body


def _azure(server: str, body: Mapping[str, Any]) -> str:
    """Return the base URL without the deployment that `AzureOpenAI` adds to the path, if it is named as the model is."""
    found = _DEPLOYMENT.fullmatch(server)
    return found["server"] if found and unquote(found["model"]) == body.get("model") else server


def _query(interaction: Interaction) -> dict[str, str]:
    query = parse_qs(urlsplit(interaction.url).query, keep_blank_values=True)
    for name, values in query.items():
        if len(values) > 1 or "[" in name or _TYPED.fullmatch(values[0]):
            raise NotCarried(f"has {name} in its query, and whether it was given as text is unknown")
    return {name: values[0] for name, values in query.items()}


# The response


def _decoded(interaction: Interaction, http: Any) -> bytes:
    """Return the body of the response without compression."""
    encoding, body = interaction.encoding, interaction.body
    if not encoding:
        return body
    try:
        plain: bytes = http.Response(200, headers={"content-encoding": encoding}, content=body).content
    except http.DecodingError as error:
        raise NotCarried(f"has a body that is not {encoding}, as its headers say ({error})") from None
    if plain == body:
        raise NotCarried(
            f"has a body in {encoding}, which {http.__name__} cannot read here: pip install '{http.__name__}[brotli,zstd]'"
        )
    return plain


def _check(content: bytes, endpoint: _Endpoint, *, stream: bool) -> None:
    """Raise `NotCarried` for anything but a whole answer: the SDK would make something of it all the same."""
    if stream:
        if b"data:" not in content:
            raise NotCarried("asked for a stream, and was answered without any event")
        if not _EVENTS_END.fullmatch(content.replace(b"\r\n", b"\n").rpartition(b"\n\n")[2]):
            raise NotCarried("ends in the middle of an event: it was cut off")
        return
    try:
        answer = json.loads(content)
    except ValueError as error:
        raise NotCarried(f"was answered with what is not JSON ({error})") from None
    if not isinstance(answer, dict) or endpoint.member not in answer:
        raise NotCarried(f"was answered without {endpoint.member}, so it is not an answer of {endpoint.path}")


# The SDK


def _sdk(name: str) -> tuple[Any, Any]:
    """Return the SDK and its HTTP client: httpx2, or httpx in older versions."""
    if find_spec(name) is None:
        raise NotCarried(f"is a call of {name}, which is not installed: pip install 'memo-recorder[{name}]'")
    home = vars(import_module(f"{name}._base_client"))
    return import_module(name), home.get("httpx2") or home["httpx"]


def _named(name: str) -> Any:
    """Return a type by its name, which can be generic: `module:name[module:name]`."""
    outer, _, inner = name.removesuffix("]").partition("[")
    module, _, attribute = outer.partition(":")
    found = getattr(import_module(module), attribute)
    return found[_named(inner)] if inner else found
