"""No import is named by a file; what a call imports is there in its replay, or is named when it is recorded."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from memo.codecs import loads
from memo.codecs.items import Items
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import MemoError, TypeNotFound, UntrustedType

APP = {
    "memo_app/__init__.py": "",
    "memo_app/sub.py": "import pathlib; pathlib.Path(__file__).with_name('ran').touch()\nclass X(Exception): pass\n",
    "memo_app/deep/__init__.py": "from memo_app.deep.models import Shown\n",
    "memo_app/deep/models.py": "from pydantic import BaseModel\nclass Shown(BaseModel):\n    a: int = 1\nclass Hidden(BaseModel):\n    b: int = 1\n",
    "memo_app/lazy.py": "from pydantic import BaseModel\nclass Late(BaseModel):\n    a: int = 1\nclass Odd(Exception): pass\n",
    "memo_app/maker.py": "def make():\n    from memo_app.lazy import Late\n    return Late(a=5)\ndef fail():\n    from memo_app.lazy import Odd\n    raise Odd('no')\n",
}
FUNCTIONS = """
import sys, memo
from memo_app import maker

@memo.recordable
def exactly():
    from memo_app.deep.models import Shown
    return Shown(a=2)

@memo.recordable
def shown():
    import memo_app.deep
    return memo_app.deep.Shown(a=3)

@memo.recordable
def nested():
    def inner():
        try:
            from memo_app.deep import models
        except ImportError:
            raise
        return models.Hidden(b=2)
    return [inner()]

@memo.recordable
def items():
    from memo_app.deep.models import Shown
    yield Shown(a=1)
    yield Shown(a=2)

@memo.recordable
def hidden():
    from memo_app.deep import Shown
    import sys
    return [Shown(a=1), sys.modules["memo_app.deep.models"].Hidden()]

@memo.recordable
def helped():
    return maker.make()

@memo.recordable(trust=("memo_app",))
def trusted():
    return maker.make()

@memo.recordable
def failed():
    maker.fail()

@memo.recordable
def streamed():
    yield maker.make()
"""  # fmt: skip


@pytest.fixture
def app(tmp_path, monkeypatch):
    for name, text in APP.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("memo_app", "functions")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "name", ["memo_app.sub:X", "memo_app.sub.X", "memo_app.deep.models:Shown", "memo_app.gone:X", "memo_app.lazy:Late"]
)
def test_no_module_of_an_imported_package_is_imported(app, name):
    importlib.import_module("memo_app")
    before = set(sys.modules)
    for tree in (
        {"__type__": name, "args": []},
        {"__type__": name, "value": {}},
        {"__type__": "list", "of": name, "items": [{}]},
        {"__type__": "type", "value": name},
        {"__type__": f"list[{name}]", "value": 1},
    ):
        with pytest.raises(TypeNotFound) as caught:
            Values(Types()).decode(tree)
        assert isinstance(caught.value, MemoError)
        with pytest.raises(TypeNotFound):
            Values(Types()).reader(tree)()
    with pytest.raises(TypeNotFound):
        list(Items({"of": name, "items": [{}]}, Values(Types())))
    assert set(sys.modules) == before
    assert not (app / "memo_app" / "ran").exists()


@pytest.mark.parametrize(
    "name", ["memo_app:X", "memo_app.sub:X", "sqlite3:Error", "curses:error", "idlelib.run:StdInputFile"]
)
def test_nor_a_package_that_is_not_imported(app, name):
    if name.partition(":")[0] in sys.modules:
        pytest.skip("is imported here")
    with pytest.raises(UntrustedType, match="trust="):
        loads(f'{{"__type__":"{name}","args":[]}}')
    assert name.partition(":")[0] not in sys.modules


def test_what_is_trusted_by_name_is_imported(app):
    assert loads('{"__type__":"memo_app.sub:X","args":[1]}', trust=["memo_app"]).args == (1,)


def in_process(folder: Path, name: str, mode: str) -> str:
    """Call a function in its own process; return what it gave, or the errors."""
    program = f"""
import memo, functions
try:
    with memo.recording("rec", mode={mode!r}):
        try:
            result = functions.{name}()
            print("gave", [*result] if hasattr(result, "__next__") else result)
        except memo.MemoError:
            raise
        except Exception as error:
            print("raised", type(error).__name__, error)
except memo.MemoError as error:
    print("memo", type(error).__name__, error)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    return subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout  # fmt: skip


@pytest.mark.parametrize("name", ["exactly", "shown", "nested", "items", "trusted"])
def test_a_type_that_the_body_imports_is_there_in_a_new_process(app, name):
    recorded = in_process(app, name, "record")
    assert recorded.startswith("gave")
    assert in_process(app, name, "replay") == recorded


@pytest.mark.parametrize("name", ["hidden", "helped", "failed", "streamed"])
def test_one_that_a_replay_would_not_find_is_named_when_it_is_recorded(app, name):
    recorded = in_process(app, name, "record")
    assert "memo UnrecordableValue" in recorded
    assert "trust=('memo_app',)" in recorded
    assert "imported while the call ran" in recorded


def test_a_module_imported_before_the_call_is_no_matter(app):
    (app / "functions.py").write_text(FUNCTIONS + "\nimport memo_app.lazy, memo_app.deep.models\n")
    for name in ("hidden", "helped", "failed", "streamed"):
        recorded = in_process(app, name, "record")
        assert "memo" not in recorded
        assert in_process(app, name, "replay") == recorded
