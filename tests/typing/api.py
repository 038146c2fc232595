"""What type checkers see: checked by mypy --strict and pyright, never run."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, assert_type, overload

import memo
from memo import CacheInfo, Recorder, Stats, recordable, recording
from memo.stores import Store

P = ParamSpec("P")
T = TypeVar("T")


# A recordable function has the type of the function.


@recordable
async def coroutine(city: str, days: int = 3) -> list[int]:
    return [days]


@recordable(name="tools.stream", ignore=("trace_id",), version=2)
async def stream(city: str, *, trace_id: str = "") -> AsyncIterator[str]:
    yield city


@recordable()
def plain(city: str) -> int:
    return 1


@recordable
def generator(count: int) -> Iterator[int]:
    yield count


@overload
def overloaded(value: int) -> int: ...
@overload
def overloaded(value: str) -> str: ...
@recordable
def overloaded(value: int | str) -> int | str:
    return value


@recordable
async def generic(value: T) -> list[T]:
    return [value]


class Tools(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item

    @recordable
    async def method(self, count: int) -> list[T]:
        return [self.item]

    @recordable(identity=lambda self: {"url": str(self)})
    def stream(self) -> Iterator[T]:
        yield self.item

    @classmethod
    @recordable
    async def class_below(cls, count: int) -> int:
        return count

    @staticmethod
    @recordable
    async def static_below(count: int) -> int:
        return count

    @recordable
    @classmethod
    async def class_above(cls, count: int) -> int:
        return count

    @recordable(version=1)
    @staticmethod
    async def static_above(count: int) -> int:
        return count


async def functions() -> None:
    assert_type(await coroutine("Paris"), list[int])
    assert_type(await coroutine(city="Paris", days=1), list[int])
    assert_type([item async for item in stream("Paris", trace_id="1")], list[str])
    assert_type(plain("Paris"), int)
    assert_type(list(generator(1)), list[int])
    assert_type(overloaded(1), int)
    assert_type(overloaded("1"), str)
    assert_type(await generic(1.5), list[float])

    as_callback: Callable[[str, int], Coroutine[Any, Any, list[int]]] = coroutine
    await as_callback("Paris", 1)

    await coroutine(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await coroutine("Paris", weeks=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def methods(tools: Tools[str]) -> None:
    assert_type(await tools.method(1), list[str])
    assert_type(list(tools.stream()), list[str])
    assert_type(await Tools.class_below(1), int)
    assert_type(await Tools.static_below(1), int)
    assert_type(await Tools.class_above(1), int)
    assert_type(await tools.class_above(1), int)
    assert_type(await tools.static_above(1), int)
    await tools.method("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def decorated(function: Callable[P, T]) -> Callable[P, T]:
    return recordable(function)


# A function that is bound to a recorder is called as itself, and has its cache beside.

cache = Recorder("recordings", mode="record-if-missing", exhausted="error", errors="all", timings=True, pace=1.0)


@cache.recordable
async def grade(answer: str, *, scale: int = 10) -> float:
    return 1.0


@cache.recordable(name="cached", ignore="trace_id")
def cached(answer: str, trace_id: str) -> bytes:
    return b""


@cache.recordable
async def cached_stream(answer: str) -> AsyncIterator[bytes]:
    yield b""


class Grader:
    @cache.recordable
    async def grade(self, answer: str) -> float:
        return 1.0

    @cache.recordable(identity=str)
    def grade_now(self, answer: str, scale: int) -> float:
        return 1.0

    @classmethod
    @cache.recordable
    async def of(cls, answer: str) -> float:
        return 1.0

    @cache.recordable
    @classmethod
    async def above(cls, answer: str) -> float:
        return 1.0

    @cache.recordable(version=2)
    @staticmethod
    async def static_above(answer: str) -> float:
        return 1.0

    @recordable(recorder=cache)
    async def through_recorder(self, answer: str) -> float:
        return 1.0


@recordable(recorder=cache, name="free")
async def free(answer: str) -> float:
    return 1.0


class Grades(Protocol):
    async def grade(self, answer: str) -> float: ...


class GradesNow(Protocol):
    def grade_now(self, answer: str, scale: int) -> float: ...


class PlainGrader:
    @recordable
    async def grade(self, answer: str) -> float:
        return 1.0

    @recordable(version=2)
    def grade_now(self, answer: str, scale: int) -> float:
        return 1.0


def as_plain_members(grader: PlainGrader) -> tuple[Grades, GradesNow, Callable[[str], Awaitable[float]]]:
    return grader, grader, grader.grade


def bound_methods(grader: Grader) -> tuple[Callable[[str], Awaitable[float]], Callable[[str, int], float]]:
    return grader.grade, grader.grade_now


class Streams(Protocol):
    def stream(self, answer: str = "") -> AsyncIterator[bytes]: ...


class GradesNumbers(Protocol):
    async def grade(self, answer: int) -> float: ...


class Box(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item

    @cache.recordable
    async def get(self, default: T) -> T:
        return self.item

    @cache.recordable
    async def stream(self, answer: str = "", *, limit: int = 3) -> AsyncIterator[bytes]:
        yield b""


class Gets(Protocol[T]):
    async def get(self, default: T) -> T: ...


class StrictGrader(Grader):
    @cache.recordable(ignore="answer")
    async def grade(self, answer: str) -> float:
        return await super().grade(answer)


def as_members(
    grader: Grader, strict: StrictGrader, box: Box[int]
) -> tuple[Grades, GradesNow, Grades, Gets[int], Streams]:
    return grader, grader, strict, box, box


def as_no_member(grader: Grader) -> GradesNumbers:
    return grader  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def as_no_member_of_that_type(box: Box[int]) -> Gets[str]:
    return box  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


async def bound(grader: Grader) -> None:
    assert_type(await Grader.above("a"), float)
    assert_type(await grader.above("a"), float)
    assert_type(Grader.above.cache_info(), CacheInfo)
    assert_type(await Grader.static_above("a"), float)
    assert_type(await free("a"), float)
    assert_type(free.cache_info(), CacheInfo)
    assert_type(await grader.through_recorder("a"), float)
    assert_type(grader.through_recorder.cache_contains("a"), bool)
    await grader.above(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert_type(await grade("a", scale=5), float)
    assert_type(await grade.refresh("a"), float)
    assert_type(grade.cache_contains("a", scale=5), bool)
    assert_type(grade.cache_invalidate("a"), bool)
    assert_type(grade.cache_info(), CacheInfo)
    assert_type(grade.cache_info().hits, int)
    assert_type(grade.cache_clear(), None)
    assert_type(cached("a", "1"), bytes)
    assert_type(cached.refresh("a", trace_id="1"), bytes)
    assert_type([item async for item in cached_stream("a")], list[bytes])

    assert_type(await grader.grade("a"), float)
    assert_type(await grader.grade.refresh("a"), float)
    assert_type(grader.grade.cache_contains("a"), bool)
    assert_type(grader.grade_now("a", scale=3), float)
    assert_type(await Grader.grade(grader, "a"), float)
    assert_type(Grader.grade.cache_info(), CacheInfo)

    awaited: Awaitable[float] = grader.grade("a")
    await awaited

    await grade(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    grade.cache_contains("a", 5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await grader.grade(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    grader.grade.cache_contains()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# Scopes


def scopes(store: Store, folder: Path) -> None:
    with recording("recordings", mode="replay", trust=("pkg",), secrets=("pin",), test="x", memory=0) as recorder:
        assert_type(recorder, Recorder)
        assert_type(recorder.stats, Stats)
        assert_type(recorder.stats.seconds_saved, float)
    with recording(folder) as recorder, recording(store) as other:
        assert_type(other, Recorder)
    with recorder.scope() as same:
        assert_type(same, Recorder)
    assert_type(memo.start(folder, mode="record"), Recorder)
    assert_type(memo.stop(), None)


@recording("recordings", mode="record-if-missing")
async def scoped(question: str) -> int:
    return len(question)


async def scopes_elsewhere(folder: Path) -> None:
    async with recording(folder, mode="record") as recorder:
        assert_type(recorder, Recorder)
    assert_type(await scoped("a"), int)
    await scoped(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def recorders(recorder: Recorder) -> None:
    with recorder as same:
        assert_type(same, Recorder)
    async with recorder as same:
        assert_type(same, Recorder)
    assert_type(memo.current(), Recorder | None)
    assert_type(await memo.carry(coroutine)("Paris"), list[int])
    assert_type(memo.carry(plain)("Paris"), int)


# What memo does not know is an error of types, too.


def mistakes(folder: Path) -> None:
    recordable(retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    recordable(errors="some")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    cache.recordable(retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    recording(folder, retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    recording(folder, max_age="30d", on_expiry="record")
    recording(folder, ttl="1h", on_expiry="refresh")
    recording(folder, ttl={"app.*": timedelta(hours=1)})
    recording(folder, max_age=timedelta(days=30))
    recording(folder, ttl=30)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    recording(folder, max_age=30)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    recording(folder, exhausted="stop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Recorder(folder, retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Recorder(folder, pace="fast")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    recording(folder, mode="reply")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Recorder(folder, mode="reply")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    memo.start(folder, mode="reply")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    recording(folder, mode="new_episodes")
    recording(folder, mode=memo.Mode.of("all"))
    recording(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
