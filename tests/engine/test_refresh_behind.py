"""`on_expiry="refresh"`: an expired outcome is replayed once more while one call makes it again."""

import logging
import threading
import time

import anyio
import anyio.lowlevel
import pytest
from at_once import gathered, until

from memo import Recorder, recordable, recording
from memo.errors import CallsNotRecordedWarning, RecordingExpiredWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

KINDS = pytest.mark.parametrize(
    "kind", ["coroutine", "stream", "plain", "generator", "plain awaitable", "plain stream"]
)


class App:
    """A function of some kind, whose calls are counted, and which waits inside every call but the first."""

    def __init__(self, kind, memory=10**6, **options):
        self.cache = Recorder(MemoryStore(), mode="record-if-missing", on_expiry="refresh", ttl="1h", memory=memory)
        self.calls, self.gate = [], threading.Event()
        self.began, self.ended = threading.Event(), threading.Event()
        self.error = None
        self.function = self.cache.recordable(name="app.f", **options)(getattr(self, kind.replace(" ", "_"))())
        self.kind = kind

    def answer(self):
        """One call, in a thread."""
        self.calls.append(1)
        if len(self.calls) > 1:
            self.began.set()
            assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return len(self.calls)

    async def aanswer(self):
        return await anyio.to_thread.run_sync(self.answer)

    def coroutine(self):
        async def coroutine():
            return await self.aanswer()

        return coroutine

    def stream(self):
        async def stream():
            yield await self.aanswer()

        return stream

    def plain(self):
        def plain():
            return self.answer()

        return plain

    def generator(self):
        def generator():
            yield self.answer()

        return generator

    def plain_awaitable(self):
        coroutine = self.coroutine()

        def plain_awaitable():
            return coroutine()

        return plain_awaitable

    def plain_stream(self):
        stream = self.stream()

        def plain_stream():
            return stream()

        return plain_stream

    async def ask(self):
        result = self.function()
        if self.kind.endswith("stream"):
            (item,) = [item async for item in result]
            return item
        if self.kind == "generator":
            return next(iter(list(result)))
        return result if self.kind == "plain" else await result

    async def until_new(self, before):
        async def is_new():
            self.last = await self.ask()
            return self.last != before

        await until(is_new)
        return self.last


@pytest.fixture
def two_hours_later(monkeypatch):
    def pass_by():
        later = time.time() + 7200
        monkeypatch.setattr(time, "time", lambda: later)

    return pass_by


@KINDS
@pytest.mark.parametrize("memory", [0, 10**6])
async def test_the_old_answer_now_and_the_new_one_behind_it(kind, memory, two_hours_later):
    app = App(kind, memory)
    assert await app.ask() == 1
    two_hours_later()
    assert [await app.ask() for _ in range(3)] == [1, 1, 1]
    assert await anyio.to_thread.run_sync(app.began.wait, 10)
    assert await app.ask() == 1  # it is on its way, and no other begins
    app.gate.set()
    assert await app.until_new(1) == 2
    assert len(app.calls) == 2
    assert (app.cache.stats.live, app.cache.stats.recorded, app.cache.stats.unrecorded) == (2, 2, 0)


async def test_concurrent_calls_begin_one_refresh(two_hours_later):
    app = App("coroutine")
    await app.ask()
    two_hours_later()
    app.gate.set()
    assert await gathered(*[app.ask] * 20) == [1] * 20
    assert await app.until_new(1) == 2
    assert len(app.calls) == 2


@pytest.mark.parametrize(
    ("kind", "errors"), [("coroutine", "none"), ("coroutine", "all"), ("plain", "answers"), ("stream", "answers")]
)
async def test_a_refresh_that_fails_is_reported_and_the_old_answer_stays(kind, errors, two_hours_later, caplog):
    app = App(kind, errors=errors)
    await app.ask()
    two_hours_later()
    app.error = ValueError("no such model")
    app.gate.set()
    with caplog.at_level(logging.WARNING, "memo"), anyio.fail_after(10):
        while app.cache.stats.unrecorded < 2:  # the next replay begins another
            assert await app.ask() == 1
            await anyio.sleep(0.01)
    assert (
        "app.f: the old outcome is kept, since the call that was to refresh it failed: ValueError: no such model"
        in (caplog.messages)
    )
    app.error = None
    assert await app.until_new(1) > 1
    with pytest.warns(CallsNotRecordedWarning, match="raised ValueError in a refresh: the old outcome is kept"):
        app.cache.raise_failures()


