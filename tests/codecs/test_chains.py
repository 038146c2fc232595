"""Errors keep their chain: `__cause__`, `__context__` and `__suppress_context__`, as far as they can be recorded."""

import threading
import warnings

import pytest

import memo
from memo.codecs import dumps, loads
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import ErrorNotWholeWarning, UnrecordableValue


class ToolError(Exception):
    pass


class Inner(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code


def inner(code=42):
    try:
        raise KeyError("deep")
    except KeyError:
        raise Inner(code)  # noqa: B904 - the context is what is tried


def explicit():
    try:
        inner()
    except Inner as error:
        raise ToolError("explicit") from error


def implicit():
    try:
        inner()
    except Inner:
        raise ToolError("implicit")  # noqa: B904 - as above


def suppressed():
    try:
        inner()
    except Inner:
        raise ToolError("suppressed") from None


def foreign_cause():
    try:
        inner()
    except Inner:
        raise ToolError("both") from ValueError("another")


def grouped():
    errors = []
    for code in (1, 2):
        try:
            inner(code)
        except Inner as error:
            errors.append(error)
    raise ExceptionGroup("group", errors) from Inner(3)


def nested_group():
    try:
        grouped()
    except ExceptionGroup as group:
        raise ExceptionGroup("outer", [group, ToolError("x")])  # noqa: B904 - as above


def noted():
    try:
        inner()
    except Inner as error:
        error.add_note("a note")
        raise OSError(2, "No such file", "f") from error


def bare():
    raise ToolError("bare")


RAISERS = [explicit, implicit, suppressed, foreign_cause, grouped, nested_group, noted, bare]


def chain(error):
    """The whole chain as nested tuples; one exception in two places is told apart from two equal ones."""
    if error is None:
        return None
    members = tuple(map(chain, error.exceptions)) if isinstance(error, BaseExceptionGroup) else ()
    return (
        type(error), str(error), {k: v for k, v in vars(error).items()}, chain(error.__cause__), chain(error.__context__),
        error.__suppress_context__, error.__cause__ is error.__context__, members,
    )  # fmt: skip


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("function", RAISERS)
def test_an_error_comes_back_with_its_chain(function):
    error = caught(function)
    values = Values(Types())
    tree = values.encode_error(error)
    assert chain(values.decode(tree)) == chain(error)
    assert chain(loads(dumps(error))) == chain(error)
    assert chain(loads(dumps({"a": [error]}))["a"][0]) == chain(error)


@pytest.mark.parametrize("function", RAISERS)
def test_a_replayed_call_raises_it(function, tmp_path):
    recorded = memo.recordable(name="tests.raiser")(function)
    errors = []
    for mode in ("record", "replay"):
        with memo.recording(tmp_path, mode=mode) as recorder:
            errors.append(caught(recorded))
            assert recorder.stats.live == (mode == "record")
    assert chain(errors[1]) == chain(errors[0]) == chain(caught(function))


@pytest.mark.parametrize("function", RAISERS)
async def test_a_replayed_coroutine_and_a_stream_in_its_middle_raise_it(function, tmp_path):
    @memo.recordable(name="tests.coroutine")
    async def work():
        function()

    @memo.recordable(name="tests.stream")
    async def items():
        yield 1
        yield 2
        function()

    @memo.recordable(name="tests.generator")
    def generated():
        yield 1
        function()

    expected = chain(caught(function))
    for mode in ("record", "replay"):
        with memo.recording(tmp_path, mode=mode):
            with pytest.raises(Exception) as found:
                await work()
            assert chain(found.value) == expected
            got = []
            with pytest.raises(Exception) as found:  # noqa: PT012 - as above
                async for item in items():
                    got.append(item)  # noqa: PERF401 - what came before the error is looked at
            assert (got, chain(found.value)) == ([1, 2], expected)
            assert chain(caught(lambda: [*generated()])) == expected


@pytest.mark.parametrize("function", RAISERS)
def test_what_the_caller_is_handling_is_no_part_of_it(function, tmp_path):
    recorded = memo.recordable(name="tests.handled")(function)
    found = []
    for mode in ("record", "replay", "replay"):
        handled = RuntimeError(f"the caller's {len(found)}")
        with memo.recording(tmp_path, mode=mode):
            try:
                raise handled
            except RuntimeError:
                found.append(caught(recorded))
        last = found[-1]
        while last.__context__ is not None:
            last = last.__context__
        assert last is handled
    assert b"the caller's" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))
    assert [str(error) for error in found] == [str(found[0])] * 3
    with memo.recording(tmp_path, mode="replay"):
        assert chain(caught(recorded)) == chain(caught(function))


