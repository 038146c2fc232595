"""`memo pending`, `memo accept` and `memo reject`: for scripts and coding agents."""

import json
from pathlib import Path

import pytest
from rekeying import put

from memo._recordings.document import parse
from memo.maintenance.pending import put_aside
from memo.stores import DirectoryStore, as_store


@pytest.fixture
def aside(write, tmp_path):
    """Puts a recording aside in `tmp_path / "store"` (or another): its key."""

    def put(function, before, after, store="store", test=None, **arguments):
        made = write(function, {"value": after}, store="made", **arguments)
        document = parse(made.read_bytes(), str(made))
        if before is not None:
            write(function, {"value": before}, store=store, **arguments)
        put_aside(DirectoryStore(tmp_path / store), document._replace(test=test), "")
        return document.key

    return put


def value(tmp_path, function, key, store="store"):
    file = tmp_path / store / function / f"{key[:32]}.json"
    return json.loads(file.read_text())["outcomes"][0]["value"] if file.exists() else None


def test_a_pipe_gets_every_change_whole(memo, aside, tmp_path):
    fields = [f"a_field_with_a_long_name_{number}" for number in range(3)]
    aside("app.f", dict.fromkeys(fields, 1), dict.fromkeys(fields, 2), x=1)
    out = memo("pending", tmp_path / "store", code=1).out
    assert all(field in out for field in fields)
    assert "…" not in out


def test_what_is_pending_is_listed_with_what_changed_alike(memo, aside, tmp_path):
    keys = [aside("app.f", {"id": f"a{x}"}, {"id": f"b{x}"}, test=f"t.py::test[{x}]", x=x) for x in range(2)]
    new = aside("app.g", None, 1, y=1)
    done = memo("pending", tmp_path / "store", code=1)
    lines = {line.split()[0]: line.split() for line in done.out.splitlines()}
    assert lines["KEY"] == ["KEY", "FUNCTION", "CHANGE", "ALIKE", "TEST"]
    for number, key in enumerate(keys):
        assert lines[key[:12]] == [key[:12], "app.f", "value.id", "2", f"t.py::test[{number}]"]
    assert lines[new[:12]] == [new[:12], "app.g", "new", "call", "1"]
    assert "3 recordings pending in ../store, 2 kinds of change" in done.out
    assert "memo review ../store, or memo accept and memo reject KEY... --store ../store" in done.out


def test_a_field_of_another_type_is_listed_as_that_field(memo, aside, tmp_path):
    fields = {"s": "x", "inner": {"y": 1}}
    for x in range(2):
        exact = {
            "__type__": "app:A",
            "exact": {"n": "many", **fields, "inner": {"__type__": "app:B", "value": {"y": 1}}},
        }
        aside("app.f", {"__type__": "app:A", "value": {"n": x, **fields}}, exact, x=x)
    assert memo("pending", tmp_path / "store", code=1).out.count(" ~value.n ") == 2
    found = memo("pending", tmp_path / "store", "--json", code=1).json["pending"]
    assert {each["differences"]["outcome 1"][0]["after"] for each in found} == {"many"}
    assert [len(each["differences"]["outcome 1"]) for each in found] == [1, 1]
    assert all(each["alike"] for each in found)


def test_nothing_is_pending(memo, write, tmp_path):
    write("app.f", x=1)
    assert memo("pending", tmp_path / "store").out == f"nothing is pending in {tmp_path / 'store'}\n"
    assert memo("pending", tmp_path / "store", "--json").json["pending"] == []
    for command in ("accept", "reject"):
        done = memo(command, "--all", "--store", tmp_path / "store")
        assert done.out == f"nothing is pending in {tmp_path / 'store'}\n"


