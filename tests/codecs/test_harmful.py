"""Data that would do harm by its size, its type or its code: refused at once, with an error of memo's own."""

import os
import resource
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import pytest
from pydantic import BaseModel, ImportString, RootModel, field_validator, model_validator

from memo.codecs import dumps, loads
from memo.codecs.items import Items
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import DataMismatch, MemoError, TypeNotFound, UnrecordableValue, UntrustedType

HERE = __name__
FOREVER = '{"__type__":"builtins:range","value":[0,1000000000,1]}'
NETWORK = '{"__type__":"ipaddress:IPv4Network","value":"0.0.0.0/0"}'


class Base(BaseModel):
    a: int = 1


class Numbers(RootModel[set[int]]):
    pass


class Bag(dict):
    pass


class Heap(list):
    pass


@dataclass
class Data:
    a: int = 1


def form(name, value):
    return f'{{"__type__":"{name}","value":{value}}}'


ENDLESS = [
    *(form(name, value) for name in ("set", "frozenset", "tuple", "dict", "bytes", "list", "collections:OrderedDict", "collections:Counter", "types:SimpleNamespace",
                                     "builtins:mappingproxy", "collections:UserDict", "collections:UserList") for value in (FOREVER, NETWORK)),
    *(form(name, f"[[{FOREVER},1],2]") for name in ("set", "frozenset", "dict", "collections:Counter", "collections:UserDict")),
    *(form("collections:deque", value) for value in (FOREVER, f"[{FOREVER},null]", f"[{NETWORK},5]", f"[{FOREVER},10]")),
    *(form(name, value) for name in ("datetime:timedelta", "builtins:complex", "complex", "builtins:range", "builtins:slice", "re:Pattern", "datetime:timezone", "collections:ChainMap",
                                     "array:array", "time:struct_time", "pydantic.networks:NameEmail", "decimal:Decimal", "fractions:Fraction", "datetime:date") for value in (FOREVER, NETWORK)),
    form("collections:defaultdict", f"[null,{FOREVER}]"), form("collections:defaultdict", f"[null,{NETWORK}]"), form("array:array", f'["q",{FOREVER}]'), form("time:struct_time", f"[{FOREVER},null,null]"),
    form("collections:ChainMap", f"[{FOREVER}]"),
    '{"__type__":"builtins:ExceptionGroup","args":["m",%s]}' % FOREVER, '{"__type__":"builtins:ValueError","args":%s}' % FOREVER, '{"__type__":"builtins:ValueError","args":[],"notes":%s}' % FOREVER,
    f'{{"__type__":"{HERE}:Bag","content":{FOREVER}}}', f'{{"__type__":"{HERE}:Heap","content":{FOREVER}}}',
    f'{{"__type__":"{HERE}:Heap","content":{NETWORK}}}', f'{{"__type__":"{HERE}:Base","exact":{{"a":1}},"set":{FOREVER}}}', f'{{"__type__":"{HERE}:Base","exact":{{}},"missing":{FOREVER}}}',
    f'{{"__type__":"{HERE}:Base","exact":{{"a":1}},"extra":{FOREVER}}}', f'{{"__type__":"{HERE}:Base","exact":{{"a":1}},"private":{NETWORK}}}', f'{{"__type__":"{HERE}:Base","exact":{{"a":1}},"attributes":{FOREVER}}}',
    f'{{"__type__":"{HERE}:Numbers","value":{FOREVER}}}', f'{{"__type__":"{HERE}:Data","value":{FOREVER}}}',
    '{"__type__":"httpx2:Response","value":{"status_code":200,"headers":%s}}' % FOREVER, '{"__type__":"httpx2:Response","value":{"status_code":200,"headers":{},"body":%s}}' % FOREVER,
    '{"__type__":"pydantic_core:ValidationError","value":{"title":"t","errors":%s}}' % FOREVER,
    '{"__type__":"pydantic_core:ValidationError","value":{"title":"t","errors":[],"notes":%s}}' % FOREVER,
]  # fmt: skip
LARGE = [
    *(form("fractions:Fraction", f'"{text}"') for text in ("1e100000000", "1E+999999999", "-1e-99999999", "1.5e99999999", "1" + "0" * 5000)),
    *(form("fractions:Fraction", value) for value in ("[1,0]", "[1,2,3]", '["1","2"]', '{"a":1}', form("decimal:Decimal", '"1e999999"'))),
    *(form("decimal:Decimal", f'"{text}"') for text in ("1e100000000", "1e-100000000", "-9E+999999999999", "x")), form("decimal:Decimal", "[0,[1],100000000]"),
    *(form("datetime:timedelta", value) for value in ("[1e308]", "[1000000000000,0,0]", '["1"]')), form("datetime:date", '"99999-01-01"'), form("datetime:datetime", '"2020-13-01"'),
    form("datetime:timezone", "[" + form("datetime:timedelta", "[99,0,0]") + "]"), form("int", '"' + "9" * 5000 + '"'), form("int", "[1]"), form("float", "[1]"),
    form("re:Pattern", f'["{"(" * 5000}",0]'), form("re:Pattern", '["a",128]'), form("zoneinfo:ZoneInfo", '"../../../etc/passwd"'), form("zoneinfo:ZoneInfo", '"' + "a/" * 5000 + '"'),
    form("pydantic.types:ByteSize", '"1e100000000"'), form("x." * 200_000 + "y", "1"), form("x:" + "y." * 200_000, "1"), form("typing:Literal[" + '\\"\\\\' * 40_000, "1"),
    form("list[" * 500 + "int" + "]" * 500, "1"), form("[" * 100_000, "1"),
]  # fmt: skip


