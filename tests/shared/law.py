"""A small world of recordables, and random programs over it, by which the twin-run law is held.

A program is a list of steps. It runs live, then while it is recorded, then in replay with a world that counts every live
call as a fault. The law: what the program saw is the same each time, unless memo warned or raised while it recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
from pydantic import BaseModel

import memo
from memo.errors import MemoError
from memo.stores import MemoryStore


class Answer(BaseModel):
    question: str
    serial: int


class Refused(Exception):
    """An answer of the provider's: recorded."""

    def __init__(self, question: str, serial: int) -> None:
        super().__init__(f"{question} refused")
        self.serial = serial


class Busy(Exception):
    """No answer: not recorded."""

    status_code = 429


class Broken(Exception):
    """The program's own: raised in the body of a loop."""


@dataclass
class World:
    """What the recordables ask. Each question has its own series, so that concurrent steps do not disturb each other."""

    dead: bool = False
    mark: int = 0
    """Tells the answers of one process from those of another: the tens of a serial."""
    live: list[str] = field(default_factory=list)
    serials: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, question: str) -> int:
        with self.lock:
            self.live.append(question)
            if question.startswith("same"):
                return 10 * self.mark + 1
            # A series that stops changing after three, so that trailing equal outcomes are met, too.
            self.serials[question] = serial = min(self.serials.get(question, 0) + 1, 3)
            return 10 * self.mark + serial


world = World()


@memo.recordable
async def ask(question: str) -> Answer:
    serial = world.next(question)
    await anyio.lowlevel.checkpoint()
    if "busy" in question and serial % 10 == 1:
        raise Busy(question)
    if "no" in question:
        raise Refused(question, serial) from ValueError(question)
    return Answer(question=question, serial=serial)


@memo.recordable
async def tell(question: str, count: int = 3) -> AsyncIterator[Answer]:
    serial = world.next(question)
    for index in range(count):
        await anyio.lowlevel.checkpoint()
        if "no" in question and index == 1:
            raise Refused(question, serial)
        yield Answer(question=f"{question} {index}", serial=serial)


@memo.recordable
async def linger(question: str, rounds: int) -> Answer:
    """Takes so many rounds of the event loop."""
    serial = world.next(question)
    for _ in range(rounds):
        await anyio.lowlevel.checkpoint()
    if "no" in question:
        raise Refused(question, serial)
    return Answer(question=question, serial=serial)


@memo.recordable
def look(question: str) -> Answer:
    return Answer(question=question, serial=world.next(question))


@memo.recordable
def count(question: str, items: int = 3) -> Iterator[Answer]:
    serial = world.next(question)
    for index in range(items):
        yield Answer(question=f"{question} {index}", serial=serial)


@memo.recordable
async def think(question: str) -> list[Answer]:
    """Asks others on its way: in replay they are not asked."""
    serial = world.next(question)
    first = await ask(f"{question} inner")
    rest = [item async for item in tell(f"{question} inner", 2)]
    return [Answer(question=question, serial=serial), first, *rest]


@memo.recordable
async def turn(messages: list[str]) -> Answer:
    """Appends to the history that the caller holds."""
    serial = world.next(str(messages))
    await anyio.lowlevel.checkpoint()
    messages.append(f"answer {serial}")
    return Answer(question=messages[0], serial=serial)


class Client:
    """Somebody else's: patched from outside."""

    async def send(self, question: str) -> Answer:
        serial = world.next(question)
        await anyio.lowlevel.checkpoint()
        return Answer(question=question, serial=serial)


async def _same(question: str) -> Answer:
    return Answer(question=question, serial=world.next(f"same {question}"))


Step = tuple[Any, ...]
Seen = list[Any]


def show(value: Any) -> Any:
    """What a program sees of a value: its type, and what it holds."""
    if isinstance(value, BaseException):
        cause = value.__cause__
        return (type(value).__name__, value.args, vars(value), type(cause).__name__, getattr(cause, "args", None))
    if isinstance(value, list):
        return [show(item) for item in value]
    return (type(value).__name__, value.model_dump() if isinstance(value, BaseModel) else value)


async def run(steps: list[Step], prefix: str = "") -> Seen:
    """Run a program. Returns what it saw, in order; of identical concurrent calls, sorted."""
    seen: Seen = []
    for step in steps:
        kind, *rest = step
        seen.append((kind, await _STEPS[kind](prefix, *rest)))
    return seen


