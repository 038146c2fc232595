"""`memo verify`: every recording whole, under its key, in its place, and still taken by its types."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import memo as package
from memo.errors import InvalidOption
from memo.maintenance.verify import verify
from memo.stores import DirectoryStore, MemoryStore

ROOT = Path(__file__).parent.parent.parent
APP = """
from pydantic import BaseModel
import memo

class Token(BaseModel):
    text: str

class Odd:
    def __init__(self, n): self.n = n

memo.register_codec(Odd, name="verify_app:Odd", encode=lambda odd: odd.n, decode=Odd)
"""
TOKEN = {"__type__": "verify_app:Token", "value": {"text": "a"}}


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def app(tmp_path):
    """A package of the user's, where the command is run."""
    (tmp_path / "work").mkdir(exist_ok=True)
    (tmp_path / "work" / "verify_app.py").write_text(APP)
    yield
    sys.modules.pop("verify_app", None)


def reasons(done):
    return [(Path(each["location"]).parent.name, each["reason"]) for each in done.json["failures"]]


def test_all_is_well(memo, real):
    done = memo("verify", real)
    assert done.out.splitlines() == [
        f"5 recordings in {real}: 4 sound, 0 failed, 1 not checked completely",
        "not checked: types of ogx_api, in 1 recording: it is not installed here",
    ]
    tree = memo("verify", real, "--json").json
    assert (tree["sound"], tree["failed"], tree["unchecked"]) == (4, 0, {"ogx_api": 1})


def test_damage_by_reason(memo, damaged):
    store, says = damaged
    done = memo("verify", store, code=1)
    assert "13 recordings in" in done.out
    assert "1 sound, 12 failed" in done.out
    for name, said in says.items():
        [line] = [line for line in done.out.splitlines() if name in line]
        assert said in line
    tree = memo("verify", store, "--json", code=1).json
    found = {Path(each["location"]).stem[0]: each["reason"] for each in tree["failures"]}
    assert found == {
        **dict.fromkeys("01234567o", "damaged"),
        "8": "not a recording",
        "9": "newer format",
        "a": "key mismatch",
    }


def test_moved_and_renamed(memo, write, store):
    one, two = write("app.f", x=1), write("app.f", x=2)
    one.rename(one.with_name(f"{'b' * 32}.json"))
    (store / "app.g").mkdir()
    two.rename(store / "app.g" / two.name)
    write("an odd/name: é", x=3)  # a folder that a store would have named otherwise
    assert reasons(memo("verify", store, "--json", code=1))[:2] == [("app.f", "misplaced"), ("app.g", "misplaced")]


def test_every_item_of_every_outcome_is_read(memo, write, store):
    model = {"of": "openai.types.model:Model", "items": [{"id": "a", "created": 1, "object": "model", "owned_by": "b"}]}
    whole = {**model, "end": "complete"}
    write("app.sound", {"stream": whole}, {"value": 1})
    write("app.item", {"value": 1}, {"stream": {**whole, "items": [*model["items"], {"id": 3}]}})
    write("app.end", {"stream": {**model, "end": "perhaps"}})
    write("app.gone", {"value": {"__type__": "openai.types:NoSuchThing", "value": {}}})
    write("app.error", {"error": {"__type__": "builtins:KeyError", "args": 3}})
    write(
        "app.returned",
        {"stream": {"items": [], "end": "complete", "returned": {"__type__": "datetime:date", "value": "x"}}},
    )
    done = memo("verify", store, "--json", code=1)
    assert reasons(done) == [
        ("app.end", "damaged"),
        ("app.error", "data mismatch"),
        ("app.gone", "type not found"),
        ("app.item", "data mismatch"),
        ("app.returned", "data mismatch"),
    ]
    assert done.json["sound"] == 1
    [item] = [each["message"] for each in done.json["failures"] if "app.item" in each["location"]]
    assert item.startswith("outcome 2: the data does not fit openai.types.model:Model: id: Input should be")


