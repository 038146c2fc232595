"""`memo show`: a recording, readable, without the types it was made of."""

import os
import subprocess
import sys
from collections import Counter

import pytest

STREAM = "4ed12ee443e4d1a5a2f6a1b0140a5b8d"
ANSWER = 'The planet with rings around it and a name starting with the letter "S" is Saturn. Saturn is well-known'


def test_a_stream_is_put_together_and_its_items_follow(memo, real):
    out = memo("show", STREAM, "--store", real).out
    assert out.startswith(f"openai.chat.completions\n  key       {STREAM}")
    assert "    messages:\n      - content: Which planet has rings" in out
    assert "stream of 33 openai.types.chat.chat_completion_chunk.ChatCompletionChunk, complete" in out
    assert f"  text:\n    {ANSWER}" in out
    assert '\n    32  {"choices":[{"delta":{"content":null,' in out
    tree = memo("show", STREAM, "--store", real, "--json").json
    [outcome] = tree["outcomes"]
    assert outcome["text"].startswith(ANSWER)
    assert len(outcome["items"]) == 33
    assert outcome["items"][1]["choices"][0]["delta"]["content"] == "The"
    assert outcome["items"][1]["model"] == "gpt-4o-2024-08-06", "what the items have in common is in each"


def test_an_error_as_it_would_be_raised(memo, real):
    out = memo("show", "2e4f", "--store", real).out
    assert "\n  openai.BadRequestError: Error code: 400 - {'error': {'message': 'Invalid service_tier argument'," in out
    assert "\n  status_code: 400\n" in out
    [outcome] = memo("show", "2e4f", "--store", real, "--json").json["outcomes"]
    assert outcome["raised"].startswith("openai.BadRequestError: Error code: 400")
    assert outcome["attributes"]["response"]["status_code"] == 400


def test_an_embedding_in_a_line(memo, real):
    out = memo("show", "e23b", "--store", real).out
    assert "embedding: [1,536 floats, first -0.04001, 0.01629, 0.003693, norm 1]" in out
    [outcome] = memo("show", "e23b", "--store", real, "--json").json["outcomes"]
    assert len(outcome["value"]["data"][0]["embedding"]) == 1536


def test_the_bytes_as_they_are(real):
    file = next(real.glob(f"*/{STREAM}.json"))
    done = subprocess.run(
        [sys.executable, "-m", "memo", "show", file, "--raw"], capture_output=True, check=True, cwd=real
    )
    assert done.stdout == file.read_bytes()


def test_no_type_is_needed_and_nothing_is_imported(real):
    program = f"""
import sys
from memo.cli import main
for key in ("4ed1", "6a6e", "2e4f", "e23b", "f147"):
    assert main(["show", key, "--store", {str(real)!r}]) == 0
print("imported:", sorted({{"openai", "httpx", "httpx2", "ogx_api", "llama_stack"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"


def test_every_outcome_and_how_a_stream_ended(memo, write):
    error = {"__type__": "app:Broken", "args": ["late"], "notes": ["see the log"]}
    file = write(
        "app.f",
        {"stream": {"items": ["a", "b"], "end": "error", "error": error}, "seconds": 0.5, "test": "t.py::t"},
        {"stream": {"items": ["a"], "end": "closed", "returned": {"total": 1}}},
        {"value": None, "redacted": ["a.key"]},
        a=1,
    )
    out = memo("show", file).out
    assert "outcome 1 of 3: stream of 2 items, then an error, 0.5 s\n  test: t.py::t\n  text:\n    ab\n" in out
    assert "then raised app.Broken: late\nsee the log" in out
    assert "outcome 2 of 3: stream of 1 items, left by its consumer" in out
    assert '  returned:\n    {"total":1}' in out
    assert "outcome 3 of 3: value\n  redacted: a.key\n  null" in out


@pytest.mark.parametrize(
    "named", [STREAM, STREAM[:4], f"openai.chat.completions/{STREAM[:6]}", STREAM + "ed9baa6b9b9a"]
)
def test_a_key_or_its_beginning(memo, real, named):
    assert memo("show", named, "--store", real).out.startswith("openai.chat.completions\n")


def test_a_key_that_is_not_the_only_one(memo, write, tmp_path):
    files = [write("app.f", x=number).stem for number in range(40)]
    begin, number = Counter(file[0] for file in files).most_common(1)[0]
    done = memo("show", begin, "--store", tmp_path / "store", code=2)
    assert f"{number} recordings match {begin!r}; give more characters of the key, or the file of one:" in done.err
    assert all(file in done.err for file in sorted(file for file in files if file[0] == begin)[:10])


@pytest.mark.parametrize("named", ["ffff", "nothing.json", "../../etc/passwd", "", "app.f/ffff"])
def test_what_is_not_there(memo, real, named):
    done = memo("show", named, "--store", real, code=2)
    assert done.err.startswith("memo")
    assert done.err.count("\n") == 1


def test_a_name_that_is_a_directory(memo, real):
    assert "is a directory, where a recording should be" in memo("show", real, code=2).err


@pytest.mark.parametrize("letter", "01789a")
def test_damage_is_reported_and_its_bytes_can_be_seen(memo, damaged, letter):
    store, says = damaged
    name = f"{letter * 32}.json"
    code = 2 if letter == "1" else 1
    done = memo("show", letter * 32, "--store", store, code=code)
    assert says[name] in done.err
    assert done.out == ""
    assert ("--raw" in done.err) == (code == 1)


@pytest.mark.parametrize("letter", "236")
def test_what_is_no_recording_for_sure_is_not_opened(memo, damaged, letter):
    store, says = damaged
    assert says[f"{letter * 32}.json"] in memo("show", letter * 32, "--store", store, code=2).err


def test_what_is_nested_too_deep(memo, write):
    file = write("app.f", {"value": "HERE"})
    file.write_text(file.read_text().replace('"HERE"', "[" * 900 + "]" * 900))
    done = memo("show", file, code=1)
    assert "nested too deep" in done.err
    assert "memo show --raw" in done.err


def test_nothing_in_it_controls_the_terminal(memo, write):
    file = write("app.f", {"value": "\x1b[2J\x07\u202e gotcha \x9b31m"}, question="\x1b]0;title\x07")
    out = memo("show", file).out
    assert r"\x1b[2J\x07\u202e gotcha \x9b31m" in out
    assert r"\x1b]0;title\x07" in out
    assert memo("show", file, "--json").out.isascii()


def test_where_not_every_character_is_known(write):
    file = write("app.f", {"value": "naïve 日本"})
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "memo", "show", file]
    done = subprocess.run(command, capture_output=True, check=True, env=environ)
    assert rb"na\xefve \u65e5\u672c" in done.stdout


def test_on_a_terminal_items_take_a_line(on_a_terminal, real):
    for columns in (80, 200):
        shown, code = on_a_terminal(columns, "show", STREAM, "--store", real)
        assert code == 0
        items = [line for line in shown.splitlines() if '{"choices"' in line]
        assert len(items) == 33
        assert max(map(len, items)) <= columns


def test_a_reader_that_leaves(write):
    file = write("app.f", {"value": ["x" * 100] * 10_000})
    command = [sys.executable, "-m", "memo", "show", file]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=os.path.dirname(file)
    ) as process:
        assert process.stdout.readline() == b"app.f\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
