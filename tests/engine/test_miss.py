"""A call that is not found: the error says why, what is nearest, what differs, and what to type."""

import json
import os
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from missed_calls import chat, from_user, missed, record

import memo
from memo import Recorder, RecordingNotFound, recordable, recording
from memo._recordings.differences import ABSENT
from memo.errors import OutcomesExhausted
from memo.stores import DirectoryStore, MemoryStore

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "calls.md"


@pytest.fixture(params=["directory", "memory"])
def store(request, tmp_path):
    return DirectoryStore(tmp_path / "recordings") if request.param == "directory" else MemoryStore()


@pytest.fixture
def program(monkeypatch):
    """Makes the rest of the test look like a program that was started so."""

    def program(*typed):
        monkeypatch.delenv("PYTEST_CURRENT_TEST")  # which is set again after each fixture
        monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python3", *typed])

    return program


def test_a_typing_error(store, program):
    program("app.py")
    ask = chat()
    record(
        store,
        lambda: ask(from_user("Be brief.", "What is the wheather?")),
        lambda: ask(from_user("Who won?")),
        test="tests/test_app.py::test_ask",
    )
    error = missed(store, lambda: ask(from_user("Be brief.", "What is the weather?")))
    assert error.reason == "arguments"
    assert (error.seen, error.looked_at) == (2, 2)
    assert error.differences == (("messages[1].content", "What is the wheather?", "What is the weather?"),)
    assert error.nearest.test == "tests/test_app.py::test_ask"
    assert error.nearest.function == "app.chat"
    assert error.arguments.startswith('{"messages":[{"content":"Be brief."')
    assert error.command == "MEMO_MODE=record-if-missing python app.py"
    name = next(name for name in store.scan("app.chat/") if store.location(name) == error.nearest.location)
    assert str(error).splitlines() == [
        "app.chat: there is no recording of this call",
        f"  arguments: {error.arguments}",
        f"  key:       {error.key[:32]}",
        f"  looked in: {store.location()} (2 recordings of app.chat)",
        f"  nearest:   {store.location(name)}",
        f"             recorded {error.nearest.recorded_at} by tests/test_app.py::test_ask",
        "  differs:   recorded → asked for",
        "    messages[1].content: 'What is the wheather?' → 'What is the weather?'",
        "  to record: MEMO_MODE=record-if-missing python app.py",
    ]


def test_the_docs_show_it_as_it_is(tmp_path, monkeypatch, program):
    program("app.py")
    monkeypatch.chdir(tmp_path)
    ask = recordable(name="app.ask")(lambda messages: "")
    before, after = (
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"What is the {word}?"}]
        for word in ("wheather", "weather")
    )
    record("recordings", lambda: ask(before), lambda: ask(after[:1]), test="tests/test_app.py::test_ask")
    error = missed("recordings", lambda: ask(after))
    said = f"memo.errors.{type(error).__name__}: {error}".replace(str(tmp_path), "/home/you/project")
    said = said.replace(error.nearest.recorded_at, "2026-11-23T09:30:00Z")
    assert f"```text\n{said}\n```" in PAGE.read_text(encoding="utf-8")


async def test_async_calls_say_the_same(store):
    @recordable(name="app.ask")
    async def ask(question):
        return question

    @recordable(name="app.tell")
    async def tell(question):
        yield question

    with recording(store, mode="record"):
        await ask("one")
        [each async for each in tell("one")]
    with recording(store) as recorder:
        with pytest.raises(RecordingNotFound) as raised:
            await ask("two")
        assert raised.value.differences == (("question", "one", "two"),)
        with pytest.raises(RecordingNotFound) as raised:
            [each async for each in tell("two")]
        assert raised.value.differences == (("question", "one", "two"),)
    assert recorder.stats.missed == 2


def test_at_most_sixty_lines_of_differences(store):
    ask = chat()
    record(store, lambda: ask(from_user(*"abc"), tools=[{str(each): each} for each in range(300)]))
    error = missed(store, lambda: ask(from_user(*"abd"), tools=[{str(each): -each} for each in range(300)]))
    text = str(error)
    assert len(error.differences) > 200
    assert sum(line.startswith("    ") and "→" in line for line in text.splitlines()) <= 60
    assert "more" in text


