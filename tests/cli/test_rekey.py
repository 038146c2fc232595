"""`memo rekey`: all or nothing, and the values are what was typed."""

import json
import re
import shlex
import shutil
import warnings

import pytest

from memo import recordable, recording
from memo._calls.digest import KEY_CHARACTERS, entry_name
from memo._calls.fingerprints import watched_fingerprint
from memo.errors import RecordingNotFound, WatchedFieldChangedWarning
from memo.stores import DirectoryStore


def documents(store):
    return [json.loads(path.read_bytes()) for path in sorted(store.rglob("*.json"))]


def arguments(store):
    (document,) = documents(store)
    return document["arguments"]


def test_everything_at_once(memo, write, tmp_path):
    write("app.f", city="Paris", trace="t-1", deep={"user": "u"})
    done = memo(
        *("rekey", tmp_path / "store"),
        *("--drop", "trace", "--rename", "city=place", "--add", "days=3", "--add", "deep.more=[1]"),
        *("--function", "app.f=app.g", "--version", "2"),
    )
    assert done.out.startswith("1 recording got a new key; 0 recordings as before, in ")
    (document,) = documents(tmp_path / "store")
    assert (document["function"], document["version"]) == ("app.g", 2)
    assert document["arguments"] == {"days": 3, "deep": {"more": [1], "user": "u"}, "place": "Paris"}
    assert [path.stem for path in (tmp_path / "store" / "app.g").iterdir()] == [document["key"][:KEY_CHARACTERS]]
    memo("ls", tmp_path / "store")


def test_a_dry_run(memo, write, tmp_path):
    before = write("app.f", x=1, y=2)
    done = memo("rekey", tmp_path / "store", "--drop", "y", "--dry-run")
    assert done.out.splitlines()[0].split() == ["FUNCTION", "KEY", "NEW", "KEY"]
    assert done.out.splitlines()[1].split()[:2] == ["app.f", before.stem[:12]]
    assert "would get a new key" in done.out
    assert before.exists()
    tree = memo("rekey", tmp_path / "store", "--drop", "y", "--dry-run", "--json").json
    assert (tree["done"], len(tree["changes"]), tree["unchanged"]) == (False, 1, 0)
    assert memo("rekey", tmp_path / "store", "--drop", "y", "--json").json["done"] is True
    assert not before.exists()


def test_a_collision_changes_nothing(memo, write, tmp_path):
    for trace in "abc":
        write("app.f", x=1, trace=trace)
    write("app.f", x=2, trace="d")
    before = sorted(tmp_path.rglob("*.json"))
    done = memo("rekey", tmp_path / "store", "--drop", "trace", code=1)
    assert done.out == ""
    assert done.err.startswith("nothing was changed: 2 recordings cannot be changed:")
    assert "would be the same call as" in done.err
    assert len(memo("rekey", tmp_path / "store", "--drop", "trace", "--json", code=1).json["obstacles"]) == 2
    assert sorted(tmp_path.rglob("*.json")) == before


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("3", 3),
        ("3.0", 3.0),
        ("true", True),
        ("null", None),
        ('"3"', "3"),
        ("hello world", "hello world"),
        ("gpt-4o", "gpt-4o"),
        ("a=b", "a=b"),
        ("", ""),
        ('{"a": [1]}', {"a": [1]}),
        ('{"__type__": "Mode", "value": "fast"}', {"__type__": "Mode", "value": "fast"}),
        ("123456789012345678901234567890", {"__type__": "int", "value": "123456789012345678901234567890"}),
        ("-Infinity", {"__type__": "float", "value": "-inf"}),
        ("ünï", "ünï"),
    ],
)
def test_values_are_json_or_texts(memo, write, tmp_path, typed, value):
    write("app.f", x=1)
    memo("rekey", tmp_path / "store", "--add", f"new={typed}")
    found = arguments(tmp_path / "store")["new"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "nothing to change"),
        (["--add", "x"], "missing"),
        (["--add", "=3"], "missing"),
        (["--rename", "x="], "missing"),
        (["--function", "x"], "missing"),
        (["--add", "x={a: 1}"], "not valid JSON"),
        (["--add", "x='a'"], "not valid JSON"),
        (["--add", "x=True"], "write true"),
        (["--add", "x=None"], "write null"),
        (["--add", 'x="\\ud800"'], "surrogates"),
        (["--version", "1.5"], "whole number"),
        (["--version", "true"], "whole number"),
        (["--watch", "messages[0]#nonsense"], "16 digits"),
        (["--watch", "messages[*]=1"], "several values"),
        (["--drop", "a..b"], "drop"),
        (["--drop", "x", "--only", "nobody"], "nobody"),
    ],
)
def test_what_is_asked_for_wrongly(memo, write, tmp_path, options, says):
    file = write("app.f", x=1)
    done = memo("rekey", tmp_path / "store", *options, code=2)
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    assert file.exists()


def test_a_prompt_is_watched_and_an_edit_accepted(memo, write, tmp_path):
    write("app.ask", messages=[{"role": "system", "content": "be brief"}, {"content": "hello"}])
    store = tmp_path / "store"
    memo("rekey", store, "--watch", "messages[0]")
    (document,) = documents(store)
    was = watched_fingerprint("messages[0]", [{"role": "system", "content": "be brief"}])
    assert document["arguments"]["messages"] == [None, {"content": "hello"}]
    assert document["watched"] == {"messages[0]": was}
    done = memo("rekey", store, "--watch", 'messages[0]={"role": "system", "content": "be kind"}')
    assert done.out.startswith("1 recording got a new fingerprint; ")
    (document,) = documents(store)
    now = watched_fingerprint("messages[0]", [{"role": "system", "content": "be kind"}])
    assert document["watched"] == {"messages[0]": now}
    memo("rekey", store, "--watch", f"messages[0]#{was}")
    assert documents(store)[0]["watched"] == {"messages[0]": was}


