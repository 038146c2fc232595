"""Which outcomes are kept, and the pace of recordings without timings."""

import time

import pytest

import memo
from memo import keep, recordable, recording
from memo.errors import CallsNotRecordedWarning, InvalidOption
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


def chat(reason="stop", content="Saturn", **message):
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content, **message}}
    return {"id": "c", "choices": [choice]}


def chunk(reason=None, content=""):
    return {"choices": [{"index": 0, "finish_reason": reason, "delta": {"content": content}}]}


def claude(reason="end_turn", text="Saturn"):
    return {"stop_reason": reason, "content": [{"type": "text", "text": text}]}


def gemini(reason="STOP", text="Saturn"):
    return {"body": {"candidates": [{"finishReason": reason, "content": {"parts": [{"text": text}]}}]}}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (chat(), None),
        (chat("tool_calls", None, tool_calls=[{"id": "t"}]), None),
        ({"stop_reason": "tool_use", "content": [{"type": "tool_use", "name": "search", "input": {}}]}, None),
        ({"done_reason": "stop", "message": {"content": "Saturn"}}, None),
        ({"content": [{"type": "text", "text": ""}], "isError": False}, None),  # a tool's, not a model's
        ({"rows": []}, None),
        ("", None),
        ([chunk(content="Sat"), chunk("stop")], None),
        (chat("length"), "ended at its limit (finish_reason = length)"),
        ([chunk(content="Sat"), chunk("length")], "ended at its limit (finish_reason = length)"),
        (claude("max_tokens"), "ended at its limit (stop_reason = max_tokens)"),
        (gemini("MAX_TOKENS"), "ended at its limit (finishReason = MAX_TOKENS)"),
        ({"done_reason": "length", "response": "x"}, "ended at its limit (done_reason = length)"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "ended at its limit"),
        (chat("content_filter"), "was refused (finish_reason = content_filter)"),
        (claude("refusal"), "was refused (stop_reason = refusal)"),
        (gemini("SAFETY"), "was refused (finishReason = SAFETY)"),
        ({"promptFeedback": {"blockReason": "OTHER"}}, "was refused (blocked)"),
        (chat(refusal="I cannot"), "was refused"),
        (chat(content=""), "was an empty answer"),
        (chat(content=" \n"), "was an empty answer"),
        (claude(text=""), "was an empty answer"),
        ([chunk(), chunk("stop")], "was an empty answer"),
    ],
    ids=str,
)
def test_what_is_finished_is_kept(answer, why):
    ask = recordable(name="ask")(lambda: answer)
    store = MemoryStore()
    if why is None:
        with recording(store, mode="record", keep=keep.finished):
            assert ask() == answer
    else:
        with (
            pytest.warns(CallsNotRecordedWarning) as caught,
            recording(store, mode="record", keep="finished") as recorder,
        ):
            assert ask() == answer
        assert why in str(caught[0].message)
        assert (recorder.stats.unrecorded, recorder.stats.recorded) == (1, 0)
    assert len(list(store.scan())) == (why is None)


async def test_the_next_run_makes_the_call_again():
    answers = iter([chat("length"), chat(content="whole")])
    ask = recordable(name="ask")(lambda: next(answers))
    store = MemoryStore()
    with pytest.warns(CallsNotRecordedWarning), recording(store, mode="record-if-missing", keep=keep.finished):
        ask()
    for _ in range(2):
        with recording(store, mode="record-if-missing", keep=keep.finished):
            assert ask() == chat(content="whole")


async def test_streams_and_errors_are_judged_by_a_function_of_ones_own():
    seen = []

    def only_long(call):
        seen.append(call)
        return "was too short" if call.items is not None and len(call.items) < 3 else call.error is None

    @recordable(name="words")
    async def words(text):
        for word in text.split():
            yield word

    store = MemoryStore()
    with pytest.warns(CallsNotRecordedWarning, match="was too short"), recording(store, mode="record", keep=only_long):
        assert [word async for word in words("a b")] == ["a", "b"]
        assert [word async for word in words("a b c")] == ["a", "b", "c"]
    assert [(call.function, call.arguments, call.items) for call in seen] == [
        ("words", {"text": "a b"}, ["a", "b"]),
        ("words", {"text": "a b c"}, ["a", "b", "c"]),
    ]
    assert len(list(store.scan())) == 1


def test_a_function_that_fails_keeps_the_outcome_and_is_reported():
    store = MemoryStore()
    with (
        pytest.raises(memo.MemoError, match=r"keep= raised .*division by zero"),
        recording(store, mode="record", keep=lambda call: 1 / 0),
    ):
        recordable(name="ask")(lambda: 1)()
    assert len(list(store.scan())) == 1


@pytest.mark.parametrize("wrong", ["finishd", 3])
def test_a_wrong_keep_is_an_error_at_the_start(wrong):
    with pytest.raises(InvalidOption, match="keep"):
        memo.Recorder(MemoryStore(), keep=wrong)


@recordable(name="letters")
async def letters(text):
    for letter in text:
        yield letter


@recordable(name="letters_sync")
def letters_sync(text):
    yield from text


async def test_the_pace_of_a_recording_without_timings():
    store = MemoryStore()
    with recording(store, mode="record"):
        [letter async for letter in letters("abcde")]
        list(letters_sync("abcde"))
    with recording(store, ttft=0.05, items_per_second=100):
        started = time.perf_counter()
        arrived = [time.perf_counter() - started async for _ in letters("abcde")]
        assert [at >= 0.05 + 0.01 * number for number, at in enumerate(arrived)] == [True] * 5
        started = time.perf_counter()
        assert list(letters_sync("abcde")) == list("abcde")
        assert time.perf_counter() - started >= 0.09
    with recording(store, items_per_second=200, pace=2.0):
        started = time.perf_counter()
        [letter async for letter in letters("abcde")]
        assert time.perf_counter() - started >= 0.01


async def test_timings_of_the_recording_count_before():
    store = MemoryStore()
    with recording(store, mode="record", timings=True):
        [letter async for letter in letters("abc")]
    with recording(store, ttft=30):
        assert [letter async for letter in letters("abc")] == ["a", "b", "c"]


@pytest.mark.parametrize("options", [{"ttft": -1}, {"items_per_second": "x"}], ids=str)
def test_a_wrong_pace_is_an_error_at_the_start(options):
    with pytest.raises(InvalidOption, match="0 or more"):
        memo.Recorder(MemoryStore(), **options)
