"""Functions that are called at once."""

import anyio


async def gathered(*functions):
    """What the functions return, called at once, each in its own task."""
    results = [None] * len(functions)

    async def one(index):
        results[index] = await functions[index]()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for index in range(len(functions)):
                tasks.start_soon(one, index)
    return results


async def until(is_so):
    """Wait until an async function returns True, for ten seconds at most."""
    with anyio.fail_after(10):
        while not await is_so():  # noqa: ASYNC110 - what is waited for is in a store, or in another process
            await anyio.sleep(0.005)
