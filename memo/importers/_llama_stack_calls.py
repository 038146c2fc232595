"""The calls that files of llama-stack record: what each file holds, and the request as its SDK's client sends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from memo._calls.call import Call
from memo._values.ids import numbered
from memo.importers._llama_stack_google import google_call
from memo.importers.report import NotCarried

__all__ = ["STAINLESS", "call_of", "member", "read"]

_T = TypeVar("_T")

STAINLESS = frozenset({"anthropic", "llama_stack_client", "ogx_client", "openai"})
"""SDKs that build their objects without validation."""
_LISTS = frozenset({"/api/ps", "/api/tags", "/v1/models"})


def read(path: Path) -> dict[str, Any]:
    """Return the document in a file. Raises `NotCarried`."""
    try:
        # Not orjson: it would round integers of more than 64 bits.
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise NotCarried(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise NotCarried(f"is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise NotCarried("is JSON, but no recording of llama-stack")
    return document


def member(tree: dict[str, Any], name: str, kind: type[_T]) -> _T:
    """Return a member of a tree. Raises `NotCarried` if it is missing, or of another type."""
    found = tree.get(name)
    if not isinstance(found, kind):
        raise NotCarried(f"has no {name}" if found is None else f"has a {name} that is a {type(found).__name__}")
    return found


def call_of(request: dict[str, Any]) -> Call:
    """Return the call that a request is: of an SDK, of a tool, or of another API of a provider. Raises `NotCarried`."""
    if "url" in request:
        return _request_call(request)
    provider = member(request, "provider", str)
    if "tool_name" in request:
        tool = {"tool_name": member(request, "tool_name", str), "kwargs": member(request, "kwargs", dict)}
        return Call.of(f"{provider}.invoke_tool", tool)
    rest = {name: value for name, value in request.items() if name not in ("api", "provider", "test_id")}
    return Call.of(f"{provider}.{member(request, 'api', str)}", rest)


def _request_call(request: dict[str, Any]) -> Call:
    url, method = member(request, "url", str), member(request, "method", str).upper()
    endpoint, body = member(request, "endpoint", str), dict(member(request, "body", dict))
    if not url.endswith(endpoint):
        raise NotCarried(f"has the url {url}, which does not end in its endpoint {endpoint}")
    sdk, words = _sdk(endpoint)
    if sdk == "google":
        return google_call(words[0], body, vertex=url.startswith("vertexai:"))
    path, server = endpoint.removeprefix("/v1") if sdk == "openai" else endpoint, url.removesuffix(endpoint)
    query: dict[str, Any] = {}
    if sdk in STAINLESS:
        for option in ("extra_headers", "timeout"):
            body.pop(option, None)
        query |= body.pop("extra_query", None) or {}
        body |= body.pop("extra_body", None) or {}
    if endpoint in _LISTS:
        method = "GET"
    arguments = {
        "method": method,
        "path": path,
        "query": query if method != "GET" else query | body,
        "body": numbered(body) if method != "GET" else None,
        "server": server,
    }
    return Call.of(".".join((sdk, *words)), arguments)


def _sdk(endpoint: str) -> tuple[str, list[str]]:
    """Return the SDK that an endpoint belongs to, and the fixed words of the path."""
    words = [word for word in endpoint.strip("/").split("/") if word.isidentifier()]
    match words:
        case ["api", _, *_]:
            return "ollama", words[1:]
        case ["v1", "messages", *_]:
            return "anthropic", words[1:]
        case ["v1", _, *_]:
            return "openai", words[1:]
        case ["generate_content" | "generate_content_stream"]:
            return "google", words
        case _:
            raise NotCarried(f"has the endpoint {endpoint}, which no SDK known here has")
