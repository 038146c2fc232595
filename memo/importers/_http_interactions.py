"""Recorded HTTP interactions, as requests that `memo.install("http")` replays to any client."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from memo._calls.call import Call
from memo.errors import MissingExtra
from memo.importers._taking import Interaction, taken_from
from memo.importers.report import NotCarried

__all__ = ["taken_as_http"]


def taken_as_http(interaction: Interaction) -> tuple[Call, dict[str, Any]]:
    """Return the request, and the outcome that the response gives. Call it inside `memo.install("http")`.

    Raises `NotCarried` for anything but a request and its response, `MissingExtra` without httpx.
    """
    http = _package()
    if not 200 <= interaction.status < 600:
        raise NotCarried(f"was answered with the status {interaction.status}, which is no answer")
    headers, body = interaction.sent()
    reason = {"reason_phrase": interaction.reason.encode("ascii", "ignore")} if interaction.reason else {}

    base: Any = http.BaseTransport

    class Transport(base):  # type: ignore[misc]
        """Answers as recorded."""

        def handle_request(self, request: Any) -> Any:
            return http.Response(interaction.status, headers=headers, stream=http.ByteStream(body), extensions=reason)

    sent = {name: text for name, text in interaction.request_headers.items() if name == "content-type"}

    def call() -> None:
        with http.Client(transport=Transport(), trust_env=False) as client:
            try:
                request = http.Request(
                    interaction.method, interaction.url, headers=sent, content=interaction.request_body
                )
                client.send(request, auth=None, follow_redirects=False)
            except http.DecodingError as error:
                raise NotCarried(
                    f"has a body that is not {interaction.encoding}, as its headers say ({error})"
                ) from None

    return taken_from(call)


def _package() -> Any:
    """Return httpx2, or httpx."""
    for name in ("httpx2", "httpx"):
        if find_spec(name) is not None:
            return import_module(name)
    raise MissingExtra("importing HTTP requests", "cassettes")
