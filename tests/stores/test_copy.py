"""`memo copy` and `memo push`: recordings from one store to another, all of them and as they were."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memo import Recorder, recording
from memo._calls.digest import call_key, entry_name
from memo._json import canonical_json
from memo._recordings.document import Document, render
from memo.cli import main
from memo.errors import StoreNotReadable, StoreNotWritable
from memo.maintenance.copy import CopyReport, copy, push
from memo.stores import DirectoryStore, MemoryStore, as_store

ROOT = Path(__file__).parent.parent.parent


def put(store, number, function="f", **more):
    """A recording of `function(n=number)`, where replay looks for it."""
    arguments = canonical_json({"n": number})
    key = call_key(function, arguments)
    document = {
        "memo": 1,
        "function": function,
        "key": key,
        "arguments": {"n": number},
        "recorded_at": "2026-11-22T21:30:05Z",
        "outcomes": [{"value": number, "seconds": 0.1}],
    } | more
    name = entry_name(function, key)
    store.put(name, render(Document.from_tree(document)))
    return name


def everything(store):
    return {store.get(name) for name in store.scan()}


def test_to_any_store_and_back(store, tmp_path):
    source = DirectoryStore(tmp_path / "source")
    for n in range(30):
        put(source, n, function=("f", "f.<locals>.g", "é / b" if n % 2 else "CON")[n % 3])
    assert copy(source, store) == CopyReport(entries=30, copied=30)
    assert everything(store) == everything(source)
    back = DirectoryStore(tmp_path / "back")
    assert copy(store, back) == CopyReport(entries=30, copied=30)
    assert sorted(back.scan()) == sorted(source.scan())
    assert everything(back) == everything(source)
    assert copy(store, back) == CopyReport(entries=30, present=30)


def test_what_was_copied_is_replayed(store, tmp_path):
    calls = []

    def ask(n):
        calls.append(n)
        return (n, {"n": n})

    recorder = Recorder(store, mode="record-if-missing")
    assert recorder.recordable(name="a.<locals>.b")(ask)(1) == (1, {"n": 1})
    copy(store, DirectoryStore(tmp_path / "files"))
    replaying = Recorder(tmp_path / "files")
    assert replaying.recordable(name="a.<locals>.b")(ask)(1) == (1, {"n": 1})
    assert calls == [1]


def test_nothing_is_replaced_and_what_differs_is_named(store, tmp_path):
    source = DirectoryStore(tmp_path / "source")
    names = [put(source, n) for n in range(4)]
    put(store, 1, recorded_at="2020-01-01T00:00:00Z", outcomes=[{"value": 1, "seconds": 9.0}])
    put(store, 2, outcomes=[{"value": "other"}])
    report = copy(source, store)
    assert (report.entries, report.copied, report.present, report.different) == (4, 2, 1, [names[2]])
    assert b'"other"' in store.get(names[2])
    assert b"2020-01-01" in store.get(names[1])


def test_what_is_damaged_stops_nothing(store, tmp_path):
    source = DirectoryStore(tmp_path / "source")
    put(source, 1)
    good = put(source, 2)
    source.put("f/empty", b"")
    source.put("f/moved", source.get(good).replace(b'{"n":2}', b'{"n":3}'))
    source.put("f/newer", source.get(good).replace(b'"memo": 1', b'"memo": 9'))
    report = copy(source, store)
    # A server whose answer was lost is asked again, and has the entry by then.
    assert (report.copied + report.present, set(report.failed)) == (2, {"f/empty", "f/moved", "f/newer"})
    assert "empty" in report.failed["f/empty"]
    assert len(list(store.scan())) == 2


def test_a_recording_with_another_name_is_copied_to_where_it_is_found(tmp_path):
    source, dest = MemoryStore(), MemoryStore()
    name = put(source, 1)
    source.put("elsewhere/x", source.get(name))
    source.delete(name)
    assert copy(source, dest).copied == 1
    assert list(dest.scan()) == [name]


def test_a_damaged_one_in_the_other_store_is_not_replaced(store, tmp_path):
    source = DirectoryStore(tmp_path / "source")
    name = put(source, 1)
    store.put(name, b"{")
    report = copy(source, store)
    assert "not valid JSON" in report.failed[name]
    assert store.get(name) == b"{"


def test_what_does_not_come_back_is_reported(tmp_path):
    class Forgetful(MemoryStore):
        def get(self, name):
            data = super().get(name)
            return data and data[:-1]

    source = DirectoryStore(tmp_path / "source")
    name = put(source, 1)
    assert "give back" in copy(source, Forgetful()).failed[name]


def test_push_delivers_and_empties(store, tmp_path):
    spool = DirectoryStore(tmp_path / "spool")
    names = [put(spool, n) for n in range(5)]
    put(store, 1)
    put(store, 2, outcomes=[{"value": "other"}])
    spool.put("f/broken", b"{")
    report = push(spool, store)
    assert (report.copied, report.present, report.different) == (3, 1, [names[2]])
    assert set(spool.scan()) == {names[2], "f/broken"}
    assert len(list(store.scan())) == 5
    assert push(spool, store).different == [names[2]]


def test_a_store_that_fails_ends_it_and_nothing_is_lost(tmp_path):
    class Failing(MemoryStore):
        def create(self, name, data):
            if len(self._entries) == 3:
                raise StoreNotWritable("memory://failing", "is away")
            return super().create(name, data)

    spool, store = DirectoryStore(tmp_path / "spool"), Failing()
    for n in range(10):
        put(spool, n)
    with pytest.raises(StoreNotWritable, match="away"):
        push(spool, store)
    assert {*spool.scan(), *store.scan()} == {put(MemoryStore(), n) for n in range(10)}


PUSHING = """
import sys
from memo.maintenance.copy import push
from memo.stores import as_store
print("ready", flush=True)
push(as_store(sys.argv[1]), as_store(sys.argv[2]))
"""


def test_a_push_that_is_killed_loses_nothing(shared, tmp_path):
    spool = DirectoryStore(tmp_path / "spool")
    names = {put(spool, n) for n in range(300)}
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", PUSHING, spool.location(), shared],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        ) as process:
            process.stdout.readline()
            while len(set(spool.scan())) == len(names) and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
        assert {*spool.scan(), *as_store(shared).scan()} == names
    push(spool, as_store(shared))
    assert set(as_store(shared).scan()) == names
    assert list(spool.scan()) == []


# The commands


def test_the_command_copies(tmp_path, capsys):
    source = DirectoryStore(tmp_path / "source")
    for n in range(3):
        put(source, n)
    url = f"sqlite:///{tmp_path}/store.db"
    assert main(["copy", str(tmp_path / "source"), url]) == 0
    assert capsys.readouterr().out == f"copied 3 of 3 recordings to {url}\n"
    assert main(["copy", url, str(tmp_path / "back")]) == 0
    assert main(["copy", url, str(tmp_path / "back")]) == 0
    assert "copied 0 of 3 recordings" in (said := capsys.readouterr().out)
    assert "3 already there" in said
    with recording(tmp_path / "back") as recorder:
        assert len(list(recorder.store.scan())) == 3


def test_the_command_pushes(tmp_path, capsys):
    spool, store = DirectoryStore(tmp_path / "spool"), DirectoryStore(tmp_path / "store")
    put(spool, 1)
    name = put(spool, 2)
    put(store, 2, outcomes=[{"value": "other"}])
    assert main(["push", spool.location(), store.location()]) == 1
    out, err = capsys.readouterr()
    assert out == f"delivered 1 of 2 recordings to {store.location()}\n"
    assert "other outcomes of 1 call" in err
    assert name.rpartition("/")[2] in err
    assert main(["push", spool.location(), store.location(), "--json"]) == 1
    tree = json.loads(capsys.readouterr().out)
    assert (tree["recordings"], tree["delivered"], tree["different"]) == (1, 0, [spool.location(name)])
    assert (tree["failed"], tree["failures"]) == (0, [])


def test_what_is_not_there_is_reported(tmp_path, capsys):
    assert main(["copy", str(tmp_path / "none"), str(tmp_path / "dest")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["copy", f"sqlite:///{tmp_path}/none.db", str(tmp_path / "dest")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["copy", "memory://", str(tmp_path / "dest")]) == 0
    assert "there are no recordings" in capsys.readouterr().err
    assert main(["copy", str(tmp_path), "ftp://user:secret@host/x"]) == 2
    assert "secret" not in (said := capsys.readouterr().err)
    assert "ftp://host/x" in said


def test_an_unreadable_file_stops_nothing(tmp_path, monkeypatch):
    source, dest = DirectoryStore(tmp_path / "source"), MemoryStore()
    put(source, 1)
    name = put(source, 2)
    real = source.get

    def refused(each):
        if each == name:
            raise StoreNotReadable(source.location(each), "cannot be read: Permission denied")
        return real(each)

    monkeypatch.setattr(source, "get", refused)  # the tests may run as root
    report = copy(source, dest)
    assert (report.copied, report.failed) == (1, {name: "cannot be read: Permission denied"})


@pytest.mark.parametrize("kind", ["directory", "memory", "sqlite"])
def test_draws_that_the_other_store_lacks_are_added(tmp_path, kind):
    dest = as_store(
        {"directory": tmp_path / "there", "memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/s.db"}[kind]
    )
    spool, counted = DirectoryStore(tmp_path / "here"), {"calls": 1}
    put(dest, 1, outcomes=[{"value": "A"}, {"value": "B", **counted}])
    name = put(spool, 1, outcomes=[{"value": "A"}, {"value": "B"}, {"value": "C", **counted}])
    put(dest, 2, outcomes=[{"value": "A"}, {"value": "B", **counted}])
    put(spool, 2, outcomes=[{"value": "A", **counted}])
    put(dest, 3, outcomes=[{"value": "A", **counted}])
    other = put(spool, 3, outcomes=[{"value": "X", **counted}])
    report = copy(spool, dest)
    assert (report.copied, report.present, report.different) == (1, 1, [other])
    document = json.loads(dest.get(name))
    assert [outcome["value"] for outcome in document["outcomes"]] == ["A", "B", "C"]


def draws(*outcomes):
    """Outcomes that say which draws they are: of each its value, and more."""
    return [{"value": value, "seconds": 0.1, **more} for value, more in outcomes]


ONE, TWO = ("a", {}), ("b", {"calls": 1})
AT_ONE, AT_TWO = ("b", {"draw": 1, "calls": 1}), ("b", {"draw": 2, "calls": 1})


@pytest.mark.parametrize(
    ("there", "source", "result", "joined"),
    [
        # The same outcomes in the same order, of other draws: a replay is none of both.
        (
            [ONE, ("c", {"draw": 2}), ("d", {"calls": 1})],
            [ONE, ("c", {}), ("d", {"draw": 3, "calls": 1})],
            "copied",
            "accd",
        ),
        ([ONE, AT_TWO], [ONE, TWO], "copied", "abb"),
        ([AT_ONE], [AT_TWO], "copied", "bb"),
        # As many equal outcomes as were made.
        ([("a", {"calls": 1})], [("a", {"calls": 3})], "copied", "aaa"),
        ([("a", {"calls": 3})], [("a", {"calls": 1})], "present", "aaa"),
        ([ONE, TWO], [ONE, TWO], "present", "ab"),
        # One that stands for any number of calls.
        ([ONE], [("a", {"calls": 3})], "present", "a"),
        ([("a", {"calls": 3})], [ONE], "present", "aaa"),
        ([ONE, TWO], [TWO, ("a", {"calls": 1})], "different", "ab"),
    ],
)
def test_draws_are_compared_by_their_places(there, source, result, joined):
    spool, store = MemoryStore(), MemoryStore()
    put(store, 1, outcomes=draws(*there))
    name = put(spool, 1, outcomes=draws(*source))
    report = push(spool, store)
    assert (report.copied, report.present, len(report.different)) == tuple(
        int(result == each) for each in ("copied", "present", "different")
    )
    outcomes = json.loads(store.get(name))["outcomes"]
    calls = outcomes[-1].get("calls", 1)
    assert "".join([outcome["value"] for outcome in outcomes]) + outcomes[-1]["value"] * (calls - 1) == joined
    assert (spool.get(name) is None) == (result != "different")
