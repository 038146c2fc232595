"""The cache methods of a memoized function: of their own function alone, and in a form for event loops."""

import sys
import threading

import pytest

from memo import CacheInfo, Recorder, recordable, recording
from memo.stores import MemoryStore


class Slow(MemoryStore):
    """Is behind a network, and knows which threads waited for it."""

    reads_in_place = False
    writes_in_place = False

    def __init__(self):
        super().__init__()
        self.waited: set[int] = set()

    def get(self, name):
        self.waited.add(threading.get_ident())
        return super().get(name)

    def delete(self, name):
        self.waited.add(threading.get_ident())
        return super().delete(name)

    def scan(self, prefix=""):
        self.waited.add(threading.get_ident())
        return super().scan(prefix)


@pytest.mark.parametrize("store", [MemoryStore, Slow], ids=["quick", "slow"])
async def test_async_twins(store):
    held = store()
    cache = Recorder(held, mode="record-if-missing", memory=0)

    @cache.recordable
    async def ask(question: str) -> str:
        return f"{question}!"

    assert await ask("why") == await ask("why") == "why!"
    assert await ask("how") == "how!"
    getattr(held, "waited", set()).clear()
    assert await ask.acache_contains("why")
    assert not await ask.acache_contains("who")
    assert await ask.acache_info() == ask.cache_info() == CacheInfo(hits=1, misses=2, maxsize=None, currsize=2)
    getattr(held, "waited", set()).discard(threading.get_ident())  # by the sync one
    assert await ask.acache_invalidate("why")
    assert not await ask.acache_invalidate("why")
    await ask.acache_clear()
    assert (await ask.acache_info()).currsize == 0
    assert threading.get_ident() not in getattr(held, "waited", set())


async def test_async_twins_of_methods():
    cache = Recorder(MemoryStore(), mode="record-if-missing")

    class Model:
        name = "m"

        @cache.recordable(identity=lambda self: self.name)
        async def ask(self, question: str) -> str:
            return f"{question}!"

    model = Model()
    await model.ask("why")
    assert await model.ask.acache_contains("why")
    assert await model.ask.acache_invalidate("why")
    assert not await model.ask.acache_contains("why")


async def test_outside_of_any_recorder():
    @recordable
    async def ask(question: str) -> str:
        return f"{question}!"

    assert await ask.acache_contains("why") is False
    assert await ask.acache_invalidate("why") is False
    assert (await ask.acache_info()).currsize == 0
    await ask.acache_clear()


@pytest.mark.parametrize("clear", ["cache_clear", "acache_clear"])
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_clearing_one_function_leaves_the_others(mode, clear):
    """The outcomes of `second` stay, and stay in their order, whatever is cleared between its calls."""
    store, answers = MemoryStore(), iter(range(100))
    first, second = (recordable(name=name)(lambda: next(answers)) for name in ("first", "second"))

    async def clear_first():
        done = getattr(first, clear)()
        if done is not None:
            await done

    with recording(store, mode=mode):
        first()
        seen = [second()]
        await clear_first()
        seen.append(second())
        await clear_first()
        seen.append(second())
        last = first()
    with recording(store, mode="replay"):
        assert [second() for _ in range(3)] == seen
        assert first() == last


@pytest.mark.parametrize("name", ["first.more", "fir", "firs"])
def test_clearing_leaves_functions_whose_names_begin_alike(name):
    store = MemoryStore()
    cache = Recorder(store, mode="record")
    first, other = (cache.recordable(name=function)(lambda: 1) for function in ("first", name))
    first(), other(), other()
    first.cache_clear()
    other()
    assert [found.partition("/")[0] for found in store.scan()] == [name]


@pytest.mark.anyio
@pytest.mark.parametrize("awaited", [False, True])
async def test_below_a_classmethod_the_class_is_known_or_asked_for(awaited):
    cache = Recorder(MemoryStore(), mode="record-if-missing")

    class Grader:
        @classmethod
        @cache.recordable
        def of(cls, answer):
            return cls.__name__

    assert Grader.of("a") == "Grader"
    contains = Grader.of.acache_contains if awaited else Grader.of.cache_contains

    async def is_kept(*arguments):
        return await contains(*arguments) if awaited else contains(*arguments)

    if sys.version_info < (3, 13):
        assert await is_kept("a")
        return
    assert await is_kept(Grader, "a")
    with pytest.raises(TypeError, match="write @classmethod below the recordable's decorator, or pass the class"):
        await is_kept("a")
