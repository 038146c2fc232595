"""Recordings to be damaged, and what damages them: mutations that know the structure of the file."""

import dataclasses
import re
from collections import Counter, OrderedDict, defaultdict, deque
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ConfigDict, Field, RootModel

ROOT = Path(__file__).parent.parent.parent
T = TypeVar("T")


class Color(Enum):
    RED = 1
    BLUE = "b"


class Pair(NamedTuple):
    x: int
    y: str = ""


@dataclasses.dataclass
class Data:
    a: int
    b: list[int] = dataclasses.field(default_factory=list)


class Part(BaseModel):
    model_config = ConfigDict(extra="allow")
    text: str | None = None
    score: float = 0.5
    tags: set[str] = set()


class Answer(BaseModel):
    parts: list[Part] = []
    anything: Any = None
    when: datetime | None = None
    money: Decimal | None = None
    ratio: Fraction | None = None
    of: Color = Color.RED
    named: dict[str, int] = Field(default_factory=dict, alias="by_name")


class Page(BaseModel, Generic[T]):
    items: list[T] = []


class Root(RootModel[dict[str, list[int]]]):
    pass


class Failure(Exception):
    def __init__(self, message, *, status):
        super().__init__(message)
        self.status = status


class Bag(dict):
    pass


VALUES = [
    None, 5, "text", [1, 2.5, "a", None, True], {"a": {"b": [1]}}, [0.1] * 40, b"\xff", (1, (2,)), {1, "a"}, {1: 2, "__type__": 3}, 2**70, float("inf"), "\ud800", Color.RED, [Color.BLUE, Pair(1, "b")],
    Data(1, [2]), Part(text="a", more=1), Answer(parts=[Part(text="a"), Part(x=[1])], anything=(1,), when=datetime(2020, 1, 1, tzinfo=UTC), money="1.5"), [Part(text=str(i), score=i) for i in range(30)],
    Answer.model_construct(parts=5), Page[int](items=[1]), Page[Part](items=[Part()]), Root({"a": [1]}), deque([1], 3), OrderedDict(a=1), Counter("aab"), defaultdict(list, a=[1]), range(9), Bag(a=1),
    Decimal("1.5"), Fraction(1, 3), UUID(int=5), timedelta(1, 2, 3), date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Paris")), re.compile("a+"), PurePosixPath("/a"), ip_network("10.0.0.0/8"),
    SimpleNamespace(a=1), complex(1, 2), list[int], Part, [{"role": "user", "content": "x" * 50, "n": [i]} for i in range(20)],
]  # fmt: skip
ERRORS = [
    ValueError("no", 5), KeyError("k"), Failure("bad", status=404), OSError(2, "No such file", "f"), ExceptionGroup("g", [ValueError(1), TypeError("t")]), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
]  # fmt: skip


def recordings() -> list[dict[str, Any]]:
    """Return the recordings in the repository, and one of each kind of outcome, as JSON objects."""
    import openai  # noqa: F401 - whose types some of them name

    from memo._calls.call import Call
    from memo._calls.secrets import NO_RULES
    from memo._recordings.document import Document
    from memo._recordings.outcome_forms import StreamWriter, error_outcome, value_outcome
    from memo.codecs.types import Types
    from memo.codecs.values import Values

    values, none = Values(Types()), NO_RULES
    outcomes = [value_outcome(value, values, none) for value in VALUES]
    for error in ERRORS:
        error.add_note("a note")
        outcomes.append(error_outcome(error, values, none))
    for items, end, error in (
        (VALUES[18], "complete", None),
        ([1, "a", Part()], "closed", None),
        ([Part(text="x" * 99)] * 20, "error", ERRORS[2]),
        ([], "complete", None),
    ):
        writer = StreamWriter(values, none)
        for item in items:
            writer.add(item)
        outcomes.append({**writer.outcome(end, error, returned=(5,)), "seconds": 0.5})
        outcomes[-1]["stream"]["offsets"] = [0.1] * len(items)
    made = [Document.of(_call(Call, number), [outcome]).tree() for number, outcome in enumerate(outcomes)]
    made.append(Document.of(_call(Call, 999), outcomes[:3], test="tests/a.py::b").tree())
    found = [orjson.loads(path.read_bytes()) for path in sorted((ROOT / "recordings").rglob("*.json"))]
    return orjson.loads(orjson.dumps(made)) + found


def _call(call: Any, number: int) -> Any:
    from memo._calls.digest import call_key

    data = orjson.dumps({"number": number})
    return call("fuzz.function", call_key("fuzz.function", data, None), data)


def with_key(tree: Any) -> Any:
    """Return the document with the key that its function and arguments give, where they give one."""
    try:
        rest = {"version": tree["version"]} if tree.get("version") is not None else {}
        call = {"arguments": tree["arguments"], "function": tree["function"], **rest}
        return {**tree, "key": sha256(orjson.dumps(call, option=orjson.OPT_SORT_KEYS)).hexdigest()}
    except Exception:
        return tree


