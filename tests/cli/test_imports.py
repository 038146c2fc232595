"""`memo import vcr` and `memo import cassetter`. (llama-stack's is in test_cli.py.)"""

import json
import sys

import pytest

pytest.importorskip("openai")
pytest.importorskip("yaml")


def interaction(number=1, status=200, url="https://llm.example/v1/chat/completions", text="hi"):
    """One that both tools read: as vcrpy writes it."""
    request = {"messages": [{"role": "user", "content": f"question {number}"}], "model": "m"}
    message = {"role": "assistant", "content": text}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    answer["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
    return {
        "request": {"body": json.dumps(request), "headers": {}, "method": "POST", "uri": url},
        "response": {
            "body": {"string": json.dumps(answer)},
            "headers": {"content-type": ["application/json"]},
            "status": {"code": status, "message": "OK"},
        },
    }


@pytest.fixture
def cassette(tmp_path):
    """Writes a cassette into the folder of the fixture's name."""

    def written(name, *interactions):
        path = tmp_path / "cassettes" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            json.dumps({"interactions": interactions, "version": 1})
        )  # JSON is YAML, as far as it goes here
        return path

    return written


@pytest.mark.parametrize("tool", ["vcr", "cassetter"])
def test_all_of_it(memo, cassette, tool, tmp_path):
    folder = cassette("a.yaml", interaction(1), interaction(2)).parent
    done = memo("import", tool, folder, "store")
    assert done.out == f"imported 2 of 2 interactions in 1 file: 2 recordings in {tmp_path / 'work' / 'store'}\n"
    assert done.err == ""
    memo("verify", "store")
    assert memo("import", tool, folder, "store").out == done.out


@pytest.mark.parametrize("tool", ["vcr", "cassetter"])
def test_what_could_not_be_carried_over_is_named(memo, cassette, tool):
    weather = interaction(url="ftp://weather.example/today")
    a = cassette("a.yaml", interaction(1), weather, interaction(2, status=503))
    b = cassette("b.yaml", interaction(1, text="bye"), interaction(3, text="sk-" + "a1B2" * 8))
    done = memo("import", tool, a.parent, "store", code=1)
    assert done.out.startswith("imported 3 of 5 interactions in 2 files: 2 recordings in ")
    lines = done.out.splitlines()
    assert lines[1] == f"{b}#1 is a later outcome of a call that {a}#1 has, too"
    assert lines[2] == f"masked a secret in the outcome of {b}#2"
    assert len(lines) == 3
    lines = done.err.splitlines()
    assert lines[0] == "could not import 2:"
    assert lines[1].startswith(f"  {a}#2: has the url ftp://weather.example/today, which is not one of HTTP")
    assert lines[2].startswith(f"  {a}#3: was answered with 503, ")
    assert len(lines) == 3
    told = memo("import", tool, a.parent, "store", "--json", code=1).json
    assert {name: told[name] for name in ("files", "interactions", "imported", "recordings", "failed", "later")} == {
        "files": 2,
        "interactions": 5,
        "imported": 3,
        "recordings": 2,
        "failed": 2,
        "later": [],
    }
    assert [(each["file"], each["interaction"]) for each in told["failures"]] == [(str(a), 2), (str(a), 3)]
    assert told["masked_files"] == [f"{b}#2"]


def test_only_cassettes_are_counted(memo, cassette):
    folder = cassette("a.json", interaction(1)).parent
    memo("import", "vcr", folder, folder / "store")
    (folder / "settings.json").write_text("{}")
    done = memo("import", "vcr", folder, folder / "store", code=1)
    assert done.out.startswith("imported 1 of 1 interaction in 1 file: 1 recording in ")
    assert "settings.json: holds no interactions" in done.err


def test_a_damaged_file(memo, cassette):
    path = cassette("a.yaml", interaction(1), interaction(2))
    path.write_text(path.read_text()[:-15])
    done = memo("import", "vcr", path, "store", "--json", code=1).json
    assert done["imported"] == 2
    assert done["failures"][0]["file"] == str(path)
    assert done["failures"][0]["interaction"] is None
    assert done["failures"][0]["reason"].startswith("is damaged, or was cut off at line ")


@pytest.mark.parametrize("tool", ["vcr", "cassetter"])
def test_asked_wrongly(memo, tool, monkeypatch, cassette):
    assert "nowhere" in memo("import", tool, "nowhere", "store", code=2).err
    assert "DEST" in memo("import", tool, "nowhere", code=2).err
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = cassette("a.yaml", interaction(1))
    assert "pip install 'memo-recorder[cassettes]'" in memo("import", tool, path, "store", code=2).err


def test_a_name_with_odd_characters(memo, cassette):
    path = cassette("a\x1b[31m\nb.yaml", interaction(1, status=500))
    assert "\\x1b[31m" in memo("import", "vcr", path.parent, "store", code=1).err


def test_into_a_store_by_url_whose_credentials_are_not_shown(memo, cassette):
    path = cassette("a.yaml", interaction(1))
    assert "1 recording in sqlite:///" in memo("import", "vcr", path, "sqlite:///a.db").out
    memo("verify", "sqlite:///a.db")
    assert "pw" not in memo("import", "vcr", path, "redis://user:pw@127.0.0.1:1?timeout=0.5", code=2).err
