"""The preset `mcp` over stdio and HTTP: without the server, no process is started and no connection opened."""

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import mcp
import mcp.client.client
import mcp_servers
import pytest
from mcp import Client, ClientSession, MCPError, StdioServerParameters, stdio_client
from mcp.client.stdio import stdio_client as started
from mcp.client.streamable_http import streamable_http_client

import memo
from memo import recording
from memo.codecs.sameness import difference

WAYS = ["stdio", "http"]
INSTALLED: list[memo.Installation] = []


@pytest.fixture(autouse=True)
def installed():
    with memo.install("mcp") as installation:  # after the test has imported the transports by their names
        INSTALLED[:] = [installation]
        yield


class Servers:
    """Servers by name, over one way, which can be stopped. `asked` has what they were asked."""

    def __init__(self, way: str, folder: Path) -> None:
        self.way, self.log = way, folder / "asked.log"
        self.script = mcp_servers.script(folder)
        self.http = mcp_servers.serve_http()

    def stop(self) -> None:
        self.http.stop()
        self.script.unlink(missing_ok=True)

    @property
    def asked(self) -> list[str]:
        if self.way == "http":
            return self.http.seen
        return self.log.read_text().splitlines() if self.log.exists() else []

    def address(self, name: str) -> StdioServerParameters | str:
        if self.way == "http":
            return f"{self.http.url}/{name}"
        return StdioServerParameters(command=sys.executable, args=[str(self.script), name, str(self.log)])

    def opened(self, name: str):
        return (streamable_http_client if self.way == "http" else stdio_client)(self.address(name))

    @asynccontextmanager
    async def session(self, name: str):
        async with self.opened(name) as (read, write, *_), ClientSession(read, write) as session:
            yield session


@pytest.fixture
def servers(request, tmp_path):
    made = Servers(request.param, tmp_path)
    yield made
    made.stop()


async def everything(servers, name="prod"):
    """All that a program asks a server."""
    async with servers.session(name) as session:
        said = [await session.initialize(), await session.list_tools()]
        said += [await session.call_tool("count", {"word": word}) for word in ("Saturn", "", "Io")]
        said += [await session.list_resources(), await session.list_resource_templates()]
        said += [await session.read_resource("memo://rings"), await session.list_prompts()]
        said += [await session.get_prompt("ask", {"planet": "Saturn"})]
        with pytest.raises(MCPError, match="Method not found") as raised:
            await session.subscribe_resource("memo://rings")
        return [*said, raised.value.error]


def ways(*, names=WAYS):
    return pytest.mark.parametrize("servers", names, indirect=True)


@ways()
@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
async def test_a_program_replays_with_the_server_gone(servers, tmp_path):
    with recording(tmp_path / "r", mode="record"):
        live = await everything(servers)
    asked = list(servers.asked)
    assert "initialize" in asked[-1] or len(asked) > 9
    servers.stop()
    for mode in ("replay", "record-if-missing"):
        with recording(tmp_path / "r", mode=mode) as rec:
            assert difference(live, await everything(servers), repr) is None
        assert (rec.stats.live, rec.stats.replayed) == (0, 11)
    assert servers.asked == asked


@ways()
async def test_through_the_client(servers, tmp_path):
    """`Client` asks for the newer protocol first, and the servers do not know it."""
    said = []
    for mode in ("record", "replay"):
        with recording(tmp_path / "r", mode=mode) as rec:
            async with Client(servers.address("prod")) as client:
                said.append([await client.list_tools(), await client.call_tool("count", {"word": "Saturn"})])
                said[-1].append(client.server_info)
        servers.stop()
    assert difference(*said, repr) is None
    assert rec.stats.live == 0


@ways()
async def test_recorded_twice_the_keys_are_the_same(servers, tmp_path):
    async def names(folder):
        with recording(tmp_path / folder, mode="record"):
            async with servers.session("prod") as session:
                await session.initialize()
                await session.call_tool("count", {"word": "Saturn"})
        return sorted(str(path.relative_to(tmp_path / folder)) for path in (tmp_path / folder).rglob("*.json"))

    assert await names("a") == await names("b")


@ways()
async def test_two_servers_of_one_name_never_share_a_key(servers, tmp_path):
    """Both call themselves `tools`."""

    async def counts():
        async with servers.session("tools@prod") as one, servers.session("tools@staging-2") as other:
            names = [(await session.initialize()).server_info.name for session in (one, other)]
            assert names == ["tools", "tools"]
            results = [await session.call_tool("count", {"word": "Io"}) for session in (other, one, other)]
            return [result.structured_content["count"] for result in results]

    with recording(tmp_path / "r", mode="record", draws=False):
        live = await counts()
    assert live == [17, 12, 17]
    servers.stop()
    with recording(tmp_path / "r", draws=False):
        assert await counts() == live


