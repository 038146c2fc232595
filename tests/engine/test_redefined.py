"""Functions and classes that are redefined: by the cell of a notebook, by a reload, by IPython's %autoreload."""

import importlib
import sys
import types
import warnings

import pytest

from memo import Recorder, recordable, recording
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

CELL = """
from dataclasses import dataclass

@dataclass
class Note:
    text: str

@decorate
def note(n: int) -> Note:
    return Note(str(n))

@decorate
async def later(n: int) -> list[Note]:
    return [Note(str(n))]
"""


@pytest.fixture
def cell(monkeypatch):
    """Runs the cell once more, as a notebook does: the names that it defines."""
    module = types.ModuleType("cells")
    monkeypatch.setitem(sys.modules, "cells", module)

    def run(decorate):
        module.decorate = decorate
        exec(compile(CELL, "<cell>", "exec"), vars(module))
        return module

    return run


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("memory", [0, 1_000_000])
async def test_a_memoizer_gives_the_class_that_is_there_now(cell, memory):
    cache = Recorder(MemoryStore(), mode="record-if-missing", memory=memory)
    for _ in range(4):
        cells = cell(cache.recordable)
        for _ in range(2):
            assert type(cells.note(1)) is cells.Note
            assert type((await cells.later(1))[0]) is cells.Note
    assert cache.stats.live == 2


async def test_a_scope_that_is_open_meanwhile_does_so_too(cell):
    with recording(MemoryStore(), mode="record-if-missing", draws=False) as recorder:
        for _ in range(4):
            cells = cell(recordable)
            assert type(cells.note(1)) is cells.Note
            assert type((await cells.later(1))[0]) is cells.Note
    assert recorder.stats.live == 2


def test_a_reloaded_module_gives_its_own_classes(tmp_path, monkeypatch):
    (tmp_path / "reloaded.py").write_text(f"from memo import recordable as decorate\n{CELL}")
    monkeypatch.syspath_prepend(tmp_path)
    with recording(MemoryStore(), mode="record-if-missing", draws=False) as recorder:
        module = importlib.import_module("reloaded")
        for _ in range(3):
            assert type(module.note(1)) is module.Note
            importlib.reload(module)
    assert recorder.stats.live == 1
    del sys.modules["reloaded"]


def autoreloaded(old, new):
    """Give a function that somebody holds the code of its new definition, as IPython's `update_function` does."""
    assert isinstance(old, types.FunctionType)
    assert isinstance(new, types.FunctionType)
    for name in ("__code__", "__defaults__", "__doc__", "__closure__", "__globals__", "__dict__"):
        try:
            setattr(old, name, getattr(new, name))
        except (AttributeError, TypeError):
            pass


async def test_a_function_that_autoreload_updates_runs_its_new_code(cell):
    held = cell(recordable)
    note, later = held.note, held.later
    text = CELL.replace("str(n)", "str(n) + '!'")
    namespace = types.ModuleType("cells")
    namespace.decorate = recordable
    exec(compile(text, "<cell>", "exec"), vars(namespace))
    autoreloaded(note, namespace.note)
    autoreloaded(later, namespace.later)
    assert note(1).text == "1!"
    assert (await later(1))[0].text == "1!"
    store = MemoryStore()
    for mode in ("record", "replay"):
        with recording(store, mode=mode) as recorder:
            assert note(2).text == "2!"
            assert (await later(2))[0].text == "2!"
    assert (recorder.stats.replayed, recorder.stats.live) == (2, 0)
