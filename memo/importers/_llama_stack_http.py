"""Files of llama-stack that hold an HTTP request which no SDK made: passed on to `/v1/messages`, `/v1beta/interactions`.

They have the JSON that was sent as the request's `payload`, and the response's `status` with the JSON of its body, or the lines
of a stream of events.
"""

from __future__ import annotations

import json
from typing import Any

from memo._calls.call import Call
from memo.importers._http_interactions import taken_as_http
from memo.importers._llama_stack_calls import call_of, member
from memo.importers._taking import Interaction
from memo.importers.report import NotCarried

__all__ = ["call_in", "http_outcome", "is_http"]


def is_http(document: dict[str, Any]) -> bool:
    """Return whether a document holds such a request."""
    request = member(document, "request", dict)
    return "url" in request and "payload" in request and "endpoint" not in request


def call_in(document: dict[str, Any]) -> Call:
    """Return the call that a document holds. Raises `NotCarried`."""
    return http_outcome(document)[0] if is_http(document) else call_of(member(document, "request", dict))


def http_outcome(document: dict[str, Any]) -> tuple[Call, dict[str, Any]]:
    """Return the request, and the outcome that its response gives. Raises `NotCarried`."""
    request, response = member(document, "request", dict), member(document, "response", dict)
    kind, body = _body(response)
    status = response.get("status", 200)
    if type(status) is not int:
        raise NotCarried(f"has the status {status!r}")
    return taken_as_http(
        Interaction(
            method=member(request, "method", str).upper(),
            url=member(request, "url", str),
            request_headers={"content-type": "application/json"},
            request_body=json.dumps(request["payload"]).encode(),
            status=status,
            headers=[("content-type", kind)],
            body=body,
        )
    )


def _body(response: dict[str, Any]) -> tuple[str, bytes]:
    if "body" not in response:
        raise NotCarried("has no body in its response")
    if not response.get("is_streaming"):
        return "application/json", json.dumps(response["body"], ensure_ascii=False, separators=(",", ":")).encode()
    lines = member(response, "body", list)
    if not all(isinstance(line, str) for line in lines):
        raise NotCarried("has a stream that is not one of lines")
    return "text/event-stream", "".join(f"{line}\n" for line in lines).encode()
