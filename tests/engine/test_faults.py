"""Faults of functions of the user's own: which attempt has one, what is raised, and what is wrong with a fault."""

import time
from contextlib import asynccontextmanager, contextmanager

import pytest

import memo
from memo import Recorder, fault, recordable, recording
from memo.errors import InvalidOption, UnknownFunction
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


class Busy(Exception):
    """The user's own."""


@recordable(name="app.ask")
async def ask(question):
    return question.upper()


@recordable(name="app.ask_sync")
def ask_sync(question):
    return question.upper()


@recordable(name="app.words")
async def words(text):
    for word in text.split():
        yield word


@recordable(name="app.letters")
def letters(text):
    yield from text


@pytest.fixture
async def store():
    made = MemoryStore()
    with recording(made, mode="record"):
        await ask("a")
        ask_sync("a")
        assert [word async for word in words("a b c")]
        assert list(letters("abc"))
    return made


async def collect(items, into):
    async for item in items:
        into.append(item)


async def tried(count, function=ask):
    """Which of so many calls went through."""
    went = ""
    for _ in range(count):
        try:
            await function("a")
            went += "."
        except (Busy, TimeoutError) as error:
            went += type(error).__name__[0]
    return went


@pytest.mark.parametrize(
    ("faults", "went"),
    [
        ([fault.status(503, call=2, error=Busy())], ".B...."),
        ([fault.rate_limit(every=3, error=Busy)], "..B..B"),
        ([fault.timeout(call=1), fault.raises(Busy, every=2)], "TB.B.B"),
        ([fault.timeout(function="app.ask")], "TTTTTT"),
        ([fault.timeout(function="app.words")], "......"),
        ([fault.timeout(call=2), fault.raises(Busy(), call=2)], ".T...."),
        (["timeout(call=3), timeout(call=5)"], "..T.T."),
        ("fault.timeout(every=2, function='app.*')", ".T.T.T"),
    ],
    ids=str,
)
async def test_an_attempt_has_a_fault_by_its_number(store, faults, went):
    with recording(store, faults=faults) as recorder:
        assert await tried(6) == went
    assert sum(recorder.stats.injected.values()) == len(went) - went.count(".")
    assert recorder.stats.replayed == went.count(".")


async def test_every_kind_of_function(store):
    with recording(store, faults=[fault.timeout(call=1)]), pytest.raises(TimeoutError):
        await ask("a")
    for make in (lambda: ask_sync("a"), lambda: list(letters("abc"))):
        with recording(store, faults=[fault.timeout()]), pytest.raises(TimeoutError):
            make()
    with recording(store, faults=[fault.timeout()]), pytest.raises(TimeoutError):
        assert [word async for word in words("a b c")]


@pytest.mark.parametrize("mode", ["replay", "record", "record-if-missing", "live"])
async def test_streams_are_cut_in_every_mode_and_recorded_whole(store, mode):
    got = []
    with recording(store, mode=mode, faults=[fault.cut(after=2, error=Busy("gone"))]):
        with pytest.raises(Busy, match="gone"):
            await collect(words("a b c"), got)
        with pytest.raises(Busy):
            got.extend(letters("abc"))
    assert got == ["a", "b", "a", "b"]
    with recording(store):
        assert [word async for word in words("a b c")] == ["a", "b", "c"]
        assert list(letters("abc")) == ["a", "b", "c"]


class Letters:
    """A stream with attributes, that is a context manager, too."""

    def __init__(self):
        self.text = "abc"
        self._items = iter("abc")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._items)

    def first(self):
        return next(self)


class Words:
    """Can be iterated, and is no iterator."""

    def __init__(self):
        self.text = "a b c"

    async def __aiter__(self):
        for word in self.text.split():
            yield word


@recordable(name="app.opened")
def opened():
    return Letters()


@recordable(name="app.awaited")
async def awaited():
    return Words()


