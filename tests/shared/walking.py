"""Every public method of an SDK, found by introspection, called with made-up arguments in every form it comes in."""

import dataclasses
import enum
import functools
import importlib
import inspect
import json
import typing
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import NoneType
from typing import Any, NamedTuple

import pydantic
from answering import Answering
from samples import NoSample, answer, argument, hints, members
from uses import a, collect, inside

FORMS = ("plain", "streamed", "raw", "raw streamed", "streaming raw")
BINARY = bytes(range(256)) * 3


class SDK(NamedTuple):
    """An SDK built by Stainless: its preset, its module, its client and what that needs."""

    preset: str
    module: str
    client: str
    more: tuple[tuple[str, Any], ...] = ()


SDKS = [
    SDK("openai", "openai", "OpenAI", (("admin_api_key", "k"),)),
    SDK("anthropic", "anthropic", "Anthropic"),
    SDK("groq", "groq", "Groq"),
    SDK("together", "together", "Together", (("project_id", "p"),)),
    SDK("cerebras", "cerebras.cloud.sdk", "Cerebras", (("warm_tcp_connection", False),)),
    SDK("llama-stack-client", "llama_stack_client", "LlamaStackClient"),
    SDK("ogx-client", "ogx_client", "OgxClient"),
]


ARGUMENTS: dict[str, dict[str, Any]] = {
    "beta.agents.environments.files.prepare": {"files": {"/workspace/text": __file__}},
    "uploads.upload_file_chunked": {"file": b"content", "filename": "text", "bytes": 7},
    "responses.stream": {"model": "m", "input": "text"},
    "fine_tuning.create": {"model": "m", "training_file": "text"},
}
"""What the types of a method's parameters do not say."""


class Method(NamedTuple):
    """A method of a resource, and the name by which it is reached from the client."""

    path: tuple[str, ...]
    name: str

    def __str__(self) -> str:
        return ".".join([*self.path, self.name])


def methods(sdk: SDK) -> list[Method]:
    """All methods of all resources of the sync client: those of the async one have the same names."""
    base = importlib.import_module(f"{sdk.module}._resource").SyncAPIResource
    found: list[Method] = []

    def walk(owner: Any, path: tuple[str, ...]) -> None:
        for name in dir(owner):
            if name.startswith(("_", "with_")):
                continue
            kind = inspect.getattr_static(type(owner), name, None)
            if path and inspect.isfunction(kind):
                found.append(Method(path, name))
            elif isinstance(value := getattr(owner, name, None), base):
                walk(value, (*path, name))

    client = getattr(importlib.import_module(sdk.module), sdk.client)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = client(api_key="k", base_url="http://127.0.0.1:9", **dict(sdk.more))
        walk(made, ())
        made.close()
    return found


def resource_of(client: Any, path: tuple[str, ...]) -> Any:
    return functools.reduce(getattr, path, client)


# What the server answers


@functools.lru_cache(maxsize=4096)
def prepared(cast_to: Any, stream: bool, stream_cls: Any) -> tuple[bytes, str]:
    """The body and the content type with which an API answers a request for this type."""
    name = getattr(typing.get_origin(cast_to) or cast_to, "__name__", "")
    if name.endswith("JSONLDecoder"):
        items = [answer(part) for part in members(typing.get_args(cast_to)[0])]
        return b"".join(json.dumps(item).encode() + b"\n" for item in items), "application/x-jsonl"
    if stream:
        kinds = members(_item_type(cast_to, stream_cls))
        events = sorted(map(answer, kinds), key=_place)[:12]
        return b"".join(map(_event, events)), "text/event-stream"
    if "Binary" in name or (name == "Response" and cast_to.__module__.startswith("httpx")):
        return BINARY, "application/octet-stream"
    if cast_to is str:
        return "text with é".encode(), "text/plain"
    if cast_to in (NoneType, None):
        return b"", "application/json"
    # As no JSON library of memo writes it: bodies are to come back to the letter.
    return json.dumps(answer(cast_to), indent=1).encode(), "application/json"


_ORDER = (
    "response.created",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
)
"""Events whose order a helper of an SDK relies on; all others come after them as they are."""


def _place(event: Any) -> int:
    kind = event.get("type") if isinstance(event, dict) else None
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _item_type(cast_to: Any, stream_cls: Any) -> Any:
    for base in (stream_cls, *getattr(stream_cls, "__orig_bases__", ())):
        arguments = [part for part in typing.get_args(base) if not isinstance(part, typing.TypeVar)]
        if arguments:
            return arguments[0]
    return cast_to


def _event(item: Any) -> bytes:
    if isinstance(item, dict) and item.keys() == {"event", "data"}:  # openai's assistants
        return f"event: {item['event']}\ndata: {json.dumps(item['data'])}\n\n".encode()
    kind = item.get("type") if isinstance(item, dict) else None
    if kind in ("error", "ping") or (isinstance(item, dict) and "choices" not in item and item.get("error")):
        return b""  # how a stream breaks, or what it leaves out
    if isinstance(item, dict):
        item = {name: value for name, value in item.items() if name != "error"}
    return (f"event: {kind}\n" if isinstance(kind, str) else "").encode() + f"data: {json.dumps(item)}\n\n".encode()


def telling(client: type[Any], server: Answering) -> type[Any]:
    """The client's class, with the server told what is asked for."""

    class Telling(client):  # type: ignore[misc, valid-type]
        def request(self, cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None) -> Any:
            body, kind = prepared(cast_to, stream, stream_cls)
            server.answer(body, [("content-type", kind), ("x-request-id", "r1"), ("request-id", "r1")])
            return super().request(cast_to, options, stream=stream, stream_cls=stream_cls)

    Telling.__name__ = client.__name__  # pages hold their client
    return Telling


