"""What a user meets: the names of `memo`, their signatures, their help, and the types that those name."""

import importlib
import inspect
import logging
import os
import pydoc
import re
import subprocess
import sys
import typing
from collections.abc import MutableMapping
from io import IOBase
from pathlib import Path

import pytest

import memo
from memo import Recorder, recordable, recording
from memo._engine.sessions.session import Session
from memo.errors import MemoError
from memo.pytest_plugin import TestRecorder
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent


def public_modules():
    paths = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "memo").rglob("*.py"))
    names = (".".join(path.parts).removesuffix(".__init__") for path in paths)
    return sorted(name for name in names if not any(part.startswith("_") for part in name.split(".")))


# What recorders take over from the session, and what a preset's driver is made with, is the engine's own.
ENGINE_PARTS = {"CallDriver.__init__", "TestRecorder.__init__"}


def public_objects():
    """Every function and class that a public module exports, with the public methods that the classes define."""
    for module in map(importlib.import_module, public_modules()):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                yield f"{module.__name__}.{name}", thing
                for method, function in {"__init__": thing.__init__, **vars(thing)}.items():
                    is_public = method == "__init__" or not (method.startswith("_") or hasattr(Session, method))
                    if is_public and inspect.isfunction(function) and f"{name}.{method}" not in ENGINE_PARTS:
                        yield f"{module.__name__}.{name}.{method}", function
            elif inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing


def test_only_what_is_exported_is_listed():
    assert dir(memo) == sorted(memo.__all__)


@pytest.mark.parametrize("name", ["codecs", "errors", "maintenance", "patches", "scrub", "stores", "__version__"])
def test_modules_are_reachable_after_import_memo(name):
    program = f"import memo; print(memo.{name})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip()


def test_import_memo_imports_none_of_them():
    program = "import sys, memo; print(*sorted(name for name in sys.modules if name.startswith('memo.')))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("thing", ["Recorder", "recording", "start", "install", "recordable", "patches", "stores"])
def test_help_shows_nothing_of_the_environment(thing, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-4711")
    monkeypatch.setenv("MEMO_PROBE", "of the environment")
    shown = pydoc.render_doc(getattr(memo, thing))
    assert "sk-live-4711" not in shown
    assert "of the environment" not in shown


@pytest.mark.parametrize("kind", [Recorder, TestRecorder])
def test_help_shows_of_a_recorder_what_users_use(kind):
    shown = pydoc.render_doc(kind, renderer=pydoc.plaintext)
    for name in (
        "recordable",
        "invalidate",
        "ainvalidate",
        "scope",
        "start",
        "stop",
        "stats",
        "calls",
        "headers",
        "env",
    ):
        assert re.search(rf"\n \|  (async )?{name}\b", shown), name
    assert not re.search(
        r"\n \|  (async )?(a?fetch|find|replay|store_outcome|on_event|share|hear|mode_of|is_of_test)\b", shown
    )


def test_no_default_is_an_object_of_the_process():
    state = (os.environ, os.environb, sys.modules, sys.path, sys.argv, sys.stdin, sys.stdout, sys.stderr, logging.root)
    looked_at, found = 0, []
    for name, thing in public_objects():
        if not inspect.isclass(thing):
            looked_at += 1
            for parameter in inspect.signature(thing).parameters.values():
                default = parameter.default
                if any(default is each for each in state) or isinstance(
                    default, (dict, list, set, MutableMapping, IOBase)
                ):
                    found.append(f"{name}: {parameter}")
    assert found == []
    assert looked_at > 100


def named_types(annotation):
    """The classes in an annotation, however deep."""
    if inspect.isclass(annotation) and not typing.get_origin(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        yield from named_types(part)
        if isinstance(part, list):
            for each in part:
                yield from named_types(each)


def test_every_type_in_a_public_signature_can_be_imported():
    exported = {
        id(getattr(module, name))
        for module in map(importlib.import_module, public_modules())
        for name in module.__all__
    }
    missing = set()
    for name, thing in public_objects():
        try:
            hints = typing.get_type_hints(thing)
        except NameError:  # a name that is there for type checkers alone
            continue
        for part, annotation in hints.items():
            if part.startswith("_"):
                continue
            for kind in named_types(annotation):
                if kind.__module__.partition(".")[0] == "memo" and id(kind) not in exported:
                    missing.add(f"{name}: {kind.__module__}.{kind.__qualname__}")
    assert sorted(missing) == []


def test_warnings_end_in_warning():
    names = [name for name in memo.errors.__all__ if issubclass(getattr(memo.errors, name), Warning)]
    assert [name for name in names if not name.endswith("Warning")] == []
    assert names


@pytest.mark.parametrize("name", ["RecordingExpired", "RecordingsSpooled", "WatchedFieldChanged"])
def test_the_old_names_of_warnings(name):
    with pytest.warns(DeprecationWarning, match=f"{name}Warning"):
        old = getattr(memo.errors, name)
    assert old is getattr(memo.errors, f"{name}Warning")
    assert name not in memo.errors.__all__


def test_the_old_name_of_a_report():
    from memo.maintenance import verify

    with pytest.warns(DeprecationWarning, match="VerifyReport"):
        old = verify.Report
    assert old is verify.VerifyReport
    assert "Report" not in verify.__all__


def test_an_unknown_name_of_the_errors():
    with pytest.raises(AttributeError, match="RecordingLost"):
        _ = memo.errors.RecordingLost


# A recorder as a context manager


@recordable(name="surface.ask")
async def ask(question):
    return question


async def test_a_recorder_is_a_context_manager():
    recorder = Recorder(MemoryStore(), mode="record")
    with recorder as same:
        assert same is memo.current() is recorder
        await ask(1)
    assert memo.current() is None
    async with recorder as same:
        assert same is memo.current() is recorder
        await ask(2)
        with recorder:
            await ask(3)
        assert memo.current() is recorder
    assert memo.current() is None
    assert recorder.stats.recorded == 3


def test_its_end_raises_what_could_not_be_recorded():
    recorder = Recorder(MemoryStore(), mode="record")
    with pytest.raises(memo.UnrecordableValue), recorder:
        unrecordable()


async def test_its_async_end_does_too():
    async def run(recorder, error=None):
        async with recorder:
            unrecordable()
            if error is not None:
                raise error

    with pytest.raises(memo.UnrecordableValue):
        await run(Recorder(MemoryStore(), mode="record"))
    with pytest.raises(ZeroDivisionError):  # an error that is on its way is not replaced
        await run(Recorder(MemoryStore(), mode="record"), ZeroDivisionError())


@recordable(name="surface.unrecordable")
def unrecordable():
    return object()


def test_scopes_may_end_in_any_order():
    first, second = Recorder(MemoryStore()), Recorder(MemoryStore())
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert memo.current() is second
    second.__exit__(None, None, None)
    assert memo.current() is None


def test_a_mode_may_be_a_member():
    with recording(MemoryStore(), mode=memo.Mode.RECORD) as recorder:
        assert recorder.mode is memo.Mode.of("all")


@pytest.mark.parametrize("name", [name for name in memo.errors.__all__ if name != "Nearest"])
def test_every_error_is_memos(name):
    assert issubclass(getattr(memo.errors, name), MemoError)
    assert (
        getattr(memo.errors, name).__module__ == "memo.errors"
    )  # as pickles, messages and filters of warnings name it
