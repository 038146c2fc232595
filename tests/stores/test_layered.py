"""Stores over one another: read in order, written to the first."""

import os
import random
import re
import subprocess
import sys

import anyio
import pytest

import memo
from memo.errors import InvalidOption, RecordingDamaged, RecordingNotFound, ScopeNotPortable, StoreNotWritable
from memo.stores import DirectoryStore, LayeredStore, MemoryStore

answers = iter(range(10**9))


@memo.recordable(name="app.ask")
async def ask(prompt: str) -> str:
    return f"{prompt} {next(answers)}"


async def recorded(store, *prompts):
    with memo.recording(store, mode="record"):
        return [await ask(prompt) for prompt in prompts]


def files(folder):
    return {file.name: file.read_bytes() for file in folder.rglob("*.json")}


async def test_they_are_read_in_order_and_the_first_is_written(tmp_path):
    own, common = tmp_path / "own", tmp_path / "common"
    [both] = await recorded(own, "both")
    [_, below] = await recorded(common, "both", "below")
    before = files(common)
    with memo.recording([own, common], mode="record-if-missing") as recorder:
        assert [await ask("both"), await ask("below")] == [both, below]
        new = await ask("new")
    assert (recorder.stats.replayed, recorder.stats.recorded) == (2, 1)
    assert files(common) == before
    assert len(files(own)) == 2
    with memo.recording(own, mode="replay", fallback=common):
        assert [await ask(prompt) for prompt in ("both", "below", "new")] == [both, below, new]


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_what_is_added_to_a_lower_recording_is_added_to_a_copy(tmp_path, mode):
    own, common = tmp_path / "own", tmp_path / "common"
    below = await recorded(common, "again")
    before = files(common)
    with memo.recording([own, common], mode=mode):
        found = [await ask("again"), await ask("again")]
    assert (found[0] == below[0]) is (mode == "record-if-missing")
    assert files(common) == before
    for store in (own, [own, common]):
        with memo.recording(store, mode="replay"):
            assert [await ask("again"), await ask("again")] == found


@pytest.mark.parametrize("seed", range(5))
async def test_replay_through_layers_is_replay_of_their_union(tmp_path, seed):
    chance = random.Random(seed)
    layers = [tmp_path / str(number) for number in range(3)]
    prompts = [f"prompt {number}" for number in range(12)]
    for layer in layers:
        await recorded(layer, *(prompt for prompt in prompts for _ in range(chance.choice([0, 0, 1, 1, 2, 3]))))
    union = tmp_path / "union"
    for layer in reversed(layers):
        for file in layer.rglob("*.json"):
            (union / "app.ask").mkdir(parents=True, exist_ok=True)
            (union / "app.ask" / file.name).write_bytes(file.read_bytes())
    asked = chance.choices(prompts, k=60)

    async def replayed(store):
        found = []
        with memo.recording(store, mode="replay") as recorder:
            for prompt in asked:
                try:
                    found.append(await ask(prompt))
                except RecordingNotFound as error:
                    found.append(error.key)
        return found, recorder.stats.replayed, recorder.stats.missed

    through = await replayed(layers)
    assert through == await replayed(union)
    assert through[1] > 0
    assert sorted(LayeredStore([*map(DirectoryStore, layers)]).scan()) == sorted(DirectoryStore(union).scan())


async def test_a_miss_names_all_layers_and_the_nearest_in_any(tmp_path):
    own, common = tmp_path / "own", tmp_path / "common"
    await recorded(own, "far away from it")
    await recorded(common, "nearly this")
    with memo.recording([own, common], mode="replay"), pytest.raises(RecordingNotFound) as caught:
        await ask("nearly thus")
    said = str(caught.value)
    assert f"looked in: {own}, then {common} (2 recordings of app.ask)" in said
    assert caught.value.nearest.location.startswith(str(common))
    with memo.recording([own, tmp_path / "none"], mode="replay", ignore=["prompt"]), pytest.raises(RecordingNotFound):
        await ask("x")
    with (
        memo.recording([tmp_path / "nowhere", tmp_path / "none"]),
        pytest.raises(RecordingNotFound, match="the store does not exist") as caught,
    ):
        await ask("x")


