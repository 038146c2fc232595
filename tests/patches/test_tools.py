"""Tool runtimes of one's own, patched from outside, and the scopes that their calls see."""

import asyncio
import functools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
from pydantic import BaseModel, Field

import memo
from memo import RecordingNotFound, recording
from memo.stores import MemoryStore

SECRET = "bearer-of-the-user-4711"

live: list[tuple[str, str]] = []


class Content(BaseModel):
    text: str
    score: float = 0.0


class ToolResult(BaseModel):
    content: list[Content]
    metadata: dict[str, object] = Field(default_factory=dict)
    error: str | None = None


@dataclass
class Hit:
    url: str
    rank: int


class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"refused with {code}")
        self.code = code


class Runtime:
    """What a library offers: every tool inherits its one method."""

    kind = "runtime"

    def __init__(self, url="http://a", token=SECRET):
        self.url = url
        self.token = token

    async def invoke_tool(self, tool_name, kwargs, authorization=None):
        live.append((self.kind, tool_name))
        await anyio.lowlevel.checkpoint()
        return self.answer(tool_name, kwargs)

    def invoke_tool_now(self, tool_name, kwargs, authorization=None):
        live.append((self.kind, tool_name))
        return self.answer(tool_name, kwargs)

    def answer(self, tool_name, kwargs):
        if tool_name == "refuse":
            raise Refused(kwargs["code"])
        if tool_name == "model":
            return ToolResult(content=[Content(text=f"{self.kind} {kwargs}", score=0.5)], metadata={"n": (1, 2)})
        if tool_name == "dataclass":
            return [Hit("http://x", 1), Hit("http://y", 2)]
        return {"kind": self.kind, "kwargs": kwargs, "set": {1, 2}}


class Tavily(Runtime):
    kind = "tavily"


class Brave(Runtime):
    kind = "brave"


class Streaming(Runtime):
    kind = "streaming"

    async def invoke_tool(self, tool_name, kwargs, authorization=None):
        for n in range(3):
            live.append((self.kind, tool_name))
            yield Content(text=f"{tool_name} {n}")


MODULE = SimpleNamespace(Runtime=Runtime, Tavily=Tavily, Brave=Brave, Streaming=Streaming)


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, "tools_under_test", MODULE)
    live.clear()


def target(path):
    return f"tools_under_test:{path}"


async def call(tool, how, *args, **kwargs):
    if how == "sync":
        return tool.invoke_tool_now(*args, **kwargs)
    return await tool.invoke_tool(*args, **kwargs)


METHOD = {"async": "invoke_tool", "sync": "invoke_tool_now"}


@pytest.mark.parametrize("how", ["async", "sync"])
@pytest.mark.parametrize("name", ["model", "dataclass", "plain"])
async def test_results_of_every_kind_come_back_the_same(how, name):
    store = MemoryStore()
    with memo.install(target(f"Tavily.{METHOD[how]}"), name="tavily.invoke_tool"):
        with recording(store, mode="record"):
            recorded = await call(Tavily(), how, name, {"query": "x", "deep": [1, {"a": None}]})
        with recording(store):
            replayed = await call(Tavily(), how, name, {"query": "x", "deep": [1, {"a": None}]})
    assert replayed == recorded
    assert type(replayed) is type(recorded)
    assert repr(replayed) == repr(recorded)
    assert live == [("tavily", name)]
    assert {each.partition("/")[0] for each in store.scan("")} == {"tavily.invoke_tool"}


@pytest.mark.parametrize("how", ["async", "sync"])
async def test_errors_come_back_the_same(how):
    store = MemoryStore()
    with memo.install(target(f"Tavily.{METHOD[how]}")):
        for mode in ("record", "replay"):
            with recording(store, mode=mode), pytest.raises(Refused) as caught:
                await call(Tavily(), how, "refuse", {"code": 3})
            assert (caught.value.code, str(caught.value)) == (3, "refused with 3")
    assert live == [("tavily", "refuse")]


async def test_a_streaming_tool():
    store = MemoryStore()
    with memo.install(target("Streaming.invoke_tool")):
        for mode in ("record", "replay"):
            with recording(store, mode=mode):
                items = [item async for item in Streaming().invoke_tool("s", {})]
            assert items == [Content(text=f"s {n}") for n in range(3)]
    assert len(live) == 3


