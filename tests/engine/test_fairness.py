"""A loop of replays lets other tasks run, which may have to stop it."""

import anyio
import anyio.lowlevel

from memo import recordable, recording
from memo.stores import MemoryStore


@recordable
async def ask(turn: int) -> str:
    await anyio.lowlevel.checkpoint()
    return "again"


async def test_another_task_can_end_a_loop_of_replays():
    store = MemoryStore()
    with recording(store, mode="record"):
        await ask(1)
    ended = False

    async def loop() -> None:
        while not ended:
            await ask(1)

    with recording(store), anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(loop)
            await anyio.lowlevel.checkpoint()
            ended = True


async def test_a_deadline_ends_a_loop_of_replays():
    store = MemoryStore()
    with recording(store, mode="record"):
        await ask(1)
    with recording(store), anyio.move_on_after(0.05) as scope:
        while True:
            await ask(1)
    assert scope.cancelled_caught