@pytest.mark.parametrize(
    "text", ENDLESS + LARGE, ids=lambda text: text[:60] if len(text) < 300 else f"{text[:40]}… {len(text)}"
)
def test_a_value_is_as_large_as_what_is_recorded_of_it(text):
    for data in (text, f"[{text}]", f'{{"a":{text}}}', form("tuple", f"[{text}]")):
        with pytest.raises(MemoError):
            loads(data)


def test_and_takes_no_more_memory():
    program = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); from test_harmful import check; check()"
    limit = 1 << 30
    subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip


def check():
    for text in ENDLESS + LARGE:
        try:
            loads(text.replace(f"{HERE}:", f"{__name__}:"))
        except MemoError:
            continue
        raise AssertionError(text)


@pytest.mark.parametrize(
    "value",
    [Decimal("1E+999999"), Decimal("1E-999999"), Fraction(10**3000, 3), 10**6000, Decimal("9" * 5000)],
    ids=lambda v: type(v).__name__,
)
def test_what_is_large_and_was_recorded_comes_back(value, back):
    back(value)


def test_a_decimal_beyond_the_limit_is_refused_when_it_is_recorded():
    with pytest.raises(UnrecordableValue, match="exponent"):
        dumps(Decimal("1E+1000000"))


STREAMS = [
    {"of": f"{HERE}:Base", "base": 5, "items": [{}]}, {"of": f"{HERE}:Base", "base": {"a": 1}, "items": [1]}, {"of": "bytes", "base": {"a": 1}, "items": [1]}, {"base": [1], "of": "int", "items": [{}]},
    {"of": f"{HERE}:Base", "base": "x", "items": [{}]}, {"items": 5}, {"items": {"a": 1}}, {"items": "abc"}, {}, {"of": f"{HERE}:Base", "set": [], "items": [{}]}, {"of": f"{HERE}:Base", "set": {}, "items": [{}]},
    {"items": [{"__type__": f"{HERE}:Base", "value": {}, "attributes": "x"}]}, {"of": {}, "items": [1]}, {"of": f"{HERE}:Base", "items": [[[[]]], None, "a", 5]},
]  # fmt: skip