def test_consumed(store, program):
    program("app.py")
    ask = chat()
    record(store, lambda: ask(from_user("a")))
    with recording(store, exhausted="error"):
        ask(from_user("a"))
        with pytest.raises(OutcomesExhausted) as raised:
            ask(from_user("a"))
    error = raised.value
    assert error.reason == "consumed"
    assert error.location in str(error)
    assert error.command == "MEMO_MODE=record python app.py"  # in record-if-missing, nothing is missing
    assert str(error).endswith(error.command)


def test_another_version(store):
    for old, new in [(1, 2), (None, 1), ("1", "2"), ("41", "42"), ("b", "a"), (None, "a"), (70, None), (2, "x")]:
        fresh = MemoryStore() if isinstance(store, MemoryStore) else DirectoryStore(f"{store.location()}{old}{new}")
        record(fresh, lambda old=old: chat(version=old)(from_user("a")), lambda: chat(version=9)(from_user("b")))
        error = missed(fresh, lambda new=new: chat(version=new)(from_user("a")))
        assert error.reason == "version"
        assert error.nearest.version == old
        assert error.differences == ()
        assert f"version={old!r}; this call has version={new!r}" in str(error)
        typed = shlex.quote(json.dumps(new))
        assert f"answers still right? memo rekey {typed_location(fresh)} --only app.chat --version {typed}\n" in str(
            error
        )


def typed_location(store):
    return store.location() if isinstance(store, DirectoryStore) else "STORE"


def test_another_function(store):
    old, new = chat("app.old"), chat()
    record(
        store,
        lambda: old(from_user("a")),
        lambda: old(from_user("b")),
        lambda: new(from_user(*"xyz"), model="n", tools=[1]),
    )
    error = missed(store, lambda: new(from_user("a")))
    assert error.reason == "function"
    assert error.nearest.function == "app.old"
    assert f"memo rekey {typed_location(store)} --function app.old=app.chat" in str(error)


def test_another_function_whose_folder_has_another_name(tmp_path):
    old = chat("app.<locals>.it's")
    record(tmp_path, lambda: old(from_user("a")))
    error = missed(tmp_path, lambda: chat()(from_user("a")))
    assert (error.reason, error.nearest.function) == ("function", "app.<locals>.it's")


def test_another_function_without_arguments_is_no_reason(store):
    def ask(name):
        return recordable(name=name)(lambda: "yes")

    record(store, ask("app.old"))
    assert missed(store, ask("app.new")).reason == "no recordings"


def test_the_same_question_to_another_function_is_no_reason(store):
    record(store, lambda: chat("app.other")(from_user("Why not?")), lambda: chat()(from_user("Why?")))
    error = missed(store, lambda: chat()(from_user("Why not?")))
    assert error.reason == "arguments"
    assert error.nearest.function == "app.chat"


@pytest.mark.parametrize("then", [(), ("tools", "messages[0]")])
def test_only_what_is_watched(store, then):
    now = () if then else ("tools", "messages[0]")
    record(store, lambda: chat(watch=then)(from_user("a", "b"), tools=["t"]))
    error = missed(store, lambda: chat(watch=now)(from_user("a", "b"), tools=["t"]))
    assert error.reason == "watched"
    assert {each[0] for each in error.differences} == {"tools", "messages[0]"}
    option = "--unwatch" if then else "--watch"
    assert f"--only app.chat {option} tools {option} 'messages[0]'\n" in str(error)
    # The same, and something else.
    assert missed(store, lambda: chat(watch=now)(from_user("a", "c"), tools=["t"])).reason == "arguments"


@pytest.mark.parametrize(
    ("path", "near"),
    [("messages[0]", "body.messages[0]"), ("messages[*].content", "body.messages[*].content"), ("body.prompt", "")],
)
def test_what_is_watched_and_is_no_place_of_the_call(store, path, near):
    def ask(watch, question):
        asked = recordable(name="ask", watch=watch)(lambda body: "yes")
        return lambda: asked({"messages": from_user(question)})

    loose = recordable(name="ask", key=lambda arguments: arguments, watch=path)(lambda body: "yes")
    record(store, ask((), "a"))
    with recording(store), warnings.catch_warnings():
        warnings.simplefilter("error")
        loose({"messages": from_user("a")})
    said = str(missed(store, lambda: loose({"messages": from_user("b")})))
    assert f"  watched:   {path} is no place in this call{f'; did you mean {near}?' if near else ''}\n" in said