def test_all_of_it_as_json(memo, aside, tmp_path):
    one, two = (aside("app.f", {"id": f"a{x}"}, {"id": f"b{x}"}, x=x) for x in range(2))
    new = aside("app.g", None, 1, y=1)
    found = {each["key"]: each for each in memo("pending", tmp_path / "store", "--json", code=1).json["pending"]}
    assert found[one]["differences"] == {"outcome 1": [{"path": "value.id", "before": "a0", "after": "b0"}]}
    assert found[one]["alike"] == [two]
    assert (found[one]["new"], found[one]["reason"]) == (False, "recorded again")
    assert found[one]["location"] == str(tmp_path / "store" / "app.f" / f"{one[:32]}.json")
    assert json.loads(Path(found[one]["pending"]).read_text())["key"] == one
    assert (found[new]["new"], found[new]["arguments"], found[new]["outcomes"]) == (True, {"y": 1}, [{"value": 1}])


def test_accepted_by_the_first_characters_of_keys(memo, aside, tmp_path):
    one, two, three = (aside("app.f", "old", f"new {x}", x=x) for x in range(3))
    assert len({key[:4] for key in (one, two, three)}) == 3
    done = memo("accept", one[:4], f"app.f/{two[:12]}", "--store", tmp_path / "store")
    assert done.out == "accepted 2 recordings; 1 still pending\n"
    assert [value(tmp_path, "app.f", key) for key in (one, two, three)] == ["new 0", "new 1", "old"]


def test_rejected_by_the_file(memo, aside, tmp_path):
    one, two = (aside("app.f", "old", f"new {x}", x=x) for x in range(2))
    for place in (f"app.f/{one[:32]}.json", f".pending/app.f/{two[:32]}.json"):
        assert memo("reject", tmp_path / "store" / place, "--store", tmp_path / "store").out.startswith("rejected 1 ")
    assert [value(tmp_path, "app.f", key) for key in (one, two)] == ["old", "old"]
    assert memo("pending", tmp_path / "store").out.startswith("nothing is pending")


def test_all_that_changed_alike(memo, aside, tmp_path):
    alike = [aside("app.f", {"id": f"a{x}"}, {"id": f"b{x}"}, x=x) for x in range(3)]
    other = aside("app.f", {"id": "a"}, {"id": "b", "more": 1}, x=9)
    done = memo("accept", "--like", alike[1], "--json", "--store", tmp_path / "store")
    assert len(done.json["accepted"]) == 3
    assert (done.json["refused"], done.json["left"]) == ([], 1)
    assert value(tmp_path, "app.f", other) == {"id": "a"}
    assert memo("accept", "--all", "--store", tmp_path / "store").out == "accepted 1 recording; 0 still pending\n"
    assert value(tmp_path, "app.f", other) == {"id": "b", "more": 1}


def test_one_call_of_several_tests_is_named_by_its_file(memo, aside, tmp_path):
    stores = [f"recordings/test_a/{test}" for test in ("test_x", "test_y")]
    key = {aside("app.f", None, "new", store=store, test=store, x=1) for store in stores}.pop()
    done = memo("accept", key[:12], "--store", tmp_path / "recordings", code=2)
    assert f"2 recordings match {key[:12]!r}; name the file of one:\n  ../recordings/test_a/test_x/app.f/" in done.err
    memo("accept", f"../{stores[1]}/app.f/{key[:32]}.json", "--store", tmp_path / "recordings")
    assert [value(tmp_path, "app.f", key, store) for store in stores] == [None, "new"]


