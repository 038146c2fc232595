"""Faults of claude-agent-sdk: what the SDK makes of a command that fails so."""

import dataclasses
import importlib.util
import json
import logging
import sys

import pytest

import memo
from memo import fault, recording

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        importlib.util.find_spec("claude_agent_sdk") is None, reason="claude-agent-sdk is not installed"
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
COMMAND = """
import json, os, sys
if "-v" in sys.argv or "--version" in sys.argv:
    print("9.9.9 (Claude Code)")
    sys.exit()
fault = json.load(open(os.path.dirname(sys.argv[0]) + "/fault.json"))
def say(message):
    print(json.dumps({"session_id": "s", **message}), flush=True)
def text(words):
    return {"role": "assistant", "model": "m", "content": [{"type": "text", "text": words}]}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["type"] == "control_request":
        answer = {"subtype": "success", "request_id": asked["request_id"], "response": {}}
        say({"type": "control_response", "response": answer})
        continue
    result = {"type": "result", "subtype": "success", "duration_ms": 0, "duration_api_ms": 0, "num_turns": 1}
    if fault["kind"] == "malformed":
        print('{"id": "cut o', flush=True)
        sys.exit(1)
    if fault["kind"] == "status":
        words = f"API Error: {fault['status']} {json.dumps(fault['body'])}"
        say({"type": "assistant", "message": text(words), "error": fault["error"]})
        more = {"is_error": True, "api_error_status": fault["status"], "terminal_reason": "api_error"}
        say({**result, **more, "result": words})
        sys.exit(1)
    say({"type": "system", "subtype": "init"})
    say({"type": "assistant", "message": text("Saturn has rings")})
    if fault["kind"] == "cut":
        sys.exit(1)
    say({**result, "is_error": False, "result": "Saturn has rings"})
"""
BODY = {"error": {"message": "no luck"}}
FAULTS = {
    "rate limit": (fault.rate_limit(retry_after=2, body=BODY), "rate_limit"),
    "401": (fault.status(401, body=BODY), "authentication_failed"),
    "503": (fault.status(503, body=BODY), "server_error"),
    "connection": (fault.connection(), ""),
    "cut": (fault.cut(after=2), ""),
    "slow": (fault.slow(first=0.05, per_item=0.01), ""),
    "malformed": (fault.malformed(), ""),
}


async def by_query(options, got):
    from claude_agent_sdk import query

    async for message in query(prompt="Which planet has rings?", options=options):
        got.append(told(message))


async def by_client(options, got):
    from claude_agent_sdk import ClaudeSDKClient

    async with ClaudeSDKClient(options=options) as client:
        await client.query("Which planet has rings?")
        async for message in client.receive_response():
            got.append(told(message))


async def to_the_end(options, got):
    from claude_agent_sdk import ClaudeSDKClient

    async with ClaudeSDKClient(options=options) as client:
        await client.query("Which planet has rings?")
        async for message in client.receive_messages():
            got.append(told(message))
            if got[-1].get("result") == "Saturn has rings":
                return


def told(message):
    """A message, without what each session has of its own."""
    fields = dataclasses.asdict(message)
    return {"type": type(message), **{name: fields.get(name) for name in ("content", "result", "is_error", "error")}}


def seen(error):
    names = ("exit_code", "stderr", "subtype", "errors", "result", "api_error_status", "terminal_reason", "line")
    return type(error), str(error), [getattr(error, name, None) for name in names]


async def outcome(ask, options):
    got = []
    try:
        await ask(options, got)
    except Exception as error:
        return got, seen(error)
    return got, None


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("ask", [by_query, by_client, to_the_end])
async def test_a_fault_is_what_a_command_that_does_the_same_makes_of_a_prompt(ask, name, tmp_path):
    from claude_agent_sdk import ClaudeAgentOptions

    logging.getLogger("claude_agent_sdk").setLevel(logging.CRITICAL)
    wanted, kind = FAULTS[name]
    command, store = tmp_path / "claude", tmp_path / "store"
    options = ClaudeAgentOptions(cli_path=str(command))
    failing = tmp_path / "fault.json"
    failing.write_text(json.dumps({"kind": wanted.kind, "status": wanted.status, "body": wanted.body, "error": kind}))
    if name != "connection":
        command.write_text(f"#!{sys.executable}\n{COMMAND}")
        command.chmod(0o755)
    live = await outcome(ask, options)
    assert (live[1] is None) == (name == "slow" or (bool(wanted.status) and ask is by_client))
    with memo.install("claude-agent-sdk"):
        if name in ("slow", "cut"):
            failing.write_text('{"kind": ""}')
            with recording(store, mode="record"):
                await outcome(ask, options)
        command.unlink(missing_ok=True)
        with recording(store, faults=[wanted]) as recorder:
            assert await outcome(ask, options) == live
    assert recorder.stats.injected == {str(wanted): 1}


@pytest.mark.parametrize("ask", [by_query, by_client])
async def test_a_timeout_is_that_of_the_first_request(ask, tmp_path):
    from claude_agent_sdk import ClaudeAgentOptions

    with memo.install("claude-agent-sdk"), recording(tmp_path, faults=[fault.timeout()]):
        got, error = await outcome(ask, ClaudeAgentOptions(cli_path="gone"))
    assert (got, error[:2]) == ([], (Exception, "Control request timeout: initialize"))