def test_a_watched_field_alone_is_no_miss(store):
    ask = chat(watch="tools")
    record(store, lambda: ask(from_user("a"), tools=[1]))
    with recording(store), pytest.warns(memo.errors.WatchedFieldChangedWarning):
        ask(from_user("a"), tools=[2])


def test_no_recordings_of_the_function(store):
    record(store, lambda: chat("app.chatt")(from_user("a")), lambda: chat("other")(from_user("a")))
    error = missed(store, lambda: chat()(from_user("b")))
    assert error.reason == "no recordings"
    assert error.nearest is None
    assert error.seen == 0
    assert "recordings of app.chatt and 1 more" in str(error)
    assert "0 recordings of app.chat" in str(error)


def test_nothing_at_all():
    error = missed(MemoryStore(), lambda: chat()(from_user("a")))
    assert error.reason == "no recordings"
    assert error.seen == 0


def test_the_wrong_directory(tmp_path, monkeypatch):
    record(tmp_path / "tests" / "recordings", lambda: chat()(from_user("a")))
    record(tmp_path / "recordings" / "deeper" / "x", lambda: chat("other")(from_user("a")))
    for where in (tmp_path, tmp_path / "tests" / "unit", tmp_path / "src"):
        where.mkdir(exist_ok=True)
        monkeypatch.chdir(where)
        error = missed("recordings", lambda: chat()(from_user("a")))
        assert error.elsewhere == (str(tmp_path / "tests" / "recordings"),)
        assert f"MEMO_STORE={tmp_path / 'tests' / 'recordings'}" in str(error)
        assert f"{where} (the working directory)" in str(error)
    assert error.reason == "no store"
    assert not (tmp_path / "src" / "recordings").exists()


def test_this_very_call_in_another_directory(tmp_path, monkeypatch):
    ask = chat()
    record(tmp_path / "tests" / "recordings", lambda: ask(from_user("a")), lambda: ask(from_user("b")))
    record(tmp_path / "recordings", lambda: ask(from_user("b")))
    monkeypatch.chdir(tmp_path)
    assert missed("recordings", lambda: ask(from_user("a"))).elsewhere == (str(tmp_path / "tests" / "recordings"),)
    assert missed("recordings", lambda: ask(from_user("c"))).elsewhere == ()


def test_nothing_in_a_recording_moves_the_cursor(tmp_path):
    ask = chat()
    record(tmp_path, lambda: ask(from_user("a")), test="\x1b[31mtest\r\n")
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text().replace('"20', '"\\u001b20'))
    text = str(missed(tmp_path, lambda: ask(from_user("b"))))
    assert all(line.isprintable() for line in text.splitlines())
    assert "test" in text


def test_odd_keys(store):
    ask = recordable(name="ask", watch="options.b")(lambda options: 1)
    record(store, lambda: ask({"'\"": 1, "a\nb": 2}))
    error = missed(store, lambda: ask({"'\"": None, "a\nb": None, "": 1}))
    assert error.reason == "arguments"
    assert len(error.differences) == 3


def test_a_renamed_file(tmp_path):
    ask = chat()
    record(tmp_path, lambda: ask(from_user("a")))
    (path,) = tmp_path.rglob("*.json")
    path.rename(path.with_name("mine.json"))
    error = missed(tmp_path, lambda: ask(from_user("a")))
    assert error.reason == "moved"
    assert error.nearest.location == str(path.with_name("mine.json"))


# What to type


def test_the_command_of_a_test(monkeypatch):
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_app.py::test_ask[a b] (call)")
    monkeypatch.delitem(sys.modules, "memo.pytest_plugin", raising=False)
    error = missed(MemoryStore(), lambda: chat()(from_user("a")))
    assert error.command == "MEMO_MODE=record-if-missing pytest 'tests/test_app.py::test_ask[a b]'"
    # The option of the plugin is for the recorders of marked tests, and this is none.
    monkeypatch.setitem(sys.modules, "memo.pytest_plugin", pytest)
    error = missed(MemoryStore(), lambda: chat()(from_user("a")))
    assert error.command == "MEMO_MODE=record-if-missing pytest 'tests/test_app.py::test_ask[a b]'"