def test_a_damaged_one_is_listed_and_refused(memo, aside, tmp_path):
    good, bad = (aside("app.f", "old", "new", x=x) for x in range(2))
    file = tmp_path / "store" / ".pending" / "app.f" / f"{bad[:32]}.json"
    file.write_bytes(file.read_bytes()[:-20])
    assert "damaged: is not valid JSON" in memo("pending", tmp_path / "store", code=1).out
    done = memo("accept", "--all", "--store", tmp_path / "store", code=1)
    assert done.out == "accepted 1 recording; 1 still pending\n"
    assert "cannot be replaced: is not valid JSON" in done.err
    assert (value(tmp_path, "app.f", good), value(tmp_path, "app.f", bad)) == ("new", "old")
    assert memo("reject", "--all", "--store", tmp_path / "store").out == "rejected 1 recording; 0 still pending\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["accept"], "give keys, --like KEY, or --all: memo accept --all"),
        (["reject", "--all", "0"], "give keys, --like KEY, or --all: memo reject --all"),
        (["accept", "ffffffffffffffff"], "begins with 'ffffffffffffffff' (memo pending ../store lists them)"),
        (
            ["accept", "x"],
            "memo: no pending recording has a key that begins with 'x' (memo pending ../store lists them",
        ),
        (["accept", ""], "memo pending ../store lists them"),
        (
            ["review"],
            "memo pending ../store, and decide with memo accept KEY... --store ../store or memo reject KEY... --store ../store",
        ),
    ],
)
def test_what_cannot_be_done_says_what_can(memo, aside, tmp_path, arguments, says):
    aside("app.f", "old", "new", x=1)
    store = [tmp_path / "store"] if arguments == ["review"] else ["--store", tmp_path / "store"]
    assert says in " ".join(memo(*arguments, *store, code=2).err.split())
    assert value(tmp_path, "app.f", aside("app.f", "old", "new", x=1)) == "old"


def test_a_store_that_cannot_hold_pending_recordings(memo):
    told = memo("pending", "redis://localhost/0", code=2).err
    assert "allowed: a directory, sqlite:///FILE, memory://" in told
    assert "memo copy redis://localhost:6379/0 recordings" in told


def test_other_commands_do_not_see_what_is_pending(memo, aside, write, tmp_path):
    aside("app.f", None, "a secret: sk-proj-abcdefghijklmnop0123456789", x=1)
    write("app.f", {"value": "sk-proj-abcdefghijklmnop0123456789"}, store="store/.pending", x=2)
    write("app.g", x=1)
    store = tmp_path / "store"
    assert "1 recording of 1 function" in memo("ls", store).out
    assert memo("verify", store).out.startswith("1 recording in")
    assert "1 recording (" in memo("prune", store, "--stale", "0s").out
    found = memo("scan", store, code=1)
    assert "1 secret in 1 of 3 recordings" in found.out
    assert ".pending/app.f/" in found.out
    memo("scan", store, "--mask")
    assert "0 secrets in 0 of 3 recordings" in memo("scan", store).out


@pytest.mark.parametrize("suffix", ["", ".jsonl"])
def test_what_is_pending_goes_along_with_a_renamed_test(memo, tmp_path, suffix):
    recordings = tmp_path / "work" / "recordings"
    for x in range(2):
        store = as_store(recordings / "test_a" / f"test_x{suffix}")
        name = put(store, "app.f", {"x": x}, "old", test="test_a.py::test_x")
        document = parse(store.get(name), name)
        put_aside(store, document._replace(outcomes=[{"value": "new"}]), "")
    memo("mv", f"recordings/test_a/test_x{suffix}", f"recordings/test_a/test_y{suffix}")
    assert [file for file in recordings.rglob("*test_x*")] == []
    found = memo("pending", "recordings", "--json", code=1).json["pending"]
    assert [each["test"] for each in found] == ["test_a.py::test_y"] * 2
    assert all("/test_y" in each["location"] for each in found)
    assert memo("accept", "--all", "--store", "recordings").out == "accepted 2 recordings; 0 still pending\n"


def test_what_is_pending_gets_the_new_key_too(memo, aside, tmp_path):
    aside("app.f", "old", "new", x=1, trace="t")
    aside("app.f", None, "new", x=2, trace="t")
    memo("rekey", tmp_path / "store", "--drop", "trace")
    found = memo("pending", tmp_path / "store", "--json", code=1).json["pending"]
    assert sorted(each["new"] for each in found) == [False, True]
    memo("accept", "--all", "--store", tmp_path / "store")
    files = (tmp_path / "store").rglob("*.json")
    assert sorted(json.loads(file.read_text())["arguments"]["x"] for file in files) == [1, 2]
    assert memo("verify", tmp_path / "store").out.startswith("2 recordings in")
