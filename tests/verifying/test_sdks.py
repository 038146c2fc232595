"""`memo verify --live` with the SDKs that have clients of their own kind: google-genai, botocore, MCP."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import boto3
import mcp_servers
import pytest
from botocore.exceptions import ClientError
from changing_server import ChangingServer
from google import genai
from mcp import ClientSession, StdioServerParameters, stdio_client
from rekeying import put

import memo as package
from memo import recording
from memo.stores import as_store

QUESTION = "Which planet has rings?"


async def ask(url: str) -> None:
    client = genai.Client(api_key="k", http_options={"base_url": url})
    await client.aio.models.generate_content(model="m", contents=QUESTION)
    async for _ in await client.aio.models.generate_content_stream(model="m", contents=QUESTION):
        pass
    await client.aio.aclose()
    client.models.generate_content(model="m", contents=[QUESTION, "And moons?"])
    client.close()
    aws = boto3.client("bedrock-runtime", endpoint_url=url, region_name="eu-west-1")
    message = {"role": "user", "content": [{"text": QUESTION}]}
    aws.converse(modelId="m", messages=[message])
    with pytest.raises(ClientError):
        aws.converse(modelId="refused", messages=[message])


@pytest.fixture(scope="module", autouse=True)
def environment(server: ChangingServer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "y"),
            ("AWS_ENDPOINT_URL", server.url),
            ("GOOGLE_API_KEY", "mine"),
            ("GOOGLE_GEMINI_BASE_URL", server.url),
        ):
            patched.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def asked(server: ChangingServer, environment: None, tmp_path_factory: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("sdks") / "store"
    with package.install("google-genai", "botocore"), recording(folder, mode="record"):
        anyio.run(ask, server.url)  # google's async client runs on asyncio alone
    return folder


Verify = Callable[..., Any]


def test_requests_of_google_and_aws_are_made_again(server: ChangingServer, asked: Path, verify: Verify):
    found = verify("--json", place=asked)
    assert (found["checked"], found["left"]) == (5, [])
    assert found["tiers"].keys() <= {"value"}
    assert sorted(name for name, _, _ in server.seen) == [
        "converse",
        "converse refused",
        "google",
        "google",
        "google stream",
    ]


def drop(*steps: Any) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        *path, last = steps
        for step in path:
            tree = tree[step]
        del tree[last]

    return change


@pytest.mark.parametrize(
    ("name", "change", "status", "tier", "path"),
    [
        ("google", drop("usageMetadata"), None, "removed", "body.usageMetadata"),
        ("google", lambda tree: tree.update(modelVersion=7), None, "type", "body.modelVersion"),
        ("google", lambda tree: {"error": {"code": 400, "message": "no", "status": "INVALID"}}, 400, "error", ""),
        ("google stream", lambda items: [drop("usageMetadata")(item) for item in items] and None, None, "removed", "[*].body.usageMetadata"),
        ("converse", drop("usage"), None, "removed", "answer.usage"),
        ("converse", lambda tree: {"message": "no"}, 400, "error", ""),
        ("converse", lambda tree: tree["usage"].update(cacheReadInputTokens=4), None, "added", "answer.usage.cacheReadInputTokens"),
        ("converse refused", lambda tree: converse_answer(tree), 200, "error", ""),
        ("converse refused", lambda tree: {"message": "gone", "code": "ResourceNotFoundException"}, 404, "error", "error.class"),
    ],
)  # fmt: skip
def test_a_change_of_google_or_aws_lands_in_its_tier(
    server: ChangingServer, asked: Path, verify: Verify, name: str, change: Any, status: Any, tier: str, path: str
):
    server.change(name, change, status)
    function = "google.*" if name.startswith("google") else "aws.*"
    found = verify("--json", "--fail-on", "none", "--function", function, place=asked)
    assert (tier, path) in {(change["tier"], change["path"]) for made in found["changed"] for change in made["changes"]}
    assert found["tiers"].keys() <= {tier, "value"}


def converse_answer(tree: Any) -> Any:
    message = {"role": "assistant", "content": [{"text": "yes"}]}
    return {"output": {"message": message}, "stopReason": "end_turn"}


@pytest.mark.parametrize(
    ("name", "arguments", "setting"),
    [
        ("google.generate_content", {"method": "POST", "path": "/v1beta/models/m:generateContent", "query": {}, "body": {}}, "GOOGLE_GEMINI_BASE_URL"),
        ("google.models", {"method": "GET", "path": "/v1beta1/projects/p/models", "query": {}}, "GOOGLE_VERTEX_BASE_URL"),
        ("aws.s3.get_object", {"service": "s3", "region": "eu-west-1", "operation": "GetObject", "params": {}}, "AWS_ENDPOINT_URL"),
    ],
)  # fmt: skip
def test_no_request_goes_to_a_server_that_a_recording_names(
    server: ChangingServer, verify: Verify, tmp_path: Path, name: str, arguments: Any, setting: str
):
    put(as_store(tmp_path / "evil"), name, {**arguments, "server": "http://127.0.0.1:9"}, "x")
    out = verify(place=tmp_path / "evil", code=1)
    assert f"it was recorded from http://127.0.0.1:9, and the client calls {server.url}" in out
    assert f"{setting}=http://127.0.0.1:9 memo verify --live" in out
    assert not server.seen


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("aws.s3.put_object", {"service": "s3", "region": "eu-west-1", "operation": "PutObject", "params": {}}),
        ("aws.sqs.receive_message", {"service": "sqs", "region": "r", "operation": "ReceiveMessage", "params": {}}),
        ("google.delete", {"method": "DELETE", "path": "/v1beta/files/f", "query": {}, "body": None}),
        ("google.predict_long_running", {"method": "POST", "path": "/v1beta/models/m:predictLongRunning", "query": {}}),
        ("mcp.call_tool", {"name": "send_mail", "self": {"server": "mail", "transport": {"url": "http://x/mcp"}}}),
        ("cohere.datasets", {"method": "POST", "path": "v1/datasets", "query": {}}),
        ("mistralai.files", {"method": "POST", "path": "/v1/files", "query": {}}),
    ],
)  # fmt: skip
def test_what_may_have_effects_is_made_only_if_it_is_named(
    server: ChangingServer, verify: Verify, tmp_path: Path, name: str, arguments: Any
):
    put(as_store(tmp_path / "effects"), name, {"server": server.url, **arguments}, "x")
    out = verify(place=tmp_path / "effects", code=1)
    assert f"1 of {name}: it may have effects\n    memo verify --live --include {name}\n" in out
    assert not server.seen


# MCP


@pytest.fixture(params=["asyncio", "trio"])
def tools(request: Any, tmp_path: Path) -> Iterator[Path]:
    """A store of calls to two servers of one name, and a module that names the servers."""
    script = mcp_servers.script(tmp_path)
    servers = [
        StdioServerParameters(command=sys.executable, args=[str(script), name, str(tmp_path / "log")])
        for name in ("tools@prod", "tools@staging")
    ]

    async def use() -> None:
        for server in servers:
            async with stdio_client(server) as streams, ClientSession(*streams) as session:
                await session.initialize()
                await session.list_tools()
                await session.call_tool("count", {"word": "Saturn"})
                await session.read_resource("memo://rings")
                await session.get_prompt("ask", {"planet": "Saturn"})

    with package.install("mcp"), recording(tmp_path / "store", mode="record"):
        anyio.run(use, backend=request.param)
    (tmp_path / "myservers.py").write_text(
        "from mcp import StdioServerParameters\n"
        f"PROD = StdioServerParameters.model_validate_json({servers[0].model_dump_json()!r})\n"
        f"def staging():\n    return StdioServerParameters.model_validate_json({servers[1].model_dump_json()!r})\n"
    )
    (tmp_path / "log").write_text("")
    yield tmp_path / "store"
    sys.modules.pop("myservers", None)


PROD, STAGING = ("--client", "myservers:PROD"), ("--client", "myservers:staging")


def test_requests_of_mcp_are_made_again_by_the_users_servers(tools: Path, verify: Verify):
    found = verify("--json", *PROD, *STAGING, place=tools)
    assert (found["checked"], found["changed"]) == (8, [])
    assert [(left["function"], left["fix"], left["calls"]) for left in found["left"]] == [
        ("mcp.call_tool", "--include mcp.call_tool", 2)
    ]
    assert "tools/call" not in (tools.parent / "log").read_text()
    found = verify("--json", *PROD, *STAGING, "--include", "mcp.call_tool", place=tools)
    assert (found["checked"], found["changed"], found["left"]) == (10, [], [])
    assert (tools.parent / "log").read_text().count("tools/call") == 2


def test_no_server_of_mcp_is_started_because_a_recording_names_it(tools: Path, verify: Verify):
    out = verify("--include", "mcp.list_tools", place=tools, code=2)
    assert "memo starts and calls no server that only a recording names: python" in out
    assert "--client MODULE:SERVER" in out
    out = verify(*PROD, place=tools)
    assert "4 calls of 4 functions made again: 4 as recorded" in out
    assert "no --client is the server: python" in out
    log = (tools.parent / "log").read_text()
    assert log.count("started") == 2  # one of them for the recorded handshake itself
    assert log.count("tools/list") == 1


def test_a_server_of_mcp_that_has_changed_is_found_out(tools: Path, verify: Verify):
    script = tools.parent / "mcp_servers.py"
    source = script.read_text()
    changed = source.replace('"description": "Count letters.", ', "").replace(': Saturn has rings"', ': it has gone"')
    assert changed != source
    script.write_text(changed)
    found = verify("--json", *PROD, place=tools, code=1)
    assert [(change["tier"], change["path"]) for made in found["changed"] for change in made["changes"]] == [
        ("removed", "tools[*].description"),
        ("value", "contents[0].text"),
    ] or found["tiers"] == {"removed": 1, "value": 1}


def test_a_server_of_mcp_that_cannot_be_reached_is_a_reason(tools: Path, verify: Verify):
    (tools.parent / "mcp_servers.py").write_text("raise SystemExit(3)")
    out = verify(*PROD, place=tools, code=1)
    assert "its server cannot be reached" in out
    assert "no call was made" in out
