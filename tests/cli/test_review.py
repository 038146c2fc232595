"""`memo review`, on a terminal, with the keys that a person presses."""

import orjson
import pytest
from rekeying import put
from terminal import keys_pressed

from memo._recordings.document import parse, render
from memo.cli import _output, main
from memo.maintenance.pending import all_pending, put_aside
from memo.stores import DirectoryStore, MemoryStore

PROMPT = "q quit"
COUNT = 200


def stored(function, number, outcome, test):
    made = MemoryStore()
    name = put(made, function, {"number": number}, test=test)
    return name, parse(made.get(name), name)._replace(outcomes=[outcome])


def stream(id_, model, text):
    items = [
        {"id": id_, "model": model, "choices": [{"index": 0, "delta": {"content": f"{word} "}}]}
        for word in text.split()
    ]
    return {"stream": {"items": items, "end": "complete"}, "seconds": 0.5}


def outcomes(number):
    """What is recorded, and what is pending: three kinds of change, and a few that are like no other."""
    kind = number % 3
    if number >= COUNT - 5:
        return {"value": {"score": number}}, {"value": {"score": number, f"more {number}": True}}
    if kind == 0:
        text = f"The planet number {number} is {{}}, and it has more than a hundred moons."
        return stream(f"a{number}", "m-1", text.format("Saturn")), stream(f"b{number}", "m-2", text.format("Jupiter"))
    if kind == 1:
        return {"value": {"id": f"a{number}", "pages": [number]}}, {
            "value": {"id": f"b{number}", "pages": [number, "x"]}
        }
    return {"value": {"embedding": [number / 7] * 40}}, {"value": {"embedding": [number / 6] * 40}}


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A directory whose `recordings` has 200 changed recordings, each in the directory of its test."""
    folder = tmp_path_factory.mktemp("changed")
    for number in range(COUNT):
        test = f"tests/test_app.py::test_planet[{number}]"
        store = DirectoryStore(folder / "recordings" / "test_app" / f"test_planet[{number}]")
        before, after = outcomes(number)
        name, document = stored("app.ask", number, before, test)
        store.put(name, render(document))
        put_aside(store, document._replace(outcomes=[after]), "")
    return folder


@pytest.fixture
def review(tmp_path, monkeypatch):
    """Reviews a store with some keys: what the terminal shows, and the exit code."""

    def run(keys, store="store", columns=80, folder=tmp_path):
        monkeypatch.chdir(folder)
        _output._console.cache_clear()  # one that was made without a terminal has no colors
        pressed = [key if isinstance(key, bytes) else key.encode() for key in keys]
        return keys_pressed(lambda: main(["review", store]), pressed, columns=columns, prompt=PROMPT)

    return run


@pytest.fixture
def store(tmp_path):
    """Three recordings, of which two changed alike."""
    store = DirectoryStore(tmp_path / "store")
    for number, after in enumerate(({"id": "b0"}, {"id": "b1"}, {"id": "b2", "more": 1})):
        name, document = stored("app.ask", number, {"value": {"id": f"a{number}"}}, None)
        store.put(name, render(document))
        put_aside(store, document._replace(outcomes=[{"value": after}]), "")
    return store


def values(store):
    found = (orjson.loads(store.get(name)) for name in store.scan())
    return {each["arguments"]["number"]: each["outcomes"][0]["value"]["id"] for each in found}


def test_200_changed_recordings_take_few_keys(changed, review):
    before = {path: path.read_bytes() for path in changed.rglob("*.json")}
    shown, code = review("A" * 8, "recordings", folder=changed)
    assert code == 0, shown
    assert "accepted 200 recordings; 0 still pending" in shown
    assert shown.count(PROMPT) == 8
    after = {path: path.read_bytes() for path in changed.rglob("*.json")}
    assert len(after) == COUNT
    for number in range(COUNT):
        folder = f"test_planet[{number}]"
        (file,) = (path for path in after if folder in path.parts)
        assert after[file] != before[file]
        assert orjson.loads(after[file])["outcomes"][0] == outcomes(number)[1]


@pytest.mark.parametrize("columns", [80, 200])
def test_what_a_person_sees(review, tmp_path, columns):
    store = DirectoryStore(tmp_path / "store")
    before, after = outcomes(3)
    name, document = stored("app.ask", 3, before, "tests/test_app.py::test_planet[3]")
    store.put(name, render(document))
    put_aside(store, document._replace(outcomes=[after]), "memo verify --live")
    shown, code = review("q", columns=columns)
    assert code == 1
    plain = shown.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "planet number 3 is [-Saturn-]{+Jupiter+}, and it has" in plain
    assert "1 of 1 · app.ask" in shown
    assert "tests/test_app.py::test_planet[3]" in shown
    assert "memo verify --live" in shown
    assert "stream.items[*].model: " in shown
    assert "delta.content" not in shown  # the text is put together
    assert "a accept · r reject · s skip · m more · q quit" in shown


def test_each_key(review, store):
    shown, code = review("asr")
    assert code == 1
    assert "accepted 1 recording, rejected 1 recording; 1 still pending" in shown
    assert "to go on: memo review store" in shown
    assert sum(value.startswith("b") for value in values(store).values()) == 1
    assert len(list(all_pending(store))) == 1


@pytest.mark.parametrize(("keys", "accepted"), [("Aq", {0, 1}), ("Rq", set()), ("SA", {2})])
def test_all_that_are_alike_at_once(review, store, keys, accepted):
    shown, _ = review(keys)
    assert "2 alike" in shown
    assert {number for number, value in values(store).items() if value.startswith("b")} == accepted


@pytest.mark.parametrize("key", ["x", "\n", b"\x1b[A", "é"])
def test_any_other_key_asks_again(review, store, key):
    shown, code = review([key, "A", "a"])
    assert code == 0, shown
    assert shown.count(PROMPT) >= 3


def test_more_shows_the_pieces_of_a_stream(review, tmp_path):
    store = DirectoryStore(tmp_path / "store")
    before, after = outcomes(3)
    name, document = stored("app.ask", 3, before, None)
    store.put(name, render(document))
    put_aside(store, document._replace(outcomes=[after]), "")
    shown, _ = review("mq")
    assert "delta.content" in shown


def test_a_new_call(review, tmp_path):
    store = DirectoryStore(tmp_path / "store")
    _, document = stored("app.ask", 3, outcomes(3)[1], None)
    put_aside(store, document, "")
    shown, code = review("a")
    assert code == 0
    assert "a new call" in shown
    assert "The planet number 3 is Jupiter" in shown
    assert len(list(store.scan())) == 1


@pytest.mark.parametrize("end", [[b"\x03"], [b"\x04"], ["a", "x"]], ids=["Ctrl-C", "Ctrl-D", "the terminal is gone"])
def test_whatever_ends_it_leaves_the_rest_pending(review, store, end):
    review(end)
    judged = sum(value.startswith("b") for value in values(store).values())
    assert judged == (end[0] == "a")
    assert len(list(all_pending(store))) == 3 - judged


def test_a_damaged_one_can_only_be_rejected(review, store):
    name = next(iter(all_pending(store))).name
    store.pending().put(name, b"{")
    shown, _ = review("ssarq")
    assert "cannot be accepted: is not valid JSON" in shown
    assert "r reject · s skip · m more · q quit" in shown
    assert {each.problem for each in all_pending(store)} == {""}
    assert all(value.startswith("a") for value in values(store).values())
