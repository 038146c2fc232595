"""Functions that take other arguments than their declared signature says. Replay never runs them to find that out."""

import functools
import inspect

import pytest

from memo import Recorder, RecordingNotFound, recordable, recording
from memo.errors import MemoError
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

calls = []


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def declared(*names, kind=inspect.Parameter.KEYWORD_ONLY):
    """A decorator that says the function has these parameters, whatever it takes."""

    def decorate(function):
        function.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
        return function

    return decorate


def wraps(change):
    """A decorator that passes other arguments on than it is given, and shows the signature of the function below."""

    def decorate(function):
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                args, kwargs = change(args, kwargs)
                async for item in function(*args, **kwargs):
                    yield item
        else:

            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                args, kwargs = change(args, kwargs)
                return await function(*args, **kwargs)

        return wrapper

    return decorate


async def keyword_only(*args, **kwargs):
    calls.append((args, kwargs))
    return [*args, *kwargs.values()]


async def stream(*args, **kwargs):
    calls.append((args, kwargs))
    for item in (*args, *kwargs.values()):
        yield item


async def client_first(client, question):
    calls.append((client, question))
    return [client, question]


async def one(question):
    calls.append(question)
    return [question]


async def client_first_stream(client, question):
    calls.append((client, question))
    yield client
    yield question


FUNCTIONS = {
    "keyword-only declared, positional given": (lambda: declared("q")(keyword_only), ("x",), {}),
    "another keyword": (lambda: declared("q")(keyword_only), (), {"r": "x"}),
    "nothing declared": (lambda: declared()(keyword_only), ("x",), {}),
    "nothing declared, a stream": (lambda: declared()(stream), ("x", "y"), {}),
    "more declared": (lambda: declared("q", "r", "s")(keyword_only), ("x",), {"q": 1}),
    "an argument injected": (lambda: wraps(lambda a, k: (("client", *a), k))(client_first), ("x",), {}),
    "an argument injected, by name": (
        lambda: wraps(lambda a, k: (("client", *a), k))(client_first),
        (),
        {"question": "x"},
    ),
    "an argument injected, a stream": (
        lambda: wraps(lambda a, k: (("client", *a), k))(client_first_stream),
        ("x",),
        {},
    ),
    "an argument dropped": (lambda: wraps(lambda a, k: (a[1:], k))(one), ("trace", "x"), {}),
    "arguments reordered": (
        lambda: wraps(lambda a, k: ((k.pop("client"), *a), k))(client_first),
        ("x",),
        {"client": "c"},
    ),
    "a keyword added": (lambda: wraps(lambda a, k: (a, {}))(one), ("x",), {"trace_id": "1"}),
    "a partial of one": (lambda: functools.partial(declared("q")(keyword_only), 5), ("x",), {}),
}


async def result(value):
    return [item async for item in value] if inspect.isasyncgen(value) else await value


@pytest.mark.parametrize("case", FUNCTIONS)
@pytest.mark.parametrize("bound", [False, True])
async def test_it_misses_and_replays(case, bound):
    make, args, kwargs = FUNCTIONS[case]
    plainly = await result(make()(*args, **kwargs))
    calls.clear()
    store = MemoryStore()

    async def run(mode):
        recorder = Recorder(store, mode=mode)
        known = recordable(name="f", recorder=recorder if bound else None)(make())
        with recorder:
            return await result(known(*args, **kwargs))

    with pytest.raises(RecordingNotFound):
        await run("replay")
    assert calls == []
    assert await run("record") == plainly
    assert len(calls) == 1
    assert await run("replay") == plainly
    assert await run("record-if-missing") == plainly
    assert len(calls) == 1


async def test_such_calls_differ_by_what_is_given():
    known = recordable(name="f")(declared("q")(keyword_only))
    store = MemoryStore()
    given = [(("x",), {}), (("y",), {}), (("x", "y"), {}), ((), {"r": "x"}), ((["x"],), {}), ((), {"q": "x"})]
    with recording(store, mode="record"):
        recorded = [await known(*args, **kwargs) for args, kwargs in given]
    assert len(list(store.scan())) == len(given)
    with recording(store):
        assert [await known(*args, **kwargs) for args, kwargs in given] == recorded


async def test_such_a_call_has_its_tags():
    known = recordable(name="f", tags=lambda arguments: sorted(arguments))(declared("q")(keyword_only))
    with recording(MemoryStore(), mode="record") as recorder:
        await known("x", "y", r="z")
        assert recorder.invalidate(tag="*args") == 1


async def test_parameters_named_like_them_do_not_collide():
    def function(args=(), kwargs=None):
        return "fits"

    known = recordable(name="f")(wraps_plain(function))
    store = MemoryStore()
    with recording(store, mode="record"):
        known(args=["x"], kwargs={"y": 1})
        known("x", y=1)
    assert len(list(store.scan())) == 2


def wraps_plain(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return "any"

    return wrapper


async def test_what_is_ignored_and_secret_stays_so():
    async def call(**kwargs):
        return await recordable(name="f", ignore=("trace_id", "meta.id"))(
            declared("trace_id", "meta", "q")(keyword_only)
        )("x", **kwargs)

    store = MemoryStore()
    with recording(store, mode="record"):
        await call(trace_id="1", meta={"id": 1, "a": 1}, api_key="sk-0123456789abcdef0123")
    with recording(store):
        await call(trace_id="2", meta={"id": 2, "a": 1}, api_key="sk-0123456789abcdef0123")
        with pytest.raises(RecordingNotFound):
            await call(trace_id="2", meta={"id": 2, "a": 2}, api_key="sk-0123456789abcdef0123")
    assert b"sk-0123456789abcdef0123" not in b"".join(store.get(name) or b"" for name in store.scan())


async def test_methods(tmp_path):
    class Client:
        @recordable(name="client.ask")
        @wraps(lambda a, k: ((a[0], "injected", *a[1:]), k))
        async def ask(self, injected, question):
            calls.append(question)
            return [injected, question]

    with recording(tmp_path), pytest.raises(RecordingNotFound):
        await Client().ask("x")
    with recording(tmp_path, mode="record"):
        assert await Client().ask("x") == ["injected", "x"]
    with recording(tmp_path):
        assert await Client().ask("x") == await Client.ask(Client(), "x") == ["injected", "x"]
    assert calls == ["x"]


async def test_a_wrong_call_that_was_recorded_replays_its_error(tmp_path):
    known = recordable(name="f")(wraps(lambda a, k: (a, k))(one))
    with recording(tmp_path, mode="record"), pytest.raises(TypeError, match="positional"):
        await known(1, 2, 3)
    with recording(tmp_path), pytest.raises(TypeError, match="positional") as raised:
        await known(1, 2, 3)
    assert not isinstance(raised.value, MemoError)
    with recording(tmp_path), pytest.raises(RecordingNotFound):
        await known(1, 2, 3, 4)
    assert calls == []
