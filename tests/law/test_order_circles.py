"""Calls that wait for one another, as no single program records them, and several programs together may."""

import asyncio

import orjson
import pytest

from memo import recordable, recording


@recordable(name="app.ask")
async def ask(n: int) -> int:
    await asyncio.sleep(0)
    return n


@pytest.mark.filterwarnings("ignore::memo.errors.OrderNotKeptWarning")
@pytest.mark.parametrize(
    "after", [{0: 1, 1: 0, 2: 0}, {0: 1, 1: 2, 2: 1}, {0: 0, 1: 0}, {0: 1, 1: 2, 2: 3, 3: 1, 4: 0}]
)
def test_a_circle_of_calls_ends(after: dict[int, int], tmp_path):

    async def program() -> list[int]:
        return list(await asyncio.gather(*map(ask, range(5))))

    with recording(tmp_path, mode="record"):
        asyncio.run(program())
    files = {orjson.loads(file.read_bytes())["arguments"]["n"]: file for file in tmp_path.rglob("*.json")}
    for one, other in after.items():
        tree = orjson.loads(files[one].read_bytes())
        tree["outcomes"][0]["after"] = {"call": f"app.ask/{orjson.loads(files[other].read_bytes())['key']}", "draw": 0}
        files[one].write_bytes(orjson.dumps(tree))
    for mode in ("replay", "record-if-missing"):
        with recording(tmp_path, mode=mode):
            assert asyncio.run(program()) == [0, 1, 2, 3, 4]
