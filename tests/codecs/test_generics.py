"""Classes that a name alone does not lead to: local ones, nested ones, generics."""

import os
import subprocess
import sys
from typing import Any, Generic, TypeVar

import pytest
from pydantic import BaseModel, create_model

import memo
from memo.codecs import dumps, loads
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import TypeNotFound, UnrecordableValue, UntrustedType

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T] = []


def test_local_classes_need_to_be_named(identical):
    class Local(BaseModel):
        x: Any = None

        class Nested(BaseModel):
            y: int = 1

    class Wrapper(BaseModel):
        local: list[Local] = []

    def function(value: list[Local]) -> Wrapper: ...

    with pytest.raises(UnrecordableValue, match="local to a function"):
        dumps(Local())
    for value in (Local(x=1), Page[Local](items=[Local()]), Wrapper(local=[Local(x=(1,))])):
        data = dumps(value, types=(Wrapper, Page))
        assert identical(loads(data, types=(Wrapper, Page)), value)
        values = Values(Types(function))
        assert identical(values.decode(values.encode(value)) if not isinstance(value, Page) else value, value)
    with pytest.raises(UnrecordableValue):
        dumps(Local.Nested())
    assert identical(loads(dumps(Local.Nested(), types=[Local.Nested]), types=[Local.Nested]), Local.Nested())


class Outer(BaseModel):
    class Nested(BaseModel):
        y: int = 1


def test_a_nested_class_is_found(back):
    back(Outer.Nested(y=2))


MODULE = """
from typing import Generic, Optional, TypeVar
from pydantic import BaseModel
T = TypeVar("T")
class Item(BaseModel):
    a: int = 1
class Sub(Item):
    b: int = 2
class Box(BaseModel, Generic[T]):
    items: list[T] = []
VALUES = [Box[int](items=[1]), Box(items=[1]), Box[Item](items=[Sub()]), Box[Item | None](items=[None]),
          Box[Optional[Item]](items=[Item()]), Box[Box[dict[str, int]]](items=[Box[dict[str, int]]()])]
"""


def test_generics_are_rebuilt_in_a_process_that_has_not_seen_them(tmp_path):
    (tmp_path / "shapes.py").write_text(MODULE)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}

    def run(program):
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)

    run("import shapes, memo.codecs as c, pathlib; pathlib.Path('data').write_bytes(c.dumps(shapes.VALUES))")
    without = (tmp_path / "shapes.py").read_text().split("VALUES")[0]
    (tmp_path / "shapes.py").write_text(without)
    run(
        "import shapes, memo.codecs as c, pathlib\nfrom typing import Optional\nfrom shapes import *\n"
        "a, b, d, e, f, g = c.loads(pathlib.Path('data').read_bytes())\n"
        "assert type(a) is Box[int] and type(b) is Box and type(d) is Box[Item] and type(d.items[0]) is Sub\n"
        "assert type(e) is Box[Item | None] and type(f) is Box[Optional[Item]] and type(g.items[0]) is Box[dict[str, int]]\n"
        "assert d.items[0].model_fields_set == set() and a == Box[int](items=[1])"
    )


SHAPES = """
import collections.abc, typing_extensions, memo
from enum import Enum
from typing import *
from pydantic import BaseModel, Field, create_model
T = TypeVar("T")
class Page(BaseModel, Generic[T]):
    items: list[T] = []
class Two(BaseModel, Generic[T]):
    one: Page[T]
class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
class Color(Enum):
    RED = 1
    BLUE = "b"
class Fields(typing_extensions.TypedDict):
    a: int
Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]
REACHED = [
    (Page[Pet], lambda cls: cls(items=[Dog(), Cat()])),
    (Page[Annotated[int, Field(gt=3)]], lambda cls: cls(items=[5])),
    (Page[Annotated[str, "about"]], lambda cls: cls(items=["a"])),
    (Page["Dog"], lambda cls: cls(items=[Dog()])),
    (Two[Pet], lambda cls: cls(one=Page[Pet](items=[Cat()]))),
    (Page[Optional[Pet]], lambda cls: cls(items=[None, Dog()])),
    (Page[list[Pet]], lambda cls: cls(items=[[Dog()]])),
]
NAMED = [
    Page[Callable[[int], int]](), Page[Callable[..., int]](), Page[Callable[[], None]](), Page[collections.abc.Callable[[int, str], int]](), Page[Callable[[Cat], List[Dog]]](),
    Page[tuple[int, ...]](items=[(1, 2)]), Page[Tuple[int, ...]](items=[(1, 2)]), Page[Literal[Color.RED, "a", 1]](items=[Color.RED]), Page[Literal[Color.BLUE]](),
    Page[Fields](items=[{"a": 1}]), Page[List[int]](items=[[1]]), Page[Dict[str, Cat]](items=[{"a": Cat()}]), Page[Sequence[int]](items=[[1]]), Page[collections.abc.Sequence[int]](items=[[1]]),
    Page[Optional[Cat]](items=[None]), Page[Cat | None](items=[Cat()]), Page[type[Cat]](items=[Cat]), Page[Type[Cat]](items=[Cat]), Page[FrozenSet[int]](items=[frozenset({1})]), Page[Page[Fields]](),
]
"""  # fmt: skip
REPLAYS = """
import sys, memo
from shapes import *
mode = sys.argv[1]
def same(a, b):
    return type(a) is type(b) and a == b
for number, (cls, make) in enumerate(REACHED):
    def function() -> cls:
        assert mode == "record"
        return [make(cls)] if number % 2 else make(cls)
    with memo.recording("rec", mode=mode):
        got = memo.recordable(name=f"reached.{number}")(function)()
        assert same(got, [make(cls)] if number % 2 else make(cls)), got
        assert type(got[0] if number % 2 else got) is cls
for number, value in enumerate(NAMED):
    def function():
        assert mode == "record"
        return value
    with memo.recording("rec", mode=mode):
        assert same(memo.recordable(name=f"named.{number}")(function)(), value)
"""