@pytest.mark.parametrize("mode", ["replay", "record", "live"])
async def test_a_stream_of_a_class_is_cut_and_recorded_whole(mode):
    store = MemoryStore()
    with recording(store, mode="record"):
        assert list(opened()) == ["a", "b", "c"]
        assert [word async for word in await awaited()] == ["a", "b", "c"]
    got = []
    with recording(store, mode=mode, faults=[fault.cut(after=2, error=Busy("gone"))]):
        with opened() as stream:
            assert isinstance(stream, Letters)
            assert stream.text == "abc"
            got.append(stream.first())
            with pytest.raises(Busy, match="gone"):
                got.extend(stream)
        stream = await awaited()
        assert isinstance(stream, Words)
        assert stream.text == "a b c"
        with pytest.raises(Busy):
            await collect(stream, got)
    assert got == ["a", "b", "a", "b"]
    with recording(store):
        assert list(opened()) == ["a", "b", "c"]
        assert [word async for word in await awaited()] == ["a", "b", "c"]


async def test_a_shorter_stream_is_not_cut(store):
    with recording(store, faults=[fault.cut(after=3), fault.cut(after=4)]):
        with pytest.raises(ConnectionError):
            list(letters("abc"))
    with recording(store, faults=[fault.cut(after=4)]):
        assert [word async for word in words("a b c")] == ["a", "b", "c"]


async def test_what_is_slow_takes_at_least_that_long(store):
    with recording(store, faults=[fault.slow(first=0.03, per_item=0.02)]):
        for make, least in ((lambda: list(letters("abc")), 0.07), (lambda: ask_sync("a"), 0.03)):
            started = time.perf_counter()
            make()
            assert time.perf_counter() - started >= least
        started = time.perf_counter()
        assert [word async for word in words("a b c")] == ["a", "b", "c"]
        assert await ask("a") == "A"
        assert time.perf_counter() - started >= 0.1


@pytest.mark.parametrize("mode", ["replay", "record", "record-if-missing"])
async def test_nothing_is_called_or_written_of_an_attempt_with_a_fault(mode):
    store = MemoryStore()
    with recording(store, mode=mode, faults=[fault.timeout()]) as recorder:
        assert await tried(2) == "TT"
    assert list(store.scan()) == []
    assert (recorder.stats.live, recorder.stats.missed) == (0, 0)


async def test_a_memoizer_has_them_too():
    cache = Recorder(MemoryStore(), mode="record-if-missing", faults=[fault.timeout(call=1)])
    kept = cache.recordable(name="app.kept")(lambda: 1)
    with pytest.raises(TimeoutError):
        kept()
    assert kept() == 1


@pytest.mark.parametrize("made", [fault.status(503), fault.rate_limit(), fault.malformed()], ids=str)
async def test_an_own_function_needs_an_exception(store, made):
    with (
        recording(store, faults=[made]),
        pytest.raises(InvalidOption, match=r"^fault\.\w+ for [^:]+: error=None is invalid; allowed: .*error=…\)$"),
    ):
        await ask("a")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: fault.status(200), "400 to 599"),
        (lambda: fault.status("503"), "400 to 599"),
        (lambda: fault.timeout(call=0), "1 or more"),
        (lambda: fault.timeout(every=True), "1 or more"),
        (lambda: fault.timeout(call=1, every=2), "one of the two"),
        (lambda: fault.timeout(calls=1), "option='calls' is invalid (did you mean 'call'?)"),
        (lambda: fault.cut(after=-1), "0 or more"),
        (lambda: fault.slow(first=-1), "0 or more"),
        (lambda: fault.rate_limit(retry_after=-1), "0 or more"),
        (lambda: fault.status(503, retry_after="2"), "0 or more"),
        (lambda: fault.slow(first=float("inf")), "0 or more"),
        (lambda: Recorder(faults=["status(503, error=3)"]), "allowed: an exception"),
        (lambda: fault.raises(3), "allowed: an exception"),
        (lambda: fault.timeout(function=""), "a pattern of function names"),
        (lambda: Recorder(faults=["ratelimit()"]), "did you mean 'rate_limit'?"),
        (
            lambda: Recorder(faults=["timeout(call=x)"]),
            "faults='timeout(call=x)' is invalid; allowed: arguments that are numbers and texts",
        ),
        (lambda: Recorder(faults=["timeout("]), "rate_limit(every=3"),
        (lambda: Recorder(faults=["__import__('os').system('x')"]), "allowed: rate_limit"),
        (lambda: Recorder(faults=["raises(Busy)"]), "allowed: rate_limit"),
        (lambda: Recorder(faults=[503]), "memo.fault.status(503, call=2)"),
        (lambda: Recorder(faults=503), "a list of faults"),
        (
            lambda: Recorder(faults=[fault.timeout(function="opnai.*")]),
            "fault.timeout: function='opnai.*' is invalid (did you mean 'openai.*'?)",
        ),
    ],
)
def test_a_wrong_fault_is_an_error_at_the_start(make, says):
    with pytest.raises(InvalidOption) as caught:
        make()
    assert says in str(caught.value)


