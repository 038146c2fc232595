"""Programs that broke the twin-run law once, by what they do."""

import pytest
from law import MemoryStore, breach, perform

KEPT = {
    "samples of one prompt": [("ask", "a"), ("ask", "a"), ("ask", "a")],
    "a loop that polls": [("poll", "a")],
    "a stream that is left": [("tell", "a", 1, "break")],
    "left, then read whole": [("tell", "a", 1, "break"), ("tell", "a", 9, "all")],
    "one anext": [("tell", "a", 1, "anext")],
    "all items, and not the end": [("tell", "a", 3, "anext")],
    "never read": [("tell", "a", 0, "anext")],
    "left by return": [("tell", "a", 2, "return")],
    "left by an error in the loop": [("tell", "a", 2, "raise")],
    "closed": [("tell", "a", 2, "close")],
    "two streams side by side": [("zip", "a")],
    "a stream held half read": [("half", "a")],
    "a generator that is left": [("count", "a", 2, "break")],
    "a generator in zip": [("count", "a", 2, "zip")],
    "an error with its cause": [("ask", "no")],
    "an error in the middle of a stream": [("tell", "no", 9, "all")],
    "identical calls at once": [("identical", "a", 3), ("ask", "a"), ("ask", "a")],
    "calls inside a call": [("think", "a"), ("think", "a"), ("think", "no")],
    "a thread of anyio's": [("thread", "a", "to_thread")],
    "a pool's thread": [("thread", "a", "pool")],
    "a thread of one's own": [("thread", "a", "own")],
    "another event loop": [("thread", "a", "loop")],
    "a memoizer": [("memoized", "a", 2), ("memoized", "a", 1)],
    "a patched client": [("patched", "a"), ("patched", "a")],
    "a scope in a scope": [("inner scope", 0, [("ask", "a")]), ("ask", "a")],
}
REPORTED = {
    "a call that is cancelled before it begins": ([("cancelled", "a")], "CallsNotRecordedWarning"),
    "a call that is cancelled on its way": ([("timeout", "a")], "CallsNotRecordedWarning"),
    "an error that is no answer": ([("retry", "a")], "CallsNotRecordedWarning"),
    "a history that a call appends to": ([("agent", "a")], "ArgumentsChangedWarning"),
    "a thread among several scopes": ([("inner scope", 0, [("thread", "a", "pool")])], "ScopeLostWarning"),
}


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", KEPT)
def test_a_counterexample_stays_fixed(name, backend, mode):
    assert perform(KEPT[name], backend, MemoryStore(), mode).warned == []
    assert breach(KEPT[name], backend, mode) == ""


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", REPORTED)
def test_reported_while_it_is_recorded(name, backend, mode):
    program, warning = REPORTED[name]
    assert any(text.startswith(warning) for text in perform(program, backend, MemoryStore(), mode).warned)
