"""The salt of a store behind a network: read once, off the event loop, and with the care for a store that fails."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from redis_servers import closed

import memo
from memo.errors import CallsNotRecordedWarning, RecordingNotFound, StoreError, StoreNotReadable, StoreNotWritable
from memo.stores import DirectoryStore, MemoryStore

TOKEN, OTHER = "q7Zk2mW9xR4tLp8sVn3yB6dF", "Vb5nM1cX8zL0kJ7hG4fD2sA9"


class Far(MemoryStore):
    """A store behind a network. Whoever reads its salt waits until `opened` is set, which a task of the event loop does."""

    reads_in_place = False
    writes_in_place = False
    timeout = 1.0

    def __init__(self) -> None:
        super().__init__("far")
        self.opened = threading.Event()
        self.asked = 0
        self.works = True

    def salt(self) -> bytes:
        self.asked += 1
        if not self.works:
            raise StoreNotReadable(self.location(), "does not answer")
        assert self.opened.wait(10), "the event loop was blocked"
        return super().salt()


class Functions:
    """One function of each kind, in one memoizer, and what they were called with."""

    def __init__(self, store: Any, mode: str = "record-if-missing") -> None:
        self.calls: list[str] = []
        self.recorder = recorder = memo.Recorder(store, mode=mode)

        @recorder.recordable(name="ask")
        async def ask(access_token: str) -> str:
            self.calls.append(access_token)
            return access_token[:2]

        @recorder.recordable(name="tell")
        async def tell(access_token: str) -> AsyncIterator[str]:
            self.calls.append(access_token)
            yield access_token[:1]
            yield access_token[1:2]

        @recorder.recordable(name="look")
        def look(access_token: str) -> str:
            self.calls.append(access_token)
            return access_token[:2]

        @recorder.recordable(name="count")
        def count(access_token: str) -> Iterator[str]:
            self.calls.append(access_token)
            yield from access_token[:2]

        self.ask, self.tell, self.look, self.count = ask, tell, look, count


async def asked(functions: Functions, token: str) -> str:
    return await functions.ask(token)


async def told(functions: Functions, token: str) -> str:
    return "".join([part async for part in functions.tell(token)])


async def looked(functions: Functions, token: str) -> str:
    return functions.look(token)


async def counted(functions: Functions, token: str) -> str:
    return "".join(functions.count(token))


async def refreshed(functions: Functions, token: str) -> str:
    return await functions.ask.refresh(token)


KINDS = [asked, told, looked, counted]


@pytest.mark.parametrize("kind", [asked, told, refreshed])
async def test_the_event_loop_is_not_blocked_while_the_salt_is_read(kind: Callable[..., Any]):
    store = Far()
    functions, answers = Functions(store), {}

    async def call(token: str) -> None:
        answers[token] = await kind(functions, token)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(call, TOKEN)
            group.start_soon(call, OTHER)
            await anyio.wait_all_tasks_blocked()
            store.opened.set()
    assert answers == {TOKEN: "q7", OTHER: "Vb"}
    await call(TOKEN)
    assert store.asked <= 2
    assert functions.calls.count(OTHER) == 1
    assert len(list(store.scan())) == 2


async def test_the_methods_for_event_loops_do_not_block_either():
    store = Far()
    for name in ("acache_contains", "acache_invalidate"):
        store.opened.clear()
        ask = Functions(store).ask
        seen: list[bool] = []

        async def call(method: Any, seen: list[bool]) -> None:
            seen.append(await method(TOKEN))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(call, getattr(ask, name), seen)
                await anyio.wait_all_tasks_blocked()
                store.opened.set()
        assert seen == [False]
        assert await ask(TOKEN) == "q7"
        assert await ask.acache_contains(TOKEN)
        assert await ask.acache_invalidate(TOKEN)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_or_a_value_is_replayed_after_the_salt_was_read(kind: Callable[..., Any]):
    store = Far()
    store.opened.set()
    first = Functions(store)
    assert [await kind(first, TOKEN), await kind(first, OTHER)] == ["q7", "Vb"]
    again = Functions(store, "replay")
    assert [await kind(again, OTHER), await kind(again, TOKEN)] == ["Vb", "q7"]
    assert again.calls == []
    with pytest.raises(RecordingNotFound):
        await kind(again, TOKEN[::-1])


@pytest.mark.parametrize("kind", KINDS)
async def test_without_the_salt_replay_raises_what_the_store_raised_and_asks_once(kind: Callable[..., Any]):
    store = Far()
    store.works = False
    functions = Functions(store, "replay")
    for _ in range(5):
        with pytest.raises(StoreNotReadable, match="memory://far does not answer"):
            await kind(functions, TOKEN)
    assert store.asked == 1
    assert functions.calls == []


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("kind", KINDS)
async def test_without_the_salt_the_live_answer_is_handed_over_and_the_loss_is_reported(
    kind: Callable[..., Any], mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    store = Far()
    store.works = False
    functions = Functions(store, mode)
    assert [await kind(functions, token) for token in (TOKEN, OTHER, TOKEN)] == ["q7", "Vb", "q7"]
    assert functions.calls == [TOKEN, OTHER, TOKEN]
    assert (functions.recorder.stats.live, functions.recorder.stats.unrecorded) == (3, 3)
    with pytest.warns(
        CallsNotRecordedWarning, match=r"3 calls with a credential.*memory://far does not answer"
    ) as warned:
        functions.recorder.raise_failures()
    assert "errors=" not in str(warned[0].message)
    assert not any(token in str(warned[0].message) for token in (TOKEN, OTHER))
    assert store.asked == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_is_not_there(kind: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    url = f"redis://127.0.0.1:{closed()}/0?timeout=1"
    with pytest.raises(StoreError, match="redis://"):
        await kind(Functions(url, "replay"), TOKEN)
    functions = Functions(url)
    assert await kind(functions, TOKEN) == "q7"
    with pytest.warns(CallsNotRecordedWarning, match="credential"):
        functions.recorder.raise_failures()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_directory_that_takes_no_salt(
    kind: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(self: DirectoryStore) -> bytes:
        raise StoreNotWritable(self.location(), "cannot be written")

    monkeypatch.setattr(DirectoryStore, "salt", full)
    functions = Functions(tmp_path)
    assert await kind(functions, TOKEN) == "q7"
    with pytest.warns(CallsNotRecordedWarning, match="cannot be written"):
        functions.recorder.raise_failures()
    with pytest.raises(StoreNotWritable):
        await kind(Functions(tmp_path, "replay"), TOKEN)


async def test_a_stream_that_waited_for_the_salt_may_be_left_and_sent_to():
    store = Far()
    store.opened.set()
    recorder = memo.Recorder(store, mode="record-if-missing")

    @recorder.recordable
    async def echo(access_token: str) -> Any:
        got = yield "first"
        while True:
            got = yield got

    stream = echo(TOKEN)
    assert [await anext(stream), await stream.asend("x"), await stream.asend("y")] == ["first", "x", "y"]
    await stream.aclose()
    assert len(list(store.scan())) == 1
