"""The preset `mcp`: sessions with a server in memory, then with servers whose tools raise, and with none at all."""

import base64
import logging
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.session import ClientSession
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.shared.memory import create_client_server_memory_streams
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    REQUEST_TIMEOUT,
    CallToolRequestParams,
    CallToolResult,
    PaginatedRequestParams,
    TextContent,
)
from pydantic import BaseModel

import memo
from memo import recording
from memo.codecs.sameness import difference

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MODES = ["auto", "legacy"]


class Forecast(BaseModel):
    city: str
    celsius: float
    days: list[int] = []


class Weather(MCPServer):
    """A server whose tools count their calls, and raise once it has failed."""

    def __init__(self, name: str = "weather", celsius: float = 21.5, version: str = "1.0"):
        super().__init__(name, version=version)
        self.calls: list[str] = []
        self.failed = False

        def tool(function: Callable) -> Callable:
            return self.tool()(function)

        def note(name: str):
            self.calls.append(name)
            if self.failed:
                raise RuntimeError("the server is not there")

        @tool
        def forecast(city: str, days: int = 3) -> Forecast:
            note("forecast")
            return Forecast(city=city, celsius=celsius, days=list(range(days)))

        @tool
        def radar(city: str) -> Image:
            note("radar")
            return Image(data=PIXEL, format="png")

        @tool
        def refuse(city: str) -> str:
            note("refuse")
            raise ValueError(f"no weather in {city}")

        @tool
        async def slow(ctx: Context) -> str:
            note("slow")
            await ctx.report_progress(1, 2, "half")
            return "done"

        @tool
        async def hang() -> str:
            await anyio.sleep_forever()

        @tool
        def raw() -> CallToolResult:
            note("raw")
            content = [TextContent(type="text", text="☔", _meta={"x/y": 1})]
            return CallToolResult(content=content, structured_content={"a": [1, 1.0, None]}, _meta={"trace": "t"})


@pytest.fixture(autouse=True)
def installed():
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    with memo.install("mcp"):
        yield


@asynccontextmanager
async def unreachable(known):
    """A session whose other end answers nothing, told what an earlier one had learnt."""
    async with create_client_server_memory_streams() as ((read, write), _), ClientSession(read, write) as session:
        session.adopt(known)
        with anyio.fail_after(5):
            yield session


def written(folder: Path) -> str:
    return "".join(each.read_text() for each in folder.rglob("*.json"))


CALLS = {
    "structured": lambda session: session.call_tool("forecast", {"city": "Paris"}),
    "by keywords": lambda session: session.call_tool(name="forecast", arguments={"city": "Paris", "days": 1}),
    "image": lambda session: session.call_tool("radar", {"city": "Paris"}),
    "error result": lambda session: session.call_tool("refuse", {"city": "Paris"}),
    "unknown tool": lambda session: session.call_tool("nothing", {}),
    "raw": lambda session: session.call_tool("raw"),
    "list": lambda session: session.list_tools(),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CALLS)
async def test_replayed_without_the_server(name, mode, tmp_path):
    server = Weather()
    async with Client(server, mode=mode) as client:
        known = client.session.initialize_result or client.session.discover_result
        with recording(tmp_path, mode="record"):
            live = await CALLS[name](client.session)
    calls = len(server.calls)
    assert '"self":{"server":"weather"}' in written(tmp_path)
    with recording(tmp_path) as rec:
        async with unreachable(known) as session:
            assert difference(live, await CALLS[name](session), repr) is None
        server.failed = True
        async with Client(server, mode=mode) as client:
            assert difference(live, await CALLS[name](client.session), repr) is None
    assert rec.stats.replayed >= 2  # and the lists by which results are checked
    assert rec.stats.live == 0
    assert len(server.calls) == calls
    if isinstance(live, CallToolResult):
        assert live.is_error == (name in ("error result", "unknown tool"))


async def test_through_the_client(tmp_path):
    server = Weather()
    results = []
    for store in ("record", "replay"):
        async with Client(server) as client:
            with recording(tmp_path, mode=store) as rec:
                results.append(await client.call_tool("forecast", {"city": "Oslo"}))
        server.failed = True
    assert difference(*results, repr) is None
    assert rec.stats.replayed == 2  # and the list by which the result is checked
    assert server.calls == ["forecast"]


async def test_what_does_not_identify_a_call(tmp_path):
    server, seen = Weather(), []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total, message))

    async with Client(server) as client:
        with recording(tmp_path, mode="record"):
            live = await client.session.call_tool("slow", {}, 30.0, progress, meta={"trace": "a"})
    assert seen == [(1, 2, "half")]
    async with Client(server) as client:
        with recording(tmp_path) as rec:
            assert await client.session.call_tool("slow", {}) == live
            assert await client.session.call_tool("slow", {}, 5.0, progress, meta={"trace": "b"}) == live
            with pytest.raises(memo.RecordingNotFound):
                await client.session.call_tool("slow", {"more": 1})
            with pytest.raises(memo.RecordingNotFound):
                await client.session.call_tool("slow", {}, request_state="second round")
    assert rec.stats.replayed == 3
    assert len(seen) == 1  # a replay reports no progress


