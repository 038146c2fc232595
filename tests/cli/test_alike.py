"""Which changed recordings are alike: the same paths, the same kind of change, and the same new value for the same old one."""

import pytest

from memo._recordings.document import Document
from memo.cli._alike import Groups, change


def document(*outcomes, function="f"):
    return Document(function, "0" * 64, {}, list(outcomes))


def stream(words, **more):
    items = [{"text": word, **more} for word in words]
    return {"stream": {"items": items, "end": "complete"}}


def grouped(*pairs):
    """The groups of recordings, as they were and as they are now."""
    groups = Groups()
    return [groups.group(change(document(*listed(one)), document(*listed(other)))) for one, other in pairs]


def listed(outcome):
    return outcome if isinstance(outcome, list) else [outcome]


def value(**fields):
    return {"value": fields}


@pytest.mark.parametrize(
    "pairs",
    [
        [(value(id="a1", n=1), value(id="b1", n=1)), (value(id="a2", n=1), value(id="b2", n=1))],
        [(value(model="1"), value(model="2")), (value(model="1"), value(model="2"))],
        [(value(tags=["a"]), value(tags=["a", "b"])), (value(tags=["c", "d"]), value(tags=["c", "d", "e", "f"]))],
        [
            (value(usage={"n_tokens": 3}), value(usage={"n_tokens": 4})),
            (value(usage={"n_tokens": 3}), value(usage={"n_tokens": 9})),
        ],
        [
            (value(x=1, usage={"n_tokens": 3}), value(x=2, usage={"n_tokens": 3})),
            (value(x=1, usage={"n_tokens": 3}), value(x=2, usage={"n_tokens": 4})),
        ],
        [
            (value(x=1, headers={"date": "1"}), value(x=2, headers={"date": "1"})),
            (value(x=1, headers={"date": "1"}), value(x=2, headers={"date": "2"})),
        ],
        [(stream(["a", "b"], id="1"), stream(["a", "c"], id="2")), (stream(["d"], id="3"), stream(["e", "f"], id="4"))],
        [
            ({"error": {"__type__": "E", "args": ["a"]}}, value(x=1)),
            ({"error": {"__type__": "E", "args": ["b"]}}, value(x=2)),
        ],
    ],
    ids=[
        "an id",
        "a value",
        "a list that grew",
        "tokens",
        "as many tokens",
        "a header",
        "streams",
        "an error that went",
    ],
)
def test_one_judgement_fits_both(pairs):
    assert grouped(*pairs) == [0, 0]


@pytest.mark.parametrize(
    "pairs",
    [
        [(value(x="a"), value(x="b")), (value(y="a"), value(y="b"))],
        [(value(x="a"), value(x="b")), (value(x="a"), value(x="c"))],
        [(value(x=0.9), value(x=0.8)), (value(x=0.9), value(x=0.1))],
        [(value(x=1), value(x="1")), (value(x=1), value(x=2))],
        [(value(x=True), value(x=False)), (value(x=False), value(x=True))],
        [(value(x=None), value(x="a")), (value(x="b"), value(x="c"))],
        [(value(x=1), value(x=1, y=1)), (value(x=1, y=1), value(x=1))],
        [(value(x=1), [value(x=1), value(x=2)]), (value(x=3), value(x=4))],
        [(stream(["a", "b"]), stream(["ab"])), (stream(["a", "b"]), stream(["c", "d"]))],
    ],
    ids=["path", "text", "number", "type", "truth", "none", "direction", "one more outcome", "only other pieces"],
)
def test_each_is_judged_by_itself(pairs):
    assert grouped(*pairs) == [0, 1]


def test_the_functions_of_alike_recordings_are_the_same():
    groups = Groups()
    changes = [
        change(document({"value": 1}, function=name), document({"value": 2}, function=name)) for name in ("f", "g", "f")
    ]
    assert [groups.group(each) for each in changes] == [0, 1, 0]


def test_new_calls_of_one_function_are_alike():
    groups = Groups()
    assert [groups.group(change(None, document({"value": number}))) for number in range(3)] == [0, 0, 0]
    assert groups.group(change(document({"value": 1}), document({"value": 2}))) == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (value(x=1), value(x=1, y=2), "+value.y"),
        (value(x=1, y=2), value(x=1), "-value.y"),
        (value(x=1), value(x="1"), "~value.x"),
        (value(x="a", y=[{"z": 1}]), value(x="b", y=[{"z": 2}]), "value.x, value.y[*].z"),
        (value(x=1, y=2), value(y=2, x=1), "order"),
        (
            {"value": {"__type__": "m:M", "value": {"x": 1}}},
            {"value": {"__type__": "m:M", "value": {"x": 2}}},
            "value.x",
        ),
    ],
)
def test_what_changed_in_a_few_words(before, after, words):
    assert change(document(before), document(after)).words() == words
