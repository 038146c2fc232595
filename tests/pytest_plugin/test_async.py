"""Async tests, whoever runs them: anyio on both loops, pytest-asyncio, their fixtures."""

ANYIO = """
import anyio

pytestmark = [pytest.mark.anyio, pytest.mark.memo]

@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param

@pytest.fixture(scope="module")
async def shared(anyio_backend):
    yield await ask("shared")
    await ask("shared, at its end")

@pytest.fixture
async def own(shared):
    yield await ask("own")
    await ask("own, at its end")

async def test_it(own):
    async with anyio.create_task_group() as tasks:
        for prompt in ("a", "b", "c"):
            tasks.start_soon(ask, prompt)
    await anyio.to_thread.run_sync(ask_sync, "in a thread")
"""


def test_anyio(recorded):
    project = recorded(conftest="pytest_plugins = ['anyio']", test_app=ANYIO)
    each = ["a", "b", "c", "in a thread", "own", "own, at its end"]
    assert project.recordings == {
        "recordings/test_app/@module": ["shared", "shared, at its end"],
        "recordings/test_app/test_it[asyncio]": each,
        "recordings/test_app/test_it[trio]": each,
    }
    assert project.run("--memo-unused=fail", passed=2).exit == 0
    assert project.calls == []


ASYNCIO = """
import asyncio
import pytest_asyncio

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared():
    yield await ask("shared")
    await ask("shared, at its end")

@pytest_asyncio.fixture
async def own(shared):
    yield await ask("own")
    await ask("own, at its end")

@pytest.mark.asyncio
@pytest.mark.memo
async def test_it(own):
    await asyncio.gather(ask("a"), ask("b"), asyncio.to_thread(ask_sync, "in a thread"))

@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.memo
async def test_other(shared):
    assert await asyncio.create_task(ask("a")) == "A"

@pytest.mark.asyncio
@pytest.mark.memo
async def test_swallowed():
    with pytest.raises(Exception):
        await ask("missing" if {missing} else "a")
    raise OSError("as it should be")
"""


def test_pytest_asyncio(project):
    project.ini("asyncio_default_fixture_loop_scope = function")
    project.write(test_app=ASYNCIO.replace("{missing}", "True"))
    project.run("-k", "not swallowed", "--memo-mode=record-if-missing", plugins=("pytest_asyncio.plugin",), passed=2)
    assert project.recordings == {
        "recordings/test_app/@module": ["shared", "shared, at its end"],
        "recordings/test_app/test_it": ["a", "b", "in a thread", "own", "own, at its end"],
        "recordings/test_app/test_other": ["a"],
    }
    assert project.calls
    run = project.run("--memo-unused=fail", plugins=("pytest_asyncio.plugin",), passed=2, failed=1)
    assert '"prompt":"missing"' in run.text
    assert project.calls == []


def test_a_task_that_outlives_its_test_records_for_no_test(project):
    project.write(
        test_app="""
import memo, threading

release = threading.Event()

def late():
    release.wait(10)
    ask_sync("late")

thread = threading.Thread(target=late)

@pytest.mark.memo
def test_it():
    thread.start()

def test_other():
    assert memo.current() is None
    release.set()
    thread.join()
"""
    )
    project.run("--memo-mode=record", passed=2)
    assert project.calls == ["late"]
    assert project.recordings == {}


LEFT = """
from memo import recordable

pytestmark = [pytest.mark.anyio, pytest.mark.memo]
held = []

@recordable
async def words(prompt):
    for word in live(prompt):
        yield word

@recordable(name="words")
def letters(prompt):
    yield from live(prompt)

async def test_broken_off():
    async for word in words("break"):
        break

async def test_one_item():
    assert await anext(words("next")) == "N"

async def test_held():
    held.append(words("held"))
    await anext(held[-1])

def test_sync():
    for letter in letters("sync"):
        break

async def test_failing():
    async for word in words("raises"):
        pytest.xfail()
"""


def test_streams_that_are_left_as_the_last_step_of_a_test(project):
    project.ini("filterwarnings =", "    ignore")  # trio says which generators are left to the collector
    project.write(conftest="pytest_plugins = ['anyio']", test_app=LEFT)
    project.run("--memo-mode=record-if-missing", passed=7, xfailed=2)
    assert project.calls
    prompts = sorted(prompt for prompts in project.recordings.values() for prompt in prompts)
    assert prompts == ["break", "break", "held", "held", "next", "next", "raises", "raises", "sync"]
    project.run("--memo-unused=fail", passed=7, xfailed=2)
    assert project.calls == []
