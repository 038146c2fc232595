"""A small stack: providers of models behind one base class, tools behind one runtime, and agents that loop over both."""

import asyncio
import contextvars
import json
import os
from dataclasses import dataclass, field

import httpx
from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

import memo

BASE = os.environ.get("PROVIDER", "http://127.0.0.1:9")
TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]


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
    async def invoke_tool(self, tool_name: str, kwargs: dict) -> dict:
        async with httpx.AsyncClient() as client:
            return (await client.post(f"{BASE}/{tool_name}", json=kwargs)).json()


@dataclass
class Stack:
    """The responses API: a turn calls the model, and the tools that the model asks for, until the model answers."""

    tools: SearchTool = field(default_factory=SearchTool)
    responses: dict = field(default_factory=dict)
    queue: asyncio.Queue | None = None

    def __post_init__(self):
        self.new_id = memo.ids("resp_")

    async def events(self, body: dict):
        provider, _, model = body["model"].partition("/")
        messages = [{"role": "user", "content": body["input"]}]
        tools = TOOLS if body.get("tools") else None
        yield {"type": "response.created", "id": self.new_id()}
        for _turn in range(4):
            calls, text = [], ""
            async for event in self._turn(PROVIDERS[provider], model, messages, tools, body.get("stream", False)):
                if isinstance(event, str):
                    text += event
                    yield {"type": "response.output_text.delta", "delta": event}
                else:
                    calls.append(event)
            if not calls:
                yield {"type": "response.completed", "output_text": text}
                return
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            for call in calls:
                found = await self.tools.invoke_tool(
                    call["function"]["name"], json.loads(call["function"]["arguments"])
                )
                yield {"type": "response.search.completed", "results": len(found["results"])}
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(found)})

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
        return self.result([event async for event in self.events(body)])

    @staticmethod
    def result(events: list) -> dict:
        done = {"id": events[0]["id"], "output_text": events[-1]["output_text"], "status": "completed"}
        return {**done, "kinds": [event["type"] for event in events]}

    async def start(self, body: dict) -> dict:
        """Have a worker make the response, which was started long before the request."""
        if self.queue is None:
            self.queue = asyncio.Queue()
            self.worker = asyncio.get_running_loop().create_task(self._work(), context=_BARE)
        name = f"background_{len(self.responses)}_{os.getpid()}"
        self.responses[name] = {"id": name, "status": "in_progress"}
        self.queue.put_nowait((memo.captured(), name, body))
        return self.responses[name]

    async def _work(self):
        while True:
            scope, name, body = await self.queue.get()
            with scope:
                try:
                    self.responses[name] = {**await self.create(body), "id": name}
                except Exception as error:
                    self.responses[name] = {"id": name, "status": "failed", "error": str(error)}


_BARE = contextvars.copy_context()
"""The context before any request: that of a worker which the server starts with itself."""

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
    found = stack.responses.get(request.path_params["name"])
    return JSONResponse(found or {"status": "unknown"}, status_code=200 if found else 404)


app = Starlette(
    routes=[
        Route("/v1/responses", create, methods=["POST"]),
        Route("/v1/responses/{name}", retrieve),
        Route("/health", lambda request: JSONResponse("ok")),
    ]
)
