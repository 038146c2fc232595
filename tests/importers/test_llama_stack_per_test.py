"""The import as it is replayed: a directory for each test, and keys by the options of the replay."""

import json
import os
import subprocess
import sys

import pytest
from llama_stack_files import COMPLETION, Old, request, value

import memo
from memo.errors import InvalidOption
from memo.importers.llama_stack import import_recordings

TESTS = ("tests/unit/test_a.py::test_x[txt=a/b]", "tests/unit/test_a.py::TestY::test_z", "test_b.py::test_x")


def answer(text):
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    data = {"id": "rec-1", "choices": choices, "created": 0, "model": "m", "object": "chat.completion"}
    return value({"__type__": COMPLETION, "__data__": data})


@pytest.fixture
def old(tmp_path):
    old = Old(tmp_path)
    for number, test in enumerate(TESTS):
        old.write(f"{number}", request(model="m", messages=[], user=f"u{number % 2}"), answer(test), test=test)
    return old


def folders(path):
    return sorted(str(file.parent.parent.relative_to(path)) for file in path.rglob("openai.chat.completions/*.json"))


def test_each_test_has_its_own_directory(old):
    import_recordings(old.source, old.dest, per_test=True)
    assert folders(old.dest) == [
        "test_b/test_x",
        "tests/unit/test_a/TestY.test_z",
        folders(old.dest)[2],
    ]
    assert folders(old.dest)[2].startswith("tests/unit/test_a/test_x[txt_a_b]-")


def test_beside_the_test_files_where_they_are_there(old):
    (old.dest / "tests" / "unit").mkdir(parents=True)
    (old.dest / "tests" / "unit" / "test_a.py").write_text("")
    import_recordings(old.source, old.dest, per_test=True)
    assert "tests/unit/recordings/test_a/TestY.test_z" in folders(old.dest)


def test_the_plugin_finds_what_was_imported(old, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\naddopts = -p memo.pytest_plugin\n")
    (project / "test_b.py").write_text(
        "import pytest\nfrom openai import OpenAI\nimport memo\n"
        "@pytest.fixture(scope='session')\ndef memo_config(): return {'patches': ['openai']}\n"
        "@pytest.mark.memo\ndef test_x(memo_recorder):\n"
        "    client = OpenAI(api_key='none', base_url='https://api.openai.com/v1')\n"
        "    answer = client.chat.completions.create(model='m', messages=[], user='u0')\n"
        "    assert answer.choices[0].message.content == 'test_b.py::test_x'\n"
        "    assert memo_recorder.stats.replayed == 1\n"
    )
    import_recordings(old.source, project, per_test=True)
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout


def test_a_store_that_is_no_directory_has_no_place_for_tests(old):
    with pytest.raises(InvalidOption, match="a directory"):
        import_recordings(old.source, memo.stores.MemoryStore(), per_test=True)


OPTIONS = {
    "memo.toml": '[patches]\nopenai = { ignore = ["body.user"] }\n',
    "pyproject.toml": '[tool.memo]\nignore = ["body.user"]\n',
    "conftest.py": "import pytest\n@pytest.fixture(scope='session')\ndef memo_config():\n"
    "    return {'scrub': {'body.user': lambda user: 'someone'}}\n",
    "package/conftest.py": "import pytest\nfrom package.words import someone\n@pytest.fixture(scope='session')\n"
    "def memo_config():\n    return {'scrub': {'body.user': someone}}\n",
    "options.py": "from memo import Patch\n"
    "def key(arguments): return {'body': {'model': arguments['body']['model']}}\n"
    "memo_config = {'patches': [Patch('openai._base_client:SyncAPIClient.request', {'name': 'openai', 'key': key})]}\n",
}


def run(folder, *words):
    command = [sys.executable, "-m", "memo", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("command", ["import", "rekey"])
def test_keys_are_those_of_the_replay(old, tmp_path, name, command):
    (tmp_path / "options").mkdir()
    file = tmp_path / "options" / name
    file.parent.mkdir(exist_ok=True)
    if file.parent.name == "package":
        (file.parent / "__init__.py").touch()
        (file.parent / "words.py").write_text("def someone(user): return 'someone'\n")
    file.write_text(OPTIONS[name])
    if command == "import":
        done = run(tmp_path, "import", "llama-stack", old.source, old.dest, "--options", file)
    else:
        (old.source / "1.json").unlink()
        (old.source / "2.json").unlink()
        import_recordings(old.source, old.dest)
        done = run(tmp_path, "rekey", old.dest, "--options", file)
    assert done.returncode == 0, done.stderr
    [recording] = old.dest.rglob("*.json")
    document = json.loads(recording.read_text())
    assert document["arguments"]["body"].get("user") in (None, "someone")
    assert len(document["outcomes"]) == (3 if command == "import" else 1)
