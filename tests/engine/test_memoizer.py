"""A recorder as a memoizer: functions bound to it, and what users of functools and async-lru expect on them."""

import json

import pytest
from pydantic import BaseModel

from memo import CacheInfo, Recorder, RecordingNotFound, recordable, recording
from memo.errors import CallNotAllowed, InvalidOption
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

calls: list[object] = []


@pytest.fixture(autouse=True)
def _no_calls():
    calls.clear()


@pytest.fixture(params=["directory", "memory"])
def cache(request, tmp_path):
    return Recorder(tmp_path if request.param == "directory" else "memory://", mode="record-if-missing")


@pytest.fixture
def grade(cache):
    @cache.recordable
    async def grade(answer, scale=10):
        calls.append(answer)
        return {"answer": answer, "grade": [len(calls)]}

    return grade


async def test_it_needs_no_scope(cache, grade):
    assert await grade("a") == await grade("a") == {"answer": "a", "grade": [1]}
    assert calls == ["a"]
    assert (cache.stats.live, cache.stats.recorded, cache.stats.replayed) == (1, 1, 1)


async def test_it_outlives_the_process(tmp_path):
    for _ in range(2):
        cache = Recorder(str(tmp_path), mode="record-if-missing")

        @cache.recordable
        async def grade(answer):
            calls.append(answer)
            return answer

        assert await grade("a") == "a"
    assert calls == ["a"]


async def test_memory_is_each_recorders_own(tmp_path):
    for _ in range(2):
        cache = Recorder("memory://", mode="record-if-missing")
        known = cache.recordable(lambda: calls.append(1))
        known(), known()
    assert calls == [1, 1]
    assert not list(tmp_path.iterdir())


async def test_every_replay_gives_a_fresh_object(grade):
    first = await grade("a")
    first["grade"].append("changed")
    second = await grade("a")
    second["grade"].append("changed")
    assert await grade("a") == {"answer": "a", "grade": [1]}


class Word(BaseModel):
    text: str
    more: list[int] = []


@pytest.mark.parametrize(
    "value",
    [[0.1, -0.0, 1e300, 5e-324], [1.0, 2], [1.5], [1.0, True], [Word(text="a", more=[1]), Word(text="b", more=[2])]],
    ids=repr,
)
@pytest.mark.parametrize("memory", [0, 1_000_000])
async def test_lists_are_replayed_fresh_and_exactly(tmp_path, value, memory):
    cache = Recorder(tmp_path, mode="record-if-missing", memory=memory)

    @cache.recordable
    async def listed():
        return value

    await listed()
    for _ in range(3):
        replayed = await listed()
        assert replayed is not value
        assert repr(replayed) == repr(value)
        if isinstance(value[0], Word):
            replayed[0].more.append(3)
        replayed.append("changed")
    assert listed.cache_info().misses == 1


async def test_options_are_those_of_recordable(cache):
    @cache.recordable(name="grades", ignore=("trace_id",), version=2)
    async def grade(answer, trace_id):
        calls.append(answer)
        return answer

    await grade("a", 1)
    await grade("a", 2)
    assert calls == ["a"]
    assert [name.partition("/")[0] for name in cache.store.scan()] == ["grades"]
    with pytest.raises(InvalidOption):
        cache.recordable(retries=3)(len)


async def test_cache_info(grade):
    assert grade.cache_info() == CacheInfo(hits=0, misses=0, maxsize=None, currsize=0)
    await grade("a")
    await grade("a")
    await grade("b")
    assert grade.cache_info() == (1, 2, None, 2)


async def test_cache_contains(grade):
    assert not grade.cache_contains("a")
    await grade("a")
    assert grade.cache_contains("a")
    assert grade.cache_contains(answer="a", scale=10)
    assert not grade.cache_contains("a", 5)
    assert calls == ["a"]
    assert grade.cache_info().hits == 0
    with pytest.raises(TypeError):
        grade.cache_contains("a", other=1)


async def test_cache_invalidate(grade):
    assert grade.cache_invalidate("a") is False
    await grade("a")
    await grade("b")
    assert grade.cache_invalidate("a") is True
    assert grade.cache_invalidate("a") is False
    assert not grade.cache_contains("a")
    await grade("a")
    await grade("b")
    assert calls == ["a", "b", "a"]


