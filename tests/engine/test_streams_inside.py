"""Results that hold a stream: refused, with the caller's live stream untouched, unless the stream was read before."""

from collections.abc import AsyncIterator
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
    """An iterator of its own class, as of boto's event streams."""

    def __init__(self) -> None:
        self.left = ["a", "b"]

    def __iter__(self) -> "Events":
        return self

    def __next__(self) -> str:
        if not self.left:
            raise StopIteration
        return self.left.pop(0)


def response() -> httpx.Response:
    return httpx.Response(200, content=iter([b"a", b"b"]))


async def collected(value: Any) -> list[str]:
    if hasattr(value, "__aiter__"):
        return [item async for item in value]
    if isinstance(value, httpx.Response):
        return [value.read().decode()]
    return list(value)


MADE = {
    "generator in a dict": lambda: {"stream": words()},
    "iterator in a dict": lambda: {"stream": Events()},
    "response in a dict": lambda: {"stream": response()},
    "response in a list in a dict": lambda: {"all": [1, response()], "stream": response()},
    "response": response,
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
        return {"all": [response()]}

    with (
        pytest.raises(UnrecordableValue, match=r"all\[0\] .*body that nobody has read") as caught,
        recording(MemoryStore(), mode="record"),
    ):
        call()
    assert "response.read()" in str(caught.value)