async def test_what_the_caller_changes_afterwards_is_not_asked(two_hours_later):
    cache = Recorder("memory://", mode="record-if-missing", on_expiry="refresh", ttl="1h")
    asked = []

    @cache.recordable
    async def ask(messages, more=()):
        asked.append([*map(str, messages), *more])
        return len(asked)

    messages, more = ["a"], {"x": 1}
    await ask(messages, more=more)
    two_hours_later()
    assert await ask(messages, more=more) == 1
    messages.append("b")
    more["y"] = 2

    async def is_new():
        return await ask(["a"], more={"x": 1}) == 2

    await until(is_new)
    assert asked == [["a", "x"]] * 2


class Message:
    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


async def test_an_object_that_was_changed_since_is_not_asked(two_hours_later):
    cache = Recorder("memory://", mode="record-if-missing", on_expiry="refresh", ttl="1h")
    asked = []

    @cache.recordable(key=lambda arguments: {"text": arguments["message"].text})
    async def ask(message):
        asked.append(message.text)
        return len(asked)

    message = Message("a")
    await ask(message)
    two_hours_later()
    assert await ask(message) == 1
    message.text = "b"
    for _ in range(10):
        await anyio.lowlevel.checkpoint()
    assert await ask(message) == 2
    assert asked == ["a", "b"]


def test_the_end_of_the_loop_ends_the_refresh(two_hours_later, anyio_backend):
    cache = Recorder("memory://", mode="record-if-missing", on_expiry="refresh", ttl="1h")
    calls = []

    @cache.recordable
    async def ask():
        calls.append(1)
        if len(calls) == 2:
            await anyio.sleep_forever()
        return len(calls)

    async def until_calls(count):
        with anyio.fail_after(10):
            while len(calls) < count:
                assert await ask() in (1, 3)
                await anyio.sleep(0.001)
        await anyio.sleep(0.01)

    anyio.run(until_calls, 1, backend=anyio_backend)
    two_hours_later()
    anyio.run(until_calls, 2, backend=anyio_backend)
    assert len(calls) == 2
    anyio.run(until_calls, 3, backend=anyio_backend)
    assert anyio.run(ask, backend=anyio_backend) == 3


async def test_the_end_of_the_scope_does_not_end_it(two_hours_later, tmp_path):
    calls, begun, go_on = [], anyio.Event(), anyio.Event()

    @recordable(ttl="1h")
    async def ask():
        calls.append(1)
        if len(calls) == 2:
            begun.set()
            await go_on.wait()
        return len(calls)

    options = {"mode": "record-if-missing", "draws": False, "on_expiry": "refresh"}
    url = f"sqlite:///{tmp_path}/store.db"
    with recording(url, **options):
        assert await ask() == 1
    two_hours_later()
    with recording(url, **options):
        assert await ask() == 1
        await begun.wait()
    go_on.set()

    async def is_new():
        return await ask() == 2

    with recording(url, memory=0) as recorder:
        await until(is_new)
    assert recorder.stats.live == 0


async def test_it_is_made_inside_of_no_other_call(two_hours_later):
    store = MemoryStore()
    cache = Recorder(store, mode="record-if-missing", on_expiry="refresh", ttl="1h")
    calls = []

    @cache.recordable(name="app.inner")
    async def inner():
        calls.append(1)
        return len(calls)

    @cache.recordable(name="app.outer")
    async def outer(n):
        return await inner()

    await inner()
    two_hours_later()
    assert await outer(1) == 1

    async def is_new():
        return await inner() == 2

    await until(is_new)
    assert all(b'"parent"' not in store.get(name) for name in store.scan("app.inner/"))


async def test_with_draws_an_expired_call_is_made_at_once(two_hours_later):
    store, answers = MemoryStore(), iter("abcd")

    @recordable
    async def sample():
        return next(answers)

    options = {"mode": "record-if-missing", "ttl": "1h", "on_expiry": "refresh"}
    with recording(store, **options):
        assert [await sample(), await sample()] == ["a", "b"]
    two_hours_later()
    with recording(store, **options):
        assert [await sample(), await sample()] == ["c", "d"]


async def test_replay_warns_of_what_is_older_than_max_age(two_hours_later):
    store = MemoryStore()

    @recordable
    async def ask():
        return 1

    with recording(store, mode="record"):
        await ask()
    two_hours_later()
    with (
        pytest.warns(RecordingExpiredWarning, match="max_age") as warned,
        recording(store, max_age="1h", on_expiry="refresh"),
    ):
        assert [await ask(), await ask()] == [1, 1]
    assert len(warned) == 1
    options = {"mode": "record-if-missing", "draws": False, "max_age": "1h", "on_expiry": "refresh"}
    with recording(store, **options) as recorder:
        assert await ask() == 1

        async def is_recorded():
            return recorder.stats.recorded == 1

        await until(is_recorded)
