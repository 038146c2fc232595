"""llama-stack's recordings, imported: every oddity by hand, and the whole real corpus."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from llama_stack_files import MODEL, ROOT, chunk, decoded, failure, request, stream, value

from memo import errors, recordable, recording
from memo.codecs.sameness import difference
from memo.importers.llama_stack import import_recordings

openai = pytest.importorskip("openai")

# The call


def test_a_call_is_what_the_client_sends(old):
    body = {"model": "m", "messages": [], "stream": True, "extra_body": {"top_k": 1}, "extra_query": {"v": "2"}}
    old.write("a", request(**body, extra_headers={"X": "y"}, timeout=3), stream(chunk()))
    assert old.run().recordings == 1
    assert old.document()["function"] == "openai.chat.completions"
    assert old.document()["arguments"] == {
        "method": "POST",
        "path": "/chat/completions",
        "query": {"v": "2"},
        "body": {"model": "m", "messages": [], "stream": True, "top_k": 1},
        "server": "https://api.openai.com/v1",
    }
    assert old.document()["test"] == "tests/t.py::t"


@pytest.mark.parametrize(
    ("req", "function", "method", "path", "server", "body"),
    [
        (request("/v1/models"), "openai.models", "GET", "/models", "https://api.openai.com/v1", None),
        (request("/v1/embeddings", input="a"), "openai.embeddings", "POST", "/embeddings", None, {"input": "a"}),
        (request("/v1/models", server="http://h:1"), "openai.models", "GET", "/models", "http://h:1", None),
        (request("/api/ps", server="http://h:1"), "ollama.ps", "GET", "/api/ps", "http://h:1", None),
    ],
)
def test_calls_of_every_kind(old, req, function, method, path, server, body):
    old.write("a", req, value({"plain": 1}))
    assert old.run().failed == {}
    document = old.document()
    assert document["function"] == function
    arguments = document["arguments"]
    assert arguments.keys() == {"method", "path", "query", "body", "server"}
    assert (arguments["method"], arguments["path"], arguments["body"]) == (method, path, body)
    assert arguments["server"] == (server or "https://api.openai.com/v1")
    assert decoded(document) == [{"plain": 1}]


def test_what_a_list_is_asked_for_is_in_its_query(old):
    old.write("a", request("/v1/models", extra_query={"project_id": "p"}), value([]))
    old.run()
    assert old.document()["arguments"]["query"] == {"project_id": "p"}
    assert old.document()["arguments"]["body"] is None


def test_tools_and_files(old):
    old.write(
        "a",
        {"provider": "tavily", "tool_name": "web_search", "kwargs": {"query": "q"}, "test_id": "t"},
        value({"x": 1}),
    )
    old.write("b", {"provider": "pypdf", "api": "file_processors", "file_id": "f", "test_id": "t"}, value([1]))
    assert old.run().failed == {}
    documents = old.documents()
    assert documents["tavily.invoke_tool"]["arguments"] == {"tool_name": "web_search", "kwargs": {"query": "q"}}
    assert documents["pypdf.file_processors"]["arguments"] == {"file_id": "f"}


# The outcome


@pytest.mark.parametrize(
    "item",
    [
        chunk(),
        chunk(object=""),
        chunk(object=None),
        chunk(created=1.5),
        chunk(created=None),
        chunk(choices=[]),
        chunk(usage=None, extra={"a": [1, None]}),
        {"__type__": MODEL, "__data__": {"id": "m", "created": None, "object": "model", "owned_by": None}},
        {"__type__": MODEL, "__data__": {"id": "m", "created": 1.0, "object": "model", "owned_by": "x", "meta": {}}},
    ],
)
def test_objects_come_back_as_the_sdk_builds_them(old, item):
    old.write("a", request(stream=True), stream(item, chunk("b"), item))
    report = old.run()
    assert (report.failed, report.objects) == ({}, 3)
    (items,) = old.outcomes()
    module, _, name = item["__type__"].rpartition(".")
    built = getattr(sys.modules[module], name).construct(**item["__data__"])
    assert type(items[0]) is type(built)
    assert difference(items[0], built, lambda each: each) is None
    assert difference(items[2], built, lambda each: each) is None
    assert items[0].model_dump(mode="json", exclude_unset=True, warnings=False) == item["__data__"]


def test_the_exact_form_is_counted(old):
    old.write("a", request(stream=True), stream(chunk(object=""), chunk()))
    models = [
        {"__type__": MODEL, "__data__": {"id": "m", "created": at, "object": "model", "owned_by": "x"}}
        for at in (None, 1, 1.5)
    ]
    old.write("b", request("/v1/models"), value(models))
    report = old.run()
    assert report.objects == 5
    assert report.exact == 3  # an "", a None, a float
    (listed,) = decoded(old.documents()["openai.models"])
    assert [each.created for each in listed] == [None, 1, 1.5]


def test_streams_of_dicts_and_of_lines(old):
    items = [{"candidates": [{"text": "a"}]}, {"__type__": "not ours"}, "data: {}", "data: [DONE]", None]
    old.write("a", request(), stream(*items))
    assert old.run().objects == 0
    assert old.outcomes() == [items]


def test_numbers_are_not_rounded(old):
    old.write("a", request(), value({"big": 2**70, "small": 0.1}))
    assert old.run().failed == {}
    assert old.outcomes() == [{"big": 2**70, "small": 0.1}]


def test_an_error_is_the_sdks_own(old):
    body = {"message": "no", "type": "invalid_request_error", "param": "p", "code": "c"}
    message = f"Error code: 400 - { ({'error': body}) }"
    old.write(
        "a",
        request(),
        failure(
            category="provider_sdk",
            provider="openai",
            type="BadRequestError",
            message=message,
            status_code=400,
            body=body,
        ),
    )
    assert old.run().failed == {}
    (error,) = old.outcomes()
    assert type(error) is openai.BadRequestError
    assert (str(error), error.body, error.code, error.param) == (message, body, "c", "p")
    assert (error.status_code, error.response.json()) == (400, {"error": body})
    assert str(error.request.url) == "https://api.openai.com/v1/chat/completions"


@pytest.mark.parametrize(("status", "kind"), [(418, "APIStatusError"), (503, "InternalServerError")])
def test_errors_of_other_statuses(old, status, kind):
    old.write(
        "a",
        request(),
        failure(category="provider_sdk", provider="openai", type=kind, message="m", status_code=status, body="<html>"),
    )
    assert old.run().failed == {}
    (error,) = old.outcomes()
    assert (type(error).__name__, error.status_code, error.body) == (kind, status, "<html>")


def test_a_builtin_error(old):
    old.write("a", request(), failure(category="builtin", type="ValueError", message="no"))
    assert old.run().failed == {}
    (error,) = old.outcomes()
    assert (type(error), error.args) == (ValueError, ("no",))


def test_a_type_that_is_not_installed_is_written_under_its_name(old):
    item = {"__type__": "ogx_api.tools.ToolInvocationResult", "__data__": {"content": "found", "metadata": None}}
    tool = {"provider": "tavily", "tool_name": "s", "kwargs": {}}
    old.write("a", tool, value(item))
    old.write("b", tool | {"tool_name": "t"}, value([item, 1]))
    old.write("c", tool | {"tool_name": "u"}, stream(item))
    report = old.run()
    name = "ogx_api.tools:ToolInvocationResult"
    assert (report.failed, report.objects, report.exact) == ({}, 3, 0)
    assert [Path(file).name for file in report.not_installed[name]] == ["a.json", "b.json", "c.json"]
    written = {"__type__": name, "value": item["__data__"]}
    outcomes = [json.loads(file.read_bytes())["outcomes"][0] for file in old.dest.glob("*/*.json")]
    assert {"value": written} in outcomes
    assert {"value": [written, 1]} in outcomes
    assert {"stream": {"of": name, "items": [item["__data__"]], "end": "complete"}} in outcomes


def test_secrets_are_masked_and_named(old):
    old.write("a", request(), value({"text": "use sk-proj-abcdefghijklmnopqrstuv"}))
    report = old.run()
    assert [Path(file).name for file in report.masked] == ["a.json"]
    assert b"abcdefghijkl" not in next(old.dest.glob("*/*.json")).read_bytes()


# Several files


def test_identical_calls_become_one_recording_in_the_order_of_the_files(old):
    for name, text, test in [("1", "a", "t1"), ("2", "b", "t2"), ("3", "a", None), ("4", "a", "t4")]:
        old.write(name, request(messages=["hi"]), stream(chunk(text)), test=test)
    report = old.run()
    assert (report.files, report.imported, report.recordings) == (4, 4, 1)
    document = old.document()
    assert document["test"] == "t1"
    assert ["test" in each for each in document["outcomes"]] == [False, True, True]
    assert [each.get("test", "-") for each in document["outcomes"]] == ["-", "t2", None]
    assert [items[0].choices[0].delta.content for items in old.outcomes()] == ["a", "b", "a"]


def test_importing_again_changes_nothing(old):
    for name, text in [("1", "a"), ("2", "b"), ("3", "a")]:
        old.write(name, request(), stream(chunk(text)), test=name)
    old.run()
    (file,) = old.dest.glob("*/*.json")
    before, at = file.read_bytes(), file.stat().st_mtime_ns
    assert old.run().failed == {}
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, at)


def test_what_is_recorded_there_is_kept(old):
    old.write("1", request(), stream(chunk("a")))
    old.run()
    (old.source / "1.json").unlink()
    old.write("2", request(), stream(chunk("b")), test="t2")
    old.run()
    assert [items[0].choices[0].delta.content for items in old.outcomes()] == ["a", "b"]
    assert [each.get("test") for each in old.document()["outcomes"]] == [None, "t2"]


def test_a_file_of_somebody_elses_is_left_alone(old):
    old.write("1", request(), stream(chunk("a")))
    old.run()
    (file,) = old.dest.glob("*/*.json")
    for foreign in (b'{"mine": 1}', b'{"memo": 1, "fun', b""):
        file.write_bytes(foreign)
        report = old.run()
        assert (len(report.failed), report.imported, report.recordings) == (1, 0, 0)
        assert str(file) in report.failed[str(old.source / "1.json")]
        assert file.read_bytes() == foreign


def test_memos_own_recordings_are_passed_over(old):
    old.write("1", request(), stream(chunk("a")))
    old.dest = old.source
    assert old.run().files == 1
    assert (old.run().files, old.run().failed) == (1, {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[" * 100_000, "RecursionError"),
        ("[]", "no recording of llama-stack"),
        ("{}", "has no request"),
        ({"request": []}, "has a request that is a list"),
        ({"request": {}}, "has no provider"),
        ({"request": {"provider": "x"}}, "has no api"),
        ({"request": request() | {"endpoint": "/v2"}}, "does not end in its endpoint"),
        ({"request": request("/v9/x")}, "which no SDK known here has"),
        ({"request": request()}, "has no response"),
        ({"request": request(), "response": {}}, "has no body"),
        ({"request": request(), "response": {"body": 1, "is_streaming": True}}, "has a body that is a int"),
        ({"request": request(), "response": {"body": 1, "status": "x"}}, "has the status"),
        ({"request": request(), "response": value({"__type__": "os.path.X", "__data__": {}})}, "os.path.X"),
        ({"request": request(), "response": value({"__type__": "openai.OpenAI", "__data__": {}})}, "not a data type"),
        ({"request": request(), "response": value({"__type__": "openai.Nothing", "__data__": {}})}, "no Nothing"),
        ({"request": request(), "response": value({"__type__": 1, "__data__": {}})}, "has a __type__ that is a int"),
        ({"request": request(), "response": value({"__type__": MODEL, "__data__": [1]})}, "__data__ that is a list"),
        ({"request": request(), "response": failure(type="Odd", message="m")}, "of the type Odd"),
        (
            {
                "request": request(),
                "response": failure(category="provider_sdk", provider="acme", type="E", message="m", status_code=400),
            },
            "holds an error of acme",
        ),
        (
            {
                "request": request(),
                "response": failure(
                    category="provider_sdk", provider="openai", type="Odd", message="m", status_code=400
                ),
            },
            "holds a Odd with the status 400",
        ),
    ],
)
def test_what_cannot_be_carried_over_is_named(old, text, reason):
    bad = old.source / "bad.json"
    if isinstance(text, dict):
        bad.write_text(json.dumps(text))
    else:
        bad.write_bytes(text.encode("latin-1"))
    old.write("good", request(), stream(chunk()))
    report = old.run()
    assert (report.files, report.imported) == (2, 1)
    assert report.failed.keys() == {str(bad)}
    assert reason in report.failed[str(bad)]
    assert len(old.documents()) == 1


def test_a_single_file(old):
    old.write("a", request(), stream(chunk()))
    report = import_recordings(old.source / "a.json", old.dest)
    assert (report.imported, report.recordings) == (1, 1)


def test_nothing_to_import(old):
    for source in (old.source, old.source / "no.json"):
        with pytest.raises(errors.InvalidOption):
            import_recordings(source, old.dest)


def test_a_store_that_fails_stops_it(old):
    old.write("a", request(), stream(chunk()))
    old.dest.write_text("a file")
    with pytest.raises(errors.StoreError):
        old.run()


async def test_an_imported_stream_is_replayed(old):
    old.write("a", request(model="m"), stream(chunk("a"), chunk("b")))
    old.run()

    @recordable(name="openai.chat.completions")
    async def live(method, path, query, body, server):
        raise AssertionError
        yield

    with recording(old.dest):
        items = [
            each async for each in live("POST", "/chat/completions", {}, {"model": "m"}, "https://api.openai.com/v1")
        ]
    assert [each.choices[0].delta.content for each in items] == ["a", "b"]
    assert type(items[0]).__name__ == "ChatCompletionChunk"


# The command


def memo(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "memo", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_the_command(old):
    old.write("a", request(), stream(chunk(object="")))
    done = memo("import", "llama-stack", old.source, old.dest)
    assert (done.returncode, done.stderr) == (0, "")
    assert "imported 1 of 1 file: 1 recording in " in done.stdout
    (old.source / "b.json").write_text("{")
    done = memo("import", "llama-stack", old.source, old.dest)
    assert done.returncode == 1
    assert f"{old.source / 'b.json'}: is not JSON" in done.stderr
    done = memo("import", "llama-stack", old.source, old.dest, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert {name: told[name] for name in ("files", "imported", "failed", "recordings", "objects", "exact")} == {
        "files": 2,
        "imported": 1,
        "failed": 1,
        "recordings": 1,
        "objects": 1,
        "exact": 1,
    }
    assert told["failures"][0]["file"] == str(old.source / "b.json")
    assert (told["not_installed"], told["not_installed_types"]) == (0, {})


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_it_counts_on_a_terminal(old):
    old.write("a", request(), stream(chunk()))
    ours, its = os.openpty()
    command = [sys.executable, "-m", "memo", "import", "llama-stack", old.source, old.dest, "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=its) as process:
        os.close(its)
        shown = b""
        while True:  # as it comes: a bar that nobody reads fills the terminal's buffer, and stops
            try:
                shown += os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
        os.close(ours)
        assert json.loads(process.stdout.read())["imported"] == 1
    assert b"1/1 files" in re.sub(rb"\x1b\[[\d;?]*[A-Za-z]", b"", shown)
