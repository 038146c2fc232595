"""Remembered calls under several recorders, in streams, of many tasks, and in the other SDKs."""

import importlib
import inspect
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import openai
import pytest
from openai.resources.chat.completions import AsyncCompletions, Completions
from remembered_calls import (
    LEFT_GENERATORS,
    ROOT,
    Transformed,
    asked,
    both_kinds,
    client,
    recordings,
    to_close,
)
from uses import a, collect, inside, some

import memo
from memo.errors import RecordingDamaged, RecordingNotFound, StreamCutShort, WatchedFieldChangedWarning

pytestmark = [pytest.mark.filterwarnings(LEFT_GENERATORS), pytest.mark.usefixtures("closed_clients")]


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("openai") as installation:
        yield installation


# Recorders


@both_kinds
async def test_two_recorders_take_it_each_in_its_own_way(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)
    loose, plain = memo.Recorder(tmp_path, ignore=("body.seed",)), memo.Recorder(tmp_path)
    with memo.recording(tmp_path, mode="record"):
        await a(c.chat.completions.create(model="m", messages=asked()))
    for _ in range(3):
        with plain.scope():
            await a(c.chat.completions.create(model="m", messages=asked()))
            with pytest.raises(RecordingNotFound):
                await a(c.chat.completions.create(model="m", messages=asked(), seed=2))
        with loose.scope():
            await a(c.chat.completions.create(model="m", messages=asked(), seed=1))
            await a(c.chat.completions.create(model="m", messages=asked(), seed=2))
    assert (loose.stats.replayed, plain.stats.replayed, plain.stats.missed) == (6, 3, 3)


@both_kinds
async def test_a_call_that_has_no_recording_here_is_made(
    kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any
):
    c = client(kind, server.url, api_key)
    messages = asked()

    async def ask() -> Any:
        return await a(c.chat.completions.create(model="m", messages=messages, extra_body={"user": "u"}))

    with memo.recording(tmp_path / "one", mode="record-if-missing", draws=False):
        answers = [await ask() for _ in range(3)]
    with memo.recording(tmp_path / "two", mode="record-if-missing", draws=False) as recorder:
        answers += [await ask() for _ in range(3)]
    assert (recorder.stats.live, recorder.stats.recorded, recorder.stats.replayed) == (1, 1, 2)
    assert [body for _, _, body in server.seen] == [{"model": "m", "messages": messages, "user": "u"}] * 2
    assert [shown(each) for each in answers] == [shown(answers[0])] * 6
    assert recordings(tmp_path / "one")[0].name == recordings(tmp_path / "two")[0].name
    with memo.recording(tmp_path / "one", mode="record") as recorder:
        await ask()
    assert (recorder.stats.live, recorder.stats.recorded) == (1, 1)
    await ask()
    with memo.recording(tmp_path / "one", mode="live") as recorder:
        await ask()
    assert (recorder.stats.live, len(server.seen)) == (1, 5)


@both_kinds
async def test_a_missing_or_damaged_recording(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)

    async def ask() -> Any:
        return await a(c.chat.completions.create(model="m", messages=asked()))

    with memo.recording(tmp_path, mode="record-if-missing", draws=False):
        for _ in range(3):
            await ask()
    file = recordings(tmp_path)[0]
    kept = file.read_bytes()
    file.unlink()
    with memo.recording(tmp_path) as replayed:
        with pytest.raises(RecordingNotFound):
            await ask()
        assert replayed.stats.missed == 1
        file.write_bytes(kept)
        await ask()
    file.write_bytes(kept[:-20])
    with memo.recording(tmp_path, mode="record-if-missing", draws=False), pytest.raises(RecordingDamaged):
        await ask()
    assert len(server.seen) == 1


