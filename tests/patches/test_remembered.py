"""Remembered calls: an identical call is not transformed again, whatever changed is another call."""

import gc
import json
import sys
import weakref
from array import array
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from remembered_calls import (
    CALLS,
    LEFT_GENERATORS,
    Transformed,
    asked,
    both_kinds,
    client,
    clients,
    to_close,
)
from uses import a, collect, inside

import memo
from memo.errors import RecordingNotFound
from memo.patches._stainless import remembered

pytestmark = [pytest.mark.filterwarnings(LEFT_GENERATORS), pytest.mark.usefixtures("closed_clients")]


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("openai") as installation:
        yield installation


@both_kinds
@pytest.mark.parametrize("name", CALLS)
async def test_an_identical_call_is_transformed_once(
    name: str, kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any, transformed: Transformed
):
    call = CALLS[name]
    with memo.recording(tmp_path, mode="record"):
        first = await call(client(kind, server.url, api_key))
    server.stop()
    transformed.since()
    c = client(kind, server.url, api_key)
    for _ in range(2):  # in another session, too
        with memo.recording(tmp_path) as replayed:
            again = [await call(c) for _ in range(3)]
        assert [shown(each) for each in again] == [shown(first)] * 3
        assert len({id(each) for each in again}) == 3
        assert replayed.stats.replayed == 3
    assert transformed.since() == 1
    with memo.recording(tmp_path):
        await call(client(kind, server.url, api_key))
    assert transformed.since() == 1, "what another client would ask is not known"


@both_kinds
async def test_every_answer_is_fresh(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)
    with memo.recording(tmp_path, mode="record-if-missing", draws=False):
        for _ in range(4):
            answer = await a(c.chat.completions.create(model="m", messages=asked()))
            assert (answer.model, answer.choices[0].message.content) == ("m", '{"n": 3}')
            answer.model = answer.choices[0].message.content = "changed"
            stream = await a(c.chat.completions.create(model="m", messages=asked(), stream=True))
            response = stream.response
            assert (response.status_code, response.headers["x-request-id"]) == (200, "req_17")
            assert "x-own" not in response.headers
            assert "x-own" not in response.request.headers
            assert (response.history, response.extensions.get("own")) == ([], None)
            assert [chunk.id for chunk in await collect(stream)] == ["c1"] * 8
            response.headers["x-own"] = response.request.headers["x-own"] = "changed"
            response.headers["x-request-id"] = "changed"
            response.history.append(response)
            response.extensions["own"] = 1
    assert len(server.seen) == 2


class Role(str):
    __slots__ = ()


class Message(BaseModel):
    role: str
    content: str


@both_kinds
@pytest.mark.parametrize(
    "argument",
    [
        lambda: {"messages": asked(), "seed": openai.NOT_GIVEN},
        lambda: {"messages": asked(), "timeout": openai.Timeout(5)},
        lambda: {"messages": (each for each in asked())},
        lambda: {"messages": iter(asked())},
        lambda: {"messages": [Message(role="user", content="how many?")]},
        lambda: {"messages": [{"role": Role("user"), "content": "how many?"}]},
        lambda: {"messages": asked(), "extra_headers": {"x-a": openai.Omit()}},
    ],
    ids=["not given", "time-out", "generator", "iterator", "model", "text of a class", "omitted header"],
)
async def test_what_is_no_plain_value_is_transformed_each_time(
    argument: Any, kind: str, server: Any, api_key: str, tmp_path: Path, transformed: Transformed
):
    c = client(kind, server.url, api_key)
    with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        for _ in range(4):
            answer = await a(c.chat.completions.create(model="m", **argument()))
            assert answer.choices[0].message.content == '{"n": 3}'
    assert transformed.since() == 4
    assert (recorder.stats.live, recorder.stats.replayed) == (1, 3)


@both_kinds
async def test_numbers_in_an_array_are_not_its_bytes(
    kind: str, server: Any, api_key: str, tmp_path: Path, transformed: Transformed
):
    c = client(kind, server.url, api_key)
    numbers = array("q", [1, 2])
    with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        for _ in range(3):
            for tokens in (numbers, array("B", numbers.tobytes()), numbers.tolist()):
                await a(c.embeddings.create(model="e", input=tokens))
    assert transformed.since() == 7, "each array each time, and the list once"
    assert [body["input"] for _, _, body in server.seen] == [[1, 2], [*numbers.tobytes()]]
    assert (recorder.stats.live, recorder.stats.replayed) == (2, 7)


