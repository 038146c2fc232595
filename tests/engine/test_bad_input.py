"""Bad files, bad values, bad places: each has its own error, nothing is overwritten, no live answer is lost."""

import errno
import logging
import os
import sys
import types
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unrecordable import Answer, aask, anything, ask, calls

from memo import recordable, recording
from memo._calls.digest import call_key
from memo._json import canonical_json
from memo.errors import (
    DataMismatch,
    KeyMismatch,
    MemoError,
    NewerFormat,
    NotARecording,
    RecordingDamaged,
    StoreFull,
    StoreNotWritable,
    TypeNotFound,
    UnrecordableValue,
    UntrustedType,
)
from memo.stores import MemoryStore


@pytest.fixture
def path(tmp_path) -> Path:
    """The file of a good recording."""
    with recording(tmp_path, mode="record"):
        ask("why")
    calls.clear()
    [found] = tmp_path.rglob("*.json")
    return found


def edited(path: Path, **changes) -> bytes:
    """The file with those members; `...` takes one out."""
    document = {**orjson.loads(path.read_bytes()), **changes}
    return orjson.dumps({name: each for name, each in document.items() if each is not ...})


def outcome(path: Path, **tree) -> bytes:
    return edited(path, outcomes=[tree])


def _deep(path: Path) -> bytes:
    return path.read_bytes().replace(b'{"question":"why"}', b'{"question":' + b"[" * 300 + b"]" * 300 + b"}")


def _other() -> bytes:
    with recording(MemoryStore(), mode="record") as rec:
        ask("another")
        data = rec.store.get(next(rec.store.scan())) or b""
    calls.clear()
    return data


FILES = {
    "empty": (lambda path: b"", RecordingDamaged, "is empty"),
    "blank": (lambda path: b" \n\n", RecordingDamaged, "is empty"),
    "truncated": (lambda path: path.read_bytes()[:-20], RecordingDamaged, "not valid JSON"),
    "half": (lambda path: path.read_bytes()[:100], RecordingDamaged, "not valid JSON"),
    "zeros": (lambda path: b"\0" * 500, RecordingDamaged, "not valid JSON"),
    "binary": (lambda path: b"\x89PNG\r\n\x1a\n\xff", RecordingDamaged, "not valid JSON"),
    "not utf-8": (lambda path: path.read_bytes().replace(b"WHY", b"W\xffY"), RecordingDamaged, "not valid JSON"),
    "two": (lambda path: path.read_bytes() * 2, RecordingDamaged, "not valid JSON"),
    "merge conflict": (
        lambda path: b"<<<<<<< HEAD\n" + path.read_bytes(),
        RecordingDamaged,
        r"conflict \(line 1\)\n  take",
    ),
    "merge conflict inside": (
        lambda path: path.read_bytes().replace(b'  "arg', b'<<<<<<< HEAD\n  "arg'),
        RecordingDamaged,
        r"conflict \(line 5\)\n  take",
    ),
    "too deep": (_deep, RecordingDamaged, "never wrote"),
    "foreign object": (lambda path: b'{"interactions": [], "version": 1}', NotARecording, "not a memo recording"),
    "foreign list": (lambda path: b"[1, 2]", NotARecording, "not a memo recording"),
    "foreign text": (lambda path: b'"x"', NotARecording, "not a memo recording"),
    "null": (lambda path: b"null", NotARecording, "not a memo recording"),
    "no version": (lambda path: edited(path, memo=...), NotARecording, "not a memo recording"),
    "odd version": (lambda path: edited(path, memo="x"), NotARecording, "unknown format version 'x'"),
    "version zero": (lambda path: edited(path, memo=0), NotARecording, "unknown format version 0"),
    "true": (lambda path: edited(path, memo=[1]), NotARecording, "unknown format version"),
    "newer": (lambda path: edited(path, memo=2), NewerFormat, "pip install --upgrade"),
    "edited arguments": (
        lambda path: edited(path, arguments={"question": "how"}),
        KeyMismatch,
        "not the key of its arguments",
    ),
    "more arguments": (
        lambda path: edited(path, arguments={"question": "why", "b": 1}),
        KeyMismatch,
        "not the key of its arguments",
    ),
    "edited function": (lambda path: edited(path, function="tell"), KeyMismatch, "not the key of its arguments"),
    "edited version": (lambda path: edited(path, version=2), KeyMismatch, "not the key of its arguments"),
    "edited key": (lambda path: edited(path, key="0" * 64), KeyMismatch, "not that of the call"),
    "moved here": (lambda path: _other(), KeyMismatch, "not that of the call"),
    "no key": (lambda path: edited(path, key=...), RecordingDamaged, "lacks its"),
    "no function": (lambda path: edited(path, function=None), RecordingDamaged, "lacks its"),
    "no arguments": (lambda path: edited(path, arguments=[]), RecordingDamaged, "lacks its"),
    "no outcomes": (lambda path: edited(path, outcomes=...), RecordingDamaged, "lacks its"),
    "empty outcomes": (lambda path: edited(path, outcomes=[]), RecordingDamaged, "lacks its"),
    "outcomes no list": (lambda path: edited(path, outcomes={"value": 1}), RecordingDamaged, "lacks its"),
    "outcome no object": (lambda path: edited(path, outcomes=["x"]), RecordingDamaged, "lacks its"),
    "outcome of nothing": (lambda path: outcome(path, seconds=1), RecordingDamaged, "lacks its"),
    "seconds no number": (lambda path: outcome(path, value=1, seconds="x"), RecordingDamaged, "lacks its"),
    "watched no object": (lambda path: edited(path, watched=[1]), RecordingDamaged, "lacks its"),
}


