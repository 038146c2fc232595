"""A decorated function is itself: it is pickled, copied, sent to processes, dispatched and redefined like any other."""

import copy
import functools
import pickle
import subprocess
import sys
from multiprocessing.pool import ThreadPool

import pytest

from memo import Recorder, recordable, recording
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

cache = Recorder(MemoryStore(), mode="record-if-missing")


@recordable
def plain(x):
    return x + 1


@recordable
async def coroutine(x):
    return x + 1


@recordable
def generator(x):
    yield x


@cache.recordable
def memoized(x):
    return x + 1


@cache.recordable(name="another name")
async def memoized_async(x):
    return x + 1


class Client:
    def __init__(self, model="small"):
        self.model = model

    def __eq__(self, other):
        return type(other) is Client and other.model == self.model

    __hash__ = None

    @recordable
    def method(self, x):
        return f"{self.model} {x}"

    @classmethod
    @recordable
    def class_below(cls, x):
        return f"{cls.__name__} {x}"

    @recordable
    @classmethod
    def class_above(cls, x):
        return f"{cls.__name__} {x}"

    @staticmethod
    @recordable
    def static_below(x):
        return f"static {x}"

    @recordable
    @staticmethod
    def static_above(x):
        return f"static {x}"


FUNCTIONS = [plain, coroutine, generator, memoized, memoized_async]
METHODS = ["method", "class_below", "class_above", "static_below", "static_above"]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The tests' own module is imported by its path: for pickle it has to be found by its name, too."""
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, sys.modules[plain.__module__]))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_function_is_pickled_by_its_name(function, protocol):
    assert pickle.loads(pickle.dumps(function, protocol)) is function
    assert pickle.loads(pickle.dumps({"deep": [function]}, protocol)) == {"deep": [function]}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_function_is_its_own_copy(function):
    assert copy.copy(function) is copy.deepcopy(function) is function
    assert copy.deepcopy({"tools": [function]})["tools"][0] is function


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_pickled_and_copied_as_that_of_its_object(name):
    method = getattr(Client("large"), name)
    expected = method("x")
    for again in (pickle.loads(pickle.dumps(method)), copy.copy(method), copy.deepcopy(method)):
        assert again("x") == expected
    of_class = getattr(Client, name)
    for again in (pickle.loads(pickle.dumps(of_class)), copy.deepcopy(of_class)):
        assert again(*((Client("large"),) if name == "method" else ()), "x") == expected


def test_a_deep_copy_has_an_object_of_its_own():
    client = Client()
    again = copy.deepcopy({"client": client, "ask": client.method})
    assert again["ask"].__self__ is again["client"] is not client
    client.model = "large"
    assert again["ask"]("x") == "small x"


def test_what_has_no_name_is_refused_as_any_such_function_is():
    local = recordable(lambda x: x)
    with pytest.raises(pickle.PicklingError, match="lambda"):
        pickle.dumps(local)
    assert copy.deepcopy(local) is local


def test_what_is_copied_is_recorded():
    with recording(MemoryStore(), mode="record") as recorder:
        copy.deepcopy(plain)(1)
        pickle.loads(pickle.dumps(Client().method))(1)
    assert recorder.stats.recorded == 2


PROGRAM = """
import multiprocessing, sys
import memo

cache = memo.Recorder("cache", mode="record-if-missing")

@memo.recordable
def ask(x):
    return x + 1

@cache.recordable
def grade(x):
    return x + 2

class Client:
    @memo.recordable
    def ask(self, x):
        return x + 3

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.map(ask, [1, 2]), pool.map(grade, [1, 2]), pool.map(Client().ask, [1, 2]))
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_workers_of_a_pool(tmp_path, method):
    (tmp_path / "app.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "app.py", method], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.stdout, done.stderr) == ("[2, 3] [3, 4] [4, 5]\n", "")
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 2


def test_a_pool_of_threads():
    with ThreadPool(2) as pool, recording(MemoryStore(), mode="record") as recorder:
        assert pool.map(plain, [1, 2, 3]) == [2, 3, 4]
    assert recorder.stats.recorded == 3


@pytest.mark.parametrize("order", ["above", "below"])
def test_single_dispatch(order):
    def shown(x):
        return "any"

    def shown_int(x: int):
        return "int"

    if order == "below":
        dispatched = functools.singledispatch(recordable(shown))
    else:
        dispatched = recordable(functools.singledispatch(shown))
    dispatched.register(recordable(shown_int))
    with recording(MemoryStore(), mode="record") as recorder:
        assert (dispatched(1), dispatched("x")) == ("int", "any")
    assert recorder.stats.recorded >= 2
    assert dispatched.dispatch(bool)(True) == "int"


def test_single_dispatch_of_a_method():
    class Shown:
        @functools.singledispatchmethod
        def show(self, x):
            return "any"

        @show.register
        @recordable
        def _(self, x: int):
            return f"int {x}"

    with recording(MemoryStore(), mode="record") as recorder:
        assert (Shown().show(1), Shown().show("x")) == ("int 1", "any")
    assert recorder.stats.recorded == 1