@both_kinds
async def test_identical_calls_that_came_to_different_ends(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)

    async def ask() -> str:
        try:
            answer = await a(c.chat.completions.create(model="flaky", messages=asked()))
        except openai.InternalServerError as error:
            return str(error.status_code)
        return answer.choices[0].message.content

    with memo.recording(tmp_path, mode="record", errors="all"):
        live = [await ask() for _ in range(4)]
    assert live == ["500", "500", '{"n": 3}', '{"n": 3}']
    server.stop()
    for _ in range(2):
        with memo.recording(tmp_path):
            assert [await ask() for _ in range(5)] == [*live, '{"n": 3}']
    with memo.recording(tmp_path, exhausted="error") as replayed:
        assert [await ask() for _ in range(4)] == live
        with pytest.raises(memo.errors.OutcomesExhausted):
            await ask()
    assert replayed.stats.replayed == 4


@both_kinds
async def test_errors_are_answers(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)
    with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        for _ in range(4):
            with pytest.raises(openai.BadRequestError) as error:
                await a(c.chat.completions.create(model="bad", messages=asked()))
            assert (error.value.code, error.value.status_code) == ("bad_model", 400)
    assert (recorder.stats.live, recorder.stats.replayed) == (1, 3)


@both_kinds
async def test_watched_fields_and_secrets(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)

    async def ask(system: str) -> Any:
        return await a(c.chat.completions.create(model="m", messages=asked(system, "how many?")))

    watch: dict[str, Any] = {"watch": ("body.messages[0]",), "secrets": ("tenant",)}
    with memo.recording(tmp_path, mode="record", **watch):
        await ask("one")
    with memo.recording(tmp_path, on_watched_change="fail", **watch) as replayed:
        for _ in range(3):
            await ask("one")
            with pytest.raises(WatchedFieldChangedWarning):
                await ask("two")
    with memo.recording(tmp_path, **watch) as replayed:
        await ask("one")
        with pytest.warns(WatchedFieldChangedWarning):
            await ask("two")
        await ask("two")
        await ask("two")
    assert replayed.stats.replayed == 4


@both_kinds
async def test_functions_of_the_user_are_asked_each_time(
    kind: str, server: Any, api_key: str, tmp_path: Path, installed: Any
):
    installed.uninstall()
    tenant = "t1"
    asked_for: list[str] = []

    def known(value: Any) -> Any:
        asked_for.append(tenant)
        return value

    options: list[Any] = [
        {"identity": lambda _: known({"tenant": tenant})},
        {"key": lambda arguments: known({**arguments, "tenant": tenant})},
        {"scrub": {"body.messages[0].content": lambda text: known(f"{tenant}: {text}")}},
    ]
    for number, option in enumerate(options):
        with memo.install("openai", **option):
            c = client(kind, server.url, api_key)
            with memo.recording(tmp_path / str(number), mode="record-if-missing", draws=False) as recorder:
                for _ in range(3):
                    for tenant in ("t1", "t2"):  # noqa: B007 - it is read above
                        await a(c.chat.completions.create(model="m", messages=asked()))
        assert (recorder.stats.live, recorder.stats.replayed) == (2, 4)
    assert asked_for == ["t1", "t2"] * 9


# Streams


@both_kinds
async def test_streams_end_as_they_ended(kind: str, server: Any, api_key: str, tmp_path: Path):
    c = client(kind, server.url, api_key)

    async def ask(model: str) -> Any:
        return await a(c.chat.completions.create(model=model, messages=asked(), stream=True))

    with memo.recording(tmp_path, mode="record"):
        async with inside(await ask("left")) as stream:
            await some(stream, 2)
        with pytest.raises(openai.APIError, match="out of luck"):
            await collect(await ask("broken"))
        await collect(await ask("m"))
    server.stop()
    with memo.recording(tmp_path) as replayed:
        for _ in range(3):
            stream = await ask("left")
            assert len(await some(stream, 2)) == 2
            await a(stream.close())
            with pytest.raises(StreamCutShort):
                await collect(await ask("left"))
            with pytest.raises(openai.APIError, match="out of luck"):
                await collect(await ask("broken"))
            stream = await ask("m")
            first = await some(stream, 1)
            await a(stream.close())
            assert [first[0].id, await collect(stream), stream.response.is_closed] == ["c1", [], True]
            one, two = await ask("m"), await ask("m")
            assert len(await some(one, 3)) == 3
            assert len(await collect(two)) == 8
            await a(one.close())
    assert replayed.stats.replayed == 18


