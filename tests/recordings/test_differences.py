"""What differs between two trees: all of it, little of it, and shown so that it is read at a glance."""

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memo._recordings.difference_lines import lines, pieces, shown
from memo._recordings.differences import ABSENT, Difference, differences
from memo._recordings.likeness import similarity
from memo._values.paths import parse_path

SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 2.5]) | st.text("ab .", max_size=4)
)
KEYS = st.sampled_from(["a", "b", "content", "a key", "x.y", "7", "[0]", "*", 'say "so"', "it's"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=4)


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def applied(before: Any, found: list[Difference]) -> Any:
    """`before` with the differences made: places count in `before`, the last one of an insertion in `after`."""
    tree = copy.deepcopy(before)
    changed: list[Any] = []
    inserted: list[Any] = []
    removed: list[Any] = []
    for each in found:
        steps = parse_path(each.path, "path")
        holder = tree
        for step in steps[:-1]:
            holder = holder[step]
        kind = removed if each.after is ABSENT else inserted if each.before is ABSENT else changed
        kind.append((holder, steps[-1], each.after))
    for holder, step, value in changed:
        holder[step] = value
    for holder, step, _ in sorted(removed, key=lambda each: str(each[1]).rjust(9), reverse=True):
        del holder[step]
    for holder, step, value in sorted(inserted, key=lambda each: str(each[1]).rjust(9)):
        if isinstance(holder, list):
            holder.insert(step, value)
        else:
            holder[step] = value
    return tree


@given(before=OBJECTS, after=OBJECTS)
def test_differences_made_to_the_one_give_the_other(before: Any, after: Any):
    found = differences(before, after)
    assert same(applied(before, found), after)
    assert bool(found) is not same(before, after)
    assert found == differences(copy.deepcopy(before), copy.deepcopy(after))
    assert len(lines(found)) <= 60


@given(TREES, TREES)
def test_likeness_is_a_measure(before: Any, after: Any):
    assert similarity(before, before) == 1.0
    assert 0.0 <= similarity(before, after) <= 1.0
    assert (similarity(before, after) == 1.0) is same(before, after)


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_a_typing_error_is_one_line():
    before = {"messages": [said("system", "Be brief."), said("user", "What is the wheather?")], "model": "m"}
    after = {"messages": [said("system", "Be brief."), said("user", "What is the weather?")], "model": "m"}
    assert lines(differences(before, after)) == [
        "messages[1].content: 'What is the wheather?' → 'What is the weather?'"
    ]


def test_an_inserted_message_is_one_insertion():
    one, two, three = (said("user", text) for text in ("Hello.", "How are you?", "Good."))
    assert differences({"m": [one, two, three]}, {"m": [one, three]}) == [Difference("m[1]", two, ABSENT)]
    assert differences({"m": [one, three]}, {"m": [one, two, three]}) == [Difference("m[1]", ABSENT, two)]
    # Beside a change, too.
    assert differences({"m": [one, two]}, {"m": [three, said("user", "Hello!"), two]}) == [
        Difference("m[0]", ABSENT, three),
        Difference("m[0].content", "Hello.", "Hello!"),
    ]


@pytest.mark.parametrize(
    ("before", "after"), [(1, 1.0), (1, True), (1, "1"), (None, 0), ("", None), ([], {}), (0.0, -0.0)]
)
def test_what_is_another_kind_differs(before: Any, after: Any):
    assert differences({"a": before}, {"a": after}) == [Difference("a", before, after)]


def test_models_are_compared_by_their_fields():
    before = {"q": {"__type__": "Question", "value": {"text": "a"}}}
    assert differences(before, {"q": {"__type__": "Question", "value": {"text": "b"}}}) == [
        Difference("q.text", "a", "b")
    ]
    more = {"q": {"__type__": "Question", "value": {"text": "a"}, "extra": {"lang": "en"}}}
    assert differences(before, more) == [Difference("q.lang", ABSENT, "en")]
    other = {"q": {"__type__": "Query", "value": {"text": "a"}}}
    assert differences(before, other) == [Difference("q", before["q"], other["q"])]
    assert differences(
        {"at": {"__type__": "datetime", "value": "2026-01-01"}}, {"at": {"__type__": "datetime", "value": "2026-01-02"}}
    ) == [Difference("at", "2026-01-01", "2026-01-02")]


@pytest.mark.parametrize(
    ("key", "path"),
    [("a", "a"), ("a-b", "a-b"), ("a b", '["a b"]'), ("", '[""]'), ("0", "0"), ('"', "['\"']"), ("a.b", '["a.b"]')],
)
def test_paths_are_those_of_the_options(key: str, path: str):
    (found,) = differences({key: 1}, {key: 2})
    assert found.path == path
    assert parse_path(found.path, "watch") == (key,)


def test_long_text_shows_what_changed_only():
    text = "The quick brown fox jumps over the lazy dog. " * 50
    edited = text.replace(
        "brown fox jumps over the lazy dog. The quick", "red fox jumps over the lazy dog. The quick", 1
    )
    (line,) = lines(differences({"prompt": text}, {"prompt": edited}))
    assert line.startswith("prompt: 'The quick [-brown-]{+red+} fox jumps")
    assert line.endswith("…'")
    assert len(line) < 120


def test_text_of_several_lines_keeps_them():
    text = "You are a helpful assistant.\nAnswer in French.\nUse tools.\n"
    edited = text.replace("helpful", "terse").replace("French", "English")
    assert lines(differences({"prompt": text}, {"prompt": edited})) == [
        "prompt:",
        "    You are a [-helpful-]{+terse+} assistant.",
        "    Answer in [-French-]{+English+}.",
        "    Use tools.",
    ]
    (head, *rest) = lines(differences({"prompt": text}, {"prompt": text + "Be kind.\nBe brief.\n"}))
    assert head == "prompt:"
    assert rest[-2:] == ["    {+Be kind.⏎+}", "    {+Be brief.⏎+}"]


def test_at_most_so_many_lines():
    found = differences({}, {f"k{number:03}": number for number in range(500)})
    shown_lines = lines(found, limit=10)
    assert len(shown_lines) == 10
    assert shown_lines[0] == "k000: added 0"
    assert shown_lines[-1] == "… and 491 more"
    assert lines(found[:10], limit=10)[-1] == "k009: added 9"
    long = differences({"p": "a\n" * 500}, {"p": "b\n" * 500})
    assert len(lines(long, limit=10)) <= 10


def test_a_vector_is_one_value():
    one = [number / 7 for number in range(1536)]
    (found,) = differences({"vector": one}, {"vector": [each + 1 for each in one]})
    (line,) = lines([found])
    assert "1,536 numbers" in line
    assert len(line) < 200
    nearly = [*one[:700], 0.5, *one[701:]]
    assert [each.path for each in differences({"vector": one}, {"vector": nearly})] == ["vector[700]"]


@pytest.mark.parametrize("character", ["\x1b[31m", "\r", "\x00", "\u202e", "\x7f"])
def test_nothing_moves_the_cursor_of_who_reads(character: str):
    for before, after in [
        ("a", f"b{character}"),
        ("a\n" * 100, f"a\n{character}\n" * 100),
        ({}, {character: character}),
    ]:
        for line in lines(differences({"text": before, "k": [before]}, {"text": after, "k": []})):
            assert line.isprintable(), line


def test_pieces_say_what_they_are():
    (line,) = pieces(Difference("a", 1, 2))
    assert [(piece.kind, piece.text) for piece in line] == [
        ("path", "a: "),
        ("before", "1"),
        ("same", " → "),
        ("after", "2"),
    ]
    found = differences({"a": "x" * 200, "b": 1}, {"a": "x" * 199 + "y", "c": 2})
    assert ["".join(piece.text for piece in line) for line in shown(found)] == lines(found)


def test_the_absent_stays_itself():
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT
    assert copy.deepcopy(ABSENT) is ABSENT
    assert repr(ABSENT) == "ABSENT"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ab" * 50_000, "ba" * 50_000),
        ("a b " * 25_000, "b a " * 25_000),
        (" ".join(f"w{each}" for each in range(900)), " ".join(f"w{each * (each % 3)}" for each in range(900))),
        ("line\n" * 20_000, "other\n" * 20_000),
        ("x" * 3_000_000, "y" * 3_000_000),
        ([1, "a"] * 5_000, ["a", 1, 2] * 5_000),
        ([str(each) for each in range(1500)], [str(each) for each in reversed(range(1500))]),
        ([[]] * 3000 + [1], [[]] * 2990 + [2] + [[]] * 9),
    ],
    ids=["one word", "few words", "many changes", "lines", "huge", "few members", "reversed", "all but one equal"],
)
def test_much_is_no_trouble(before: Any, after: Any):
    found = differences({"a": before}, {"a": after})
    assert found
    assert all(len(line) < 2000 for line in lines(found))
    assert 0.0 <= similarity(before, after) < 1.0


def test_deep_is_no_trouble():
    before: Any = 1
    after: Any = 2
    for _ in range(250):
        before, after = [{"a": before}], [{"a": after}]
    (found,) = differences(before, after)
    assert len(lines([found])) == 1
    assert similarity(before, after) < 1.0


def test_the_nearest_is_the_likest():
    asked: Any = {"messages": [said("system", "You are kind."), said("user", "What is the wheather?")], "model": "m"}
    typed = copy.deepcopy(asked)
    typed["messages"][1]["content"] = "What is the weather?"
    other = {"messages": [said("system", "You are kind."), said("user", "Who won?")], "model": "m"}
    far = {"input": ["What is the wheather?"], "model": "embed"}
    assert similarity(asked, typed) > similarity(asked, other) > similarity(asked, far)
