"""A known SDK that is not patched: in a replay, no call of it goes to the network unnoticed."""

import importlib
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import anyio
import ollama
import openai
import pytest
import wrapt
from openai._base_client import AsyncAPIClient, SyncAPIClient

import memo
from memo import recording
from memo._engine.sessions.known_sdks import TARGETS
from memo.errors import NoCallsWarning, NotPatched, ScopeLost
from memo.patches import preset_names
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

MESSAGES: Any = [{"role": "user", "content": "Which planet has rings?"}]
METHODS = [(AsyncAPIClient, "request"), (SyncAPIClient, "request"), (ollama.Client, "_request")]


def attributes():
    return [vars(owner)[name] for owner, name in METHODS]


@pytest.fixture(autouse=True)
def no_trace():
    before = attributes()
    yield
    assert all(one is other for one, other in zip(attributes(), before, strict=True))


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(server):
    async with openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
        yield client


def ask(client):
    return client.chat.completions.create(model="m", messages=MESSAGES)


def test_what_is_guarded_is_what_the_presets_patch():
    patched = {}
    # The first is below all of them, and guarded by `block_network`; AWS is more than models.
    for preset in sorted({*preset_names()} - {"http", "aiobotocore", "botocore"}):
        for patch in importlib.import_module(f"memo.patches.presets.{preset}").PATCHES:
            module, _, path = patch.target.partition(":")
            patched.setdefault(module, (preset, []))[1].append(path)
    assert {module: (preset, sorted(paths)) for module, (preset, paths) in patched.items()} == {
        module: (preset.replace("-", "_"), sorted(paths)) for module, (preset, paths) in TARGETS.items()
    }


async def test_in_replay_it_is_an_error(server, client, async_client):
    with recording(MemoryStore()):
        with pytest.raises(NotPatched) as raised:
            ask(client)
        error = raised.value
        assert (error.sdk, error.patch) == ("openai", "openai")
        assert error.method == "openai._base_client:SyncAPIClient.request"
        assert "memo.install('openai')" in str(error)
        assert "memo run --patch openai" in str(error)
        assert 'recording(mode="live")' in str(error)
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), vars(again)) == (str(error), vars(error))
        with pytest.raises(NotPatched):
            await ask(async_client)
        with pytest.raises(NotPatched):
            client.models.list()
        with pytest.raises(NotPatched):
            list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))
        with pytest.raises(NotPatched, match="ollama"):
            ollama.Client(server.url).chat(model="m", messages=MESSAGES)
    assert server.seen == []


@pytest.mark.parametrize("mode", ["live", "record", "record-if-missing"])
async def test_in_other_modes_it_is_called(client, async_client, mode):
    warns = nullcontext() if mode == "live" else pytest.warns(NoCallsWarning)  # nothing of it is recorded
    with warns, recording(MemoryStore(), mode=mode):
        assert ask(client).choices
        assert (await ask(async_client)).choices
    assert ask(client).choices


async def test_a_live_scope_lets_calls_through(client, async_client):
    with recording(MemoryStore()):
        with recording(mode="live"):
            assert ask(client).choices
            assert (await ask(async_client)).choices
        with pytest.raises(NotPatched):
            ask(client)


@pytest.mark.parametrize("isolated", [False, True])
async def test_another_task_is_guarded_too_unless_the_recorder_is_isolated(async_client, isolated):
    inside, outside = anyio.Event(), anyio.Event()

    async def replays():
        with recording(MemoryStore(), isolated=isolated):
            inside.set()
            await outside.wait()
            with pytest.raises(NotPatched):
                await ask(async_client)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(replays)
        await inside.wait()
        if isolated:
            assert (await ask(async_client)).choices
        else:
            with pytest.raises(NotPatched):
                await ask(async_client)
        outside.set()


@pytest.mark.parametrize("isolated", [False, True])
def test_a_foreign_thread_is_guarded_too_unless_the_recorder_is_isolated(client, isolated):
    with ThreadPoolExecutor(1) as executor:
        executor.submit(int).result()  # the thread is older than the scope
        with recording(MemoryStore(), isolated=isolated) as recorder:
            done = executor.submit(ask, client)
            if isolated:
                assert done.result().choices
            else:
                with pytest.raises(NotPatched):
                    done.result()
    assert recorder.stats.unscoped == (not isolated)


