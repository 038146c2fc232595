"""The providers, on loopback: OpenAI-compatible chat completions, plain and streamed, and a search that answers as Tavily does.

Each answer differs from the one before, as a model's do.
"""

import itertools
import json
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

count = itertools.count(1)


def note(request):
    with open("calls.txt", "a") as calls:
        calls.write(f"{request.url.path}\n")


def message_for(body):
    last = body["messages"][-1]
    if last["role"] == "user" and body.get("tools"):
        arguments = json.dumps({"query": last["content"]})
        call = {"id": f"call_{next(count)}", "type": "function", "function": {"name": "search", "arguments": arguments}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": "assistant", "content": f"{body['model']} says {last['content']} ({next(count)})"}


async def chat(request):
    note(request)
    body = await request.json()
    if body["model"] == "broken":
        return JSONResponse({"error": {"message": "no such model", "type": "invalid"}}, status_code=404)
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
    note(request)
    query = (await request.json())["query"]
    return JSONResponse({"query": query, "results": [{"title": query.title(), "score": 1 / next(count)}]})


app = Starlette(
    routes=[
        Route("/one/v1/chat/completions", chat, methods=["POST"]),
        Route("/two/v1/chat/completions", chat, methods=["POST"]),
        Route("/search", search, methods=["POST"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