@pytest.mark.parametrize("packed", STREAMS, ids=str)
def test_items_in_another_form_are_a_mismatch(packed):
    for once in (None, b"__type__"):
        with pytest.raises(MemoError):
            list(Items(packed, Values(Types()), once=once))
    with pytest.raises(MemoError):
        Values(Types()).decode({"__type__": "list", **packed})


@pytest.mark.parametrize("attributes", ["x", [["a", 1]], [1], 5, None, {"__type__": "int", "value": "1"}], ids=str)
@pytest.mark.parametrize("rest", [{"value": {}}, {"exact": {"a": 1}}], ids=str)
def test_attributes_that_are_no_object_are_a_mismatch(attributes, rest):
    tree = {"__type__": f"{HERE}:Base", **rest, "attributes": attributes}
    for once in (None, b"__type__"):
        with pytest.raises(DataMismatch):
            Values(Types()).reader(tree, once=once)()
    with pytest.raises(DataMismatch):
        Values(Types()).decode(tree)


@pytest.mark.parametrize("depth", [100, 240, 260, 400, 900])
@pytest.mark.parametrize("around", ['{"a":%s}', "[%s]"])
@pytest.mark.parametrize("whole", ['{"__type__":"%s","value":%s}', '{"__type__":"list","of":"%s","items":[%s]}', '{"__type__":"list","of":"%s","base":{"b":1},"items":[%s]}'])  # fmt: skip
def test_models_of_deep_data_are_read_or_refused(depth, around, whole):
    import orjson

    text = "1"
    for _ in range(depth):
        text = around % text
    tree = orjson.loads(whole % (f"{HERE}:Base", text))
    for once in (None, b"__type__"):
        try:
            Values(Types()).reader(tree, once=once)()
        except MemoError:
            continue


BOMB = "Q" * 10


class Missing(Enum):
    A = 1

    @classmethod
    def _missing_(cls, value):
        raise stop


class Validated(BaseModel):
    a: int = 1

    @field_validator("a")
    @classmethod
    def check(cls, value):
        raise stop


class Whole(BaseModel):
    a: int = 1

    @model_validator(mode="after")
    def check(self):
        raise stop


class Keyed(dict):
    pass


@dataclass
class Guarded:
    a: int = 1

    @property
    def b(self):
        return 1

    @b.setter
    def b(self, value):
        raise stop


class Hashed(str):
    __slots__ = ()

    def __hash__(self):
        raise stop


stop: BaseException = SystemExit(3)


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), ValueError("no"), GeneratorExit(), RuntimeError()], ids=repr
)
@pytest.mark.parametrize(
    "tree",
    [
        {"__type__": f"{HERE}:Missing", "value": 9}, {"__type__": f"{HERE}:Validated", "value": {"a": 2}}, {"__type__": f"{HERE}:Whole", "value": {}},
        {"__type__": "list", "of": f"{HERE}:Validated", "items": [{"a": 1}]}, {"__type__": "set", "value": [{"__type__": f"{HERE}:Hashed", "content": "a"}]},
        {"__type__": "dict", "value": [[{"__type__": f"{HERE}:Hashed", "content": "a"}, 1]]},
    ],
    ids=str,
)  # fmt: skip
def test_what_a_users_class_raises_is_the_cause_of_an_error_of_memos(tree, error, monkeypatch):
    monkeypatch.setitem(globals(), "stop", error)
    for read in (
        lambda: Values(Types()).decode(tree),
        lambda: Values(Types()).reader(tree)(),
        lambda: Values(Types()).reader(tree, once=b"__type__")(),
    ):
        with pytest.raises(DataMismatch) as caught:
            read()
        assert caught.value.__cause__ is error


class Metaclass(type):
    def __getattribute__(cls, name):
        if name == "__mro__" and armed:
            raise SystemExit(1)
        return super().__getattribute__(name)


class Trap(metaclass=Metaclass):
    pass


armed = False