async def test_a_damaged_recording_does_not_give_way_to_a_lower_one(tmp_path):
    own, common = tmp_path / "own", tmp_path / "common"
    await recorded(own, "a")
    await recorded(common, "a")
    [file] = own.rglob("*.json")
    file.write_bytes(file.read_bytes()[:40])
    for mode in ("replay", "record-if-missing", "record"):
        with memo.recording([own, common], mode=mode), pytest.raises(RecordingDamaged, match=re.escape(str(file))):
            await ask("a")


async def test_what_a_lower_layer_has_is_not_deleted_there(tmp_path):
    own, common = tmp_path / "own", tmp_path / "common"
    await recorded(common, "below")
    cache = memo.Recorder([own, common], mode="record-if-missing")
    cached = cache.recordable(name="app.ask")(ask.__wrapped__)
    below = await cached("below")
    assert await cached("own") == await cached("own")
    assert cached.cache_invalidate("own") is True
    with pytest.raises(StoreNotWritable, match="is in a fallback of"):
        cached.cache_invalidate("below")
    assert cached.cache_info().currsize == 1
    assert await cached("below") == below


async def test_a_directory_over_a_server_has_the_salt_of_the_server(tmp_path, valkey):
    server = f"redis://{valkey}/0?prefix={tmp_path.name}"
    calls = []

    @memo.recordable(name="app.profile")
    async def profile(access_token: str) -> str:
        calls.append(access_token)
        return f"of {access_token[:1]}"

    with memo.recording(server, mode="record-if-missing"):
        assert await profile("a" * 20) == "of a"
    with memo.recording([tmp_path / "own", server], mode="record-if-missing") as recorder:
        assert [await profile("a" * 20), await profile("b" * 20)] == ["of a", "of b"]
    assert (recorder.stats.replayed, len(calls)) == (1, 2)
    with memo.recording([tmp_path / "own", server], mode="replay"):
        assert [await profile("a" * 20), await profile("b" * 20)] == ["of a", "of b"]
    assert len(files(tmp_path / "own")) == 1


async def test_a_server_over_a_directory_claims(tmp_path, valkey):
    server = f"redis://{valkey}/0?prefix={tmp_path.name}"
    await recorded(tmp_path / "common", "below")
    with memo.recording([server, tmp_path / "common"], mode="record-if-missing") as recorder:
        below, new = await ask("below"), await ask("new")
    assert (recorder.stats.replayed, recorder.stats.recorded) == (1, 1)
    with memo.recording(server, fallback=[tmp_path / "common"]):
        assert [await ask("below"), await ask("new")] == [below, new]


def test_the_layers_travel_to_another_process(tmp_path):
    own, common = tmp_path / "own", tmp_path / "common"
    anyio.run(recorded, common, "below")
    program = "import memo\n@memo.recordable(name='app.ask')\nasync def ask(prompt: str) -> str: 1 / 0\n"
    program += "import anyio; print(anyio.run(ask, 'below'))"
    with memo.recording([own, common], mode="replay") as recorder:
        env = {**os.environ, **recorder.env}
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("below ")) == (0, True), done.stderr
    assert recorder.stats.replayed == 1
    with pytest.raises(ScopeNotPortable):
        memo.Recorder(own, fallback=["memory://"]).headers  # noqa: B018


async def test_memo_store_takes_the_place_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setenv("MEMO_STORE", str(tmp_path / "other"))
    await recorded(tmp_path / "common", "x")  # into the other directory, too
    with memo.recording([tmp_path / "own", tmp_path / "other"], mode="record") as recorder:
        await ask("x")
    assert recorder.store.location().startswith(str(tmp_path / "other"))
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("fallback", [5, None, [5], ["x://y"], b"x"])
def test_what_is_no_store_is_an_error_at_once(fallback):
    with pytest.raises(InvalidOption):
        memo.Recorder("own", fallback=fallback)
    with pytest.raises(InvalidOption):
        memo.Recorder(["own", fallback])


def test_no_stores_are_no_store():
    with pytest.raises(InvalidOption):
        memo.Recorder([])


async def test_only_what_was_opened_here_is_closed(tmp_path):
    closed = []

    class Closing(MemoryStore):
        def close(self):
            closed.append(self)

    mine = Closing()
    url = f"sqlite:///{tmp_path}/store.db"
    with memo.recording([url, mine], mode="record") as recorder:
        await ask("x")
    assert closed == []
    assert recorder.store.layers[1] is mine