# Calls


def arguments_of(method: Callable[..., Any]) -> dict[str, Any]:
    """The arguments that a method needs. Raises `NoSample`."""
    known, parameters = hints(method), inspect.signature(method).parameters
    needed = [
        name for name, each in parameters.items() if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    ]
    variants = (
        inspect.getclosurevars(method.__func__).nonlocals.get("variants") if hasattr(method, "__func__") else None
    )
    if variants:  # the SDKs' `required_args`
        needed += [name for name in variants[0] if name not in needed]
    return {name: argument(known.get(name, str)) for name in needed if name != "stream"}


def forms_of(method: Callable[..., Any]) -> Iterator[str]:
    """The forms a method comes in."""
    streams = "stream" in inspect.signature(method).parameters
    resource = getattr(method, "__self__", None)
    for form in FORMS:
        view = {
            "raw": "with_raw_response",
            "streaming raw": "with_streaming_response",
            "raw streamed": "with_raw_response",
        }.get(form)
        if (streams or "streamed" not in form) and (
            view is None or hasattr(getattr(resource, view, None), method.__name__)
        ):
            yield form


async def used(client: Any, method: Method, form: str) -> Any:
    """All that a user can see of what a method gives in that form."""
    resource = resource_of(client, method.path)
    needed = {**arguments_of(getattr(resource, method.name)), **ARGUMENTS.get(str(method), {})}
    if "streamed" in form:
        needed["stream"] = True
    if form == "streaming raw":
        async with inside(getattr(resource.with_streaming_response, method.name)(**needed)) as raw:
            return [
                type(raw).__name__,
                raw.status_code,
                sorted(raw.headers.items()),
                b"".join(await collect(raw.iter_bytes())),
            ]
    if form.startswith("raw"):
        raw = await a(getattr(resource.with_raw_response, method.name)(**needed))
        parsed = await settled(await a(raw.parse()))
        return [
            type(raw).__name__,
            raw.status_code,
            sorted(raw.headers.items()),
            raw.http_response.reason_phrase,
            parsed,
        ]
    return await settled(await a(getattr(resource, method.name)(**needed)))


async def settled(value: Any) -> Any:
    """What is to be read of a value."""
    if isinstance(value, pydantic.BaseModel | str | int | float | list | dict | NoneType):
        return shape(value)
    if hasattr(value, "iter_bytes"):  # a file
        return [type(value).__name__, await a(value.read())]
    if hasattr(value, "__aiter__") or hasattr(value, "__iter__"):
        items = await collect(value)
        response = getattr(value, "response", None) or getattr(value, "http_response", None)
        return [type(value).__name__, [shape(item) for item in items], response is not None and response.status_code]
    if hasattr(value, "__aenter__") or hasattr(value, "__enter__"):  # a helper's manager
        async with inside(value) as entered:
            return [type(value).__name__, await settled(entered)]
    return shape(value)


def shape(value: Any) -> Any:
    """All of a value that can be seen: types all the way down, values, set fields, extras, private attributes' types."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, pydantic.BaseModel):
        private = value.__pydantic_private__
        return (
            name, shape(value.__dict__), sorted(value.__pydantic_fields_set__), shape(value.__pydantic_extra__),
            None if private is None else sorted((key, type(each).__name__) for key, each in private.items()),
        )  # fmt: skip
    if isinstance(value, dict):
        return (name, [(key, shape(each)) for key, each in value.items()])
    if isinstance(value, list | tuple | set | frozenset):
        return (name, [shape(each) for each in value])
    if dataclasses.is_dataclass(value) or type(value).__module__.startswith(("anthropic", "openai")):
        seen = {key: each for key, each in vars(value).items() if not key.startswith("_") and not callable(each)}
        return (name, sorted((key, type(each).__name__) for key, each in seen.items()))
    if isinstance(value, enum.Enum):
        return (name, value.value)
    return (name, value)


def same(live: Any, other: Any) -> bool:
    """Whether two shapes are equal, but for secrets that are masked in the other."""
    if other == "<secret>":
        return isinstance(live, str)
    if isinstance(other, bytes) and b"<secret>" in other:
        return same(shape(json.loads(live)), shape(json.loads(other)))
    if isinstance(live, list | tuple) and type(live) is type(other) and len(live) == len(other):
        return all(map(same, live, other))
    return bool(live == other)


@asynccontextmanager
async def opened(kind: type[Any], sdk: SDK, url: str) -> AsyncIterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = kind(api_key="k", base_url=url, max_retries=0, **dict(sdk.more))
    try:
        yield client
    finally:
        await a(client.close())


async def run(client: Any, chosen: list[Method], failed: Callable[[], int] = lambda: 0) -> dict[tuple[str, str], Any]:
    """What each of the methods gives in each of its forms: a shape, or the error."""
    found: dict[tuple[str, str], Any] = {}
    for method in chosen:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated methods are methods
            try:
                forms = list(forms_of(getattr(resource_of(client, method.path), method.name)))
            except (TypeError, ValueError):
                forms = ["plain"]
            for form in forms:
                before = failed()
                try:
                    result = await used(client, method, form)
                except NoSample as error:
                    result = ("no sample", repr(error))
                except Exception as error:  # an error is what the method gives
                    result = ("raised", type(error).__name__, str(error)[:300])
                found[str(method), form] = result if failed() == before else ("not recorded", result)
    return found
