import os
import sys
from pathlib import Path

PRESETS, NEEDS = ["mcp"], ["mcp"]
VERIFY = {"options": "--include mcp.call_tool --client mcp_program:production --client mcp_program:staging"}


def server(name):
    from mcp import StdioServerParameters

    script = Path.cwd() / "servers" / "mcp_servers.py"
    return StdioServerParameters(command=sys.executable, args=[str(script), name, os.devnull])


def production():
    return server("tools@prod")


def staging():
    return server("tools@staging")


async def main(url, question):
    import mcp_servers
    from mcp import ClientSession, stdio_client

    said = []
    folder = Path.cwd() / "servers"
    folder.mkdir(exist_ok=True)
    if "record" in sys.argv:
        mcp_servers.script(folder)
    else:  # the server is gone
        for path in folder.glob("*.py"):
            path.unlink()
    for name in ("tools@prod", "tools@staging"):
        async with stdio_client(server(name)) as (read, write), ClientSession(read, write) as session:
            said += [await session.initialize(), await session.list_tools()]
            said += [await session.call_tool("count", {"word": question})]
            said += [await session.list_resources(), await session.read_resource("memo://rings")]
            said += [await session.list_prompts(), await session.get_prompt("ask", {"planet": "Saturn"})]
    return said
