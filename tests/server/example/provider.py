"""The providers, on loopback: OpenAI-compatible chat completions, plain and streamed, a search that answers as Tavily does, and an
MCP server.

Each answer differs from the one before, as a model's do.
"""

import itertools
import json
import sys

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

count, calls = itertools.count(1), []
TOOLS = {"rings": "search", "moons": "search", "orbits": "distance"}
"""Which tool the model calls for which question."""


def message_for(body):
    last = body["messages"][-1]
    if last["role"] == "user" and body.get("tools"):
        arguments = json.dumps({"query": last["content"]})
        function = {"name": TOOLS[last["content"]], "arguments": arguments}
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": f"call_{next(count)}", "type": "function", "function": function}],
        }
    return {"role": "assistant", "content": f"{body['model']} says {last['content']} ({next(count)})"}


async def chat(request):
    calls.append(request.url.path)
    body = await request.json()
    message = message_for(body)
    head = {"id": f"chat_{next(count)}", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
        return JSONResponse({**head, "object": "chat.completion", "choices": [choice]})

    async def events():
        if "tool_calls" in message:
            deltas = [{"role": "assistant", "tool_calls": [{"index": 0, **message["tool_calls"][0]}]}]
        else:
            deltas = [{"content": f"{word} "} for word in message["content"].split()]
        for delta in deltas:
            yield chunk({**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]})
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def chunk(tree):
    return f"data: {json.dumps(tree)}\n\n"


async def search(request):
    calls.append("search")
    query = (await request.json())["query"]
    return JSONResponse({"query": query, "results": [{"title": query.title(), "score": 1 / next(count)}]})


server = MCPServer("planets", log_level="ERROR")


@server.tool()
def distance(query: str) -> dict[str, int]:
    """Return how far away it is."""
    calls.append("distance")
    return {query: next(count)}


async def start(request):
    """Begin with the first answer again; say what was called before."""
    global count
    called, calls[:], count = list(calls), [], itertools.count(1)
    return JSONResponse(called)


app = server.streamable_http_app(json_response=True, stateless_http=True)
app.router.routes.extend(
    [
        Route("/one/v1/chat/completions", chat, methods=["POST"]),
        Route("/two/v1/chat/completions", chat, methods=["POST"]),
        Route("/search", search, methods=["POST"]),
        Route("/start", start, methods=["POST"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
