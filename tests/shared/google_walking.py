"""Every public method of google-genai's client, found by introspection, with what it is called with and what is answered."""

import functools
import inspect
import io
import json
import typing
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from answering import Answering
from google.genai import Client, types
from google.oauth2.credentials import Credentials
from samples import NoSample, answer, argument, hints, members
from uses import a, collect, inside
from walking import settled, shape

MODES: dict[str, dict[str, Any]] = {
    "gemini": {"api_key": "k"},
    "vertex": {"vertexai": True, "project": "p", "location": "l", "credentials": Credentials("ya29.token")},
    "express": {"vertexai": True, "api_key": "k"},
}
"""The ways to reach the API. Some methods are of one of them alone."""

FORMS = ("plain", "streamed", "raw", "streaming raw")
NO_REQUEST = ("aclose", "close", "do_request", "do_request_async")
"""Methods of clients and of their base classes that call no API."""
WEBSOCKETS = ("connect",)
"""Methods that speak over a WebSocket: there is no request to record."""
BATCH = {"name": "batches/b"}
CREDENTIAL = {"type": "bearer_token", "token": "t"}
QUESTION = {"type": "choice", "criteria": {"a": "b"}, "instructions": "text"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "batches.cancel": BATCH,
    "batches.create": {"model": "m", "src": "files/f"},
    "batches.create_embeddings": {"model": "m", "src": {"file_name": "files/f"}},
    "batches.delete": BATCH,
    "batches.get": BATCH,
    "chats.create": {"model": "m"},
    "credentials.create": {"id": "c", **CREDENTIAL},
    "credentials.update": {"id": "c", "type": "bearer_token", "token": "t"},
    "decisions.create": {"model": "m", "input": "text", "questions": {"q": QUESTION}},
    "environments.delete": {"id": "e"},
    "environments.files.download": {"environment": "e", "path": "text"},
    "environments.files.upload": {"environment": "e", "path": "text", "file": b"content"},
    "environments.get": {"id": "e"},
    "file_search_stores.download_media": {"media_id": "fileSearchStores/s/media/m"},
    "file_search_stores.upload_to_file_search_store": {
        "file_search_store_name": "fileSearchStores/s",
        "file": __file__,
    },
    "files.register_files": {"auth": lambda: Credentials("ya29.token"), "uris": ["gs://bucket/file"]},
    "files.upload": {"file": lambda: io.BytesIO(b"content"), "config": {"mime_type": "text/plain"}},
    "interactions.create": {"model": "m", "input": "text"},
    "operations.get": {"operation": lambda: types.GenerateVideosOperation(name="models/m/operations/o")},
    "tunings.tune": {"base_model": "m", "training_dataset": {"gcs_uri": "gs://bucket/file"}},
    "tunings.validate_reward": {
        "parent": "p",
        "sample_response": {"parts": [{"text": "text"}]},
        "example": {"contents": [{"parts": [{"text": "text"}]}]},
    },
}
"""What the types of a method's parameters do not say."""
ANSWERS = {
    "chats.create": {
        "candidates": [{"content": {"parts": [{"text": "text"}], "role": "model"}, "finishReason": "STOP"}]
    },
    "files.upload": {"file": {"name": "files/f", "uri": "https://files.test/f"}},
    "tunings.tune": {"name": "projects/p/locations/l/tuningJobs/t", "state": "JOB_STATE_PENDING", "newCount": 1},
}
"""What no result type describes: the answer of a chat, what an upload's last chunk is answered with, and what a validator refuses."""
PARAMETERS = {"contents": "text"}
"""What is given for a parameter, of whichever method: what its type admits is refused by one API or the other."""


class Method(NamedTuple):
    """A method of a resource, and the name by which it is reached from the client."""

    path: tuple[str, ...]
    name: str

    def __str__(self) -> str:
        return ".".join([*self.path, self.name])


def opened(url: str, mode: str) -> Client:
    import httpx2

    http: dict[str, Any] = {
        "base_url": url,
        "async_client_args": {"transport": httpx2.AsyncHTTPTransport()},
    }  # not aiohttp
    return Client(
        **MODES[mode], http_options=types.HttpOptions(**http, retry_options=types.HttpRetryOptions(attempts=1))
    )


