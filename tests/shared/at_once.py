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
