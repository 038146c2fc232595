"""`version="source"`: an edit of the function is a new version, a comment, a docstring or another layout is none."""

import functools
import itertools
import json
import linecache
import re
import subprocess
import sys

import pytest

from memo import Recorder, recordable, recording
from memo.errors import InvalidOption, KeyCollisionWarning, NoSourceVersion, RecordingNotFound
from memo.stores import MemoryStore

_cells = itertools.count()


def run_cell(source, namespace):
    """Run a cell of a notebook: as IPython does it, its source is where `inspect` looks for that of a file."""
    name = f"<cell {next(_cells)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)


FIRST = '''
@cache.recordable(version="source")
def grade(answer: str, scale: int = 10) -> float:
    """Grade an answer."""
    # by its length
    words = answer.split()
    return len(words) / scale
'''

SAME = [
    FIRST.replace("# by its length", "# the longer the better"),
    FIRST.replace("    # by its length\n", ""),
    FIRST.replace('    """Grade an answer."""\n', ""),
    FIRST.replace("Grade an answer.", "Give a grade.\n\n    Slowly."),
    FIRST.replace("len(words) / scale", "(len(words)\n            / scale)"),
    FIRST.replace('(version="source")', '(version="source", ttl="1h", ignore=())'),
    FIRST.replace("10", "0xA"),
    "\n\n" + FIRST,
    "if True:\n" + FIRST.replace("\n", "\n    "),
]

OTHER = [
    FIRST.replace("len(words) / scale", "len(words) // scale"),
    FIRST.replace("answer.split()", 'answer.split("x")'),
    FIRST.replace("-> float", "-> int"),
    FIRST.replace("    words =", "    print(words := 1)\n    words ="),
    FIRST.replace("def grade", "@functools.lru_cache\ndef grade"),
]


@pytest.fixture
def notebook():
    cache = Recorder(MemoryStore(), mode="record-if-missing")
    return {"__name__": "notebook", "cache": cache, "functools": functools}


@pytest.mark.parametrize("again", SAME)
def test_what_is_no_code_is_no_new_version(notebook, again):
    run_cell(FIRST, notebook)
    assert notebook["grade"]("a b c") == 0.3
    run_cell(again, notebook)
    assert notebook["grade"]("a b c") == 0.3
    assert notebook["cache"].stats.live == 1


@pytest.mark.parametrize("again", OTHER)
def test_an_edit_is_a_new_version(notebook, again):
    run_cell(FIRST, notebook)
    notebook["grade"]("a b c")
    run_cell(again, notebook)
    notebook["grade"]("a b c")
    assert notebook["cache"].stats.live == 2
    run_cell(FIRST, notebook)
    assert notebook["grade"]("a b c") == 0.3  # both versions are kept
    assert notebook["cache"].stats.live == 2


def test_a_cell_that_is_run_again_with_another_body(notebook):
    cell = "@cache.recordable{options}\ndef f(x):\n    return x + {n}\n"
    for n in (1, 2):
        run_cell(cell.format(options='(version="source")', n=n), notebook)
        assert notebook["f"](1) == 1 + n
    run_cell(cell.format(options="", n=3), notebook)
    assert notebook["f"](1) == 4
    run_cell(cell.format(options="", n=4), notebook)
    with pytest.warns(KeyCollisionWarning) as warned:
        assert [notebook["f"](1), notebook["f"](1)] == [4, 4]
    assert len(warned) == 1


def test_docstrings_inside_are_no_code_either(notebook):
    cell = "@cache.recordable(version='source')\ndef f(x):\n    def g(y):\n        {doc}\n        return y\n    return g(x)\n"
    for doc in ("'one'", "'two'", "pass"):
        run_cell(cell.format(doc=doc), notebook)
        notebook["f"](1)
    assert notebook["cache"].stats.live == 2


MODULE = """
import memo, sys

cache = memo.Recorder("cache", mode="record-if-missing")

class Judge:
    @cache.recordable(version="source")
    async def judge(self, x):
        return [x, super().__class__.__name__]

    @classmethod
    @cache.recordable(version="source")
    def of(cls, x):
        return x

    @cache.recordable(version="source")
    @staticmethod
    def named(x):
        return x

@cache.recordable(version="source")
async def tell(x, *, more: str = f"{1}", **rest: int):
    for _ in range(x):
        yield {"a": [*rest], "b": x if more else None}

if __name__ == "__main__":
    import asyncio
    async def main():
        await Judge().judge(1)
        Judge.of(1), Judge.named(1)
        return [item async for item in tell(2)]
    asyncio.run(main())
    print(cache.stats.live)
"""


def test_the_version_is_the_same_in_every_process(tmp_path):
    (tmp_path / "app.py").write_text(MODULE)
    live = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
        )
        live.append(done.stdout)
    assert live == ["4\n", "0\n"]
    versions = {re.search(r'"version": "(.*?)"', path.read_text())[1] for path in tmp_path.rglob("*.json")}
    assert len(versions) == 4
    assert all(re.fullmatch("source:[0-9a-f]{16}", version) for version in versions)


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("def f(x):\n    return x + 1\n", "source:21e4cb2a52cc367a"),
        ('def f(x):\n    return f"{x!r:>{10}} {x=}"\n', "source:b8d26865a70bad0f"),
        (
            "def f(*a, b=(), **c):\n    match a:\n        case [1, *_]:\n            return -1j, b''\n",
            "source:c1e033f3c8dc5e0b",
        ),
    ],
    ids=["plain", "texts", "match"],
)
def test_the_version_is_the_same_on_every_python(notebook, source, version):
    run_cell(f'@cache.recordable(version="source")\n{source}', notebook)
    notebook["f"](1)
    store = notebook["cache"].store
    assert [json.loads(store.get(name))["version"] for name in store.scan()] == [version]


def test_a_miss_names_the_version_and_what_carries_recordings_over(notebook):
    run_cell(FIRST, notebook)
    notebook["grade"]("a")
    replaying = {**notebook, "recordable": recordable}
    run_cell(OTHER[0].replace("cache.recordable", "recordable"), replaying)
    with recording(notebook["cache"].store), pytest.raises(RecordingNotFound) as missed:
        replaying["grade"]("a")
    assert missed.value.reason == "version"
    assert re.search(r"memo rekey .* --only notebook.grade --version '\"source:[0-9a-f]{16}\"'", str(missed.value))


def closure():
    x = 1

    def inner():
        return x

    return inner


def from_nowhere():
    namespace = {"__name__": "nowhere"}
    exec("def f():\n    return 1\n", namespace)
    return namespace["f"]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda: 1, "a lambda has no source of its own"),
        (closure(), "it is a closure, whose source does not say what x is"),
        (len, "a builtin_function_or_method has no source in Python"),
        (functools.partial(len), "a builtin_function_or_method has no source in Python"),
        (from_nowhere(), "its source cannot be read: could not get source code"),
    ],
    ids=["lambda", "closure", "builtin", "partial", "without a file"],
)
def test_what_has_no_source_is_refused_where_it_is_decorated(function, reason):
    with pytest.raises(NoSourceVersion) as refused:
        recordable(version="source")(function)
    assert f"there is no version='source': {reason}\n  to name versions yourself: version=1" in str(refused.value)
    assert isinstance(refused.value, InvalidOption)


def test_a_file_that_was_changed_since_is_refused(tmp_path):
    path = tmp_path / "app.py"
    path.write_text("def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    namespace = {"__name__": "app"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    path.write_text("def g():\n    return 2\n")
    with pytest.raises(NoSourceVersion, match="its file has been changed since it was loaded"):
        recordable(version="source")(namespace["f"])