@pytest.mark.parametrize("mode", ["replay", "record-if-missing", "record"])
@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_an_error_in_every_mode_and_stays_as_it_is(path, case, mode):
    make, error, text = FILES[case]
    path.write_bytes(make(path))
    before = path.read_bytes()
    with recording(path.parent.parent, mode=mode), pytest.raises(error, match=text) as raised:
        ask("why")
    assert type(raised.value) is error
    assert raised.value.location == str(path)
    assert str(path) in str(raised.value)
    if error is NewerFormat:
        assert (raised.value.version, raised.value.supported) == (2, 1)
    else:
        assert raised.value.reason
        assert f"{'git checkout --ours' if 'conflict' in case else 'rm'} '{path}'" in str(raised.value)
    assert path.read_bytes() == before
    assert calls == []


OUTCOMES = {
    "stream no object": ({"stream": [1]}, RecordingDamaged),
    "stream without items": ({"stream": {"end": "complete"}}, RecordingDamaged),
    "stream without end": ({"stream": {"items": []}}, RecordingDamaged),
    "stream of odd end": ({"stream": {"items": [], "end": "x"}}, RecordingDamaged),
    "stream that failed without error": ({"stream": {"items": [], "end": "error"}}, RecordingDamaged),
    "type that is not imported": ({"value": {"__type__": "nowhere.to.be:Found", "value": 1}}, UntrustedType),
    "type that would run": ({"value": {"__type__": "os:system", "value": "true"}}, UntrustedType),
    "type that is gone": ({"value": {"__type__": f"{__name__}:Gone", "value": {}}}, TypeNotFound),
    "type that is not a name": ({"value": {"__type__": 5, "value": {}}}, TypeNotFound),
    "type that no longer fits": ({"value": {"__type__": f"{__name__}:Answer", "value": {"words": 1}}}, DataMismatch),
    "value of no type": ({"value": {"__type__": f"{__name__}:Answer"}}, DataMismatch),
    "error that is no error": ({"error": 5}, MemoError),
    "error of no type": ({"error": {"args": []}}, MemoError),
    "error that is a value": ({"error": {"__type__": f"{__name__}:Answer", "value": {"text": "x"}}}, MemoError),
    "bad number": ({"value": {"__type__": "int", "value": "x"}}, DataMismatch),
    "bad base64": ({"value": {"__type__": "bytes", "base64": "?"}}, DataMismatch),
}


@pytest.mark.parametrize("case", OUTCOMES)
@pytest.mark.parametrize("mode", ["replay", "record-if-missing"])
def test_an_outcome_that_does_not_come_back_is_an_error(path, case, mode):
    tree, error = OUTCOMES[case]
    path.write_bytes(outcome(path, **tree))
    before = path.read_bytes()
    with recording(path.parent.parent, mode=mode), pytest.raises(error) as raised:
        ask("why")
    assert isinstance(raised.value, MemoError)
    if isinstance(raised.value, RecordingDamaged):
        assert raised.value.location == str(path)
    elif error is not MemoError:
        assert raised.value.name
        assert raised.value.reason
        assert raised.value.__notes__[0] == f"  recording: {path}"
        assert any("MEMO_MODE=record pytest " in note for note in raised.value.__notes__) is (
            error is not UntrustedType
        )
    assert path.read_bytes() == before
    assert calls == []


def test_what_is_untrusted_is_not_imported(path, tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    path.write_bytes(outcome(path, value={"__type__": "evil_module:Evil", "value": {}}))
    with recording(path.parent.parent), pytest.raises(UntrustedType, match=r"trust=\('evil_module',\)") as raised:
        ask("why")
    assert raised.value.name == "evil_module:Evil"
    assert "evil_module" not in sys.modules


junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", "x", "complete", "error", "closed", f"{__name__}:Answer", "dict", "list", "int", "str", "bytes", "tuple", "set", "type", "json", "builtins:ValueError", "datetime:datetime", "decimal:Decimal"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["__type__", "value", "items", "of", "set", "end", "error", "args", "exact", "attributes", "notes", "stream", "seconds", "offsets", "returned", "awaited", "name", "base64", "text"]), inner, max_size=4),
    ),
    max_leaves=8,
)  # fmt: skip
bad_outcomes = st.one_of(
    st.fixed_dictionaries({"value": junk}),
    st.fixed_dictionaries({"error": junk}),
    st.fixed_dictionaries(
        {"stream": st.fixed_dictionaries({"items": junk, "end": st.sampled_from(["complete", "closed", "error", 1])}, optional={"of": junk, "set": junk, "error": junk, "offsets": junk, "returned": junk, "iterated": junk})}
    ),
).flatmap(lambda tree: st.fixed_dictionaries({name: st.just(each) for name, each in tree.items()}, optional={"seconds": junk, "awaited": st.just(False), "redacted": junk}))  # fmt: skip


