"""Classes that no name leads to are found where the program has them: in its modules, and in the object of a method."""

import os
import subprocess
import sys

MODELS = """
from typing import *
import typing_extensions
from dataclasses import dataclass
from pydantic import BaseModel, Discriminator, Field, JsonValue, PositiveInt, RootModel, Tag, create_model
T = TypeVar("T")
class Page(BaseModel, Generic[T]):
    items: list[T] = []
class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
@dataclass
class Box(Generic[T]):
    item: T
def kind_of(value):
    return value["kind"] if isinstance(value, dict) else value.kind
Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]
Tagged = Annotated[Union[Annotated[Cat, Tag("cat")], Annotated[Dog, Tag("dog")]], Discriminator(kind_of)]
Number = typing_extensions.TypeAliasType("Number", Union[int, float])
PetPage = Page[Pet]
Answer = create_model("AnswerModel", text=(str, ...), __module__=__name__)
class Holder(BaseModel):
    page: Page[Tagged]
    more: Any = None
def pages() -> Page[Annotated[str, "named by another function"]]: ...
"""
CALLS = """
import memo
from models import *
CASES = [
    lambda: PetPage(items=[Dog(), Cat()]),
    lambda: [Page[Tagged](items=[Dog()])],
    lambda: Holder(page=Page[Tagged](items=[Cat()])),
    lambda: Holder(page=Page[Tagged](items=[Cat()]), more=(1,)),
    lambda: Page[Optional[Pet]](items=[None, Cat()]),
    lambda: Page[Number](items=[1, 1.5]),
    lambda: Page[PositiveInt](items=[1]),
    lambda: Page[Page[PositiveInt]](items=[]),
    lambda: Page[JsonValue](items=[{"a": 1}]),
    lambda: RootModel[Pet](Dog()),
    lambda: Page[Annotated[str, "named by another function"]](items=["a"]),
    lambda: Box[Pet](Dog()),
    lambda: list[Pet],
    lambda: Answer(text="a"),
    lambda: {"class": PetPage, "other": Page[Number]},
]
"""
REPLAYS = """
import sys, memo
from calls import *
mode = sys.argv[1]
for number, make in enumerate(CASES):
    def function():
        assert mode == "record"
        return make()
    with memo.recording("rec", mode=mode):
        got = memo.recordable(name=f"case.{number}")(function)()
    assert type(got) is type(make()) and got == make(), got
@memo.recordable
def fetch(model):
    assert mode == "record"
    return Page[model](items=[])
@memo.recordable
def made():
    assert mode == "record"
    return Page[Annotated[int, Field(gt=number)]](items=[])
Both = Annotated[int, Field(gt=1), "a"]
with memo.recording("rec", mode=mode):
    assert type(fetch(Both)) is Page[Both]
try:
    with memo.recording("rec", mode=mode):
        made()
except Exception as error:
    told = "".join(map(str, getattr(error, "exceptions", [error])))
    assert "only an annotation, an argument or its module leads to typing:Annotated[int" in told or mode == "replay", told
else:
    raise SystemExit("a class that only the call makes")
"""


def run(tmp_path, **modules):
    for name, source in modules.items():
        (tmp_path / f"{name}.py").write_text(source)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    for mode in ("record", "replay"):
        subprocess.run([sys.executable, "main.py", mode], cwd=tmp_path, env=environment, check=True)


def test_what_a_module_reaches_needs_no_annotation(tmp_path):
    run(tmp_path, models=MODELS, calls=CALLS, main=REPLAYS)