def test_the_process_wide_recorder(client):
    recorder = memo.start(MemoryStore())
    try:
        recorder.start()  # is started already
        with pytest.raises(NotPatched):
            ask(client)
    finally:
        memo.stop()
        memo.stop()
    assert ask(client).choices


def test_installed_later_and_removed_again(client, tmp_path):
    with memo.install("openai"), recording(tmp_path, mode="record"):
        ask(client)
    with recording(tmp_path):
        with pytest.raises(NotPatched):
            ask(client)
        with memo.install("openai"):
            assert ask(client).choices
            assert type(vars(SyncAPIClient)["request"]).__name__ == "Patched"
        with pytest.raises(NotPatched):
            ask(client)


def test_installed_before_and_removed_inside(client, tmp_path):
    installed = memo.install("openai")
    with recording(tmp_path, mode="record"):
        ask(client)
    with recording(tmp_path):
        assert ask(client).choices
        installed.uninstall()
        with pytest.raises(NotPatched):
            ask(client)


def test_scopes_end_in_any_order(client):
    one, other = recording(MemoryStore()), recording(MemoryStore())
    threads_in, threads_out = threading.Barrier(3), threading.Barrier(3)

    def replay(scope):
        with scope:
            threads_in.wait()
            with pytest.raises(NotPatched):
                ask(client)
            threads_out.wait()

    threads = [threading.Thread(target=replay, args=(scope,)) for scope in (one, other)]
    for thread in threads:
        thread.start()
    threads_in.wait()
    try:
        with pytest.raises(ScopeLost, match=r"openai: called from .*2 recorders are open"):
            ask(client)
    finally:
        threads_out.wait()
    for thread in threads:
        thread.join()


def test_a_wrapper_put_on_top_stays_and_works(client, monkeypatch):
    with recording(MemoryStore()):
        guard = vars(SyncAPIClient)["request"]
        monkeypatch.setattr(SyncAPIClient, "request", wrapt.FunctionWrapper(guard, lambda w, i, a, k: w(*a, **k)))
        with pytest.raises(NotPatched):
            ask(client)
    assert ask(client).choices
    monkeypatch.undo()
    assert vars(SyncAPIClient)["request"] is guard  # what was there when it was wrapped
    assert ask(client).choices
    with recording(MemoryStore()), pytest.raises(NotPatched):
        ask(client)  # and goes with the next replay


def test_a_function_above_is_replayed(server, client):
    @memo.recordable
    def answer():
        return ask(client).choices[0].message.content

    store = MemoryStore()
    with recording(store, mode="record"):
        given = answer()
    server.seen.clear()
    with recording(store):
        assert answer() == given
    assert server.seen == []


def test_an_sdk_imported_inside_of_the_replay():
    program = (
        "import sys, memo\n"
        "from memo import recording\n"
        "from memo.stores import MemoryStore\n"
        "with recording(MemoryStore()):\n"
        "    assert 'openai' not in sys.modules\n"
        "    import openai\n"
        "    try:\n"
        "        openai.OpenAI(base_url='http://127.0.0.1:9', api_key='k', max_retries=0).models.list()\n"
        "    except memo.errors.NotPatched as error:\n"
        "        print(error.sdk)\n"
        "    assert 'memo.patches' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("openai\n", "")


def test_a_patched_client_in_a_pool_is_replayed(server, client, tmp_path):
    with ThreadPoolExecutor(1) as executor, memo.install("openai"):
        executor.submit(int).result()  # the thread is older than the scopes
        with recording(tmp_path, mode="record"):
            recorded = executor.submit(ask, client).result()
        server.seen.clear()
        with recording(tmp_path) as recorder:
            assert executor.submit(ask, client).result() == recorded
            assert executor.submit(ask, client).result() == recorded
    assert (recorder.stats.replayed, server.seen) == (2, [])
