"""A provider that changes, a store of calls to it, and `memo verify --live`."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import anthropic
import ollama
import openai
import pytest
from changing_server import ChangingServer

import memo as package
from memo import recording
from memo._recordings.changes import Rules
from memo._verifying.plan import Sessions, plan
from memo._verifying.report import LiveReport
from memo._verifying.run import run
from memo.cli import main
from memo.patches.remaking import Remaker
from memo.stores import as_store

SOURCE = """
from pydantic import BaseModel
import memo

ANSWER = {"id": "a", "score": 0.5, "tags": ["x"]}
CALLS = []

class City(BaseModel):
    name: str

@memo.recordable
async def forecast(city: City, days: int = 3):
    CALLS.append((city, days))
    return dict(ANSWER)

@memo.recordable
def count(to: int):
    yield from ({"n": number} for number in range(to))

class Tool:
    @memo.recordable
    def use(self, name: str):
        return name

@memo.recordable
def login(api_key: str):
    return True
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ChangingServer]:
    found = ChangingServer()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def app() -> Iterator[ModuleType]:
    module = ModuleType("liveapp")
    sys.modules["liveapp"] = module
    exec(SOURCE, vars(module))
    yield module
    del sys.modules["liveapp"]


async def record(url: str, app: ModuleType) -> None:
    chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": "rings?"}]}
    client = openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0)
    await client.chat.completions.create(**chat)
    async for _ in await client.chat.completions.create(**chat, stream=True, stream_options={"include_usage": True}):
        pass
    await client.embeddings.create(model="e", input="rings", encoding_format="float")
    await client.models.list()
    await client.chat.completions.with_raw_response.create(**chat)
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(**{**chat, "model": "gone"})
    await client.close()
    claude = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
    ask = {"model": "claude", "max_tokens": 50, "messages": [{"role": "user", "content": "rings?"}]}
    claude.messages.create(**ask)
    for _ in claude.messages.create(**ask, stream=True):
        pass
    claude.close()
    local = ollama.Client(url)
    local.chat("llama", [{"role": "user", "content": "rings?"}])
    for _ in local.chat("llama", [{"role": "user", "content": "rings?"}], stream=True):
        pass
    local._client.close()
    await app.forecast(app.City(name="Paris"))
    assert list(app.count(3))


@pytest.fixture(scope="module")
def store(server: ChangingServer, app: ModuleType, tmp_path_factory: Any) -> Path:
    import anyio

    folder: Path = tmp_path_factory.mktemp("live") / "store"
    with package.install("openai", "anthropic", "ollama"), recording(folder, mode="record"):
        anyio.run(record, server.url, app)
    return folder


@pytest.fixture(autouse=True, scope="module")
def environment(server: ChangingServer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (
            ("OPENAI_API_KEY", "sk-mine"),
            ("OPENAI_BASE_URL", f"{server.url}/v1"),
            ("ANTHROPIC_API_KEY", "mine"),
            ("ANTHROPIC_BASE_URL", server.url),
            ("OLLAMA_HOST", server.url),
        ):
            patched.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def remaker(environment: None, app: ModuleType) -> Iterator[Remaker]:
    """Its clients are made once: that takes longer than all calls."""
    found = Remaker(include=["liveapp.*"])
    yield found
    found.close()


@pytest.fixture(autouse=True)
def place(server: ChangingServer, monkeypatch: Any, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    server.seen.clear()
    answers = dict(server.answers)
    path = list(sys.path)
    yield
    server.answers = answers
    sys.path[:] = path


Verify = Callable[..., Any]


@pytest.fixture
def verify(store: Path, capsys: Any) -> Verify:
    def run(*options: str, code: int = 0, place: Path = store) -> Any:
        found = main(["verify", "--live", str(place), *options])
        done = capsys.readouterr()
        assert found == code, done.out + done.err
        return json.loads(done.out) if "--json" in options else done.out + done.err

    return run


@pytest.fixture
def made_again(store: Path, remaker: Remaker) -> Callable[..., LiveReport]:
    def again(*functions: str) -> LiveReport:
        report, opened = LiveReport(), as_store(store)
        run(opened, plan(opened, remaker, Sessions(opened, {}, Rules()), report, functions=functions), report)
        assert not report.left
        return report

    return again


@pytest.fixture
def verify_with() -> Callable[..., LiveReport]:
    """Make the calls of a store again by a client."""

    def again(place: Path, client: object, *include: str) -> LiveReport:
        report, opened, remaker = LiveReport(), as_store(place), Remaker(include=include, clients=[client])
        run(opened, plan(opened, remaker, Sessions(opened, {}, Rules()), report), report)
        remaker.close()
        return report

    return again