def test_the_command_of_a_test_where_the_plugin_is_off(monkeypatch, tmp_path):
    (tmp_path / "proj" / "tests" / "deep").mkdir(parents=True)
    (tmp_path / "proj" / "tests" / "test_app.py").touch()
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_app.py::test_ask (call)")
    monkeypatch.delitem(sys.modules, "memo.pytest_plugin", raising=False)
    for start, typed in [("proj", "tests/"), ("proj/tests", ""), ("proj/tests/deep", "../")]:
        monkeypatch.chdir(tmp_path / start)
        error = missed(MemoryStore(), lambda: chat()(from_user("a")))
        assert error.command == f"MEMO_MODE=record-if-missing pytest {typed}test_app.py::test_ask"


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        (["app.py"], "python app.py"),
        (["my app.py", "--password", "hunter2"], "python 'my app.py' …"),
        (["-m", "app", "secret"], "python -m app …"),
        (["-m", "app"], "python -m app"),
        (["-X", "dev", "-u", "app.py", "secret"], "python -X dev -u app.py …"),
        (["-Wdefault", "-m", "app"], "python -Wdefault -m app"),
        (["-"], "python …"),
        (["-c", "print('secret')"], "python …"),
        ([], "python …"),
    ],
)
def test_the_command_of_a_program(program, typed, command):
    program(*typed)
    error = missed(MemoryStore(), lambda: chat()(from_user("a")))
    assert error.command == f"MEMO_MODE=record-if-missing {command}"


def test_the_command_records_it(tmp_path, program):
    program()
    (tmp_path / "app.py").write_text(
        "from memo import recordable, recording\n"
        "@recordable\n"
        "def ask(question):\n"
        "    return question\n"
        "with recording('recordings'):\n"
        "    print(ask('why'))\n"
    )

    def run(**variables):
        return subprocess.run(
            [sys.executable, "app.py"],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    failed = run()
    assert failed.returncode == 1
    assert "to record: MEMO_MODE=record-if-missing python app.py" in failed.stderr
    assert "During handling" not in failed.stderr
    assert "direct cause" not in failed.stderr
    assert run(MEMO_MODE="record-if-missing").stdout == "why\n"
    assert run().stdout == "why\n"


# Nothing that goes wrong in looking makes another error


def test_secrets_are_not_shown(store):
    ask = recordable(name="app.ask")(lambda question, api_key="": question)
    record(store, lambda: ask("use sk-abcdefghijklmnopqrstuvwxyz012345", api_key="one"))
    error = missed(store, lambda: ask("take sk-zyxwvutsrqponmlkjihgfedcba543210", api_key="two"))
    assert "sk-abc" not in str(error)
    assert "sk-zyx" not in str(error)
    assert "two" not in str(error)
    assert "sk-" not in repr(error.differences)


def test_misses_as_control_flow_cost_little():
    store, ask = MemoryStore(), chat()
    record(store, *[lambda each=each: ask(from_user(str(each))) for each in range(300)])
    recorder = Recorder(store)
    with recorder.scope():
        for each in range(300):
            with pytest.raises(RecordingNotFound) as raised:
                ask(from_user(f"not {each}"))
    assert raised.value.nearest is not None
    assert recorder.stats.missed == 300


def test_the_fields_name_what_one_side_lacks(store):
    ask = recordable(name="app.ask")(lambda **options: None)
    record(store, lambda: ask(question="a", top=1))
    error = missed(store, lambda: ask(question="a", seed=2))
    assert set(error.differences) == {("options.top", 1, ABSENT), ("options.seed", ABSENT, 2)}


def test_what_is_read_is_not_changed(tmp_path):
    ask = chat()
    record(tmp_path, lambda: ask(from_user("a")))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.json")}
    missed(tmp_path, lambda: ask(from_user("b")))
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.json")} == before
    assert Path(tmp_path).exists()
