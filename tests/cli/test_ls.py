"""`memo ls`: what is recorded, by function and by recording."""

import re
from datetime import UTC, datetime, timedelta

import pytest

ERROR = {"error": {"__type__": "builtins:KeyError", "args": ["a"]}}
BROKEN = {"stream": {"items": [1, 2], "end": "error", "error": {"__type__": "app:Broken", "args": []}}}
ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def ago(**passed):
    return (datetime.now(UTC) - timedelta(**passed)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def store(write, tmp_path):
    write("app.f", x=1, recorded_at=ago(days=40))
    write("app.f", {"value": 1}, ERROR, x=2, recorded_at=ago(hours=5))
    write("app.g", BROKEN, recorded_at=ago(minutes=3))
    return tmp_path / "store"


def test_a_line_for_each_function(memo, store):
    done = memo("ls", store)
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["FUNCTION", "RECORDINGS", "OUTCOMES", "ERRORS", "SIZE", "OLDEST", "NEWEST"]
    assert [[line[0], *line[1:4], *line[-2:]] for line in lines[1:3]] == [
        ["app.f", "2", "3", "1", "40d", "5h"],
        ["app.g", "1", "1", "1", "3m", "3m"],
    ]
    assert done.out.splitlines()[3].startswith("3 recordings of 2 functions, ")
    assert done.err == ""


def test_as_json(memo, store):
    tree = memo("ls", store, "--json").json
    assert tree["store"] == str(store)
    assert [(each["function"], each["recordings"], each["outcomes"], each["errors"]) for each in tree["functions"]] == [
        ("app.f", 2, 3, 1),
        ("app.g", 1, 1, 1),
    ]
    assert tree["damaged"] == []
    assert sum(each["size"] for each in tree["functions"]) == sum(file.stat().st_size for file in store.rglob("*.json"))


@pytest.mark.parametrize(
    ("options", "listed"),
    [
        (["--function", "app.g"], ["app.g"]),
        (["--function", "app.*"], ["app.f", "app.f", "app.g"]),
        (["--function", "app"], []),
        (["--errors"], ["app.f", "app.g"]),
        (["--stale", "30d"], ["app.f"]),
        (["--stale", "1h"], ["app.f", "app.f"]),
        (["--stale", "1h", "--errors"], ["app.f"]),
        (["--stale", "2y"], None),
    ],
)
def test_a_line_for_each_recording_that_is_asked_for(memo, store, options, listed):
    if listed is None:
        assert (
            "--stale: invalid duration '2y': use a number and s, m, h, d or w"
            in memo("ls", store, *options, code=2).err
        )
        return
    lines = memo("ls", store, *options).out.splitlines()
    assert lines[0].split() == ["KEY", "FUNCTION", "AGE", "OUTCOMES", "TEST"]
    assert sorted(line.split()[1] for line in lines[1:-1]) == listed
    rows = memo("ls", store, *options, "--json").json["recordings"]
    assert sorted(each["function"] for each in rows) == listed


def test_what_came_of_a_call(memo, store):
    out = memo("ls", store, "--errors").out
    assert "2: value, error KeyError" in out
    assert "stream of 2, error Broken" in out
    rows = memo("ls", store, "--errors", "--json").json["recordings"]
    assert [each["outcomes"] for each in rows] == [
        ["value", "error builtins:KeyError"],
        ["stream of 2, error app:Broken"],
    ]


def test_what_is_damaged_is_named_and_stops_nothing(memo, damaged):
    store, says = damaged
    done = memo("ls", store, code=1)
    assert "app.f" in done.out
    assert done.err.splitlines()[0] == "12 damaged recordings:"
    for name, said in says.items():
        [line] = [line for line in done.err.splitlines() if name in line]
        assert said in line
    assert len(memo("ls", store, "--json", code=1).json["damaged"]) == 12


def test_the_default_store(memo, store, tmp_path, monkeypatch):
    missing = memo("ls", code=2).err
    assert missing.startswith(f"memo: {tmp_path / 'work' / 'recordings'} does not exist")
    assert "none.db does not exist" in memo("ls", "sqlite:///none.db", code=2).err
    assert missing.count("\n") == 2  # the second line mends it
    (tmp_path / "work" / "memo.toml").write_text('store = "../store"\n')
    assert "3 recordings" in memo("ls").out
    monkeypatch.setenv("MEMO_STORE", str(tmp_path / "other"))
    assert str(tmp_path / "other") in memo("ls", code=2).err


def test_an_invalid_store(memo, tmp_path):
    (tmp_path / "file").write_text("")
    assert "is not a directory" in memo("ls", tmp_path / "file", code=2).err
    assert "gopher://" in memo("ls", "gopher://host", code=2).err


def test_an_empty_store(memo, tmp_path):
    (tmp_path / "store").mkdir()
    assert memo("ls", tmp_path / "store").out.splitlines()[1].startswith("0 recordings of 0 functions, 0 B")


def test_in_a_pipe_nothing_is_cut(memo, real):
    out = memo("ls", real, "--errors").out
    assert "test_openai_response_with_service_tier_flex[txt=openai/gpt-4o]" in out


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_lines_fit(on_a_terminal, real, columns):
    shown, code = on_a_terminal(columns, "ls", real, "--errors")
    assert code == 0
    assert "\x1b[1m" in shown
    lines = ANSI.sub("", shown).splitlines()[:-1]
    assert max(map(len, lines)) <= columns
    assert ("TEST" in lines[0]) == (columns == 120)


def test_help_on_a_terminal(on_a_terminal):
    shown, code = on_a_terminal(80, "ls", "--help")
    lines = ANSI.sub("", shown).splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 80
    assert "[tool.memo]" in ANSI.sub("", shown), "it is no markup"