def test_untrusted_types_are_not_examined(memo, write, store, app):
    write("app.f", {"value": TOKEN}, x=1)
    write("app.f", {"value": TOKEN}, {"value": TOKEN}, x=2)
    write("app.f", {"value": {"__type__": "verify_app:f.<locals>.T", "value": {}}}, x=3)
    done = memo("verify", store)
    assert "3 recordings" in done.out
    assert "0 sound, 0 failed, 3 not checked completely" in done.out
    assert "not checked: types of verify_app, in 2 recordings: memo verify --trust verify_app" in done.out
    assert "not checked: classes local to a function, in 1 recording" in done.out
    assert "verify_app" not in sys.modules
    done = memo("verify", store, "--trust", "verify_app")
    assert "2 sound, 0 failed, 1 not checked completely" in done.out


def test_types_that_have_changed(memo, write, store, app, tmp_path):
    write("app.f", {"value": TOKEN}, x=1)
    write("app.f", {"value": {"__type__": "verify_app:Tocken", "value": {}}}, x=2)
    write("app.f", {"value": {"__type__": "verify_app:Odd", "value": 3}}, x=3)
    (tmp_path / "work" / "verify_app.py").write_text(APP.replace("text: str", "text: str\n    more: int"))
    done = memo("verify", store, "--trust", "verify_app", "--json", code=1)
    assert sorted(reason for _, reason in reasons(done)) == ["data mismatch", "type not found"]
    assert done.json["sound"] == 1, "the codec was registered when the module was imported"


def test_what_the_project_patches_is_trusted(memo, write, store, app, tmp_path):
    write("app.f", {"value": TOKEN}, x=1)
    (tmp_path / "work" / "memo.toml").write_text('patches = ["verify_app:Token.model_dump"]\n')
    assert "1 sound" in memo("verify", store).out


@pytest.mark.parametrize("name", ["no_such_package", "verify_app.nothing", ""])
def test_a_package_that_is_not_there(memo, real, app, name):
    done = memo("verify", real, "--trust", name, code=2)
    assert done.err.count("\n") == 1


def test_data_imports_and_calls_nothing(memo, write, store, tmp_path):
    (tmp_path / "work" / "hostile.py").write_text("raise SystemExit('imported')")
    write("app.a", {"value": {"__type__": "hostile:Thing", "value": {}}})
    write("app.b", {"value": {"__type__": "os:system", "value": "touch owned"}})
    write("app.c", {"value": {"__type__": "antigravity:fly", "value": {}}})
    write("app.d", {"value": {"__type__": "subprocess:Popen", "value": ["touch", "owned"]}})
    write(
        "app.e",
        {"value": {"__type__": "..:x", "value": {}}},
        {"value": {"__type__": "", "value": {}}},
        {"value": {"__type__": 3}},
    )
    done = memo("verify", store, "--json", code=1)
    assert done.json["unchecked"].keys() >= {"hostile", "antigravity"}
    assert [reason for function, reason in reasons(done) if function in ("app.b", "app.d")] == ["no data type"] * 2
    assert not (tmp_path / "work" / "owned").exists()
    assert "antigravity" not in sys.modules


def test_many_of_a_reason_are_not_all_named(memo, write, store):
    for number in range(30):
        write("app.f", x=number).write_text("{")
    out = memo("verify", store, code=1).out
    assert "damaged (30):" in out
    assert "and 10 more (--json names them all)" in out
    assert len(memo("verify", store, "--json", code=1).json["failures"]) == 30


def test_larger_than_allowed(memo, write, store):
    write("app.f", {"value": "x" * 2_000_000})
    memo("verify", store)
    assert "too large" in memo("verify", store, "--largest", 1, code=1).out


def test_no_permission(memo, write, unprivileged, monkeypatch):
    """A file is named, and the others are looked at; without its folder the store is not a store."""
    folder, somebody = unprivileged
    monkeypatch.chdir(folder)
    write("app.f", x=1, store=folder)
    secret = write("app.f", x=2, store=folder)
    for command in (["ls", folder], ["verify", folder], ["show", secret]):
        memo(*command)  # what it imports is read by now
    secret.chmod(0)
    with somebody():
        done = memo("ls", folder, code=1)
        tree = memo("verify", folder, "--json", code=1).json
        shown = memo("show", secret, code=2)
    assert "1 recording of 1 function" in done.out
    assert f"{secret.name}: cannot be read: Permission denied" in done.err
    assert [(tree["sound"], each["reason"]) for each in tree["failures"]] == [(1, "not readable")]
    assert "Permission denied" in shown.err
    secret.parent.chmod(0)
    with somebody():
        assert f"{secret.parent} cannot be read: Permission denied" in memo("ls", folder, code=2).err
    secret.parent.chmod(0o755)


