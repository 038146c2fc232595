"""Calls of every kind, and the file that each of them leaves: what tests of keys share."""

from collections import namedtuple
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from memo import recordable, recording
from memo.stores import MemoryStore

ROOT = Path(__file__).parents[2]
SECRET = "sk-proj-abcdefghijklmnop0123"


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Message(BaseModel):
    content: Any
    role: str = "user"


class Other(BaseModel):
    content: Any
    role: str = "user"


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int = 1


@dataclass
class Point:
    x: int
    y: int


Pair = namedtuple("Pair", "x y")  # noqa: PYI024


class Loud(str):
    """Says something else of itself than it holds."""

    __slots__ = ()

    def __str__(self) -> str:
        return "loud"


@recordable
def take(value, more=None): ...


@recordable
def forecast(city, days=3, *rest, unit="C", **more): ...


def document(function, *args, **kwargs) -> dict[str, Any]:
    """The file that a call leaves."""
    store = MemoryStore()
    with recording(store, mode="record"):
        function(*args, **kwargs)
    [name] = store.scan()
    return orjson.loads(store.get(name) or b"")


def key(*args, **kwargs) -> str:
    """The key of a call: of the function that comes first, else of `take`."""
    function = args if hasattr(args[0], "cache_contains") else (take, *args)
    return document(*function, **kwargs)["key"]