@both_kinds
async def test_a_raw_response_is_one_each_time(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)
    raw = c.chat.completions.with_raw_response
    with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        for _ in range(3):
            answer = await a(c.chat.completions.create(model="m", messages=asked()))
            got = await a(raw.create(model="m", messages=asked()))
            assert (got.status_code, got.headers["x-request-id"], got.parse()) == (200, "req_17", answer)
            async with inside(
                c.chat.completions.with_streaming_response.create(model="m", messages=asked("in lines"))
            ) as read:
                assert json.loads("".join(await collect(read.iter_lines())))["id"] == "c1"
    assert (recorder.stats.live, recorder.stats.replayed) == (3, 6)


@both_kinds
async def test_equal_is_not_the_same(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)

    async def ask(**more: Any) -> Any:
        return await a(c.chat.completions.create(model="m", messages=asked(), **more))

    with memo.recording(tmp_path, mode="record"):
        await ask(seed=1)
        await ask(stop=["a", "b"])
    with memo.recording(tmp_path) as replayed:
        for _ in range(3):
            await ask(seed=1)
            await ask(stop=["a", "b"])
            await ask(stop=("a", "b"))
            for other in ({"seed": 1.0}, {"seed": True}, {"seed": "1"}, {"n": 1}, {"stop": ["b", "a"]}, {"stop": "ab"}):
                with pytest.raises(RecordingNotFound):
                    await ask(**other)
    assert (replayed.stats.replayed, replayed.stats.missed) == (9, 18)


@both_kinds
async def test_arguments_that_are_changed_afterwards_are_others(
    kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any
):
    c = client(kind, server.url, api_key)
    messages, extra, headers = asked("one"), {"user": "u1"}, {"x-a": "1"}

    async def ask() -> Any:
        return await a(c.chat.completions.create(model="m", messages=messages, extra_body=extra, extra_headers=headers))

    with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        for _ in range(3):
            await ask()
            messages.append(asked("two")[0])
            await ask()
            messages[0]["content"] = "three"
            await ask()
            extra["user"] = "u2"
            await ask()
            messages[:], extra["user"] = asked("one"), "u1"
    assert (recorder.stats.live, recorder.stats.replayed) == (4, 8)
    texts = [([each["content"] for each in body["messages"]], body["user"]) for _, _, body in server.seen]
    assert texts == [(["one"], "u1"), (["one", "two"], "u1"), (["three", "two"], "u1"), (["three", "two"], "u2")]


async def test_arguments_are_those_of_when_it_is_awaited(server: Any, api_key: str, tmp_path: Path):
    c = client("async", server.url, api_key)
    messages = asked("one")
    with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        for _ in range(3):
            await c.chat.completions.create(model="m", messages=messages)
        call = c.chat.completions.create(model="m", messages=messages)
        messages.append(asked("two")[0])
        await call
    assert (recorder.stats.live, recorder.stats.replayed) == (2, 2)


# The client


@both_kinds
async def test_a_client_that_has_changed_asks_something_else(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key, default_query={"v": "1"})

    async def ask(c: Any = c) -> Any:
        return await a(c.chat.completions.create(model="m", messages=asked()))

    with memo.recording(tmp_path, mode="record"):
        await ask()
    server.stop()
    with memo.recording(tmp_path):
        for _ in range(3):
            await ask()
        url = c.base_url
        c.base_url = "http://127.0.0.1:9/v1"
        with pytest.raises(RecordingNotFound, match=r"127\.0\.0\.1:9"):
            await ask()
        c.base_url = url
        await ask()
        c._custom_query["v"] = "2"
        with pytest.raises(RecordingNotFound):
            await ask()
        c._custom_query["v"] = "1"
        await ask()
        with pytest.raises(RecordingNotFound):
            await ask(c.with_options(default_query={"v": "3"}))