# In several processes


@pytest.fixture
def many(write, store, app):
    """A store with more recordings than one process checks by itself, the last two of them faulty."""
    for number in range(1600):
        write("app.f", {"value": TOKEN}, x=number)
    write("app.f", x=1600).write_text("{")
    write("app.f", x=1601).rename(store / "app.f" / f"{'c' * 32}.json")
    return store


def test_by_several_processes(memo, many):
    alone = memo("verify", many, "--trust", "verify_app", "--jobs", 1, "--json", code=1).json
    assert memo("verify", many, "--trust", "verify_app", "--jobs", 2, "--json", code=1).json == alone
    assert (alone["recordings"], alone["sound"], alone["failed"]) == (1602, 1600, 2)


def test_a_store_of_any_kind_by_several_processes(many):
    store = MemoryStore()
    for name in DirectoryStore(many).scan():
        store.put(name, DirectoryStore(many).get(name))
    seen = []
    report = verify(store, jobs=2, progress=lambda done, total: seen.append((done, total)))
    assert (report.recordings, report.failed, report.unchecked) == (1602, 2, {"verify_app": 1600})
    assert seen == [(number, 1602) for number in range(1, 1603)]


def test_recordings_made_by_memo(tmp_path):
    @package.recordable(name="odd/name: é")
    def f(x):
        if x == 3:
            raise KeyError(x)
        return {"x": x, "path": Path("a")}

    @package.recordable(name="stream")
    def g():
        yield (1, 2)
        yield {3}

    with package.recording(tmp_path, mode="record"):
        for x in range(3):
            f(x)
        with pytest.raises(KeyError):
            f(3)
        list(g())
    report = verify(DirectoryStore(tmp_path))
    assert (report.recordings, report.sound, report.failures) == (5, 5, [])


def test_a_module_that_cannot_be_imported(tmp_path):
    with pytest.raises(InvalidOption, match="no_such_module"):
        verify(MemoryStore(), modules=["no_such_module"])


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at the threads of a process")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_interrupted(write, store, threads):
    """Ctrl-C at any instant, from the first look at the store until other processes work: 130, and no traceback."""
    for number in range(5):
        write("app.f", {"value": list(range(1000))}, x=number)
    program = f"""
import sys
from memo.maintenance import verify
verify._FEW = verify._BATCH = 1
from memo.stores import DirectoryStore
scan = DirectoryStore.scan
def endless(self, prefix=""):
    print("began", flush=True)
    while True:
        yield from scan(self, prefix)
DirectoryStore.scan = endless
from memo.cli import main
if __name__ == "__main__":
    sys.exit(main(["verify", {str(store)!r}, "--jobs", "2"]))
"""
    script = store.parent / "endless.py"
    script.write_text(program)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout.readline() == "began\n"
            while len(os.listdir(f"/proc/{process.pid}/task")) < threads and process.poll() is None:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGINT)
            _, complaint = process.communicate(timeout=300)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert (complaint, process.returncode) == ("", 130)


def test_a_bar_on_a_terminal_only(on_a_terminal, real, memo):
    shown, code = on_a_terminal(80, "verify", real)
    assert code == 0
    assert "5 recordings in" in shown
    assert "\x1b[?25l" in shown, "the bar hides the cursor while it moves"
    assert memo("verify", real).err == ""


def test_the_real_corpus(memo, corpus, tmp_path):
    """As it is imported: real sizes, real oddities. Some of it, since all of it takes its time."""
    source = tmp_path / "some"
    files = sorted((corpus / "dev").rglob("*.json"))[::12]
    for file in files:
        (source / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, source / file.parent.name)
    imported = memo("import", "llama-stack", source, tmp_path / "store", "--json").json["recordings"]
    tree = memo("verify", tmp_path / "store", "--json").json
    assert tree["recordings"] == imported > 100
    assert tree["failed"] == 0
    for row in json.loads(memo("ls", tmp_path / "store", "--function", "*", "--json").out)["recordings"][::10]:
        assert memo("show", row["key"], "--store", tmp_path / "store").out.startswith(row["function"])