async def test_cache_clear(cache, grade):
    other = cache.recordable(name="other")(lambda: 1)
    other()
    await grade("a")
    await grade("b")
    grade.cache_clear()
    assert grade.cache_info().currsize == 0
    assert other.cache_contains()
    await grade("a")
    assert calls == ["a", "b", "a"]


async def test_refresh(grade):
    await grade("a")
    assert await grade.refresh("a") == {"answer": "a", "grade": [2]}
    assert await grade("a") == {"answer": "a", "grade": [2]}
    assert await grade.refresh("b") == {"answer": "b", "grade": [3]}  # recorded before or not
    assert await grade("b") == {"answer": "b", "grade": [3]}
    assert grade.cache_info().currsize == 2


async def test_refresh_that_fails_leaves_what_was_recorded(cache):
    @cache.recordable
    async def flaky():
        calls.append(1)
        if len(calls) > 1:
            raise ConnectionError
        return 1

    assert await flaky() == 1
    with pytest.raises(ConnectionError):
        await flaky.refresh()
    assert await flaky() == 1


async def test_refresh_of_streams(cache):
    @cache.recordable
    async def stream():
        calls.append(1)
        yield len(calls)

    @cache.recordable
    def generator():
        calls.append(1)
        yield len(calls)

    assert [item async for item in stream()] == [1]
    assert [item async for item in stream.refresh()] == [2]
    assert [item async for item in stream()] == [2]
    assert list(generator()) == [3]
    assert list(generator.refresh()) == [4]
    assert list(generator()) == [4]


async def test_refresh_makes_no_call_in_replay(tmp_path):
    cache = Recorder(tmp_path, mode="replay")

    @cache.recordable
    async def grade(answer):
        pytest.fail("was called")

    with pytest.raises(CallNotAllowed, match="refresh"):
        await grade.refresh("a")
    with pytest.raises(RecordingNotFound):
        await grade("a")


async def test_refresh_stores_nothing_in_live(tmp_path):
    cache = Recorder(tmp_path, mode="live")
    known = cache.recordable(lambda: calls.append(1))
    known.refresh()
    known()
    assert calls == [1, 1]
    assert not list(tmp_path.iterdir())


# Methods

store = Recorder("memory://", mode="record-if-missing")


class Tools:
    def __init__(self, url="here"):
        self.url = url

    @store.recordable(identity=lambda self: None)
    async def method(self, n):
        calls.append(n)
        return [n, len(calls)]

    @store.recordable
    @classmethod
    async def class_above(cls, n):
        calls.append(n)
        return [n, len(calls)]

    @classmethod
    @store.recordable
    async def class_below(cls, n):
        calls.append(n)
        return [n, len(calls)]

    @store.recordable
    @staticmethod
    async def static_above(n):
        calls.append(n)
        return [n, len(calls)]

    @staticmethod
    @store.recordable
    async def static_below(n):
        calls.append(n)
        return [n, len(calls)]

    @store.recordable(identity=lambda self: self.url)
    async def here(self, n):
        calls.append(n)
        return [n, len(calls)]


@pytest.mark.parametrize("of", [Tools, Tools()], ids=["class", "instance"])
@pytest.mark.parametrize("name", ["method", "class_above", "class_below", "static_above", "static_below", "here"])
async def test_methods(of, name):
    method, args = getattr(of, name), (1,)
    if of is Tools and name in ("method", "here"):
        args = (Tools(), 1)
    method.cache_clear()
    before = method.cache_info()

    assert not method.cache_contains(*args)
    assert await method(*args) == [1, 1]
    assert method.cache_contains(*args)
    assert await getattr(of, name)(*args) == [1, 1]
    info = method.cache_info()
    assert (info.hits - before.hits, info.misses - before.misses, info.currsize) == (1, 1, 1)
    assert await method.refresh(*args) == [1, 2]
    assert await method(*args) == [1, 2]
    assert method.cache_invalidate(*args)
    assert await method(*args) == [1, 3]


