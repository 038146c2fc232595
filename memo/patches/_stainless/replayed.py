"""What a recorded outcome is for the caller of a Stainless SDK: the model, the stream object, or the HTTP response."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from memo._recordings.outcomes import Outcome
from memo.codecs.responses import package_of, rebuilt, stream_response
from memo.patches._stainless.bodies import recorded_response
from memo.patches._stainless.pages import as_page, is_page, page_of
from memo.patches._stainless.request import Request

__all__ = ["http_response_of", "put_on", "stream_object", "typed_value"]


def typed_value(request: Request, outcome: Outcome) -> Any:
    """Return a recorded model as the SDK would return it."""
    assert outcome.read is not None
    value = outcome.read()
    if isinstance(value, list) and inspect.isclass(request.cast_to) and issubclass(request.cast_to, BaseModel):
        value = page_of(request.cast_to, value)
    elif type(value) is not request.cast_to and isinstance(value, BaseModel) and is_page(type(value)):
        value = as_page(request.cast_to, value)  # a page of the sync client for the async one
    parser = getattr(request.options, "post_parser", None)
    if not callable(parser):
        return value
    parsed = parser(value)
    if parsed is not value and isinstance(parsed, BaseModel) and isinstance(value, BaseModel):
        vars(parsed).update(put_on(value))
    return parsed


def stream_object(client: Any, request: Request, items: tuple[Any, bool], outcome: Outcome) -> Any:
    """Return the SDK's stream object, still without items."""
    if outcome.response is not None:
        response = stream_response(outcome.response, outcome.seconds)
    else:  # importers of other formats have no response to keep
        http = package_of(client._client)
        response = http.Response(
            200,
            headers={"content-type": "text/event-stream"},
            request=http.Request(request.options.method, str(client._prepare_url(request.options.url))),
            stream=http.ByteStream(b""),
        )
        response.elapsed = timedelta(seconds=outcome.seconds)
    stream_cls = request.stream_cls or client._default_stream_cls
    item, with_options = items
    arguments: dict[str, Any] = {"options": request.options} if with_options else {}
    return stream_cls(cast_to=item, response=response, client=client, **arguments)


def http_response_of(client: Any, request: Request, outcome: Outcome, content: bytes | None) -> Any:
    """Return a recorded HTTP response, with the request that the client would have sent, and that content if it is given."""
    recorded = recorded_response(outcome)
    options = _given(request.options)
    client._maybe_override_cast_to(
        request.cast_to, options
    )  # takes a class, which is no header to send, from the headers
    sent = client._build_request(options)
    response = rebuilt(recorded, sent, recorded.content if content is None else content, unread=request.unread)
    response.elapsed = timedelta(seconds=outcome.seconds)
    return response


def put_on(value: BaseModel) -> dict[str, Any]:
    """Return what the SDK put on a model beside its fields: `_request_id`, in anthropic `_workspace_id`."""
    fields = type(value).model_fields
    return {name: text for name, text in vars(value).items() if name not in fields and isinstance(text, str | None)}


def _given(options: Any) -> Any:
    """Copy options as the SDK's client prepares them to be sent: without omitted fields."""
    copied = options.model_copy()
    copied.json_data = _sent(options.json_data)
    return copied


def _sent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sent(item) for name, item in value.items() if type(item).__name__ not in ("NotGiven", "Omit")}
    return [_sent(item) for item in value] if isinstance(value, list) else value