@ways()
async def test_the_transport_is_opened_for_the_first_call_that_is_missing(servers, tmp_path):
    async def counts(*words):
        async with servers.session("prod") as session:
            await session.initialize()
            return [(await session.call_tool("count", {"word": word})).structured_content["count"] for word in words]

    mode = "record-if-missing"
    with recording(tmp_path / "r", mode=mode) as rec:
        assert await counts("Io") == [6]
    assert rec.stats.recorded == 3
    asked = len(servers.asked)
    with recording(tmp_path / "r", mode=mode) as rec:
        assert await counts("Io", "Titan", "Rhea") == [6, 9, 8]
    assert rec.stats.recorded == 2
    more = [line.rpartition(" ")[2] for line in servers.asked[asked:]]
    assert [line for line in more if line != "started"] == [
        "initialize",
        "notifications/initialized",
        "tools/call",
        "tools/call",
    ]
    servers.stop()
    with recording(tmp_path / "r"):
        assert await counts("Io", "Titan", "Rhea") == [6, 9, 8]


@ways(names=["stdio"])
async def test_a_server_that_cannot_be_started(servers, tmp_path):
    nowhere = StdioServerParameters(command=str(tmp_path / "nowhere"), args=[])
    kinds = []
    for mode in ("record", "record-if-missing"):
        with (
            recording(tmp_path / mode, mode=mode),
            pytest.raises((OSError, ExceptionGroup)) as raised,
        ):
            async with stdio_client(nowhere) as streams, ClientSession(*streams) as session:
                await session.initialize()
        error = raised.value
        while isinstance(error, ExceptionGroup):
            (error,) = error.exceptions
        kinds.append(type(error))
    assert kinds == [FileNotFoundError, FileNotFoundError]


@ways()
async def test_a_miss(servers, tmp_path):
    with recording(tmp_path / "r", mode="record"):
        async with servers.session("prod") as session:
            await session.initialize()
            await session.call_tool("count", {"word": "Io"})
    asked = list(servers.asked)
    with recording(tmp_path / "r"):
        async with servers.session("prod") as session:
            await session.initialize()
            with pytest.raises(memo.RecordingNotFound, match="'Io' → 'Titan'"):
                await session.call_tool("count", {"word": "Titan"})
            with pytest.raises(memo.RecordingNotFound, match=r"mcp\.ping"):
                await session.send_ping()
    assert servers.asked == asked


@ways()
async def test_errors_come_out_of_a_transport_as_they_do_live(servers, tmp_path):
    """In groups, of the same shape."""
    shapes = []
    for mode in ("live", "record", "record-if-missing", "replay"):
        with recording(tmp_path / "r", mode=mode):
            try:
                async with servers.opened("prod") as (read, write, *_), ClientSession(read, write) as session:
                    await session.initialize()
                    raise LookupError("mine")
            except BaseException as error:
                shapes.append(shape(error))
    assert len(set(map(repr, shapes))) == 1


def shape(error):
    return [*map(shape, error.exceptions)] if isinstance(error, BaseExceptionGroup) else repr(error)


async def test_no_credential_is_written(tmp_path):
    script, asked = mcp_servers.script(tmp_path), tmp_path / "asked.log"
    args = [str(script), "prod", str(asked), "--api-key", "verysecret1", "--token=verysecret2-aB3dE5", "--depth=3"]
    server = StdioServerParameters(command=sys.executable, args=args, env={"API_KEY": "verysecret3"})
    with recording(tmp_path / "r", mode="record"):
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await session.initialize()
    (file,) = (tmp_path / "r").rglob("*.json")
    text = file.read_text()
    assert "verysecret" not in text
    assert str(tmp_path) not in text
    assert sys.executable not in text
    assert "--depth=3" in text


def test_modules_that_imported_a_transport_by_its_name_get_it_back():
    patched = mcp.client.client.stdio_client
    assert patched is stdio_client is started is mcp.client.stdio.stdio_client
    assert type(patched).__name__ == "Patched"
    INSTALLED[0].uninstall()
    plain = mcp.client.client.stdio_client
    assert plain is mcp.stdio_client is started is mcp.client.stdio.stdio_client is patched.__wrapped__