@pytest.mark.parametrize("how", ["async", "sync"])
@pytest.mark.parametrize("given", ["keyword", "position"])
async def test_authorization_is_neither_in_the_key_nor_on_the_disk(tmp_path, how, given):
    def arguments(secret):
        return (
            (("plain", {"q": 1}, secret), {})
            if given == "position"
            else (("plain", {"q": 1}), {"authorization": secret})
        )

    with memo.install(target(f"Tavily.{METHOD[how]}")):
        with recording(tmp_path, mode="record") as rec:
            args, kwargs = arguments(SECRET)
            await call(Tavily(), how, *args, **kwargs)
        for secret in ("another", None, SECRET):
            with recording(tmp_path):
                args, kwargs = arguments(secret)
                await call(Tavily(), how, *args, **kwargs)
    assert rec.stats.recorded == 1
    [file] = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert SECRET.encode() not in file.read_bytes()
    assert b"authorization" not in file.read_bytes()


@pytest.mark.parametrize("how", ["async", "sync"])
async def test_classes_that_share_an_inherited_method(how):
    """Each by its own target, under its own name; the parent and other children are not recorded."""
    method = METHOD[how]
    store = MemoryStore()
    with (
        memo.install(target(f"Tavily.{method}"), name="tavily"),
        memo.install(target(f"Brave.{method}"), name="brave"),
    ):
        for mode in ("record", "replay"):
            with recording(store, mode=mode):
                assert (await call(Tavily(), how, "plain", {}))["kind"] == "tavily"
                assert (await call(Brave(), how, "plain", {}))["kind"] == "brave"
                assert (await call(Runtime(), how, "plain", {}))["kind"] == "runtime"
        assert sorted(each.partition("/")[0] for each in store.scan("")) == ["brave", "tavily"]
    assert [kind for kind, _ in live] == ["tavily", "brave", "runtime", "runtime"]
    assert [method in vars(each) for each in (Tavily, Brave)] == [False, False]


async def test_the_shared_method_patched_once_for_all_classes():
    """By the parent's target, `identity` keeps apart what the classes answer."""
    store = MemoryStore()
    with memo.install(
        target("Runtime.invoke_tool"), identity=lambda self: {"kind": type(self).__name__, "url": self.url}
    ):
        for mode in ("record", "replay"):
            with recording(store, mode=mode) as rec:
                assert (await Tavily().invoke_tool("plain", {}))["kind"] == "tavily"
                assert (await Brave().invoke_tool("plain", {}))["kind"] == "brave"
                assert (await Brave("http://b").invoke_tool("plain", {}))["kind"] == "brave"
        assert rec.stats.replayed == 3
        with recording(store), pytest.raises(RecordingNotFound, match="http://c"):
            await Brave("http://c").invoke_tool("plain", {})
    assert len(list(store.scan(""))) == 3
    assert b"http://b" in b"".join(store.get(each) for each in store.scan(""))


async def test_without_identity_instances_are_one():
    store = MemoryStore()
    with memo.install(target("Tavily.invoke_tool")):
        with recording(store, mode="record"):
            await Tavily("http://a").invoke_tool("plain", {})
        with recording(store):
            await Tavily("http://b").invoke_tool("plain", {})
    assert len(live) == 1


async def test_by_keyword_or_position_with_or_without_the_default():
    store = MemoryStore()
    with memo.install(target("Tavily.invoke_tool")):
        with recording(store, mode="record"):
            await Tavily().invoke_tool("plain", {"a": 1, "b": 2})
        with recording(store):
            await Tavily().invoke_tool(kwargs={"b": 2, "a": 1}, tool_name="plain")
            await Tavily.invoke_tool(Tavily(), "plain", {"a": 1, "b": 2}, authorization=None)
    assert len(live) == 1


# Who sees a scope


@pytest.fixture
def patched():
    with memo.install(target("Tavily.invoke_tool"), target("Tavily.invoke_tool_now")):
        yield Tavily()


