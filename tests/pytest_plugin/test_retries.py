"""A miss below code that retries, falls back or gives up: no live call, one message, and its test fails."""

import pytest

RETRIES = """
import asyncio
import tenacity

{way}

@pytest.mark.memo
def test_it():
    asyncio.run(use("a", "b"))
"""
WAYS = {
    "tenacity": """
@tenacity.retry(stop=tenacity.stop_after_attempt(4))
async def use(first, second):
    return await ask(first)
""",
    "tenacity, raising the last error": """
@tenacity.retry(stop=tenacity.stop_after_attempt(4), reraise=True)
async def use(first, second):
    return await ask(first)
""",
    "tenacity, giving a default": """
@tenacity.retry(stop=tenacity.stop_after_attempt(4), retry_error_callback=lambda state: None)
async def use(first, second):
    return await ask(first)
""",
    "tenacity, for a class of error": """
@tenacity.retry(stop=tenacity.stop_after_attempt(4), retry=tenacity.retry_if_exception_type(LookupError))
async def use(first, second):
    return await ask(first)
""",
    "a loop that gives up": """
async def use(first, second):
    for _ in range(3):
        try:
            return await ask(first)
        except Exception:
            continue
""",
    "a loop that raises another error": """
async def use(first, second):
    errors = []
    for _ in range(3):
        try:
            return await ask(first)
        except Exception as error:
            errors.append(error)
    raise RuntimeError("gave up") from errors[-1]
""",
    "a loop that raises another error from nothing": """
async def use(first, second):
    for _ in range(3):
        try:
            return await ask(first)
        except Exception:
            pass
    raise RuntimeError("gave up") from None
""",
    "a group of errors": """
async def use(first, second):
    async def one():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ask(first))
    for _ in range(2):
        try:
            return await one()
        except Exception as error:
            last = error
    raise last
""",
    "a fallback that is recorded": """
async def use(first, second):
    try:
        return await ask(first)
    except Exception:
        return ask_sync(second)
""",
    "a retry from another line": """
async def use(first, second):
    try:
        return await ask(first)
    except Exception:
        pass
    try:
        return await ask(first)
    except Exception:
        return None
""",
    "gather": """
async def use(first, second):
    return await asyncio.gather(*(ask(first) for _ in range(3)), return_exceptions=True)
""",
    "threads": """
async def use(first, second):
    for _ in range(3):
        try:
            return await asyncio.to_thread(ask_sync, first)
        except Exception:
            pass
""",
}
RECORDED = """
@pytest.mark.memo
def test_it():
    assert ask_sync("b") == "B"
    import asyncio
    assert asyncio.run(ask("other")) == "OTHER"
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_miss_below_retries_and_fallbacks(recorded, way):
    project = recorded(test_app=RECORDED)
    project.write(test_app=RETRIES.format(way=WAYS[way]))
    before = project.calls
    run = project.run(failed=1)
    assert project.calls == before
    assert run.text.count("there is no recording of this call") == 1


def test_two_calls_that_miss_are_two_messages(recorded):
    project = recorded(test_app=RECORDED)
    project.write(
        test_app=RETRIES.format(
            way="""
async def use(first, second):
    for prompt in ("x", "y", "x", "y"):
        try:
            await ask(prompt)
        except Exception:
            pass
"""
        )
    )
    run = project.run(failed=1)
    assert run.text.count("there is no recording of this call") == 2
