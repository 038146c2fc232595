"""What memo tells its users to type is typed as it stands, and mends what it was told for."""

import os
import shlex
import subprocess
import warnings
from pathlib import Path

import pytest

from memo import RecordingNotFound, recordable, recording
from memo.errors import RecordingDamaged, WatchedFieldChangedWarning
from memo.stores import as_store


@pytest.fixture(params=["my 'recordings'", "sqlite:///my recordings.db"])
def store(request, memo):  # which works in its own directory
    return as_store(request.param)


def typed(memo, said):
    """Type what stands behind `memo` in the first line that has a command."""
    command, *_ = [line.partition(" memo ")[2] for line in str(said).splitlines() if " memo " in line]
    memo(*shlex.split(command))


def ask(name="app.ask <it's>", **options):
    return recordable(name=name, **options)(lambda question, system="Be brief.": question)


def replayed(store, call, *arguments):
    with warnings.catch_warnings(), recording(store) as recorder:
        warnings.simplefilter("error")
        call(*arguments)
    return recorder.stats.replayed == 1


def recorded(store, call):
    with recording(store, mode="record"):
        call("Why?")


def missed(store, call):
    with recording(store), pytest.raises(RecordingNotFound) as raised:
        call("Why?")
    return raised.value


@pytest.mark.parametrize(("old", "new"), [(1, 2), (None, 'x "y"'), ("2", None), ("1", 1)])
def test_another_version(memo, store, old, new):
    recorded(store, ask(version=old))
    typed(memo, missed(store, ask(version=new)))
    assert replayed(store, ask(version=new), "Why?")


def test_an_argument_that_is_watched_now(memo, store):
    with recording(store, mode="record"):
        ask()("Why?"), ask()("How?")
    watching = ask(watch="system")
    typed(memo, missed(store, watching))
    assert replayed(store, watching, "Why?")
    assert replayed(store, watching, "How?")  # one command for all recordings of the function


def test_another_function(memo, store):
    recorded(store, ask())
    typed(memo, missed(store, ask("app.<new>")))
    assert replayed(store, ask("app.<new>"), "Why?")


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
@pytest.mark.parametrize("spoil", [Path.write_bytes, lambda path, _: (path.unlink(), path.mkdir())])
def test_what_is_damaged_is_deleted(memo, spoil):
    store = as_store("my 'recordings'")
    recorded(store, ask())
    (file,) = Path("my 'recordings'").rglob("*.json")
    spoil(file, b"{")
    with recording(store, mode="record-if-missing"):
        with pytest.raises(RecordingDamaged) as raised:
            ask()("Why?")
        subprocess.run(["sh", "-c", f"rm {str(raised.value).rpartition(': rm ')[2]}"], check=True)
        assert ask()("Why?") == "Why?"
    assert replayed(store, ask(), "Why?")


@pytest.mark.parametrize("watch", [("system",), ()])
def test_an_edit_under_watch_is_one_warning_and_then_none(memo, store, watch):
    recorded(store, ask(watch="system"))
    edited = ask(watch=watch) if watch else ask(ignore="system")
    with recording(store), pytest.warns(WatchedFieldChangedWarning) as warned:
        edited("Why?", "Be terse.")
        edited("Why?", "Be terse.")
    (warning,) = warned
    assert warning.message.fields == ("system",)
    typed(memo, warning.message)
    assert replayed(store, edited, "Why?", "Be terse.")