TYPES = [
    "int", "float", "str", "bytes", "bytearray", "dict", "list", "tuple", "set", "frozenset", "json", "type", "builtins:range", "builtins:complex", "builtins:slice", "builtins:ValueError",
    "builtins:OSError", "builtins:ExceptionGroup", "builtins:BaseExceptionGroup", "builtins:StopIteration", "builtins:SystemExit", "builtins:KeyboardInterrupt", "builtins:UnicodeDecodeError",
    "datetime:datetime", "datetime:date", "datetime:time", "datetime:timedelta", "datetime:timezone", "zoneinfo:ZoneInfo", "decimal:Decimal", "fractions:Fraction", "uuid:UUID", "re:Pattern",
    "collections:deque", "collections:Counter", "collections:OrderedDict", "collections:defaultdict", "collections:ChainMap", "collections:UserDict", "ipaddress:IPv4Network", "pathlib:Path",
    "types:SimpleNamespace", "array:array", "time:struct_time", "pydantic_core:ValidationError", "pydantic.types:SecretStr", "pydantic.types:ByteSize", "pydantic.networks:HttpUrl",
    "httpx2:Response", "httpx2:Request", "os:system", "nowhere:Thing", "pydantic.main:BaseModel", "typing:Any", "typing:Literal[1]", "list[int]", "dict[str,int]", "app.sub:X",
    *(f"{__name__}:{name}" for name in ("Color", "Pair", "Data", "Part", "Answer", "Page", "Page[int]", "Root", "Failure", "Bag", "T", "VALUES")),
]  # fmt: skip
KEYS = [
    "__type__", "value", "exact", "set", "missing", "extra", "private", "attributes", "args", "notes", "left_out", "content", "items", "of", "base", "end", "error", "stream", "returned", "response",
    "offsets", "iterated", "awaited", "seconds", "redacted", "calls", "name", "text", "base64", "wall", "zone", "fold", "status_code", "headers", "body", "url", "method", "request", "title", "errors",
    "cause", "context", "suppress_context", "memo", "function", "key", "arguments", "outcomes", "watched", "version", "recorded_at", "test", "a", "", "\u00e9", "x" * 300,
]  # fmt: skip
LEAVES = [
    None, True, False, 0, 1, -1, 2**63, 10**18, 1e308, -0.0, 0.5, "", "x", "\ud7ff", "1e100000000", "1E+999999999", "9" * 5000, "0x" + "f" * 5000, "2020-01-01", "0.0.0.0/0", "complete", "error", "declared",
    "\\x", "\\q", "\\ud8", {"__type__": "str", "value": "\\x"}, {"__type__": "str", "value": "\\q \u00e9"}, "../../etc/passwd", "(" * 200, "a{1000}{1000}{1000}", [], {}, [[]], [None], [[1, 2]], {"a": 1}, {"__type__": "builtins:range", "value": [0, 10**9, 1]}, {"__type__": "ipaddress:IPv4Network", "value": "0.0.0.0/0"},
    {"__type__": "fractions:Fraction", "value": "1e100000000"}, {"__type__": "int", "value": "9" * 4000}, {"__type__": "type", "value": "int"}, {"__type__": "builtins:SystemExit", "args": [1]},
    {"__type__": "decimal:Decimal", "value": "1e999999"}, {"__type__": "tuple", "value": []}, {"__type__": "json", "value": {}}, {"__type__": "list", "items": []},
]  # fmt: skip


def mutated(tree: Any, random: Any, others: list[Any]) -> bytes:
    """Return the JSON of a document after one to four mutations; now and then bytes that are no JSON."""
    tree = orjson.loads(orjson.dumps(tree))
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        try:
            tree = _mutated(tree, random, others)
        except TypeError:  # nested deeper than orjson writes
            break
    if random.random() < 0.8:
        tree = with_key(tree)
    try:
        data = orjson.dumps(tree)
    except TypeError:  # nested deeper than orjson writes
        data = b"[" * 2000
    if random.random() < 0.05:
        at = random.randrange(len(data) + 1)
        data = (
            data[:at]
            + random.choice((b"", b'"', b"\xff", b"{", b'"a":1,"a":2,', b"\x00", data[at // 2 : at]))
            + data[at + random.randrange(3) :]
        )
    return data


def _mutated(tree: Any, random: Any, others: list[Any]) -> Any:
    places: list[tuple[Any, Any]] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        for key, part in node.items() if type(node) is dict else enumerate(node):
            places.append((node, key))
            if type(part) in (dict, list):
                pending.append(part)
    if not places:
        return _leaf(random)
    # What stands near the end of a document, and what names a type, is worth more than one of a thousand messages.
    named = [place for place in places if place[1] in KEYS[:48]]
    node, key = random.choice(named if named and random.random() < 0.6 else places)
    part = node[key]
    match random.randrange(12):
        case 0:
            del node[key]
        case 1:
            node[key] = _leaf(random)
        case 2:
            node[key] = _part(random.choice(others), random)
        case 3 if type(node) is dict:
            node[random.choice(KEYS)] = node.pop(key)
        case 4:
            node[key] = [part] if random.random() < 0.5 else {random.choice(KEYS): part}
        case 5:
            node[key] = {
                "__type__": random.choice(TYPES),
                random.choice(("value", "exact", "args", "content", "items")): part,
            }
        case 6 if type(part) is dict:
            part[random.choice(KEYS)] = _leaf(random)
        case 7 if type(part) is list:
            part.insert(random.randrange(len(part) + 1), _leaf(random))
        case 8 if type(part) in (dict, list):
            node[key] = orjson.dumps(part).decode()
        case 9:
            for _ in range(random.choice((3, 90, 130, 200))):
                part = [part] if random.random() < 0.5 else {"a": part}
            node[key] = part
        case 10 if type(part) in (int, float) and type(part) is not bool:
            node[key] = random.choice((-part, part * 10, str(part), [part], 10**15, 1e300))
        case _:
            if "__type__" in node or random.random() < 0.3:
                if type(node) is dict:
                    node["__type__"] = random.choice(TYPES)
            else:
                node[key] = random.choice(TYPES)
    return tree


def _leaf(random: Any) -> Any:
    return deepcopy(random.choice(LEAVES))


def _part(tree: Any, random: Any) -> Any:
    """Return a copy of some part of a document."""
    for _ in range(random.randrange(1, 9)):
        if type(tree) is dict and tree:
            tree = tree[random.choice(list(tree))]
        elif type(tree) is list and tree:
            tree = random.choice(tree)
    return deepcopy(tree)