METHODS = """
import asyncio, sys
from dataclasses import dataclass
from typing import *
import memo
from pydantic import BaseModel, PrivateAttr, create_model
mode = sys.argv[1]
T = TypeVar("T")
def local(name="Answer"):
    class Answer(BaseModel):
        a: Any = None
    Answer.__qualname__ = f"local.<locals>.{name}"
    return Answer
def answered(cls, value):
    assert mode == "record"
    return cls(a=value)
class Agent:
    nested = local("Nested")
    def __init__(self, schema=None):
        self.schema = schema or local()
        self.error = type("LocalError", (Exception,), {"__qualname__": "local.<locals>.LocalError"})
        self.more = {"schemas": [local("Deep")]}
        self.config = Config(create_model("Made", a=(Any, None)))
    @memo.recordable
    async def ask(self, question):
        return answered(self.schema, (question,))
    @memo.recordable
    async def each(self, count):
        for number in range(count):
            yield answered(self.schema, number)
    @memo.recordable
    def deep(self):
        return [answered(self.more["schemas"][0], 1), answered(self.config.schema, 2)]
    @memo.recordable
    def of_class(self):
        return answered(self.nested, {1})
    @classmethod
    @memo.recordable
    def inside(cls):
        return answered(cls.nested, 1)
    @memo.recordable
    @classmethod
    def outside(cls):
        return answered(cls.nested, 1)
    @memo.recordable
    @staticmethod
    def static(schema):
        return answered(schema, 1)
    @memo.recordable
    async def fails(self):
        assert mode == "record"
        raise self.error("no")
    @memo.recordable(streams=("stream",))
    async def holding(self):
        assert mode == "record"
        return {"first": self.schema(a=1), "stream": iter([self.schema(a=2)])}
    async def plain(self):
        return answered(self.schema, 1)
class Child(Agent):
    pass
@dataclass(slots=True)
class Config:
    schema: type
class Slotted:
    __slots__ = ("schema",)
    def __init__(self):
        self.schema = local()
    @memo.recordable
    def ask(self):
        return answered(self.schema, 1)
class Of(Generic[T]):
    @memo.recordable
    def ask(self):
        return answered(get_args(self.__orig_class__)[0], 1)
class Form(BaseModel):
    schema_: Any = None
    _private: Any = PrivateAttr(None)
    @memo.recordable
    def ask(self):
        return answered(self.schema_, 1)
class Callable_:
    def __init__(self):
        self.schema = local()
    def __call__(self):
        return answered(self.schema, 1)
class Later:
    schema = None
    @memo.recordable(name="Later.ask")
    def ask(self, number):
        if self.schema is None:
            return number
        return answered(self.schema, number)
def made():
    class Local(BaseModel):
        a: Any = 1
        @classmethod
        @memo.recordable(name="Local.make")
        def make(cls):
            return answered(cls, 5)
        @memo.recordable(name="Local.better")
        def better(self):
            return answered(type(self), self.a + 1)
    return Local
async def main():
    for _ in range(2):
        agent, one = Agent(), Agent
        assert type(await agent.ask("a")) is agent.schema
        assert [type(item) async for item in agent.each(3)] == [agent.schema] * 3
        first, second = agent.deep()
        assert type(first) is agent.more["schemas"][0] and type(second) is agent.config.schema and second.a == 2
        assert type(agent.of_class()) is type(Agent.inside()) is type(Child.outside()) is Agent.nested
        assert type(await Agent.ask(agent, "b")) is agent.schema
        assert type(Agent.static(agent.schema)) is agent.schema
        assert type(await memo.recordable(agent.plain, name="bound")()) is agent.schema
        slotted, form, called, schema = Slotted(), Form(schema_=local()), Callable_(), local()
        assert type(slotted.ask()) is slotted.schema
        assert type(Of[schema]().ask()) is schema
        assert type(form.ask()) is form.schema_
        assert type(memo.recordable(called, name="called")()) is called.schema
        try:
            await agent.fails()
        except agent.error as error:
            assert error.args == ("no",)
        held = await agent.holding()
        assert type(held["first"]) is agent.schema and [type(item) for item in held["stream"]] == [agent.schema]
        later = Later()
        assert later.ask(1) == 1
        later.schema = local()
        assert type(later.ask(2)) is later.schema
        other = Later()
        other.schema = local()
        assert type(other.ask(3)) is other.schema
        local_class = made()
        assert type(local_class.make()) is type(local_class(a=1).better()) is local_class
        with_schema = Child(schema=schema)
        assert type(await with_schema.ask("c")) is schema
    class Two:
        other = local()
        @memo.recordable(name="Two.ask")
        def ask(self, number):
            return answered(self.other, number)
    two = Two()
    two.schema = local()
    try:
        with memo.recording("other", mode=mode):
            two.ask(1)
    except Exception as error:
        told = str(getattr(error, "exceptions", error))
        assert "that name leads to another class of that name" in told or mode == "replay"
    else:
        raise SystemExit("one name for two classes")
with memo.recording("rec", mode=mode, errors="all"):
    asyncio.run(main())
"""


def test_the_object_whose_method_is_called_is_an_argument_too(tmp_path):
    run(tmp_path, main=METHODS)


PROXIES = """
import sys, memo
mode = sys.argv[1]
class Lazy:
    @property
    def __class__(self):
        raise SystemExit("code of an attribute has run")
    def __getattribute__(self, name):
        raise SystemExit(f"code of an attribute has run: {name}")
class Service:
    def __init__(self):
        self.connection = Lazy()
    @memo.recordable
    def ask(self):
        return 5
with memo.recording("rec", mode=mode):
    assert Service().ask() == 5
"""


def test_no_code_of_an_attribute_runs(tmp_path):
    run(tmp_path, main=PROXIES)
