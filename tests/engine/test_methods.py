"""Methods, class methods and static methods are recordable, however they are reached."""

import functools
import inspect

import pytest
from uses import outcome

from memo import RecordingNotFound, recordable, recording
from memo.errors import KeyCollisionWarning

pytestmark = pytest.mark.anyio

calls: list[object] = []


@pytest.fixture(autouse=True)
def _no_calls():
    calls.clear()


# Methods


class Base:
    def __init__(self, url="here"):
        self.url = url

    @recordable
    async def inherited(self, n):
        calls.append((self.url, n))
        return n


class Tools(Base):
    @recordable
    async def method(self, n, days=3):
        """Find it."""
        calls.append((self.url, n))
        return [n, days]

    @recordable
    @classmethod
    async def class_above(cls, n):
        calls.append((cls.__name__, n))
        return n

    @classmethod
    @recordable
    async def class_below(cls, n):
        calls.append((cls.__name__, n))
        return n

    @recordable
    @staticmethod
    async def static_above(n):
        calls.append(n)
        return n

    @staticmethod
    @recordable
    async def static_below(n):
        calls.append(n)
        return n

    @recordable(identity=lambda self: {"url": self.url})
    async def here(self, n):
        calls.append((self.url, n))
        return f"{self.url}/{n}"

    @recordable
    def stream(self, n):
        calls.append(n)
        yield from range(n)


class Slots:
    __slots__ = ()

    @recordable
    async def method(self, n):
        calls.append(n)
        return n


METHODS = {
    "method": lambda: Tools().method,
    "inherited": lambda: Tools().inherited,
    "classmethod above": lambda: Tools.class_above,
    "classmethod below": lambda: Tools.class_below,
    "classmethod above, of an instance": lambda: Tools().class_above,
    "classmethod below, of an instance": lambda: Tools().class_below,
    "staticmethod above": lambda: Tools.static_above,
    "staticmethod below": lambda: Tools.static_below,
    "staticmethod above, of an instance": lambda: Tools().static_above,
    "staticmethod below, of an instance": lambda: Tools().static_below,
    "method of a class with slots": lambda: Slots().method,
    "method taken from the class": lambda: functools.partial(Tools.method, Tools()),
    "identity": lambda: Tools().here,
    "generator": lambda: Tools().stream,
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_methods(tmp_path, method):
    with recording(tmp_path, mode="record"):
        expected = await outcome(method()(2))
    with recording(tmp_path, mode="replay"):
        assert await outcome(method()(2)) == expected
        with pytest.raises(RecordingNotFound):
            await outcome(method()(1))
    assert len(calls) == 1


@pytest.mark.filterwarnings("ignore::memo.errors.KeyCollisionWarning")  # only if the first object is not freed yet
async def test_self_does_not_count_unless_asked_for(tmp_path):
    with recording(tmp_path, mode="record-if-missing", draws=False):
        assert await Tools("one").method(1) == await Tools("two").method(1)
        assert await Tools("one").here(1) == "one/1"
        assert await Tools("two").here(1) == "two/1"
    assert calls == [("one", 1), ("one", 1), ("two", 1)]


async def test_a_method_is_one_however_it_is_reached(tmp_path):
    tools = Tools()
    with recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        await tools.method(1)
        await Tools.method(tools, 1)
        bound = tools.method
        await bound(n=1)
    assert recorder.stats.live == 1


async def test_an_inherited_method_is_recorded_under_its_own_class(tmp_path):
    with recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        await Tools().inherited(1)
        with pytest.warns(KeyCollisionWarning, match="a Tools and a Base"):
            await Base().inherited(1)
    assert recorder.stats.live == 1
    assert [path.name.rpartition(".")[2] for path in tmp_path.iterdir()] == ["inherited"]
    assert next(tmp_path.iterdir()).name.endswith("Base.inherited")


def test_the_kind_of_methods_stays():
    assert inspect.iscoroutinefunction(Tools().method)
    assert inspect.iscoroutinefunction(Tools.class_above)
    assert inspect.iscoroutinefunction(Tools.class_below)
    assert inspect.iscoroutinefunction(Tools.static_above)
    assert inspect.isgeneratorfunction(Tools().stream)
    assert str(inspect.signature(Tools().method)) == "(n, days=3)"
    assert Tools.method.__doc__ == "Find it."
