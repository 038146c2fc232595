"""ollama: every call of `Client` and `AsyncClient`, streamed and plain."""

from __future__ import annotations

from typing import Any

from memo._recordable import Options
from memo.patches._registry import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "ollama>=0.4"


def _typed(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """`_request(cls, method, path, *, stream, json)`: the class follows from the path."""
    return _described(client, args[1:], kwargs)


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    method, path = args
    words = [word for word in path.split("/") if word and word != "api"]
    return ".".join(["ollama", *words[:1]]), {
        "method": method,
        "path": path,
        "query": kwargs.get("params") or {},
        "body": kwargs.get("json"),
        "server": str(client._client.base_url).rstrip("/"),
        **({"content": kwargs["content"]} if "content" in kwargs else {}),
    }


PATCHES = tuple(
    Patch(f"ollama._client:{client}.{method}", Options(name="ollama"), describe=describe, offered=True)
    for client in ("AsyncClient", "Client")
    for method, describe in (("_request", _typed), ("_request_raw", _described))
)