def test_what_a_metaclass_raises_is_the_cause_of_an_error_of_memos(monkeypatch):
    monkeypatch.setitem(globals(), "armed", True)
    with pytest.raises(MemoError):
        Types().resolve(f"{HERE}:Trap")


def test_what_a_serializer_raises_while_recording_is_the_cause(monkeypatch):
    class Text(str):
        __slots__ = ()

    value = OrderedDict(a=Missing.A)
    monkeypatch.setitem(globals(), "stop", SystemExit(3))
    assert loads(dumps(value)) == value
    with pytest.raises(UnrecordableValue):
        dumps(Text("a"))


def test_a_body_is_never_decompressed():
    import gzip

    import httpx2

    body = gzip.compress(bytes(10**6))
    data = dumps({"b": body})
    tree = f'{{"__type__":"httpx2:Response","value":{{"status_code":200,"headers":{{"content-encoding":"gzip"}},"body":{loads_free(data)}}}}}'
    assert loads(tree).content == body
    assert httpx2


def loads_free(data):
    return data.decode().removeprefix('{"b":').removesuffix("}")


def test_names_that_do_not_exist_are_not_found():
    with pytest.raises(TypeNotFound):
        Types().resolve("y" * 5000 + ":X")


class Importing(BaseModel):
    target: ImportString


class Around(BaseModel):
    inside: list[Importing | None] = []


@pytest.mark.parametrize(
    "tree",
    [
        {"__type__": f"{HERE}:Importing", "value": {"target": "antigravity.fly"}}, {"__type__": f"{HERE}:Around", "value": {"inside": [{"target": "antigravity.fly"}]}},
        {"__type__": "list", "of": f"{HERE}:Importing", "items": [{"target": "antigravity"}]}, [{"__type__": f"{HERE}:Importing", "value": {"target": "antigravity"}}],
    ],
    ids=str,
)  # fmt: skip
def test_a_field_that_imports_what_the_file_names_is_not_validated(tree):
    for read in (lambda: Values(Types()).decode(tree), lambda: Values(Types()).reader(tree)()):
        with pytest.raises(UntrustedType, match="ImportString"):
            read()
    assert "antigravity" not in sys.modules


def test_but_what_it_holds_is_recorded(back):
    back(Importing(target="math.pi"))
    with pytest.raises(UnrecordableValue):
        dumps(Importing(target="math.sin"))


@pytest.mark.parametrize(
    "outcome",
    [
        {"value": {"__type__": f"{HERE}:Base", "value": {}, "attributes": "x"}}, {"stream": {"of": "bytes", "base": {"a": 1}, "items": [1], "end": "complete"}}, {"value": 5, "seconds": {}}, {"value": 5, "seconds": "1"},
        {"stream": {"of": f"{HERE}:Base", "base": 5, "items": [{}], "end": "complete"}}, {"stream": {"items": [1], "end": "complete", "offsets": [{}]}}, {"stream": [1]}, {"stream": {"items": 5, "end": "complete"}},
        {"stream": {"items": [1], "end": []}}, {"error": {"__type__": "builtins:KeyboardInterrupt", "args": []}}, {"error": 5}, {"stream": {"items": [], "end": "error", "error": "x"}},
        {"value": {"__type__": f"{HERE}:Base", "value": {}, "set": ["a"]}}, {"value": {"__type__": "list", "of": f"{HERE}:Base", "items": {"a": 1}}},
    ],
    ids=str,
)  # fmt: skip
async def test_a_recording_in_another_form_is_damaged(tmp_path, outcome):
    import json

    import memo
    from memo.errors import RecordingDamaged

    @memo.recordable(name="tests.harmed")
    def function():
        return 5

    with memo.recording(tmp_path, mode="record"):
        function()
    (path,) = tmp_path.rglob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "outcomes": [outcome]}))

    async def replayed():
        with memo.recording(tmp_path, mode="replay"):
            result = function()
            return [item async for item in result] if hasattr(result, "__aiter__") else result

    with pytest.raises(RecordingDamaged):
        await replayed()
