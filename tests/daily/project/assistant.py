"""A small assistant: it looks for passages, and answers with what it found. Its model is behind HTTP."""

import json
import os
from collections.abc import AsyncIterator

import httpx
from prompts import SYSTEM
from pydantic import BaseModel

from memo import recordable


class Passage(BaseModel):
    title: str
    text: str


class Answer(BaseModel):
    text: str
    model: str
    usage: dict[str, int]


class Token(BaseModel):
    text: str


class Busy(Exception):
    def __init__(self, message: str, status_code: int) -> None:
        self.status_code = status_code
        super().__init__(message)


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=os.environ["ASSISTANT_URL"])


@recordable
async def search(query: str, limit: int = 2) -> list[Passage]:
    async with client() as http:
        found = (await http.get("/search", params={"query": query, "limit": limit})).json()
    return [Passage(**passage) for passage in found]


@recordable
async def complete(messages: list[dict[str, str]], temperature: float = 0.0) -> Answer:
    async with client() as http:
        response = await http.post("/complete", json={"messages": messages, "temperature": temperature})
    if response.status_code != httpx.codes.OK:
        raise Busy(response.text, response.status_code)
    return Answer(**response.json())


@recordable
async def stream(messages: list[dict[str, str]]) -> AsyncIterator[Token]:
    async with client() as http, http.stream("POST", "/stream", json={"messages": messages}) as response:
        async for line in response.aiter_lines():
            yield Token(**json.loads(line))


async def ask(question: str) -> Answer:
    passages = await search(question)
    context = "\n".join(f"{passage.title}: {passage.text}" for passage in passages)
    return await complete(
        [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"{context}\n{question}"}]
    )


async def ask_aloud(question: str) -> str:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return "".join([token.text async for token in stream(messages)])