def test_a_chain_that_holds_itself_ends_where_it_would_begin_again():
    error, other = ToolError("a"), Inner(5)
    error.__cause__, other.__context__ = other, error
    values = Values(Types())
    tree = values.encode_error(error)
    assert tree["cause"]["left_out"] == ["__context__"]
    back = values.decode(tree)
    assert type(back.__cause__) is Inner
    assert back.__cause__.__context__ is None
    with pytest.raises(UnrecordableValue):
        dumps(error)  # a value is never kept in part


def test_a_long_chain_is_kept_as_far_as_there_is_room():
    error = last = ToolError("0")
    for number in range(1, 200):
        last.__context__ = ToolError(str(number))
        last = last.__context__
    back = Values(Types()).decode(Values(Types()).encode_error(error))
    count = 0
    while back is not None:
        count, back = count + 1, back.__context__
    assert count == 31  # and thirty links


def test_many_exceptions_with_short_chains_are_a_value_like_any_other():
    errors = [caught(inner) for _ in range(50)]
    assert list(map(chain, loads(dumps(errors)))) == list(map(chain, errors))


def lossy():
    class Local(Exception):
        pass

    try:
        raise Local("of a local class") from Inner(1)
    except Local as error:
        raise ToolError("kept") from error


def lossy_attribute():
    error = ToolError("kept")
    error.lock = threading.Lock()
    error.fine = 5
    raise error


def lossy_inside():
    try:
        lossy_attribute()
    except ToolError as error:
        raise ValueError("outer") from error


def lossy_member():
    raise ExceptionGroup("group", [ValueError(1), caught(lossy_attribute)])


@pytest.mark.parametrize(
    ("function", "paths"),
    [
        (lossy, ("__cause__",)),
        (lossy_attribute, ("lock",)),
        (lossy_inside, ("__cause__.lock",)),
        (lossy_member, ("args[1][1].lock",)),
    ],
)
def test_what_could_not_be_kept_is_warned_of_when_it_is_recorded(function, paths, tmp_path):
    recorded = memo.recordable(name="tests.lossy")(function)

    @memo.recordable(name="tests.lossy_stream")
    def stream():
        yield 1
        function()

    with memo.recording(tmp_path, mode="record"):
        with pytest.warns(ErrorNotWholeWarning, match="tests.lossy") as found:
            error = caught(recorded)
        assert found[0].message.paths == paths
        assert found[0].filename == __file__
        with warnings.catch_warnings():
            caught(recorded)  # once
        with pytest.warns(ErrorNotWholeWarning, match="tests.lossy_stream"):
            caught(lambda: [*stream()])
    with memo.recording(tmp_path, mode="replay"):
        again = caught(recorded)
        assert (type(again), str(again), getattr(again, "fine", None)) == (
            type(error),
            str(error),
            getattr(error, "fine", None),
        )


@pytest.mark.parametrize("link", ["cause", "context"])
@pytest.mark.parametrize(
    "junk", [5, "x", [], {"__type__": "int", "value": "1"}, {"__type__": "type", "value": "int"}], ids=str
)
def test_a_link_that_is_no_exception_is_a_mismatch(link, junk):
    with pytest.raises(memo.MemoError):
        Values(Types()).decode({"__type__": "builtins:ValueError", "args": [], link: junk})


@pytest.mark.parametrize("link", ["cause", "context"])
def test_a_link_of_a_module_that_is_not_imported_is_logged_and_left_out(link, caplog):
    tree = {
        "__type__": "builtins:ValueError",
        "args": [1],
        link: {"__type__": "memo_gone.transport:ConnectError", "args": []},
    }
    error = Values(Types()).decode(tree)
    assert (error.args, error.__cause__, error.__context__) == ((1,), None, None)
    assert f"without its __{link}__" in caplog.text
    assert "memo_gone" in caplog.text
