"""The net below presets and decorators: a call is recorded once, by the outermost that knows it."""

import httpx
import openai
import pytest
from http_routes import CREDENTIAL, HttpServer

import memo
from memo import recordable, recording

pytestmark = pytest.mark.anyio


async def ask(server):
    async with openai.AsyncOpenAI(base_url=f"{server.url}/chat", api_key="k", max_retries=0) as client:
        answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "rings?"}])
        return answer.choices[0].message.content


def functions(store):
    return sorted({path.parent.name for path in store.rglob("*.json")})


async def test_below_a_preset_it_is_silent(server: HttpServer, tmp_path):
    with memo.install("openai"):
        with recording(tmp_path, mode="record") as recorder:
            assert await ask(server) == "Saturn"
        assert (recorder.stats.recorded, functions(tmp_path)) == (1, ["openai.chat.completions"])
        server.stop()
        with recording(tmp_path):
            assert await ask(server) == "Saturn"


async def test_without_a_preset_it_records_the_sdk(server, tmp_path):
    with recording(tmp_path, mode="record"):
        assert await ask(server) == "Saturn"
    assert functions(tmp_path) == ["http.127.0.0.1"]
    server.stop()
    with recording(tmp_path) as recorder:  # the guard of the SDK lets the call through: nothing goes to the network
        assert await ask(server) == "Saturn"
    assert recorder.stats.replayed == 1


async def test_below_a_decorator_it_is_silent(server, tmp_path):
    @recordable(name="app.planet")
    async def planet() -> str:
        async with httpx.AsyncClient(verify=False) as client:
            return (await client.get(f"{server.url}/json")).json()["path"]

    with recording(tmp_path, mode="record"):
        assert await planet() == "/json"
    assert functions(tmp_path) == ["app.planet"]
    server.stop()
    with recording(tmp_path):
        assert await planet() == "/json"


async def test_in_live_mode_and_outside_of_scopes_requests_are_made(server, tmp_path):
    async with httpx.AsyncClient(verify=False) as client:
        assert (await client.get(f"{server.url}/json")).status_code == 200
        with recording(tmp_path, mode="live") as recorder:
            assert (await client.get(f"{server.url}/json")).status_code == 200
    assert recorder.stats.live == 1
    assert functions(tmp_path) == []


async def test_named_headers_identify_a_request(net, server, tmp_path):
    net.uninstall()
    with memo.install("http", headers="X-Version"), recording(tmp_path, mode="record"):
        async with httpx.AsyncClient(verify=False) as client:
            for version in ("1", "2"):
                await client.get(f"{server.url}/json", headers={"x-version": version, "x-other": version})
    assert len([*tmp_path.rglob("*.json")]) == 2


@pytest.mark.parametrize(
    ("path", "name", "text"), [("/credential", "x-upstream", "via <secret>"), ("/latin", "x-name", "Sät")]
)
async def test_a_credential_in_a_header_is_masked_and_no_other_header_changes(
    server: HttpServer, tmp_path, path, name, text
):
    async def ask_twice():
        async with httpx.AsyncClient(base_url=server.url) as client:
            plain = await client.get(path)
            async with client.stream("GET", path) as response:
                return [{**plain.headers}, {**response.headers}]

    with recording(tmp_path, mode="record"):
        live = await ask_twice()
    assert all(CREDENTIAL.encode() not in file.read_bytes() for file in tmp_path.rglob("*.json"))
    server.stop()
    with recording(tmp_path):
        assert await ask_twice() == [{**headers, name: text} for headers in live]
