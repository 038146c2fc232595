"""Many processes draw the same calls at once: one outcome for each draw, whoever made it, and none lost.

`MEMO_DRAWS=16,100,30` tries that with 16 processes, 100 prompts and 30 draws of each, instead of the few of the default.
"""

import json
import os
import subprocess
import sys

import pytest

PROCESSES, PROMPTS, DRAWS = (int(number) for number in os.environ.get("MEMO_DRAWS", "3,5,6").split(","))

PROGRAM = """
import asyncio, json, os, random, sys, warnings
from memo import recordable, recording
from memo.errors import OrderNotKeptWarning

warnings.simplefilter("ignore", OrderNotKeptWarning)  # its calls begin at random, and several processes have no order
store, mode, draws, prompts = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
made = []

@recordable(name="ask")
async def ask(prompt):
    await asyncio.sleep(random.random() * 0.005)
    made.append(prompt)
    return random.getrandbits(60)

async def all_of(prompt):
    await asyncio.sleep(random.random() * 0.02)
    first = [await ask(prompt) for _ in range(draws // 2)]
    return first + await asyncio.gather(*(ask(prompt) for _ in range(draws - draws // 2)))

async def main():
    with recording(store, mode=mode) as recorder:
        found = await asyncio.gather(*map(all_of, range(prompts)))
    return {"found": found, "made": len(made), "replayed": recorder.stats.replayed}

print(json.dumps(asyncio.run(main())))
"""


def fleet(store, mode, draws, processes=PROCESSES):
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(store), mode, str(draws), str(PROMPTS)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    outputs = [process.communicate(timeout=1200)[0] for process in running]
    assert [process.returncode for process in running] == [0] * processes
    return [json.loads(output) for output in outputs]


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
def test_one_outcome_for_each_draw_of_a_fleet(tmp_path, kind):
    store = tmp_path / "recordings" if kind == "directory" else f"sqlite:///{tmp_path}/recordings.db"
    live = 0
    for draws in (DRAWS // 3, DRAWS * 2 // 3, DRAWS):  # topped up twice
        results = fleet(store, "record-if-missing", draws)
        live += sum(result["made"] for result in results)
        found = results[0]["found"]
        assert all(result["found"] == found for result in results), "each process has the same outcomes, in their order"
        assert all(len(set(answers)) == draws for answers in found), "as many different ones as were drawn"
    assert live == DRAWS * PROMPTS if kind == "sqlite" else live >= DRAWS * PROMPTS
    for mode in ("replay", "record-if-missing"):
        [replayed] = fleet(store, mode, DRAWS, processes=1)
        assert (replayed["found"], replayed["made"], replayed["replayed"]) == (found, 0, DRAWS * PROMPTS)