# Many at once


async def test_many_tasks(server: Any, api_key: str, tmp_path: Path, transformed: Transformed):
    answers: dict[str, list[Any]] = {}

    async def ask(c: Any, word: str) -> None:
        got = await c.chat.completions.create(model=word, messages=asked(word), stream=word > "m2")
        answers.setdefault(word, []).append([each.model for each in await collect(got)] if word > "m2" else got.model)

    c = client("async", server.url, api_key)
    for _ in range(2):
        with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
            async with anyio.create_task_group() as tasks:
                for number in range(60):
                    tasks.start_soon(ask, c, f"m{number % 6}")
    assert recorder.stats.replayed == 60
    assert {word: len(each) for word, each in answers.items()} == dict.fromkeys(answers, 20)
    assert all(each in (word, [word] * 8) for word, found in answers.items() for each in found)
    assert transformed.since() < 120


async def test_many_threads(server: Any, api_key: str, tmp_path: Path):
    c = client("sync", server.url, api_key)
    wrong: list[Any] = []

    def ask() -> None:
        for number in range(40):
            model = f"m{number % 7}"
            answer = c.chat.completions.create(model=model, messages=asked(model))
            if answer.model != model:
                wrong.append((model, answer.model))
        done.append(1)

    done: list[int] = []
    recorder = memo.start(tmp_path, mode="record-if-missing", draws=False)
    try:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        memo.stop()
    assert (wrong, len(done)) == ([], 8)
    assert (recorder.stats.live, recorder.stats.replayed) == (7, 8 * 40 - 7)


@pytest.mark.filterwarnings("ignore::memo.errors.CallsNotRecordedWarning")
async def test_a_call_that_is_cancelled_or_forgotten(server: Any, api_key: str, tmp_path: Path):
    c = client("async", server.url, api_key)
    with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        with anyio.move_on_after(0):
            await c.chat.completions.create(model="m", messages=asked())
        call = c.chat.completions.create(model="m", messages=asked())
        with pytest.raises(BaseException) as thrown:
            call.throw(ZeroDivisionError())
        assert thrown.type is ZeroDivisionError
        for _ in range(3):
            await c.chat.completions.create(model="m", messages=asked())
    assert recorder.stats.recorded == 1


# In place, and out of it again


async def test_nothing_is_left_behind(installed: Any):
    assert installed.targets[:2] == (
        "openai._base_client:AsyncAPIClient.request",
        "openai._base_client:SyncAPIClient.request",
    )
    installed.uninstall()
    create, before = AsyncCompletions.create, inspect.signature(AsyncCompletions.create)
    assert create.__globals__["__name__"].startswith("openai.")
    embeddings = importlib.import_module("openai.resources.embeddings").AsyncEmbeddings
    kinds = [inspect.iscoroutinefunction(each.create) for each in (AsyncCompletions, Completions, embeddings)]
    one, two = memo.install("openai"), memo.install("openai")
    assert AsyncCompletions.create is not create
    assert inspect.signature(AsyncCompletions.create) == before
    assert AsyncCompletions.create.__qualname__ == "AsyncCompletions.create"
    assert [inspect.iscoroutinefunction(each.create) for each in (AsyncCompletions, Completions, embeddings)] == kinds
    one.uninstall()
    assert AsyncCompletions.create is not create
    two.uninstall()
    two.uninstall()
    assert AsyncCompletions.create is create
    with memo.install("openai"):
        assert AsyncCompletions.create is not create
    assert AsyncCompletions.create is create