@pytest.mark.parametrize("mode", MODES)
async def test_servers_are_distinguished_by_their_names(mode, tmp_path):
    servers = [Weather("north", -3.5), Weather("south", 30.25)]
    live = []
    for server in servers:
        async with Client(server, mode=mode) as client:
            with recording(tmp_path, mode="record"):
                live.append(await client.session.call_tool("forecast", {"city": "Paris"}))
    assert [each.structured_content["celsius"] for each in live] == [-3.5, 30.25]
    for server, expected in zip(servers, live, strict=True):
        server.failed = True
        async with Client(server, mode=mode) as client:
            with recording(tmp_path):
                assert await client.session.call_tool("forecast", {"city": "Paris"}) == expected
    async with Client(Weather("west"), mode=mode) as client:
        with recording(tmp_path), pytest.raises(memo.RecordingNotFound):
            await client.session.call_tool("forecast", {"city": "Paris"})


async def test_another_version_of_a_server_is_the_same_server(tmp_path):
    async with Client(Weather(version="1.0")) as client:
        with recording(tmp_path, mode="record"):
            live = await client.session.call_tool("forecast", {"city": "Paris"})
    async with Client(Weather(version="2.0", celsius=0.0)) as client:
        with recording(tmp_path):
            assert await client.session.call_tool("forecast", {"city": "Paris"}) == live


async def test_a_replayed_list_still_checks_live_results(tmp_path):
    server = Weather()
    for _ in range(2):
        async with Client(server) as client:
            with recording(tmp_path, mode="record-if-missing") as rec:
                await client.session.list_tools()
                await client.session.list_tools(params=PaginatedRequestParams(cursor=None))
            assert set(client.session._tool_output_schemas) == {"forecast", "radar", "refuse", "slow", "hang", "raw"}
    assert (rec.stats.replayed, rec.stats.live) == (2, 0)


@pytest.mark.filterwarnings("ignore::memo.errors.CallsNotRecordedWarning")
async def test_errors_of_the_protocol(tmp_path):
    server = Weather()

    def failing(code: int) -> Callable:
        async def call(*_: object) -> CallToolResult:
            raise MCPError(code, "can not", {"why": [1]})

        return call

    for code, recorded in ((INVALID_PARAMS, 1), (INTERNAL_ERROR, 0)):
        errors = []
        server._lowlevel_server.add_request_handler("tools/call", CallToolRequestParams, failing(code))
        for _ in range(2):
            async with Client(server) as client:
                with (
                    recording(tmp_path / str(code), mode="record-if-missing") as rec,
                    pytest.raises(MCPError) as raised,
                ):
                    await client.session.call_tool("forecast", {})
            errors.append(raised.value)
        assert rec.stats.replayed == recorded
        assert difference(errors[0].error, errors[1].error, repr) is None
        assert type(errors[0]) is type(errors[1])
        assert errors[0].args == errors[1].args


@pytest.mark.filterwarnings("ignore::memo.errors.CallsNotRecordedWarning")
async def test_time_outs_are_not_recorded(tmp_path):
    async with Client(Weather()) as client:
        with recording(tmp_path, mode="record") as rec, pytest.raises(MCPError):
            await client.session.call_tool("hang", {}, 0.01)
        assert rec.stats.recorded == 0
        with recording(tmp_path, mode="record", errors="all") as rec, pytest.raises(MCPError):
            await client.session.call_tool("hang", {}, 0.01)
        assert rec.stats.recorded == 1
        with recording(tmp_path), pytest.raises(MCPError) as raised:
            await client.session.call_tool("hang", {})
    assert raised.value.code == REQUEST_TIMEOUT


async def test_credentials_among_the_arguments(tmp_path):
    async with Client(Weather()) as client:
        with recording(tmp_path, mode="record"):
            await client.session.call_tool("forecast", {"city": "Paris", "api_key": "verysecret"})
        with recording(tmp_path) as rec:
            await client.session.call_tool("forecast", {"city": "Paris", "api_key": "another"})
    assert rec.stats.replayed == 1
    assert "verysecret" not in written(tmp_path)


async def test_wrong_arguments_are_the_sessions_to_refuse(tmp_path):
    async with Client(Weather()) as client:
        with recording(tmp_path, mode="record"), pytest.raises(TypeError, match="call_tool"):
            await client.session.call_tool()
