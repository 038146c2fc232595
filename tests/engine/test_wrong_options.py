"""A table of wrong values of every option: the error says what was given, what is allowed, and the nearest known word."""

import pytest

from memo import Recorder, recordable
from memo._engine.calls.options import Options
from memo._engine.sessions.options import RecorderOptions
from memo.cli import main
from memo.errors import MemoError
from memo.stores import MemoryStore

NAMES = ([3.5, object, -1, True, ["nope", 3], {"a": 3}, b"a"], "a text, a list of texts")
FUNCTION = (["nope", 3, ["a"]], "a function")
FLAG = (["yes", 1, 0, None], "True, False")
NUMBER = (["fast", -1, True, None], "a number, 0 or more")
DURATION = (["1x", "nope", -1, True, "30", ["1h"]], "30d")

RECORDER = {
    "allow": NAMES,
    "allow_secrets": NAMES,
    "block_network": FLAG,
    "calls": FLAG,
    "claim_timeout": ([0, -1, "soon", True], "a positive number"),
    "claims": FLAG,
    "draws": FLAG,
    "errors": (["answer", 3, None, ["all"]], "none, answers, all"),
    "exhausted": (["repeated", 3, None], "repeat, error"),
    "fallback": ([3.5, {"a": 3}, True], "a store"),
    "faults": (["nope", 3.5, True, ["nope"]], ""),
    "ignore": NAMES,
    "isolated": FLAG,
    "items_per_second": NUMBER,
    "keep": (["finish", 3, ["finished"]], "memo.keep.finished"),
    "max_age": DURATION,
    "max_cost": ([0, -1, "cheap", True, [3]], "a positive number"),
    "max_live": ([-1, 1.5, True, "3"], "a whole number, 0 or more"),
    "memory": ([-1, 1.5, True, "3", None], "a whole number, 0 or more"),
    "mode": (["reply", 3, ["replay"]], "live, record, replay"),
    "modes": ([3.5, True, ["live"], {"a": "lives"}], ""),
    "on_expiry": (["warned", 3], "warn, fail, record, refresh"),
    "on_watched_change": (["failed", 3, None], "warn, fail"),
    "pace": NUMBER,
    "pending": (["yes", 1, 0, None], "True, False, all"),
    "prices": ([3.5, "gpt-4o", ["gpt-4o"]], "what a million tokens cost"),
    "scrub": ([3.5, "nope", ["a"], {"a": 3}, {3: str}], "a mapping of paths to scrubbers"),
    "secrets": NAMES,
    "test": ([3.5, True, ["a"]], "a text"),
    "timings": FLAG,
    "trust": NAMES,
    "ttft": NUMBER,
    "ttl": DURATION,
    "watch": NAMES,
}
FUNCTIONS = {
    "allow_secrets": NAMES,
    "errors": (["answer", 3, ["all"]], "none, answers, all"),
    "identity": FUNCTION,
    "ignore": ([*NAMES[0][:5], {"a": 3}], NAMES[1]),
    "key": FUNCTION,
    "name": ([3.5, True, ["a"]], "a text"),
    "scrub": RECORDER["scrub"],
    "secrets": NAMES,
    "streams": NAMES,
    "tags": ([3.5, True, ["nope", 3]], "a list of texts"),
    "trust": NAMES,
    "ttl": DURATION,
    "version": ([3.5, object, ["a"]], "a text, a whole number"),
    "watch": NAMES,
}


def cases(table):
    return [(option, value, allowed) for option, (values, allowed) in table.items() for value in values]


def check(error, option, value, allowed):
    text = str(error)
    assert option in text, text
    shown = value if not isinstance(value, list | dict) else next(iter(value))
    assert repr(value) in text or repr(shown) in text or str(shown) in text, text
    assert allowed in text, text


def test_every_option_is_in_the_table():
    assert RECORDER.keys() == RecorderOptions.__annotations__.keys() | {"mode"}
    assert FUNCTIONS.keys() == Options.__annotations__.keys()


@pytest.mark.parametrize(("option", "value", "allowed"), cases(RECORDER), ids=str)
def test_of_a_recorder(option, value, allowed):
    with pytest.raises(MemoError) as caught:
        Recorder(MemoryStore(), **{option: value})
    check(caught.value, option, value, allowed)


@pytest.mark.parametrize(("option", "value", "allowed"), cases(FUNCTIONS), ids=str)
def test_of_a_function(option, value, allowed):
    with pytest.raises(MemoError) as caught:
        recordable(**{option: value})(lambda a: 1)
    check(caught.value, option, value, allowed)


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("errors", "answer", "answers"),
        ("exhausted", "repeated", "repeat"),
        ("on_expiry", "refreshed", "refresh"),
        ("on_watched_change", "failed", "fail"),
        ("mode", "reply", "replay"),
        ("mode", "record_if_missing", "record-if-missing"),
    ],
)
def test_the_nearest_known_word_is_named(option, value, near):
    with pytest.raises(MemoError, match=f"did you mean '?{near}"):
        Recorder(MemoryStore(), **{option: value})


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["ls", "STORE", "--stale", "1x"], "--stale: invalid duration '1x': use a number and s, m, h, d or w"),
        (["prune", "STORE", "--stale", "month"], "--stale: invalid duration 'month'"),
        (["prune", "STORE", "--unused-since", "yesterday"], "--unused-since='yesterday' is invalid; allowed: a date"),
        (["prune", "STORE", "--used-list", "nowhere.txt"], "the list nowhere.txt cannot be read: No such file"),
        (["push", "nothing", "memory://"], "nothing does not exist"),
        (["copy", "STORE", "x", "--layout", "tests"], "layout='tests' is invalid (did you mean 'test'?)"),
        (["rekey", "STORE", "--watch", "a#12"], "a fingerprint has 16 digits"),
        (["rekey", "STORE", "--drop", "a["], "drop='a['"),
        (["rekey", "STORE", "--only", "nope", "--drop", "a"], "only='nope' is invalid"),
        (["ls", "nope://x"], "store='nope://x' is invalid"),
        (["show", "not a key!"], "there is no file 'not a key!', and no key begins with it"),
        (["run", "--mode", "reply", "x.py"], "did you mean 'replay'"),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else "",
)
def test_of_a_command(command, says, tmp_path, capsys, monkeypatch):
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main([str(tmp_path / "store") if part == "STORE" else part for part in command]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("sqlite:///x.db?timeout=soon", "timeout='soon' is invalid; allowed: a positive number"),
        ("sqlite:///x.db?time=1", "option='time' is invalid (did you mean 'timeout'?)"),
        ("memory://?max_bytes=-1", "max_bytes='-1' is invalid; allowed: a positive number"),
    ],
)
def test_a_wrong_option_in_a_url(query, says):
    with pytest.raises(MemoError) as caught:
        Recorder(query)
    assert says in str(caught.value)