def methods() -> list[Method]:
    """All methods of all resources of the sync client: those of the async one have the same names."""
    found: list[Method] = []

    def walk(owner: Any, path: tuple[str, ...]) -> None:
        for name in dir(owner):
            if name.startswith(("_", "with_")) or name in ("aio", "parent_ref", "sdk_configuration", *NO_REQUEST):
                continue
            value = getattr(owner, name)
            if inspect.ismethod(value):
                if name not in WEBSOCKETS:
                    found.append(Method(path, name))
            elif type(value).__module__.startswith("google.genai") and len(path) < 3:
                walk(value, (*path, name))

    client = Client(api_key="k")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental resources are resources
        walk(client, ())
    client.close()
    return found


def _typed(resource: Any, name: str) -> Callable[..., Any]:
    """The function that names its parameters: a wrapper in a subclass of what is generated does not."""
    for cls in type(resource).__mro__:
        function = vars(cls).get(name)
        if inspect.isfunction(function):
            kinds = [each.kind for each in inspect.signature(function).parameters.values()][1:]
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                return function
    return typing.cast(Callable[..., Any], getattr(resource, name))


def arguments_of(resource: Any, name: str) -> dict[str, Any]:
    function = _typed(resource, name)
    known = hints(function)
    return {
        each.name: PARAMETERS.get(each.name) or argument(known.get(each.name, str))
        for each in inspect.signature(function).parameters.values()
        if each.default is each.empty
        and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        and each.name != "self"
    }


def answered(resource: Any, name: str, *, streamed: bool) -> bytes:
    """The body with which the API answers a method."""
    function = getattr(type(resource), f"_{name}", None) or _typed(resource, name)
    given = members(hints(function).get("return"))
    if streamed:
        kinds = [part for kind in given for inner in typing.get_args(kind) for part in members(inner)]
        return b"".join(b"data: %s\n\n" % json.dumps(answer(kind)).encode() for kind in kinds[:12])
    kinds = [kind for kind in given if hasattr(kind, "model_fields")]
    return json.dumps(answer(kinds[0]) if kinds else {}).encode()


def forms_of(resource: Any, name: str) -> Iterator[str]:
    """The forms a method comes in."""
    for form in FORMS:
        if form == "streamed" and "stream" not in inspect.signature(getattr(resource, name)).parameters:
            continue
        view = {"raw": "with_raw_response", "streaming raw": "with_streaming_response"}.get(form)
        if view is None or hasattr(getattr(resource, view, None), name):
            yield form


async def used(client: Any, method: Method, form: str, server: Answering | None) -> Any:
    """All that a user can see of what a method gives in that form."""
    resource = _resource(client, method)
    needed = ARGUMENTS.get(str(method)) or arguments_of(resource, method.name)
    needed = {name: value() if callable(value) else value for name, value in needed.items()}
    if server is not None:
        streamed = "stream" in method.name or form == "streamed"
        kind = "text/event-stream" if streamed else "application/json"
        made = ANSWERS.get(str(method))
        body = json.dumps(made).encode() if made else answered(resource, method.name, streamed=streamed)
        uploads = [("x-goog-upload-url", f"{server.url}/upload/f?upload_id=u"), ("x-goog-upload-status", "final")]
        server.answer(body, [("content-type", kind), *uploads])
    if form == "streamed":
        needed["stream"] = True
    if form == "streaming raw":
        async with inside(getattr(resource.with_streaming_response, method.name)(**needed)) as raw:
            return [type(raw).__name__, raw.status_code, b"".join(await collect(raw.iter_bytes()))]
    if form == "raw":
        raw = await a(getattr(resource.with_raw_response, method.name)(**needed))
        return [type(raw).__name__, raw.status_code, sorted(raw.headers.items()), await settled(await a(raw.parse()))]
    result = await a(getattr(resource, method.name)(**needed))
    if str(method) == "chats.create":  # which makes no request
        return [await settled(await a(result.send_message("text"))), shape(result.get_history())]
    return await settled(result)


async def run(
    client: Any, chosen: list[Method], server: Answering | None = None, failed: Callable[[], int] = lambda: 0
) -> dict[tuple[str, str], Any]:
    """What each of the methods gives in each of its forms: a shape, or the error."""
    found: dict[tuple[str, str], Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental and deprecated methods are methods
        for method in chosen:
            for form in forms_of(_resource(client, method), method.name):
                before = failed()
                try:
                    result = await used(client, method, form, server)
                except NoSample as error:
                    result = ("no sample", repr(error))
                except Exception as error:  # an error is what the method gives
                    result = ("raised", type(error).__name__, str(error)[:300])
                found[str(method), form] = result if failed() == before else ("not recorded", result)
    return found


def _resource(client: Any, method: Method) -> Any:
    return functools.reduce(getattr, method.path, client)
