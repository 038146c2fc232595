"""A recordable abstract method records its overrides, which are what is called."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import pytest

import memo
from memo import recordable, recording
from memo.stores import MemoryStore


class Tool(ABC):
    @recordable(ignore=("trace",))
    @abstractmethod
    async def run(self, x: int, trace: str = "") -> list[Any]: ...

    @abstractmethod
    @recordable(name="rate")
    def rate(self, x: int) -> int: ...


class Search(Tool):
    async def run(self, x: int, trace: str = "") -> list[Any]:
        return ["search", x]

    def rate(self, x: int) -> int:
        return x


class Deep(Search):
    async def run(self, x: int, trace: str = "") -> list[Any]:
        return ["deep", *await super().run(x)]

    @recordable(name="own")
    def rate(self, x: int) -> int:
        return x + 1


class Spoken(Protocol):
    @recordable
    @abstractmethod
    async def speak(self) -> str: ...


class Loud(Spoken):
    async def speak(self) -> str:
        return "loud"


def names(store: MemoryStore) -> set[str]:
    return {name.partition("/")[0].rpartition("test_abstract.")[2] for name in store.scan("")}


async def test_overrides_are_recorded_and_replayed():
    store = MemoryStore()
    with recording(store, mode="record") as rec:
        assert await Search().run(1, trace="a") == ["search", 1]
        assert await Loud().speak() == "loud"
    assert rec.stats.recorded == 2
    assert names(store) == {"Search.run", "Loud.speak"}
    with recording(store) as rec:
        assert await Search().run(1, trace="b") == ["search", 1]
        assert await Loud().speak() == "loud"
    assert rec.stats.replayed == 2


async def test_an_override_of_an_override_is_a_function_of_its_own():
    store = MemoryStore()
    with recording(store, mode="record"):
        assert await Deep().run(1) == ["deep", "search", 1]
    assert names(store) == {"Search.run", "Deep.run"}


def test_implementations_of_a_named_method_have_names_of_their_own():
    store = MemoryStore()
    with recording(store, mode="record"):
        assert (Search().rate(1), Deep().rate(1)) == (1, 2)
    assert {name.partition("/")[0] for name in store.scan("")} == {"rate.Search", "own"}


def test_an_abstract_class_stays_one_and_its_own_hook_runs():
    seen: list[Any] = []

    class Base(ABC):
        def __init_subclass__(cls, *, word: str = "", **options: Any) -> None:
            seen.append((cls.__name__, word))

        @recordable
        @abstractmethod
        def ask(self) -> int: ...

    with pytest.raises(TypeError, match="abstract"):
        Base()  # type: ignore[abstract]

    class Still(Base, word="still"): ...

    with pytest.raises(TypeError, match="abstract"):
        Still()  # type: ignore[abstract]

    class Made(Still, word="made"):
        def ask(self) -> int:
            return 3

    assert seen == [("Still", "still"), ("Made", "made")]
    with memo.recording(MemoryStore(), mode="record") as rec:
        assert Made().ask() == 3
    assert rec.stats.recorded == 1
