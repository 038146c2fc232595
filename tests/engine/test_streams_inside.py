"""Results that hold what cannot be recorded as it passes: refused, with the caller's live stream untouched."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from memo import recordable, recording
from memo.errors import UnrecordableValue
from memo.stores import MemoryStore


async def words() -> AsyncIterator[str]:
    for word in ("a", "b"):
        yield word


class Events:
    """Can be iterated once, and does not look like it, as boto's event streams."""

    def __init__(self) -> None:
        self.left = iter(["a", "b"])

    def __iter__(self) -> Iterator[str]:
        yield from self.left


def response() -> httpx.Response:
    return httpx.Response(200, content=iter([b"a", b"b"]))


async def collected(value: Any) -> list[str]:
    if hasattr(value, "__aiter__"):
        return [item async for item in value]
    if isinstance(value, httpx.Response):
        return [value.read().decode()]
    return list(value)


MADE = {
    "iterable in a dict": lambda: {"stream": Events()},
    "iterable in a list in a dict": lambda: {"all": [1, Events()], "stream": Events()},
    "iterable": Events,
}


@pytest.mark.parametrize("name", MADE)
async def test_a_stream_inside_a_result_is_refused_and_untouched(name: str):
    store = MemoryStore()

    @recordable
    async def call() -> Any:
        return MADE[name]()

    with pytest.raises(UnrecordableValue), recording(store, mode="record"):  # noqa: PT012 - raised when the scope ends
        value = await call()
        stream = value["stream"] if isinstance(value, dict) else value
        assert "".join(await collected(stream)) == "ab"
    assert list(store.scan("")) == []


async def test_a_response_that_was_read_is_recorded():
    store = MemoryStore()

    @recordable
    async def call() -> httpx.Response:
        made = response()
        made.read()
        return made

    for mode in ("record", "replay"):
        with recording(store, mode=mode):
            assert (await call()).content == b"ab"


def test_the_refusal_says_how_to_record_it():
    @recordable
    def call() -> Any:
        made = response()
        made.close()
        return {"all": [made]}

    with (
        pytest.raises(UnrecordableValue, match=r"all\[0\] .*body that nobody has read") as caught,
        recording(MemoryStore(), mode="record"),
    ):
        call()
    assert "response.read()" in str(caught.value)


async def test_a_stream_in_what_cannot_be_changed_is_refused_and_untouched():
    made = words()

    @recordable
    async def call() -> Any:
        return {"all": frozenset([made])}

    with pytest.raises(UnrecordableValue), recording(MemoryStore(), mode="record"):
        assert await collected(next(iter((await call())["all"]))) == ["a", "b"]


async def test_the_same_stream_twice_in_one_result_is_refused():
    made = words()

    @recordable
    async def call() -> Any:
        return made, made

    with pytest.raises(UnrecordableValue, match="twice"), recording(MemoryStore(), mode="record"):
        assert (await call())[0] is made
