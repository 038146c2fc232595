import sys

PRESETS, NEEDS = ["mcp"], ["langchain-mcp-adapters"]


async def main(url, question):
    import os
    from pathlib import Path

    import mcp_servers
    from langchain_mcp_adapters.client import MultiServerMCPClient

    folder = Path.cwd() / "servers"
    folder.mkdir(exist_ok=True)
    if "record" in sys.argv:
        mcp_servers.script(folder)
    else:  # the server is gone
        for path in folder.glob("*.py"):
            path.unlink()
    args = [str(folder / "mcp_servers.py"), "tools", os.devnull]
    client = MultiServerMCPClient({"tools": {"command": sys.executable, "args": args, "transport": "stdio"}})
    (tool,) = await client.get_tools()
    return [tool.name, await tool.ainvoke({"word": question})]
