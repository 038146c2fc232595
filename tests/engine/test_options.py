"""The options of a recorder: one list, checked at once, and nothing of the environment in a signature or a help text."""

import inspect
import pydoc

import pytest

import memo
from memo import Recorder, recording
from memo.errors import InvalidOption
from memo.stores import MemoryStore


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"exhasted": "error"}, "did you mean exhausted?"),
        ({"maxage": "30d"}, "max_age"),
        ({"on_watch_change": "fail"}, "on_watched_change"),
        ({"Claims": False}, "claims"),
        (
            {"qqqqqqq": 1},
            "its options: allow, allow_secrets, block_network, calls, claim_timeout, claims, draws, errors",
        ),
        ({"exhausted": "stop"}, "allowed: repeat, error"),
        ({"on_expiry": None}, "allowed: warn, fail, record, refresh"),
        ({"timings": "yes"}, "allowed: True, False"),
        ({"claims": 1}, "allowed: True, False"),
        ({"pace": -1.0}, "0 or more"),
        ({"pace": "fast"}, "0 or more"),
        ({"pace": True}, "0 or more"),
        ({"memory": 1.5}, "whole number"),
        ({"claim_timeout": 0}, "a positive number"),
        ({"max_age": "soon"}, "max_age"),
    ],
    ids=str,
)
@pytest.mark.parametrize("made", [Recorder, lambda store, **options: recording(store, **options).__enter__()])
def test_a_wrong_option_is_named_with_what_is_right(made, options, says):
    with pytest.raises(InvalidOption) as caught:
        made(MemoryStore(), **options)
    assert says in str(caught.value)


def test_nothing_of_the_environment_is_printed(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-printed")
    for thing in (memo.Recorder, memo.recording, memo.start):
        assert "environ(" not in str(inspect.signature(thing))
        assert "sk-not" not in pydoc.render_doc(thing)


def test_an_environment_can_be_handed_in():
    assert Recorder(MemoryStore(), mode="live", environ={"MEMO_MODE": "record"}).mode == "record"
    assert Recorder(MemoryStore(), mode="live", environ={}).mode == "live"