@both_kinds
async def test_headers_that_identify_a_call(kind: str, server: Any, api_key: str, tmp_path: Path, installed: Any):
    installed.uninstall()
    with memo.install("openai", headers=("x-tenant",)):
        c = client(kind, server.url, api_key, default_headers={"x-tenant": "t1"})
        with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
            for _ in range(3):
                for tenant in ("t1", "t2"):
                    c._custom_headers["x-tenant"] = tenant
                    await a(c.chat.completions.create(model="m", messages=asked()))
                await a(c.chat.completions.create(model="m", messages=asked(), extra_headers={"x-tenant": "t3"}))
            c._custom_headers["x-tenant"] = "t1"
            await a(c.chat.completions.create(model="m", messages=asked()))
            c._custom_headers["x-tenant"] = "t4"
            await a(c.chat.completions.create(model="m", messages=asked()))
    assert (recorder.stats.live, recorder.stats.replayed) == (4, 7)


@both_kinds
async def test_what_a_client_of_ones_own_does_is_done_each_time(kind: str, server: Any, api_key: str, tmp_path: Path):
    done: list[str] = []

    def noting(base: Any) -> Any:
        class Requesting(base):
            def request(self, *args: Any, **more: Any) -> Any:
                done.append("request")
                return super().request(*args, **more)

        class Posting(base):
            def post(self, *args: Any, **more: Any) -> Any:
                done.append("post")
                return super().post(*args, **more)

        class Asking(base):
            @property
            def default_query(self) -> Any:
                done.append("query")
                return {"v": "1"}

        class Moving(base):
            @property
            def base_url(self) -> Any:
                done.append("server")
                return self._base_url.copy_with(path="/v1/")

            @base_url.setter
            def base_url(self, url: Any) -> None: ...

        def one(**options: Any) -> Any:
            made = base(**options)
            request = made.request
            made.request = lambda *args, **more: done.append("request of one") or request(*args, **more)
            return made

        return Requesting, Posting, Asking, Moving, one

    for made in noting(openai.AsyncOpenAI if kind == "async" else openai.OpenAI):
        c = to_close(made(base_url=f"{server.url}/v1", api_key=api_key, max_retries=0))
        with memo.recording(tmp_path / made.__name__, mode="record-if-missing", draws=False) as recorder:
            counts = []
            for _ in range(4):
                await a(c.chat.completions.create(model="m", messages=asked()))
                counts.append(len(done))
        assert counts == sorted(set(counts))
        assert (recorder.stats.live, recorder.stats.replayed) == (1, 3)
        done.clear()


async def test_what_is_remembered_goes_with_the_client(
    server: Any, api_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transformed: Transformed
):
    monkeypatch.setattr(remembered, "MOST_BYTES", 12_000)
    c = client("sync", server.url, api_key)
    gone = weakref.ref(c)
    with memo.recording(tmp_path, mode="record-if-missing", draws=False):
        for _ in range(2):
            for number in range(10):
                c.chat.completions.create(model="m", messages=asked(str(number)))
            c.chat.completions.create(model="m", messages=asked("x" * 12_000))
        transformed.since()
        for number in (0, 9, 9, 8, 8):  # the oldest are not known any more
            c.chat.completions.create(model="m", messages=asked(str(number)))
        assert transformed.since() == 1
        c.chat.completions.create(model="m", messages=asked("x" * 12_000))
        assert transformed.since() == 1
    c.close()
    clients.clear()
    del c
    gc.collect()
    assert gone() is None


@both_kinds
@pytest.mark.parametrize("name", CALLS)
async def test_a_replay_does_little(name: str, kind: str, server: Any, api_key: str, tmp_path: Path):
    call = CALLS[name]
    with memo.recording(tmp_path, mode="record"):
        await call(client(kind, server.url, api_key))
    server.stop()
    c = client(kind, server.url, api_key)
    made = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal made
        made += event == "call" and frame.f_globals.get("__name__", "").startswith("memo.")

    with memo.recording(tmp_path):
        for _ in range(3):
            await call(c)
        sys.setprofile(count)
        try:
            await call(c)
        finally:
            sys.setprofile(None)
    assert made < 400, "functions of memo's, and not one for everything in a module of the SDK"
