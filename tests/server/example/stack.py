"""A small stack: providers of models behind one base class, tools behind one runtime, and agents that loop over both."""

import asyncio
import contextvars
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

import memo

BASE = os.environ.get("PROVIDER", "http://127.0.0.1:9")
FOLDER = Path(os.environ.get("RESPONSES", "responses"))
"""Where the workers of a server keep responses that are made in the background."""
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("search", "distance")
]


class OpenAIMixin:
    """What providers with an OpenAI-compatible API have in common."""

    path = ""

    @property
    def client(self):
        return AsyncOpenAI(base_url=f"{BASE}/{self.path}/v1", api_key="none", max_retries=0)

    async def openai_chat_completion(self, **params):
        return await self.client.chat.completions.create(**params)


class One(OpenAIMixin):
    path = "one"


class Two(OpenAIMixin):
    path = "two"


PROVIDERS = {"one": One(), "two": Two()}


class SearchTool:
    """A tool behind HTTP, without an SDK."""

    async def invoke_tool(self, tool_name: str, kwargs: dict) -> dict:
        async with httpx.AsyncClient() as client:
            return (await client.post(f"{BASE}/{tool_name}", json=kwargs)).json()


class McpTool:
    """A tool of an MCP server."""

    async def invoke_tool(self, tool_name: str, kwargs: dict) -> dict:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        async with streamable_http_client(f"{BASE}/mcp") as streams, ClientSession(*streams[:2]) as session:
            await session.initialize()
            return (await session.call_tool(tool_name, kwargs)).structured_content


@dataclass
class ToolRuntime:
    """Knows which provider has which tool."""

    tools: dict = field(default_factory=lambda: {"search": SearchTool(), "distance": McpTool()})

    async def invoke_tool(self, tool_name: str, kwargs: dict) -> dict:
        return await self.tools[tool_name].invoke_tool(tool_name, kwargs)


@dataclass
class Stack:
    """The responses API: a turn calls the model, and the tools that the model asks for, until the model answers."""

    tools: ToolRuntime = field(default_factory=ToolRuntime)
    queue: asyncio.Queue | None = None

    def __post_init__(self):
        self.new_id = memo.ids("resp_")

    async def events(self, body: dict):
        provider, _, model = body["model"].partition("/")
        messages = [{"role": "user", "content": body["input"]}]
        tools = TOOLS if body.get("tools") else None
        response = {
            "id": self.new_id(),
            "object": "response",
            "model": body["model"],
            "status": "in_progress",
            "output": [],
        }
        yield {"type": "response.created", "response": {**response}}
        for _turn in range(4):
            calls, text = [], ""
            async for event in self._turn(PROVIDERS[provider], model, messages, tools, body.get("stream", False)):
                if isinstance(event, str):
                    text += event
                    yield {"type": "response.output_text.delta", "delta": event}
                else:
                    calls.append(event)
            if not calls:
                response["output"].append(message(text))
                yield {"type": "response.completed", "response": {**response, "status": "completed"}}
                return
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            for call in calls:
                name, arguments = call["function"]["name"], call["function"]["arguments"]
                found = json.dumps(await self.tools.invoke_tool(name, json.loads(arguments)))
                item = {
                    "type": "mcp_call",
                    "id": call["id"],
                    "name": name,
                    "arguments": arguments,
                    "server_label": "tools",
                }
                response["output"].append({**item, "output": found})
                yield {"type": "response.output_item.done", "item": response["output"][-1]}
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": found})

    async def _turn(self, provider, model, messages, tools, stream):
        params = {"model": model, "messages": messages, "stream": stream, **({"tools": tools} if tools else {})}
        answer = await provider.openai_chat_completion(**params)
        if not stream:
            message = answer.choices[0].message
            for call in message.tool_calls or ():
                yield call.model_dump()
            if message.content:
                yield message.content
            return
        async for chunk in answer:
            delta = chunk.choices[0].delta
            for call in delta.tool_calls or ():
                yield call.model_dump(exclude={"index"})
            if delta.content:
                yield delta.content

    async def create(self, body: dict) -> dict:
        return [event async for event in self.events(body)][-1]["response"]

    async def start(self, body: dict) -> dict:
        """Have a worker make the response, which was started long before the request."""
        if self.queue is None:
            self.queue = asyncio.Queue()
            self.worker = asyncio.get_running_loop().create_task(self._work(), context=_BARE)
        name = f"background_{os.urandom(8).hex()}"
        waiting = keep({"id": name, "object": "response", "status": "in_progress", "output": []})
        self.queue.put_nowait((memo.captured(), name, body))
        return waiting

    async def _work(self):
        while True:
            scope, name, body = await self.queue.get()
            with scope:
                try:
                    keep({**await self.create(body), "id": name})
                except Exception as error:
                    keep({"id": name, "object": "response", "status": "failed", "error": str(error), "output": []})


_BARE = contextvars.copy_context()
"""The context before any request: that of a worker which the server starts with itself."""


def message(text: str) -> dict:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": [part]}


def keep(response: dict) -> dict:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{response['id']}.new").write_text(json.dumps(response))
    (FOLDER / f"{response['id']}.new").replace(FOLDER / response["id"])
    return response


def kept(name: str) -> dict:
    return json.loads((FOLDER / name).read_text())


stack = Stack()


async def create(request):
    body = await request.json()
    try:
        if body.get("background"):
            return JSONResponse(await stack.start(body))
        if not body.get("stream"):
            return JSONResponse(await stack.create(body))
    except Exception as error:  # as servers do: the cause is in the log, and the client gets a status
        return JSONResponse({"detail": f"Internal server error: {type(error).__name__}"}, status_code=500)

    async def parts():
        try:
            async for event in stack.events(body):
                yield f"data: {json.dumps(event)}\n\n"
        except Exception as error:
            yield f"data: {json.dumps({'type': 'error', 'message': type(error).__name__})}\n\n"

    return StreamingResponse(parts(), media_type="text/event-stream")


async def retrieve(request):
    return JSONResponse(kept(request.path_params["name"]))


app = Starlette(
    routes=[
        Route("/v1/responses", create, methods=["POST"]),
        Route("/v1/responses/{name}", retrieve),
        Route("/health", lambda request: JSONResponse("ok")),
    ]
)