async def test_identity_says_what_of_self_counts(tmp_path):
    Tools.method.cache_clear()
    await Tools("one").method(1)
    assert Tools("two").method.cache_contains(1)
    assert Tools("two").method.cache_contains(n=1)

    Tools.here.cache_clear()
    await Tools("one").here(1)
    assert Tools("one").here.cache_contains(1)
    assert not Tools("two").here.cache_contains(1)


# With `recordable` alone


async def test_the_cache_is_that_of_the_active_recorder(tmp_path):
    @recordable
    async def grade(answer):
        return answer

    assert grade.cache_info() == (0, 0, None, 0)
    assert not grade.cache_contains("a")
    assert not grade.cache_invalidate("a")
    grade.cache_clear()
    assert await grade.refresh("a") == "a"
    with recording(tmp_path, mode="record-if-missing"):
        await grade("a")
        assert grade.cache_contains("a")
        assert grade.cache_info().currsize == 1
    assert not grade.cache_contains("a")


async def test_no_keyword_is_taken_from_the_function(cache):
    @cache.recordable
    async def run(*, mode, recorder, name, function, session, wrapped, instance, args, kwargs):
        calls.append(mode)
        return [mode, recorder, name, function, session, wrapped, instance, args, kwargs]

    given = {
        name: name
        for name in ("mode", "recorder", "name", "function", "session", "wrapped", "instance", "args", "kwargs")
    }
    for _ in range(2):
        assert await run(**given) == list(given.values())
    assert run.cache_contains(**given)
    assert await run.refresh(**given) == list(given.values())
    assert run.cache_invalidate(**given)
    assert calls == ["mode"] * 2


# Memory


@pytest.mark.parametrize(("memory", "read"), [(10**9, 1), (0, 3)], ids=["ample", "none"])
async def test_what_is_ready_in_memory_is_not_read_again(tmp_path, memory, read):
    class Counting(type(Recorder("memory://").store)):
        reads = 0

        def get(self, name):
            type(self).reads += 1
            return super().get(name)

    held = Counting()
    with recording(held, mode="record"):
        recordable(name="f")(lambda n: n)(1)
    Counting.reads = 0
    cache = Recorder(held, mode="replay", memory=memory)
    known = cache.recordable(name="f")(lambda n: n)
    assert [known(1) for _ in range(3)] == [1, 1, 1]
    assert Counting.reads == read


async def test_memory_is_bounded():
    reads: list[str] = []

    class Counting(MemoryStore):
        def get(self, name):
            reads.append(name)
            return super().get(name)

    cache = Recorder(Counting(), mode="record-if-missing", memory=10_000)
    known = cache.recordable(lambda n: "x" * 1000)
    for n in range(100):
        assert known(n) == "x" * 1000
    reads.clear()
    for n in range(100):
        assert known(n) == "x" * 1000
    assert len(reads) == 100  # once each: what came in drove out what came before
    for n in range(99, 89, -1):
        assert known(n) == "x" * 1000
    assert 100 < len(reads) < 110  # the last ones were in memory
    assert cache.stats.live == 100


def test_recordings_can_be_read_by_people(tmp_path):
    cache = Recorder(tmp_path, mode="record-if-missing", test="tests/test_x.py::test_y")
    cache.recordable(name="add")(lambda a, b: a + b)(1, b=2)
    (file,) = tmp_path.rglob("*.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["function"] == "add"
    assert document["arguments"] == {"a": 1, "b": 2}
    assert document["outcomes"][0]["value"] == 3
    assert document["test"] == "tests/test_x.py::test_y"


@pytest.mark.parametrize("errors", ["none", "answers", "all", None])
async def test_an_error_is_not_cached_unless_asked_for(errors):
    cache = Recorder("memory://", mode="record-if-missing", **({"errors": errors} if errors else {}))

    @cache.recordable
    async def grade(answer):
        calls.append(answer)
        raise ValueError(answer)

    for _ in range(2):
        with pytest.raises(ValueError, match="a"):
            await grade("a")
    assert len(calls) == (1 if errors in ("answers", "all") else 2)
    assert cache.stats.unrecorded == 0