@pytest.mark.parametrize("path", ["system", "messages[0]", "settings.top[1]", "settings.top", "key"])
def test_what_is_watched_no_more_is_in_the_key_again(memo, tmp_path, path):
    @recordable(name="app.ask", watch=path)
    def ask(system, messages, settings, key):
        return "yes"

    call = {
        "system": "kind",
        "key": "in clear sk-ant-api03-" + "a1B2" * 24,
        "messages": ["a", {"b": 1}],
        "settings": {"top": [1, 2]},
    }
    with recording(tmp_path / "store", mode="record"):
        ask(**call)
    plain = recordable(name="app.ask")(ask.__wrapped__)
    with recording(tmp_path / "store"), pytest.raises(RecordingNotFound) as missed:
        plain(**call)
    (command,) = re.findall(r"memo (rekey .*)\n", str(missed.value))
    memo(*shlex.split(command))
    with recording(tmp_path / "store") as recorder:
        assert plain(**call) == "yes"
    assert recorder.stats.replayed == 1


def test_what_was_watched_and_is_not_known_whole_stays_watched(memo, tmp_path):
    store = tmp_path / "store"
    with recording(store, mode="record"):
        recordable(name="app.ask", watch=("messages[*]", "system"))(lambda system, messages: "yes")("a", ["b", "c"])
    (path,) = store.rglob("*.json")
    document = json.loads(path.read_bytes())
    del document["watched_values"]["system"]  # as recordings were before values were kept
    path.write_text(json.dumps(document))
    for watched, says in ("messages[*]", "2 values are"), ("system", "its value is not"):
        done = memo("rekey", store, "--unwatch", watched, code=1)
        assert f"watches {watched}, but {says} recorded there: record again" in done.err
    assert documents(store) == [document]


@pytest.mark.parametrize("function", ["app.f", "odd name/with:signs"])
def test_the_file_of_one_recording(memo, write, tmp_path, function):
    store = DirectoryStore(tmp_path / "store")
    write("app.f", x=1, y=1)
    name = f"{function}/{write(function, x=2, y=1).stem}"
    if function != "app.f":
        store.put(name, (tmp_path / "store" / f"{name}.json").read_bytes())
        shutil.rmtree(tmp_path / "store" / "odd name")
    memo("rekey", store.location(name), "--drop", "y")
    assert sorted("y" in each["arguments"] for each in documents(tmp_path / "store")) == [False, True]
    (changed,) = (each for each in documents(tmp_path / "store") if "y" not in each["arguments"])
    there = store.location(entry_name(function, changed["key"]))
    assert "--only" in memo("rekey", there, "--drop", "x", "--only", function, code=2).err
    assert "does not exist" in memo("rekey", store.location(name), "--drop", "x", code=2).err


def test_damaged_stores(memo, damaged):
    store, says = damaged
    before = sorted(store.rglob("*"))
    done = memo("rekey", store, "--drop", "x", code=1)
    assert all(f"{name}: " in done.err for name in says)
    assert sorted(store.rglob("*")) == before
    memo("rekey", store, "--drop", "x", "--json", code=1)


def test_one_command_accepts_a_watched_edit_in_every_test(memo, tmp_path):
    @recordable(name="chat", watch=("system", "tools"))
    def chat(system, user, tools=()):
        return user

    root = tmp_path / "work" / "recordings"
    for test, system in (("test_a/test_one", "old"), ("test_a/test_two", "old"), ("test_b/test_other", "of another")):
        with recording(root / test, mode="record"):
            chat(system, test)
    with recording(root / "test_a/test_one"), pytest.warns(WatchedFieldChangedWarning) as warned:
        chat("new", "test_a/test_one")
    (line,) = [line for line in str(warned[0].message).splitlines() if "in the whole suite" in line]
    assert "2 recordings" in memo(*shlex.split(line.partition("memo ")[2])).out
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for test, system in (
            ("test_a/test_one", "new"),
            ("test_a/test_two", "new"),
            ("test_b/test_other", "of another"),
        ):
            with recording(root / test):
                chat(system, test)
    assert "16 digits" in memo("rekey", "--watch", "a#0123456789abcdef#0123456789abcdef#0123456789abcdef", code=2).err
    assert "16 digits" in memo("rekey", "--watch", "a#0123456789abcdef#", code=2).err


def test_an_accepted_value_is_the_old_one_of_the_next_warning(memo, tmp_path):
    @recordable(name="chat", watch="system")
    def chat(system):
        return 1

    with recording(tmp_path / "store", mode="record"):
        chat("old")
    memo("rekey", tmp_path / "store", "--watch", 'system="new"')
    with recording(tmp_path / "store"), pytest.warns(WatchedFieldChangedWarning, match="system: 'new' → 'newest'"):
        chat("newest")


def test_a_field_that_comes_under_watch_keeps_its_value(memo, tmp_path):
    with recording(tmp_path / "store", mode="record"):
        recordable(name="chat")(lambda system: 1)("old")
    memo("rekey", tmp_path / "store", "--watch", "system")
    watched = recordable(name="chat", watch="system")(lambda system: 1)
    with recording(tmp_path / "store"), pytest.warns(WatchedFieldChangedWarning, match="system: 'old' → 'new'"):
        watched("new")
