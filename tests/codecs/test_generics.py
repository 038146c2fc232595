"""Classes that a name alone does not lead to: local ones, nested ones, generics."""

import os
import subprocess
import sys
from typing import Any, Generic, TypeVar

import pytest
from pydantic import BaseModel

from memo.codecs import dumps, loads
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import UnrecordableValue

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
