"""Functions whose recordings are damaged, and values that cannot be recorded."""

import sys
from typing import Any

from pydantic import BaseModel

from memo import recordable


class Answer(BaseModel):
    text: str


calls: list[Any] = []


@recordable(name="ask")
def ask(question: str) -> Answer:
    calls.append(question)
    return Answer(text=question.upper())


@recordable(name="aask")
async def aask(question: str) -> Answer:
    calls.append(question)
    return Answer(text=question.upper())


@recordable(name="tell")
def tell(n: int):
    for i in range(n):
        yield Answer(text=str(i))


@recordable(name="any")
def anything(value: str) -> Any:
    return UNRECORDABLE[value]()


UNRECORDABLE = {
    "lambda": lambda: lambda: 1,
    "lock": lambda: [__import__("threading").Lock()],
    "fine": lambda: 5,
    "file": lambda: {"f": sys.stdout},
}
