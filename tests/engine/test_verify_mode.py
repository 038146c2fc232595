"""The mode `verify`: each call is made, its caller gets the live answer, nothing is written, and what differs is reported."""

import warnings
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from memo import recordable, recording
from memo.errors import RecordingsDifferWarning

pytestmark = pytest.mark.anyio
ANSWER: dict[str, Any] = {}


@recordable(name="app.answer")
async def answer(question: str) -> dict[str, Any]:
    if isinstance(ANSWER["now"], Exception):
        raise ANSWER["now"]
    return ANSWER["now"]


@recordable(name="app.count")
async def count(to: int) -> AsyncGenerator[dict[str, int]]:
    for number in range(to):
        yield {ANSWER["field"]: number}


def files(store: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    ANSWER.update(now={"id": "a", "tokens": 3}, field="n")
    with recording(tmp_path / "store", mode="record"):
        await answer("rings?")
        assert [item async for item in count(2)]
    return tmp_path / "store"


async def test_an_answer_of_the_same_shape_is_no_alarm_and_nothing_is_written(store: Path):
    before = files(store)
    ANSWER["now"] = {"id": "b", "tokens": 4}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with recording(store, mode="verify") as recorder:
            assert await answer("rings?") == {"id": "b", "tokens": 4}
            assert await answer("never recorded") == {"id": "b", "tokens": 4}
            assert [item async for item in count(2)] == [{"n": 0}, {"n": 1}]
    assert (recorder.stats.live, recorder.stats.recorded, recorder.stats.replayed) == (3, 0, 0)
    assert files(store) == before


@pytest.mark.parametrize(
    ("now", "said"),
    [({"id": "b"}, "app.answer: removed tokens"), (ConnectionError("down"), "app.answer: error end")],
)
async def test_what_breaks_code_is_warned_of(store: Path, now: Any, said: str):
    before = files(store)
    ANSWER["now"] = now
    with pytest.warns(RecordingsDifferWarning) as caught, recording(store, mode="verify"):
        if isinstance(now, Exception):
            with pytest.raises(ConnectionError):
                await answer("rings?")
        else:
            assert await answer("rings?") == now
    assert caught[0].message.changes == [said]
    assert files(store) == before


async def test_a_stream_is_compared_when_it_ends(store: Path):
    ANSWER["field"] = "m"
    with pytest.warns(RecordingsDifferWarning, match=r"app.count: removed \[\*\]\.n"), recording(store, mode="verify"):
        assert [item async for item in count(2)] == [{"m": 0}, {"m": 1}]


async def test_a_stream_that_is_left_is_compared_as_far_as_it_was_read(store: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with recording(store, mode="verify") as recorder:
            async with aclosing(count(2)) as items:
                assert await anext(items) == {"n": 0}
    (made,) = recorder.verification.calls
    assert made.changes == []


async def test_a_refresh_is_no_way_to_write(store: Path):
    before = files(store)
    ANSWER["now"] = {"id": "b", "tokens": 4}
    with recording(store, mode="verify"):
        assert await answer.refresh("rings?") == {"id": "b", "tokens": 4}
    assert files(store) == before


async def test_a_function_has_a_mode_of_its_own(store: Path):
    ANSWER["now"] = {}
    with recording(store, mode="verify", modes={"app.answer": "replay"}):
        assert await answer("rings?") == {"id": "a", "tokens": 3}