@both_kinds
@pytest.mark.parametrize("before", [True, False], ids=["beneath", "on top"])
async def test_what_others_put_around_a_method_is_called_each_time(
    before: bool,
    kind: str,
    server: Any,
    api_key: str,
    tmp_path: Path,
    installed: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Any,
):
    owner: Any = AsyncCompletions if kind == "async" else Completions
    called: list[Any] = []

    def tracing(create: Any) -> Any:
        def traced(*args: Any, **kwargs: Any) -> Any:
            called.append(kwargs["model"])
            return create(*args, **kwargs)

        traced.__wrapped__, traced.__module__ = create, create.__module__
        return traced

    if before:
        installed.uninstall()
    monkeypatch.setattr(owner, "create", tracing(owner.create))
    with memo.install("openai"):
        c = client(kind, server.url, api_key)
        with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
            for _ in range(4):
                await a(c.chat.completions.create(model="m", messages=asked()))
    assert (called, recorder.stats.replayed) == (["m"] * 4, 3)
    installed.uninstall()
    await a(c.chat.completions.create(model="m", messages=asked()))
    assert (len(called), len(server.seen)) == (5, 2)
    assert caplog.records == []
    monkeypatch.undo()
    with memo.install("openai"):
        assert inspect.unwrap(owner.create).__qualname__ == f"{owner.__name__}.create"
        await a(c.chat.completions.create(model="m", messages=asked()))
    assert owner.create.__globals__["__name__"].startswith("openai.")


async def test_a_session_after_the_patch_was_taken_back(server: Any, api_key: str, tmp_path: Path, installed: Any):
    c = client("sync", server.url, api_key)
    with memo.recording(tmp_path, mode="record-if-missing", draws=False):
        for _ in range(3):
            c.chat.completions.create(model="m", messages=asked())
        installed.uninstall()
        c.chat.completions.create(model="m", messages=asked())
        assert len(server.seen) == 2
        with memo.install("openai", ignore=("server",)):
            c.chat.completions.create(model="m", messages=asked())
            assert len(server.seen) == 3


async def test_patched_before_the_sdk_is_imported(server: Any, api_key: str, tmp_path: Path):
    program = f"""
import memo, sys
installation = memo.install("openai")
assert "openai" not in sys.modules
from openai import OpenAI
from openai.resources.chat import completions
c = OpenAI(base_url={server.url + "/v1"!r}, api_key={api_key!r})
with memo.recording({str(tmp_path)!r}, mode="record-if-missing", draws=False) as recorder:
    for _ in range(2):
        c.chat.completions.create(model="m", messages=[])
    transform = completions.completions.maybe_transform
    completions.completions.maybe_transform = None
    c.chat.completions.create(model="m", messages=[])
    completions.completions.maybe_transform = transform
print(recorder.stats.live, recorder.stats.replayed)
installation.uninstall()
print(completions.Completions.create.__globals__["__name__"])
"""
    done = await anyio.run_process([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert (done.stdout.split(), done.stderr) == ([b"1", b"2", b"openai._utils._utils"], b"")


# The other SDKs

OTHERS = [
    ("groq", "groq", "Groq", "", {}, "chat.completions"),
    ("together", "together", "Together", "/v1", {"project_id": "p"}, "chat.completions"),
    ("cerebras", "cerebras.cloud.sdk", "Cerebras", "", {"warm_tcp_connection": False}, "chat.completions"),
    ("llama-stack-client", "llama_stack_client", "LlamaStackClient", "", {}, "chat.completions"),
    ("ogx-client", "ogx_client", "OgxClient", "", {}, "chat.completions.completions"),
]


@both_kinds
@pytest.mark.parametrize(
    ("preset", "module", "name", "base", "more", "method"), OTHERS, ids=[each[0] for each in OTHERS]
)
async def test_other_sdks(
    preset: str,
    module: str,
    name: str,
    base: str,
    more: Any,
    method: str,
    kind: str,
    server: Any,
    api_key: str,
    tmp_path: Path,
    shown: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    transformed = Transformed()
    transformed.watch(importlib.import_module(f"{module}.resources.{method}"), monkeypatch)
    made = getattr(importlib.import_module(module), f"Async{name}" if kind == "async" else name)
    c = to_close(made(base_url=server.url + base, api_key=api_key, max_retries=0, **more))
    with memo.install(preset), memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        answers = [await a(c.chat.completions.create(model="m", messages=asked())) for _ in range(4)]
    assert [shown(each) for each in answers] == [shown(answers[0])] * 4
    assert (recorder.stats.live, recorder.stats.replayed) == (1, 3)
    assert transformed.since() == 2