@pytest.mark.parametrize("open_scope", [recording, Recorder])
async def test_a_fault_for_an_unknown_function_is_an_error_when_the_scope_opens(store, open_scope):
    opened = open_scope(store, faults=[fault.timeout(function="app.aks")])
    with pytest.raises(
        UnknownFunction, match=r"'app\.aks' covers no recordable function; did you mean 'app\.ask'"
    ) as caught:
        opened.__enter__()
    assert (caught.value.value, caught.value.nearest) == ("app.aks", "app.ask")
    assert "import its module before the scope opens" in str(caught.value)


def test_a_fault_says_how_it_was_made():
    assert str(fault.rate_limit(every=3, retry_after=2)) == "rate_limit(retry_after=2, every=3)"
    assert str(fault.raises(Busy, function="app.*")) == "raises(Busy, function='app.*')"
    assert memo.fault.parse(str(fault.slow(first=0.5, per_item=0.05))) == [fault.slow(first=0.5, per_item=0.05)]


@recordable(name="app.held")
async def held():
    return {"id": 1, "stream": words.__wrapped__("a b c")}


@recordable(name="app.pair")
def pair():
    return "id", letters.__wrapped__("abc")


@recordable(name="app.given")
@asynccontextmanager
async def given():
    yield words.__wrapped__("a b c")


@recordable(name="app.managed")
@contextmanager
def managed():
    yield {"stream": letters.__wrapped__("abc")}


@recordable(name="app.plain_managed")
@contextmanager
def plain_managed(left):
    yield "text"
    left.append(True)


async def read_held(got):
    await collect((await held())["stream"], got)


async def read_pair(got):
    got.extend(pair()[1])


async def read_given(got):
    async with given() as stream:
        await collect(stream, got)


async def read_managed(got):
    with managed() as answer:
        got.extend(answer["stream"])


@pytest.mark.parametrize("mode", ["replay", "record", "live"])
@pytest.mark.parametrize("read", [read_held, read_pair, read_given, read_managed])
async def test_a_stream_inside_a_result_is_cut_and_recorded_whole(read, mode):
    store, got = MemoryStore(), []
    with recording(store, mode="record"):
        await read([])
    with recording(store, mode=mode, faults=[fault.cut(after=2, error=Busy("gone"))]) as recorder:
        with pytest.raises(Busy, match="gone"):
            await read(got)
    assert got == ["a", "b"]
    assert sum(recorder.stats.injected.values()) == 1
    with recording(store):
        await read(whole := [])
    assert whole == ["a", "b", "c"]
    with recording(store, faults=[fault.slow(first=0.03, per_item=0.02)]):
        started = time.perf_counter()
        await read([])
        assert time.perf_counter() - started >= 0.07


async def test_what_a_context_manager_gives_that_is_no_stream_is_cut_as_it_is_entered():
    left = []
    with recording(MemoryStore(), mode="live", faults=[fault.cut(call=1), fault.slow(first=0.03, call=2)]):
        with pytest.raises(ConnectionError), plain_managed(left):
            pass
        assert left == [True]
        started = time.perf_counter()
        with plain_managed(left) as text:
            assert text == "text"
        assert time.perf_counter() - started >= 0.03
