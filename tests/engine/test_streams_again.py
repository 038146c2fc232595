"""A stream that gives the same object again, changed since: a replay gives one object, too."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from memo import recordable, recording


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    n: int = 0


@dataclasses.dataclass
class Plain:
    n: int = 0


@dataclasses.dataclass(slots=True)
class Slotted:
    n: int = 0


def counted(state: Any, n: int) -> Any:
    if isinstance(state, list):
        state.append((n,))
    elif isinstance(state, set | bytearray):
        state.update({n}) if isinstance(state, set) else state.append(n)
    elif isinstance(state, dict):
        state[n] = {n}
    else:
        state.n = n
    return state


MAKERS = [list, dict, set, bytearray, Model, Plain, Slotted, SimpleNamespace]


def seen(items: list[Any]) -> tuple[list[bool], str]:
    return [item is items[0] for item in items], repr(items)


@pytest.mark.parametrize("make", MAKERS)
def test_one_object_stays_one_and_each_item_is_as_it_was(make: Any, tmp_path: Path):
    @recordable(name="counts")
    def counts() -> Iterator[Any]:
        state = make()
        for n in range(3):
            yield counted(state, n)

    def use() -> Any:
        return [repr(item) for item in counts()], seen(list(counts()))

    live = use()
    assert live[1][0] == [True] * 3
    assert len(set(live[0])) == 3
    with recording(tmp_path, mode="record"):
        assert use() == live
    for _ in range(2):
        with recording(tmp_path) as rec:
            assert use() == live
        assert rec.stats.replayed == 2


async def test_between_other_items(tmp_path: Path):
    @recordable(name="mixes")
    async def mixes() -> AsyncIterator[Any]:
        one, other = Model(n=1), Model(n=1)
        for item in (one, one, other, one, "text", other, other, (1,), (1,)):
            yield item

    async def use() -> list[bool]:
        items = [item async for item in mixes()]
        return [items[i] is items[i + 1] for i in (0, 1, 2, 5)]

    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode):
            assert await use() == [True, False, False, True]
            assert [item.n async for item in mixes() if isinstance(item, Model)] == [1] * 6


async def test_in_a_stream_inside_of_a_result(tmp_path: Path):
    @recordable(name="holds")
    def holds() -> dict[str, Any]:
        def items() -> Iterator[Any]:
            state: list[int] = []
            for n in range(3):
                state.append(n)
                yield state

        return {"stream": items()}

    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode):
            assert [len(item) for item in holds()["stream"]] == [1, 2, 3]
