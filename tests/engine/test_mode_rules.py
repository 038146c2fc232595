"""A mode for each function: which pattern decides, what says so, and what is wrong with a pattern."""

import itertools
import subprocess
import sys

import pytest

from memo import Recorder, RecordingNotFound, recordable, recording
from memo.errors import ContradictingModes, InvalidMode, InvalidOption, UnknownFunction, UnknownFunctionWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

calls: list[str] = []


@recordable(name="tools.search")
async def search(query):
    calls.append("tools.search")
    return f"found {query}"


@recordable(name="tools.files.read")
def read(path):
    calls.append("tools.files.read")
    return f"content of {path}"


@recordable(name="model.answer")
async def answer(prompt):
    calls.append("model.answer")
    for word in prompt.split():
        yield word


@recordable(name="model.count")
def count(prompt):
    calls.append("model.count")
    yield from range(len(prompt))


async def all_of_them():
    return (
        await search("rings"),
        read("a.txt"),
        [word async for word in answer("which planet")],
        list(count("ab")),
    )


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def recorded(store):
    with recording(store, mode="record"):
        await all_of_them()
    calls.clear()
    return store


@pytest.mark.parametrize(
    ("mode", "modes", "live"),
    [
        ("replay", {"model.*": "live"}, ["model.answer", "model.count"]),
        ("replay", {"model.*": "live", "tools.*": "replay"}, ["model.answer", "model.count"]),
        ("live", {"tools.*": "replay"}, ["model.answer", "model.count"]),
        ("live", {"*": "replay", "tools.search": "live"}, ["tools.search"]),
        ("replay", {"tools.*": "live", "tools.files.*": "replay"}, ["tools.search"]),
        ("replay", {"tools.*": "record", "tools.files.read": "replay"}, ["tools.search"]),
        ("record", {"tools.*": "none"}, ["model.answer", "model.count"]),
        ("replay", {}, []),
    ],
    ids=str,
)
async def test_the_most_specific_pattern_decides(recorded, mode, modes, live):
    with recording(recorded, mode=mode, modes=modes) as recorder:
        assert await all_of_them() == ("found rings", "content of a.txt", ["which", "planet"], [0, 1])
    assert calls == live
    assert recorder.stats.live == len(live)
    assert recorder.stats.replayed == 4 - len(live)


async def test_what_is_recorded_by_a_rule_is_replayed(store):
    with recording(store, mode="replay", modes={"*": "record-if-missing", "model.*": "live"}) as recorder:
        await all_of_them()
    assert (recorder.stats.recorded, recorder.stats.live) == (2, 4)
    assert sorted(name.rpartition("/")[0] for name in store.scan()) == ["tools.files.read", "tools.search"]


async def test_the_stats_say_which_rule_held(recorded):
    with recording(recorded, modes={"model.*": "live", "tools.*": "replay", "tools.search": "live"}) as recorder:
        await all_of_them()
        await search("rings")
    assert recorder.stats.by_rule == {"model.*": 2, "tools.*": 1, "tools.search": 2}
    with recording(recorded) as recorder:
        await all_of_them()
    assert recorder.stats.by_rule == {}


