"""A module to be patched, and what the tests of patches look at."""

import inspect
from itertools import count
from types import FunctionType
from typing import Any

import wrapt

SOURCE = '''
import asyncio

class Base:
    class Inner:
        def run(self, x):
            return ["inner", x]

    def __init__(self, url="http://a"):
        self.url = url

    async def ask(self, question, *, trace=None):
        """Ask."""
        return ["base", question]

    @staticmethod
    def add(a, b=1):
        return a + b

    @classmethod
    def make(cls, x):
        return [cls.__name__, x]

    async def items(self, n):
        for i in range(n):
            yield i

class Child(Base):
    pass

class Other(Base):
    async def ask(self, question, *, trace=None):
        return ["other", question]

class Grand(Child, Other):
    pass

def double(x):
    return x * 2

async def adouble(x):
    return x * 2

class Called:
    def __call__(self, x):
        return x + 1

client = Base("http://client")
called = Called()
number = 3
'''


names = (f"registry_case_{n}" for n in count())


def snapshot(*owners: Any) -> list[tuple[Any, dict[str, Any]]]:
    return [(owner, dict(vars(owner))) for owner in owners]


def is_plain(function: Any) -> bool:
    """Whether it is a function, and no wrapper that says that it is one."""
    return type(function) is FunctionType


def is_unchanged(before: Any) -> bool:
    for owner, names in before:
        now = dict(vars(owner))
        assert list(now) == list(names), owner
        assert [name for name in names if now[name] is not names[name]] == []
    return True


def recorded(rec: Any) -> int:
    return rec.stats.recorded


def names_in(store: Any) -> list[str]:
    return sorted({name.partition("/")[0].rpartition(".")[2] for name in store.scan("")})


async def use(mod: Any, path: str) -> Any:
    owner = mod
    *parents, name = path.split(".")
    for part in parents:
        owner = getattr(owner, part)
    function = getattr(owner() if parents else owner, name)
    result = function(3)
    if inspect.isasyncgen(result):
        return [each async for each in result]
    return await result if inspect.isawaitable(result) else result


def put_wrapt(owner: Any, name: str) -> Any:
    def wrapper(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)

    before = vars(owner)[name]
    setattr(owner, name, wrapt.FunctionWrapper(before, wrapper))
    return lambda: setattr(owner, name, before)
