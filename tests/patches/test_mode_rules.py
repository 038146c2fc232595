"""A mode for each function, through a real SDK: its calls are named by what is called."""

import openai
import pytest

import memo
from memo import RecordingNotFound, recordable, recording
from memo._engine.rules.patterns import families
from memo.errors import NotPatched
from memo.patches._presets import patches_of

pytestmark = pytest.mark.anyio


@recordable(name="tools.search")
async def search(query):
    return f"found {query}"


@pytest.fixture
async def client(server):
    async with openai.AsyncOpenAI(api_key="dummy", base_url=f"{server.url}/v1", max_retries=0) as made:
        yield made


async def ask(client, text="hi", **more):
    return await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **more)


async def test_a_new_prompt_meets_recorded_tools(client, server, tmp_path):
    with memo.install("openai"):
        with recording(tmp_path, mode="record"):
            await ask(client)
            await search("rings")
            await client.models.list()
        server.seen.clear()
        with recording(tmp_path, modes={"openai.*": "live", "openai.models": "replay"}) as recorder:
            await ask(client, "another prompt")
            assert (await ask(client, temperature=0.5)).choices
            assert await search("rings") == "found rings"
            assert (await client.models.list()).data
        assert [path for _, path, _ in server.seen] == ["/v1/chat/completions"] * 2
        assert recorder.stats.by_rule == {"openai.*": 2, "openai.models": 1}


async def test_a_model_is_replayed_again_and_again_while_the_rest_is_live(client, server, tmp_path):
    with memo.install("openai"):
        with recording(tmp_path, mode="record"):
            live = await ask(client)
        server.seen.clear()
        with recording(tmp_path, mode="live", modes={"openai.chat.*": "replay"}) as recorder:
            assert [await ask(client) for _ in range(3)] == [live] * 3
            with pytest.raises(RecordingNotFound, match=r"by modes: openai.chat.\* = replay"):
                await ask(client, "something else")
            await client.models.list()
        assert len(server.seen) == 1
        assert recorder.stats.replayed == 3


async def test_live_calls_of_a_rule_need_no_key(client, tmp_path, server):
    with memo.install("openai"), recording(tmp_path, modes={"openai.*": "live"}):
        for _ in range(3):
            await ask(client)
    assert len(server.seen) == 3


async def test_an_sdk_without_its_patch_is_guarded_by_the_rule(client, tmp_path):
    with recording(tmp_path, modes={"openai.*": "live"}):
        await ask(client)
    with recording(tmp_path, mode="live", modes={"openai.chat.*": "replay"}), pytest.raises(NotPatched):
        await ask(client)
    with recording(tmp_path, mode="live", modes={"anthropic.*": "replay"}):
        await ask(client)


def test_the_presets_have_the_names_that_patterns_are_checked_with():
    found = {
        preset: {patch.options["name"].partition(".")[0] for patch in patches_of(preset, {}, None)}
        for preset in families
    }
    assert found == {preset: {root} for preset, root in families.items()}