async def drain(stream: Any) -> None:
    async for _ in stream:
        pass


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad_outcomes)
def test_nothing_in_an_outcome_breaks_more_than_the_replay(tree):
    """Whatever stands there: it replays, as a value or as the error that it says it is, or it is memo's error."""
    store = MemoryStore()
    arguments = {"question": "why"}
    key = call_key("ask", canonical_json(arguments))
    document = {"memo": 1, "function": "ask", "key": key, "arguments": arguments, "outcomes": [tree]}
    store.put(f"ask/{key[:32]}", orjson.dumps(document))
    with recording(store, pace=1e6):
        try:
            got = ask("why")
            if isinstance(got, types.GeneratorType):
                list(got)
            elif isinstance(got, types.AsyncGeneratorType):
                anyio.run(drain, got)
        except MemoError:
            pass
        except Exception as error:
            recorded = tree.get("error") or tree.get("stream", {}).get("error")
            assert recorded is not None, error
            assert type(error).__name__ in str(recorded), error


# What cannot be recorded


@pytest.mark.parametrize("value", ["lambda", "lock", "file"])
def test_an_unrecordable_value_is_handed_over_logged_and_raised_at_the_end(value, tmp_path, caplog):
    got = None
    with (  # noqa: PT012
        pytest.raises(UnrecordableValue, match="not recorded") as raised,
        recording(tmp_path, mode="record-if-missing") as rec,
    ):
        got = anything(value)
        fine = anything("fine")
    assert got is not None
    assert fine == 5
    assert raised.value.function == "any"
    assert raised.value.reason
    assert rec.stats.recorded == 1
    assert len(list(tmp_path.rglob("*.json"))) == 1
    assert [record.levelno for record in caplog.records if record.name == "memo"] == [logging.ERROR]
    assert raised.value.path == {"lambda": "", "lock": "[0]", "file": ".f"}[value]


async def test_the_same_in_async(tmp_path, caplog):
    @recordable
    async def f():
        return print

    @recordable
    async def g():
        yield 1
        yield print
        yield 2

    got = []
    with (
        pytest.raises(ExceptionGroup, match="2 calls could not be recorded") as raised,
        recording(tmp_path, mode="record"),
    ):
        got = [await f(), *[each async for each in g()]]
    assert got == [print, 1, print, 2]
    assert [type(error) for error in raised.value.exceptions] == [UnrecordableValue, UnrecordableValue]
    assert raised.value.exceptions[1].path == "[1]"
    assert list(tmp_path.rglob("*.json")) == []
    assert len(caplog.records) == 2


def test_several_failures_are_a_group():
    with pytest.raises(ExceptionGroup) as raised, recording(MemoryStore(), mode="record") as rec:  # noqa: PT012
        anything("lambda")
        anything("lock")
    assert len(raised.value.exceptions) == 2
    rec.raise_failures()  # once


def test_a_failure_masks_no_exception_that_is_on_its_way():
    with pytest.raises(KeyError), recording(MemoryStore(), mode="record"):  # noqa: PT012
        anything("lambda")
        raise KeyError


def test_a_directory_that_cannot_be_written_loses_no_answer(tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    got = None
    with (
        pytest.raises(StoreNotWritable, match="MEMO_STORE") as raised,
        recording(tmp_path / "file", mode="record-if-missing") as rec,
    ):
        got = ask("why")
    assert got == Answer(text="WHY")
    assert raised.value.location.startswith(str(tmp_path / "file"))
    assert rec.stats.recorded == 0
    assert "was returned" in caplog.text


async def test_a_full_disk_loses_no_answer(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    got = None
    with pytest.raises(StoreFull) as raised, recording(tmp_path, mode="record"):  # noqa: PT012
        # No disk can be filled without mounting one.
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            got = await aask("why")
        assert got == Answer(text="WHY")
        assert list(tmp_path.rglob("*.json")) == []
    assert raised.value.location.endswith(".json")


class BrokenStore(MemoryStore):
    def put(self, name, data):
        raise RuntimeError("the wire broke")


def test_a_store_that_breaks_loses_no_answer():
    with pytest.raises(MemoError, match="the wire broke") as raised, recording(BrokenStore(), mode="record"):
        assert ask("why") == Answer(text="WHY")
    assert isinstance(raised.value.__cause__, RuntimeError)


def test_a_damaged_file_met_only_while_writing_is_not_overwritten(path):
    """In `record` the second identical call reads what the first one wrote."""
    with pytest.raises(RecordingDamaged), recording(path.parent.parent, mode="record"):  # noqa: PT012
        ask("why")
        path.write_bytes(b"{")
        try:
            ask("why")
        except RecordingDamaged:
            assert path.read_bytes() == b"{"
            raise
    assert path.read_bytes() == b"{"


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()
    yield
    calls.clear()