async def _guarded(call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return show(await call())
    except (Refused, Broken, Busy) as error:
        return show(error)


async def _look(prefix: str, question: str) -> Any:
    return show(look(prefix + question))


async def _think(prefix: str, question: str) -> Any:
    return await _guarded(lambda: think(prefix + question))


async def _ask(prefix: str, question: str) -> Any:
    return await _guarded(lambda: ask(prefix + question))


async def _retry(prefix: str, question: str) -> Any:
    """Ask until the provider is not busy any more."""
    for _ in range(4):
        try:
            return show(await ask(f"{prefix}busy {question}"))
        except Busy:
            continue
        except Refused as error:
            return show(error)
    return "given up"


async def _timeout(prefix: str, question: str) -> Any:
    """A call that is cancelled before it answers, and is made again."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(_ask, prefix, question)
            await anyio.lowlevel.checkpoint()
            scope.cancel()
    return await _ask(prefix, question)


async def _half(prefix: str, question: str) -> Any:
    """Hold a stream half read, and read the identical one."""
    held = tell(prefix + question)
    first = await anext(held)
    rest = [item async for item in tell(prefix + question)]
    return show([first, *rest, *[item async for item in held]])


async def _zip(prefix: str, question: str) -> Any:
    """Two streams side by side, the second shorter."""
    seen = []
    left, right = tell(f"{prefix}{question} left"), tell(f"{prefix}{question} right", 2)
    async for item in left:
        try:
            seen.append((item, await anext(right)))
        except StopAsyncIteration:
            break
    return [show(list(pair)) for pair in seen]


async def _patched(prefix: str, question: str) -> Any:
    return show(await Client().send(prefix + question))


async def _agent(prefix: str, question: str) -> Any:
    """Two turns over one history."""
    messages = [prefix + question]
    return show([await turn(messages), await turn(messages)])


async def _memoized(prefix: str, question: str, times: int) -> Any:
    """A memoizer of the program's own, in the same mode: it is asked for something that does not change."""
    recorder = memo.current()
    if recorder is None:
        return [show(await _same(prefix + question)) for _ in range(times)]
    store = _inner_store("memoizer")
    function = memo.Recorder(store, mode=str(recorder.mode)).recordable(_same)
    return [show(await function(prefix + question)) for _ in range(times)]


async def _poll(prefix: str, question: str) -> Any:
    """Until the answer does not change any more."""
    seen = []
    while not seen or seen[-1].serial % 10 < 3:
        seen.append(look(prefix + question))
    return show(seen)


async def _tell(prefix: str, question: str, take: int, how: str) -> Any:
    items: list[Any] = []

    async def read() -> Any:
        stream = tell(prefix + question)
        if how == "anext":
            with contextlib.suppress(StopAsyncIteration):
                while len(items) < take:
                    items.append(await anext(stream))
            return items
        async for item in stream:
            items.append(item)
            if len(items) == take:
                if how == "break":
                    break
                if how == "return":
                    return items
                if how == "raise":
                    raise Broken(len(items))
                if how == "close":
                    await stream.aclose()
                    return items
        return items

    end = await _guarded(read)
    return (show(items), end)


async def _count(prefix: str, question: str, take: int, how: str) -> Any:
    items: list[Any] = []
    stream = count(prefix + question)
    if how == "zip":
        return [show(item) for item, _ in zip(stream, range(take), strict=False)]
    for item in stream:
        items.append(item)
        if len(items) == take:
            break
    return show(items)


async def _together(prefix: str, branches: list[list[Step]]) -> Any:
    """Concurrent tasks, each with questions of its own."""
    seen: dict[int, Any] = {}

    async def branch(index: int, steps: list[Step]) -> None:
        seen[index] = await run(steps, f"{prefix}{index}/")

    async with anyio.create_task_group() as group:
        for index, steps in enumerate(branches):
            group.start_soon(branch, index, steps)
    return [seen[index] for index in range(len(branches))]


async def _race(prefix: str, runners: list[tuple[str, int]], how: str) -> Any:
    """Concurrent calls, seen in the order in which they end."""
    seen: list[Any] = []
    send, receive = anyio.create_memory_object_stream[Any](len(runners))

    async def one(question: str, rounds: int) -> Any:
        answer = await _guarded(lambda: linger(prefix + question, rounds))
        if how == "two each":
            answer = [answer, await _guarded(lambda: linger(f"{prefix}{question} again", rounds))]
        await send.send(answer)
        return answer

    if how == "first" and _is_on_asyncio():
        pending = {asyncio.ensure_future(one(*runner)) for runner in runners}
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            seen.append(sorted(repr(task.result()) for task in done))
        return seen
    async with anyio.create_task_group() as group:
        for runner in runners:
            group.start_soon(one, *runner)
        for _ in runners:
            seen.append(await receive.receive())
            if how == "asks between":
                seen.append(show(await ask(f"{prefix}between")))
    return seen


def _is_on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _identical(prefix: str, question: str, times: int) -> Any:
    """The same call, several times at once: draws of their own, in whatever order."""
    seen: list[Any] = []

    async def one() -> None:
        seen.append(await _ask(prefix, question))

    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(one)
    return sorted(seen, key=repr)


async def _thread(prefix: str, question: str, host: str) -> Any:
    if host == "to_thread":
        return show(await anyio.to_thread.run_sync(look, prefix + question))
    if host == "pool":
        with ThreadPoolExecutor(1) as pool:
            return show(pool.submit(look, prefix + question).result())
    if host == "loop":
        result: list[Any] = []
        thread = threading.Thread(target=lambda: result.append(asyncio.run(_ask(prefix, question))))
        thread.start()
        thread.join()
        return result
    result = []
    thread = threading.Thread(target=lambda: result.append(show(look(prefix + question))))
    thread.start()
    thread.join()
    return result


async def _cancelled(prefix: str, question: str) -> Any:
    """A call whose time is up before it begins."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        return await _ask(prefix, question)
    return "cancelled"


async def _inner_scope(prefix: str, store_number: int, steps: list[Step]) -> Any:
    outer = memo.current()
    if outer is None:
        return await run(steps, prefix)
    store = _inner_store(f"{prefix}{store_number}")
    with memo.recording(store, mode=str(outer.mode)):
        return await run(steps, prefix)


_inner_stores: dict[str, Any] = {}


def _in_memory(name: str) -> MemoryStore:
    return MemoryStore()


_new_inner_store: Callable[[str], Any] = _in_memory


def begin(new_inner_store: Callable[[str], Any] = _in_memory) -> None:
    """Forget the stores of inner scopes and memoizers; from now on they are made so."""
    global _new_inner_store  # noqa: PLW0603
    _new_inner_store = new_inner_store
    _inner_stores.clear()


def _inner_store(name: str) -> Any:
    if name not in _inner_stores:
        _inner_stores[name] = _new_inner_store(name)
    return _inner_stores[name]


_STEPS: dict[str, Callable[..., Awaitable[Any]]] = {
    "agent": _agent,
    "half": _half,
    "patched": _patched,
    "memoized": _memoized,
    "retry": _retry,
    "timeout": _timeout,
    "zip": _zip,
    "ask": _ask,
    "cancelled": _cancelled,
    "count": _count,
    "identical": _identical,
    "inner scope": _inner_scope,
    "look": _look,
    "poll": _poll,
    "race": _race,
    "tell": _tell,
    "think": _think,
    "thread": _thread,
    "together": _together,
}


@dataclass
class Outcome:
    """One run of a program: what it saw, what it raised, which warnings came, and which live calls were made."""

    seen: Seen
    error: str
    warned: list[str]
    live: list[str]


def perform(steps: list[Step], backend: str, store: Any, mode: str, *, dead: bool = False, mark: int = 0) -> Outcome:
    """Run the program once in a fresh world, under a recorder where a store is given."""
    global world  # noqa: PLW0603
    world = World(dead=dead, mark=mark)
    seen: Seen = []
    error = ""

    async def main() -> None:
        scope = memo.recording(store, mode=mode) if store is not None else contextlib.nullcontext()
        with memo.install(f"{__name__}:Client.send"), scope:
            seen.extend(await run(steps))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # trio's, of generators that are left: live, too
        try:
            anyio.run(main, backend=backend)
        except (MemoError, ExceptionGroup) as raised:
            error = f"{type(raised).__name__}: {raised}"
    return Outcome(seen, error, [f"{type(item.message).__name__}: {item.message}" for item in caught], world.live)


def breach(steps: list[Step], backend: str, mode: str) -> str:
    """How a program breaks the law; "" if it keeps it."""
    begin()
    live = perform(steps, backend, None, "live")
    store = MemoryStore()
    recorded = perform(steps, backend, store, mode)
    if recorded.error or recorded.warned:
        return (
            ""
            if recorded.error or is_warned_of_by_memo(recorded)
            else f"a warning that is not memo's: {recorded.warned}"
        )
    # A second scope over one store replays in `record-if-missing`: that is no answer of another call.
    if recorded.seen != live.seen and not reuses_a_store(steps):
        return f"recording changes the program:\n  live:     {live.seen}\n  recorded: {recorded.seen}"
    replayed = perform(steps, backend, store, "replay", dead=True)
    if replayed.error or replayed.warned:
        return f"replay fails: {replayed.error} {replayed.warned}"
    if replayed.live:
        return f"live calls in replay: {replayed.live}"
    if replayed.seen != recorded.seen:
        return f"replay differs:\n  recorded: {recorded.seen}\n  replayed: {replayed.seen}"
    again = perform(steps, backend, store, "record-if-missing", dead=True)
    if again.error or again.warned or again.live:
        return f"record-if-missing again: {again.error} {again.warned} live: {again.live}"
    return "" if again.seen == recorded.seen else f"record-if-missing differs the second time: {again.seen}"


def reuses_a_store(steps: list[Step]) -> bool:
    numbers = [step[1] for step in steps if step[0] == "inner scope"]
    return len(numbers) > len(set(numbers))


def is_warned_of_by_memo(outcome: Outcome) -> bool:
    return all(hasattr(memo.errors, text.partition(":")[0]) for text in outcome.warned)
