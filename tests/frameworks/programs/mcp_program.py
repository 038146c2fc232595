import os
import sys
from pathlib import Path

PRESETS, NEEDS = ["mcp"], ["mcp"]


async def main(url, question):
    import mcp_servers
    from mcp import ClientSession, StdioServerParameters, stdio_client

    said = []
    folder = Path.cwd() / "servers"
    folder.mkdir(exist_ok=True)
    if "record" in sys.argv:
        mcp_servers.script(folder)
    else:  # the server is gone
        for path in folder.glob("*.py"):
            path.unlink()
    for name in ("tools@prod", "tools@staging"):
        server = StdioServerParameters(command=sys.executable, args=[str(folder / "mcp_servers.py"), name, os.devnull])
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            said += [await session.initialize(), await session.list_tools()]
            said += [await session.call_tool("count", {"word": question})]
            said += [await session.list_resources(), await session.read_resource("memo://rings")]
            said += [await session.list_prompts(), await session.get_prompt("ask", {"planet": "Saturn"})]
    return said