async def test_a_scope_is_seen_by_task_groups_and_worker_threads(patched):
    """Whatever the test's own event loop starts inside it, however deep."""

    async def deep(n):
        await patched.invoke_tool("plain", {"deep": n})
        await anyio.to_thread.run_sync(patched.invoke_tool_now, "plain", {"thread": n})
        await anyio.to_thread.run_sync(back_again, n)

    def back_again(n):
        anyio.from_thread.run(patched.invoke_tool, "plain", {"back": n})

    store = MemoryStore()
    for mode in ("record-if-missing", "replay"):
        with recording(store, mode=mode) as rec:
            async with anyio.create_task_group() as group:
                for n in range(5):
                    group.start_soon(deep, n)
        assert rec.stats.recorded + rec.stats.replayed == 15
    assert len(live) == 15


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_scope_is_seen_by_what_asyncio_starts(patched):
    async def ask(n):
        return await patched.invoke_tool("plain", {"n": n})

    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    with recording("memory://", mode="record") as rec:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask(1))
        await asyncio.gather(ask(2), asyncio.wait_for(ask(3), 5), asyncio.shield(ask(4)))
        await asyncio.to_thread(patched.invoke_tool_now, "plain", {"n": 5})
        await asyncio.to_thread(lambda: asyncio.run(ask(6)))
        loop.call_soon(lambda: (patched.invoke_tool_now("plain", {"n": 7}), done.set()))
        await done.wait()
        late = asyncio.create_task(ask(8))  # started inside, it runs on outside
    await late
    assert rec.stats.live == 8


async def test_threads_that_do_not_take_the_context_along(patched):
    """A bare thread, or a pool's: Python gives them an empty context. The only open recorder reaches them, or the default."""
    import contextvars

    def work():
        patched.invoke_tool_now("plain", {"x": 1})

    def thread(function):
        each = threading.Thread(target=function)
        each.start()
        each.join()

    with ThreadPoolExecutor(1) as pool:
        with recording("memory://", mode="record", isolated=True) as rec:
            thread(work)
            pool.submit(work).result()
        assert (rec.stats.live, len(live)) == (0, 2)
        with recording("memory://", mode="record") as rec:
            thread(work)
            pool.submit(work).result()
        assert (rec.stats.live, rec.stats.unscoped) == (2, 2)
        with recording("memory://", mode="record") as rec:
            thread(functools.partial(contextvars.copy_context().run, work))
            pool.submit(contextvars.copy_context().run, work).result()
        assert rec.stats.live == 2
        with memo.start("memory://", mode="record").scope() as rec:
            thread(work)
            pool.submit(work).result()
        memo.stop()
        assert rec.stats.live == 2


async def test_concurrent_scopes_do_not_mix(patched):
    """Two tests' scopes at once, as in a server that opens one a request."""
    seen = {}

    async def request(n):
        with recording("memory://", mode="record") as rec:
            for each in range(n):
                await patched.invoke_tool("plain", {"n": each})
                await anyio.to_thread.run_sync(patched.invoke_tool_now, "plain", {"n": each})
        seen[n] = rec.stats.live

    async with anyio.create_task_group() as group:
        for n in range(1, 8):
            group.start_soon(request, n)
    assert seen == {n: 2 * n for n in range(1, 8)}


def test_a_process_wide_recorder_serves_every_thread_and_event_loop(patched, tmp_path):
    """Eight event loops and their threads; each of the calls is made once."""

    async def several():
        async with asyncio.TaskGroup() as group:
            for n in range(5):
                group.create_task(patched.invoke_tool("plain", {"n": n}))
                group.create_task(asyncio.to_thread(patched.invoke_tool_now, "plain", {"n": n}))

    def serve():
        threads = [threading.Thread(target=lambda: asyncio.run(several())) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    for mode in ("record-if-missing", "replay"):
        recorder = memo.start(tmp_path, mode=mode, draws=False)
        try:
            serve()
        finally:
            memo.stop()
        assert recorder.stats.replayed + recorder.stats.recorded == 80
    assert len(live) == 10
    assert len(list(tmp_path.rglob("*.json"))) == 10


async def test_a_scope_inside_of_a_process_wide_recorder(patched):
    outer = memo.start("memory://", mode="record")
    try:
        with recording("memory://", mode="record") as inner:
            await patched.invoke_tool("plain", {"n": 1})
        await patched.invoke_tool("plain", {"n": 2})
    finally:
        memo.stop()
    assert (outer.stats.live, inner.stats.live) == (1, 1)
