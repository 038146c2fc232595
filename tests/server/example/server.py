"""The stack as a server under test: what is recorded, and the middleware."""

from stack import app

import memo

memo.install("openai", "mcp", "stack:SearchTool.invoke_tool")
app.add_middleware(memo.integrations.asgi.Middleware)
