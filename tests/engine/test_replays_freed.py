"""What a replay leaves behind: its scope is freed with its last reference, and no replay shares its value with another."""

import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from memo import Recorder, recordable

pytestmark = pytest.mark.anyio


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@recordable
async def forecast(city: str) -> dict[str, Any]:
    return {"city": city, "days": [1, 2]}


@recordable
async def rain(city: str) -> AsyncIterator[dict[str, Any]]:
    yield {"mm": [1]}
    yield {"mm": [2]}


async def read(city: str) -> list[dict[str, Any]]:
    return [item async for item in rain(city)]


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("mode", ["replay", "record-if-missing"])
async def test_a_scope_is_freed_when_it_ends(tmp_path: Path, mode: Any) -> None:
    with Recorder(tmp_path, mode="record"):
        await forecast("Paris")
        await read("Paris")
    recorder: Any = Recorder(tmp_path, mode=mode)
    with recorder:
        assert await forecast("Paris")
        assert await read("Paris")
    ended = weakref.ref(recorder)
    del recorder
    assert ended() is None


async def test_what_a_caller_does_to_one_replay_changes_no_other(tmp_path: Path) -> None:
    with Recorder(tmp_path, mode="record"):
        value, items = await forecast("Paris"), await read("Paris")
    with Recorder(tmp_path, mode="replay") as recorder:
        for _ in range(4):
            again, read_again = await forecast("Paris"), await read("Paris")
            assert (again, read_again) == (value, items)
            again["days"].append("changed")
            read_again[0]["mm"].append("changed")
    assert recorder.stats.replayed == 8


async def test_a_stream_that_is_read_on_is_compared_with_what_was_recorded(tmp_path: Path) -> None:
    with Recorder(tmp_path, mode="record"):
        left = rain("Rome")
        await anext(left)
        await left.aclose()
    with Recorder(tmp_path, mode="record-if-missing"):
        items = []
        async for item in rain("Rome"):
            items.append([*item["mm"]])
            item["mm"].append("changed")
    assert items == [[1], [2]]
