"""The main job: every openai recording of the corpus, imported, answers the real client, which opens no socket."""

import inspect
import json
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.pagination import AsyncPage
from pydantic import BaseModel

import memo

LEAST = 1400


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket goes anywhere. (Not a fixture of the event loop, which has opened its own by then.)"""

    def connect(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


def old(corpus: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Request and response of every openai recording of the corpus."""
    for path in sorted(corpus.rglob("*.json")):
        document = json.loads(path.read_bytes())
        endpoint = document["request"].get("endpoint", "")
        if endpoint.startswith("/v1/") and endpoint != "/v1/messages":
            yield document["request"], document["response"]


async def answer(c: openai.AsyncOpenAI, endpoint: str, body: dict[str, Any]) -> Any:
    """What the client gives for that request: a value, the items of a stream, a page, an error."""
    calls: dict[str, Any] = {
        "/v1/chat/completions": c.chat.completions.create,
        "/v1/completions": c.completions.create,
        "/v1/embeddings": c.embeddings.create,
        "/v1/models": c.models.list,
    }
    known = inspect.signature(calls[endpoint]).parameters
    arguments = {name: each for name, each in body.items() if name in known}
    other = {name: each for name, each in body.items() if name not in known}
    if other:  # one request says `messages` where there is a `prompt`, which the client insists on
        arguments |= {"prompt": openai.omit, "extra_body": other}
    try:
        result = await calls[endpoint](**arguments)
    except openai.APIStatusError as error:
        return error
    if body.get("stream"):
        assert type(result) is openai.AsyncStream
        return [item async for item in result]
    return result


def told(item: Any) -> tuple[str, Any]:
    """An object of the client as the old system wrote it down."""
    kind = type(item)
    return f"{kind.__module__}.{kind.__qualname__}", item.model_dump(mode="json")


def written(item: Any) -> tuple[str, Any]:
    """An object as the old system wrote it down, with what its JSON says, whichever fields it left out."""
    return item["__type__"], item["__data__"]


def agree(new: Any, before: Any) -> bool:
    """Whether JSON is equal: fields that the old system left out, being unset, are null."""
    if isinstance(before, dict) and isinstance(new, dict):
        return before.keys() <= new.keys() and all(
            agree(each, before[key]) if key in before else each is None for key, each in new.items()
        )
    if isinstance(before, list) and isinstance(new, list):
        return len(new) == len(before) and all(map(agree, new, before))
    return new == before and type(new) is type(before)


async def test_every_openai_recording_answers_the_real_client(imported: tuple[Path, Any], corpus: Path, offline: None):
    clients: dict[str, openai.AsyncOpenAI] = {}
    outcomes: dict[str, list[dict[str, Any]]] = {}
    requests: dict[str, tuple[str, dict[str, Any]]] = {}
    for request, response in old(corpus):
        server = request["url"].removesuffix(request["endpoint"])
        body = request["body"]
        identity = json.dumps([server, request["endpoint"], body], sort_keys=True)
        requests[identity] = (server, request)
        outcomes.setdefault(identity, []).append(response)
    answered: Counter[str] = Counter()
    with memo.install("openai"), memo.recording(imported[0], mode="replay") as recorder:
        for identity, (server, request) in requests.items():
            if server not in clients:
                clients[server] = openai.AsyncOpenAI(base_url=server, api_key="dummy", max_retries=0)
            # Identical calls get their outcomes in the order of the files, equal ones at the end once.
            expected = outcomes[identity]
            given = [await answer(clients[server], request["endpoint"], request["body"]) for _ in expected]
            for got, response in zip(given, expected, strict=True):
                assert same(got, response), (request["endpoint"], identity, got)
                answered[request["endpoint"]] += 1
    for client in clients.values():
        await client.close()
    assert recorder.stats.missed == recorder.stats.live == 0
    assert recorder.stats.replayed == answered.total() >= LEAST
    assert answered.keys() >= {"/v1/chat/completions", "/v1/embeddings", "/v1/models"}


def same(got: Any, response: dict[str, Any]) -> bool:
    body = response.get("body")
    if isinstance(got, openai.APIStatusError):
        return response.get("is_exception", False) or response.get("status", 200) == got.status_code
    if isinstance(got, AsyncPage):
        got, body = got.data, body if isinstance(body, list) else body["__data__"]["data"]
    if isinstance(got, list):
        return len(got) == len(body) and all(map(same_object, got, body))
    return same_object(got, body)


def same_object(got: Any, item: Any) -> bool:
    if not isinstance(got, BaseModel):
        return bool(got == item)
    name, data = written(item)
    kind, tree = told(got)
    return kind == name and agree(tree, data)