def test_arguments_of_every_kind_come_back_in_another_process(tmp_path):
    (tmp_path / "shapes.py").write_text(SHAPES)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    for mode in ("record", "replay"):
        subprocess.run([sys.executable, "-c", REPLAYS, mode], cwd=tmp_path, env=environment, check=True)


def test_what_only_an_annotation_names_is_refused_without_it(tmp_path):
    from typing import Annotated

    from pydantic import Field

    value = Page[Annotated[int, Field(gt=3)]](items=[5])
    with pytest.raises(UnrecordableValue, match="Annotated"):
        dumps(value)
    data = dumps(value, types=[type(value)])
    assert type(loads(data, types=[type(value)])) is type(value)


@pytest.mark.parametrize(
    "name", ["Page[\"__import__('os').abort()\"]", 'Page["Dog"]', 'Page[typing:List["x"]]', 'Page[typing:Annotated[int,"x"]]', "Page[typing:Annotated[int]]", "Page[[int]]", "Page[...]"]
)  # fmt: skip
def test_text_in_a_name_is_never_evaluated(name):
    with pytest.raises((TypeNotFound, UntrustedType)):
        Types().resolve(f"{__name__}:{name}")


def extraction(city):
    """A class that is made at run time, with a class in a field that is made, too."""
    inner = create_model("Inner", x=(int, 1), __module__=__name__)
    return create_model("Extraction", city=(str, city), inner=(inner, inner()), __module__=__name__)


live = []


@memo.recordable(name="tests.extract")
async def extract(schema, prompt):
    live.append(prompt)
    return schema(city=prompt)


@memo.recordable(name="tests.extract_many")
async def extract_many(*, options, prompt):
    live.append(prompt)
    for number in range(3):
        yield options["schemas"][0](city=f"{prompt} {number}")


@memo.recordable(name="tests.improve")
async def improve(value):
    live.append(value)
    return [value.model_copy(update={"city": "better"})]


@memo.recordable(name="tests.page")
async def paged(schema):
    live.append(schema)
    return Page[schema](items=[schema()])


@pytest.mark.parametrize("memory", [0, 10**6])
async def test_classes_that_the_calls_arguments_bring_are_recorded(tmp_path, memory):
    live.clear()
    made = []
    for mode in ("record", "replay", "replay"):
        with memo.recording(tmp_path, mode=mode, memory=memory):
            for _ in range(2):  # another class each time, of the same name and with the same schema
                schema = extraction("Paris")
                made.append(schema)
                value = await extract(schema, "Rome")
                assert type(value) is schema
                assert value == schema(city="Rome")
                many = [item async for item in extract_many(options={"schemas": (schema,)}, prompt="Oslo")]
                assert many == [schema(city=f"Oslo {number}") for number in range(3)]
                assert {type(item) for item in many} == {schema}
                (better,) = await improve(schema(city="Bern"))
                assert type(better) is schema
                assert better.city == "better"
                page = await paged(schema)
                assert type(page) is Page[schema]
                assert type(page.items[0]) is schema
    assert len(live) == 8


async def test_a_class_that_nothing_leads_to_is_refused(tmp_path):
    @memo.recordable(name="tests.hidden")
    async def hidden(prompt):
        return extraction("Paris")(city=prompt)

    with pytest.raises(UnrecordableValue, match="Extraction"):
        with memo.recording(tmp_path, mode="record"):
            assert (await hidden("Rome")).city == "Rome"
