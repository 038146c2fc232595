import sys
from pathlib import Path

PRESETS, NEEDS = ["claude-agent-sdk"], ["claude-agent-sdk"]
COMMAND = """
import json, sys, uuid
if "-v" in sys.argv or "--version" in sys.argv:
    print("9.9.9 (Claude Code)")
    sys.exit()
def say(message):
    print(json.dumps(message), flush=True)
session = str(uuid.uuid4())
for line in sys.stdin:
    told = json.loads(line)
    if told["type"] == "control_request":
        answer = {"subtype": "success", "request_id": told["request_id"], "response": {}}
        say({"type": "control_response", "response": answer})
    elif told["type"] == "user":
        say({"type": "system", "subtype": "init", "session_id": session})
        block = {"type": "text", "text": "Saturn has rings"}
        say({"type": "assistant", "message": {"role": "assistant", "model": "m", "content": [block]}, "session_id": session})
        say({"type": "result", "subtype": "success", "duration_ms": 1, "duration_api_ms": 1, "is_error": False, "num_turns": 1,
             "session_id": session, "total_cost_usd": 0.5, "result": "Saturn has rings"})
"""


async def main(url, question):
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, query

    command = Path.cwd() / "claude"
    if "record" in sys.argv:
        command.write_text(f"#!{sys.executable}\n{COMMAND}")
        command.chmod(0o755)
    else:  # the command is gone
        command.unlink(missing_ok=True)
    options = ClaudeAgentOptions(cli_path=str(command), system_prompt="Be brief.")
    said = [message async for message in query(prompt=question, options=options)]
    async with ClaudeSDKClient(options=options) as client:
        for prompt in (question, "And which has moons?"):
            await client.query(prompt)
            said += [message async for message in client.receive_response()]
    return said