async def test_the_miss_says_which_rule_held_and_how_to_record_all_the_same(store, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setattr(sys, "orig_argv", ["python", "app.py"])
    with recording(store, mode="live", modes={"tools.*": "replay"}), pytest.raises(RecordingNotFound) as caught:
        await search("rings")
    assert caught.value.rule == "modes: tools.* = replay"
    assert "\n  mode:      replay, by modes: tools.* = replay\n" in str(caught.value)
    assert caught.value.command == "MEMO_MODES='tools.*=record-if-missing' python app.py"
    monkeypatch.setenv("MEMO_MODES", "tools.*=record-if-missing")
    with recording(store, mode="live", modes={"tools.*": "replay"}) as recorder:
        await search("rings")
    assert recorder.stats.recorded == 1


async def test_the_environment_counts_before_the_code(recorded, monkeypatch):
    monkeypatch.setenv("MEMO_MODES", "tools.*=live, model.answer=live")
    with recording(recorded, modes={"tools.search": "replay", "model.*": "replay"}):
        await all_of_them()
    assert calls == ["tools.search", "tools.files.read", "model.answer"]
    monkeypatch.setenv("MEMO_MODE", "live")  # the recorder's own mode: rules of the code hold beside it
    monkeypatch.delenv("MEMO_MODES")
    calls.clear()
    with recording(recorded, modes={"tools.*": "replay"}):
        await all_of_them()
    assert calls == ["model.answer", "model.count"]


async def test_a_memoizer_has_them_too():
    cache = Recorder(MemoryStore(), mode="record-if-missing", modes={"grade.live": "live"})
    made = itertools.count()

    @cache.recordable(name="grade.live")
    async def fresh():
        return next(made)

    @cache.recordable(name="grade.kept")
    async def kept():
        return next(made)

    assert [await fresh(), await kept(), await kept(), await fresh()] == [0, 1, 1, 2]
    assert await kept.refresh() == 3
    assert await fresh.refresh() == 4
    assert not fresh.cache_contains()


@pytest.mark.parametrize(
    ("modes", "says"),
    [
        ({"tools.*": "reply"}, ["modes: tools.*='reply'", "did you mean 'replay'?"]),
        ({"": "live"}, ["a pattern of modes=''"]),
        ({7: "live"}, ["a pattern of modes=7"]),
        ("live", ["modes='live'", "{'openai.*': 'live'}"]),
        ({"opnai.*": "live"}, ["'opnai.*'", "did you mean 'openai.*'?"]),
        ({"anthropc.messages": "live"}, ["did you mean 'anthropic.messages'?"]),
    ],
    ids=str,
)
def test_a_wrong_rule_is_an_error_at_the_start(modes, says):
    with pytest.raises(InvalidOption) as caught:
        Recorder(MemoryStore(), modes=modes)
    assert [text for text in says if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("modes", "fits"),
    [
        ({"openai.*x": "live", "openai.x*": "replay"}, False),
        ({"*search": "live", "tools.*": "live"}, True),
        ({"*.search": "live", "tools.s*": "replay"}, False),
        ({"aa*": "live", "ab*": "replay"}, True),
        ({"a*b": "live", "*ab": "replay"}, False),
        ({"tools.search": "live", "tools.*arch": "replay"}, True),
        ({"**a": "live", "a**": "replay"}, False),
    ],
    ids=str,
)
def test_equal_patterns_with_different_modes_are_an_error_that_names_both(modes, fits):
    if fits:
        Recorder(MemoryStore(), modes=modes)
        return
    with pytest.raises(ContradictingModes) as caught:
        Recorder(MemoryStore(), modes=modes)
    assert caught.value.modes == modes
    assert [pattern for pattern in modes if repr(pattern) not in str(caught.value)] == []


@pytest.mark.parametrize("text", ["tools.*", "tools.*:live", "=live", "tools.*=reply"])
def test_a_wrong_environment_is_an_error_at_the_start(text):
    with pytest.raises(InvalidOption, match="MEMO_MODES") as caught:
        Recorder(MemoryStore(), environ={"MEMO_MODES": text})
    assert isinstance(caught.value, InvalidMode) == text.endswith("reply")


async def test_a_pattern_that_covers_nothing_is_an_error_when_the_scope_opens(recorded):
    modes = {"tools.serch": "live", "tools.*": "replay"}
    with pytest.raises(
        UnknownFunction, match=r"modes: the pattern 'tools.serch' .*did you mean 'tools.search'"
    ) as caught:
        recording(recorded, modes=modes).__enter__()
    assert (caught.value.value, caught.value.nearest) == ("tools.serch", "tools.search")
    with recording(recorded, modes={"model.*": "live"}):  # known, although not called
        await search("rings")


async def test_a_pattern_of_the_environment_that_covers_nothing_is_reported_at_the_end(recorded, monkeypatch):
    monkeypatch.setenv("MEMO_MODES", "tools.serch=live")
    with (
        pytest.warns(
            UnknownFunctionWarning, match=r"MEMO_MODES: the pattern 'tools.serch' .*did you mean 'tools.search'"
        ),
        recording(recorded),
    ):
        await search("rings")


def test_a_function_that_was_recorded_in_another_process_is_known(tmp_path):
    with recording(tmp_path, mode="record"):
        read("a.txt")
    program = f"import memo\nwith memo.recording({str(tmp_path)!r}, modes={{'tools.files.*': 'live'}}): pass"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
