"""Cassettes of vcrpy: real ones, recorded from a real server by the SDK, and every oddity by hand."""

import base64
import gzip
import json
import logging
import os
import sys
from typing import Any

import openai
import pytest
from cassette_files import JSON, ask, events, interaction, say, text

import memo
import memo.stores
from memo import errors, recording
from memo.importers.vcr import import_recordings
from memo.stores import DirectoryStore

vcr = pytest.importorskip("vcr")

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx2?|httpcore):ResourceWarning")


def clients(url: str, key: str) -> Any:
    options: Any = {"base_url": f"{url}/v1", "api_key": key, "max_retries": 0}
    return openai.AsyncOpenAI(**options), openai.OpenAI(**options)


@pytest.mark.parametrize(
    ("serializer", "gzipped"), [("yaml", False), ("yaml", True), ("json", False)], ids=["yaml", "gzip", "json"]
)
async def test_what_a_client_recorded_is_replayed_to_it_typed(
    tmp_path, server, uses, shown, api_key, organization, serializer, gzipped
):
    server.gzipped = gzipped
    cassette = tmp_path / f"all.{serializer}"
    aclient, client = clients(server.url, api_key)
    with vcr.VCR(serializer=serializer, record_mode="all").use_cassette(str(cassette)):
        live = [[shown(await use(each)) for each in (aclient, client)] for use in uses]
    server.stop()
    assert api_key in cassette.read_text()

    report = import_recordings(cassette, tmp_path / "store")
    assert report.failed == {}
    assert report.interactions == report.imported == 2 * len(uses)
    with memo.install("openai"), recording(tmp_path / "store", mode="replay") as recorder:
        replayed = [[shown(await use(each)) for each in (aclient, client)] for use in uses]
    await aclient.close()
    client.close()
    assert replayed == live
    assert recorder.stats.replayed == 2 * len(uses)
    written = "".join(file.read_text() for file in (tmp_path / "store").rglob("*.json"))
    assert not any(
        secret in written for secret in (api_key, api_key[-4:], organization, "verysecretcookie", "a1B2a1B2")
    )


def test_identical_interactions_are_outcomes_in_their_order(cassettes):
    said = ["one", "two", "two", "one", "one"]
    cassettes.write("a.yaml", *(interaction(answer=say(each)) for each in said))
    report = cassettes.run()
    assert (report.failed, report.interactions, report.imported, report.recordings) == ({}, 5, 5, 1)
    assert [text(each) for each in cassettes.replay(times=5)] == said
    (document,) = cassettes.documents()
    assert len(document["outcomes"]) == 4
    assert not any("seconds" in each for each in document["outcomes"])


def test_importing_again_changes_nothing(cassettes):
    cassettes.write("a.yaml", *(interaction(answer=say(each)) for each in ("one", "two", "one")), interaction(ask("b")))
    cassettes.write("b/c.yml", interaction(answer=say("three")), interaction(ask("c"), say(), code=400))
    first = cassettes.run()
    before = cassettes.files()
    again = cassettes.run()
    assert cassettes.files() == before
    assert len(before) == first.recordings == 3
    assert (again.imported, again.failed, again.later) == (6, {}, {})


def test_another_answer_of_another_cassette_comes_after_and_is_named(cassettes):
    cassettes.write("a.yaml", interaction(answer=say("one")))
    b = cassettes.write("b.yaml", interaction(ask("other")), interaction(answer=say("two")))
    cassettes.write("c.yaml", interaction(answer=say("one")))
    report = cassettes.run()
    assert list(report.later) == [f"{b}#2"]
    assert [text(each) for each in cassettes.replay(times=2)] == ["one", "two"]


def test_two_imports_that_make_the_same_recording_at_once_keep_both_answers(cassettes, tmp_path):
    one = cassettes.write("a.yaml", interaction(answer=say("one")))
    two = cassettes.write("b.yaml", interaction(answer=say("two")))

    class Busy(DirectoryStore):
        """Somebody else writes just before this one does."""

        def create(self, name, data):
            import_recordings(two, DirectoryStore(tmp_path / "busy"))
            return super().create(name, data)

    report = import_recordings(one, Busy(tmp_path / "busy"))
    assert list(report.later) == [f"{one}#1"]
    (file,) = (tmp_path / "busy").rglob("*.json")
    assert len(json.loads(file.read_bytes())["outcomes"]) == 2


def test_what_is_in_the_store_is_kept(cassettes):
    cassettes.write("a.yaml", interaction(answer=say("one")))
    cassettes.run()
    (file,) = cassettes.files()
    document = json.loads(file.read_bytes())
    document["test"], document["recorded_at"] = "tests/t.py::t", "2020-01-01T00:00:00Z"
    file.write_text(json.dumps(document))
    cassettes.write("a.yaml", interaction(answer=say("two")))
    cassettes.run()
    (kept,) = cassettes.documents()
    assert (kept["test"], kept["recorded_at"]) == ("tests/t.py::t", "2020-01-01T00:00:00Z")
    assert [text(each) for each in cassettes.replay(times=2)] == ["one", "two"]

    file.write_text(file.read_text()[:100])
    damaged = cassettes.files()
    report = cassettes.run()
    assert report.failed.keys() == {f"{cassettes.source / 'a.yaml'}#1"}
    assert str(file) in report.failed[f"{cassettes.source / 'a.yaml'}#1"]
    assert cassettes.files() == damaged


def test_a_new_recording_is_dated_as_its_cassette(cassettes):
    path = cassettes.write("a.yaml", interaction())
    os.utime(path, (0, 86400))
    cassettes.run()
    assert cassettes.documents()[0]["recorded_at"] == "1970-01-02T00:00:00Z"


def test_a_stream_with_tool_calls_and_usage(cassettes):
    call = {"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a": 1}'}}
    usage = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    usage["usage"] = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    deltas = [{"role": "assistant", "content": None, "tool_calls": [call]}, {"tool_calls": [more]}, {"content": "é😀"}]
    body = events(*deltas, done=False) + f"data: {json.dumps(usage)}\n\n: keep-alive\n\ndata: [DONE]\n\n"
    cassettes.write("a.yaml", interaction(ask(stream=True), body.replace("\n", "\r\n")))
    assert cassettes.run().failed == {}
    (stream,) = cassettes.replay(ask(stream=True))
    assert isinstance(stream, openai.Stream)
    chunks = list(stream)
    assert chunks[0].choices[0].delta.tool_calls[0].function.name == "f"
    assert chunks[1].choices[0].delta.tool_calls[0].function.arguments == '{"a": 1}'
    assert chunks[2].choices[0].delta.content == "é😀"
    assert chunks[3].usage.total_tokens == 3
    assert len(chunks) == 4
    assert cassettes.documents()[0]["outcomes"][0]["stream"]["end"] == "complete"


@pytest.mark.parametrize(
    ("url", "request_", "client", "query"),
    [
        ("http://127.0.0.1:11434/v1/chat/completions", ask(), {"server": "http://127.0.0.1:11434/v1"}, {}),
        ("https://h.example/openai/v1/chat/completions", ask(), {"server": "https://h.example/openai/v1"}, {}),
        ("https://h.example/chat/completions", ask(), {"server": "https://h.example"}, {}),
        ("https://h.example/a/chat/completions?v=x%20y", ask(), {"server": "https://h.example/a"}, {"v": "x y"}),
    ],
)
def test_several_servers(cassettes, url, request_, client, query):
    assert cassettes.one(request_, url=url) is None
    (document,) = cassettes.documents()
    assert document["arguments"]["server"] == client["server"]
    assert document["arguments"]["query"] == query
    assert text(*cassettes.replay(request_, **client, default_query=query)) == "hi"


@pytest.mark.parametrize(
    ("deployment", "model", "options"),
    [
        ("gpt-4o", "gpt-4o", {}),  # the deployment that the client takes from the model
        ("my%20own", "gpt-4o", {"azure_deployment": "my own"}),
    ],
)
def test_azure(cassettes, deployment, model, options):
    url = f"https://x.openai.azure.com/openai/deployments/{deployment}/chat/completions?api-version=2025-03-01-preview"
    assert cassettes.one(ask(model=model), url=url) is None
    endpoint = {"azure_endpoint": "https://x.openai.azure.com", "api_version": "2025-03-01-preview"}
    with (
        openai.AzureOpenAI(api_key="-", **endpoint, **options) as client,
        memo.install("openai"),
        recording(cassettes.dest, mode="replay"),
    ):
        assert text(client.chat.completions.create(**ask(model=model))) == "hi"


def test_numbers_of_the_request_stay_what_they_are(cassettes):
    body = ask(temperature=1.0, seed=1, metadata={"n": 2**70, "f": 1e-7})
    cassettes.write("a.yaml", interaction(body))
    assert cassettes.run().failed == {}
    assert text(*cassettes.replay(body)) == "hi"


# Bodies


@pytest.mark.parametrize(
    "more",
    [
        {"body": {"string": gzip.compress(json.dumps(say("é😀")).encode())}, "headers": {**JSON, "Content-Encoding": ["gzip"]}},
        {"body": {"string": json.dumps(say("é😀"))}, "headers": {**JSON, "content-encoding": ["br"]}},  # decoded already
        {"body": {"base64_string": base64.b64encode(json.dumps(say("é😀")).encode()).decode()}},
        {"body": {"string": json.dumps(say("é😀"))}, "headers": {}},
        {"parsed_body": say("é😀"), "body": None},
        {"status_code": 200, "content": json.dumps(say("é😀")), "headers": {"content-type": "application/json"}},
    ],
    ids=["gzip", "decoded", "base64", "no headers", "pydantic-ai", "old httpx"],
)  # fmt: skip
def test_bodies_in_every_form(cassettes, more):
    recorded = interaction(answer=None, **more)
    if "status_code" in more:
        del recorded["response"]["status"], recorded["response"]["body"]
    if "parsed_body" in more:
        recorded["request"]["parsed_body"] = json.loads(recorded["request"].pop("body"))
        del recorded["response"]["body"]
    cassettes.write("a.yaml", recorded)
    assert cassettes.run().failed == {}
    assert text(*cassettes.replay()) == "é😀"


def test_brotli(cassettes):
    brotli = pytest.importorskip("brotli")
    body = {"string": brotli.compress(json.dumps(say("é😀")).encode())}
    cassettes.write("a.yaml", interaction(body=body, headers={**JSON, "content-encoding": ["br"]}))
    assert cassettes.run().failed == {}
    assert text(*cassettes.replay()) == "é😀"


def test_a_program_without_the_sdk(cassettes, server):
    requests = pytest.importorskip("requests")
    server.gzipped = True
    with vcr.use_cassette(str(cassettes.source / "named_by_vcrpy_itself")), requests.Session() as session:
        session.post(f"{server.url}/v1/chat/completions", json=ask()).close()
    server.stop()
    assert cassettes.run().failed == {}
    assert text(*cassettes.replay(server=f"{server.url}/v1")) == '{"n": 3}'


def test_anthropic(cassettes, server, shown):
    anthropic = pytest.importorskip("anthropic")
    body: Any = {"model": "c", "max_tokens": 9, "messages": [{"role": "user", "content": "how many?"}]}

    def both(client):
        yield shown(client.messages.create(**body))
        yield [shown(event) for event in client.messages.create(**body, stream=True)]
        with client.messages.stream(**body) as stream:
            yield shown(stream.get_final_message())

    with anthropic.Anthropic(api_key="-", base_url=server.url, max_retries=0) as client:
        with vcr.VCR(record_mode="all").use_cassette(str(cassettes.source / "a.yaml")):
            live = list(both(client))
            client.models.list()
            client.beta.messages.create(**body, betas=["b"])
        server.stop()
        report = cassettes.run()
        assert report.imported == 4  # the list of models as a request
        assert report.failed.keys() == {f"{cassettes.source / 'a.yaml'}#5"}
        with memo.install("anthropic"), recording(cassettes.dest, mode="replay"):
            assert list(both(client)) == live


# Around it


def test_secrets_are_masked_and_named(cassettes, server, api_key):
    with openai.OpenAI(api_key=api_key, base_url=f"{server.url}/v1", max_retries=0) as client:
        with vcr.use_cassette(str(cassettes.source / "a.yaml")), pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(**ask(model="unauthorized"))
        server.stop()
        report = cassettes.run()
        assert report.failed == {}
        assert report.masked == [f"{cassettes.source / 'a.yaml'}#1"]
        written = (cassettes.dest / "openai.chat.completions").rglob("*")
        assert api_key[-4:] not in "".join(file.read_text() for file in written)
        with (
            memo.install("openai"),
            recording(cassettes.dest, mode="replay"),
            pytest.raises(openai.AuthenticationError),
        ):
            client.chat.completions.create(**ask(model="unauthorized"))


def test_the_environment_and_what_runs_at_the_same_time_do_not_matter(cassettes, tmp_path, monkeypatch):
    for name, value in {
        "MEMO_MODE": "replay",
        "MEMO_STORE": str(tmp_path / "elsewhere"),
        "OPENAI_BASE_URL": "http://elsewhere.example",
        "OPENAI_ORG_ID": "o",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    cassettes.write("a.yaml", interaction())
    request = openai._base_client.SyncAPIClient.request
    with memo.install("openai"), recording(tmp_path / "scope", mode="record") as recorder:
        assert cassettes.run().imported == 1
        assert cassettes.run(cassettes.source / "a.yaml").imported == 1
    assert recorder.stats == type(recorder.stats)()
    assert openai._base_client.SyncAPIClient.request is request
    assert {path.name for path in tmp_path.iterdir()} == {"cassettes", "recordings"}
    monkeypatch.delenv("MEMO_MODE")
    monkeypatch.delenv("MEMO_STORE")
    assert text(*cassettes.replay()) == "hi"


def test_nothing_is_logged(cassettes, caplog):
    caplog.set_level(logging.WARNING, "memo")
    cassettes.write(
        "a.yaml", interaction(answer=say("my key is sk-" + "a1B2" * 8)), interaction(answer="oops", code=503)
    )
    report = cassettes.run()
    assert len(report.masked) == len(report.failed) == 1
    assert caplog.records == []


def test_files_of_memos_own_and_hidden_ones_are_passed_over(cassettes):
    cassettes.write("a.yaml", interaction())
    cassettes.text(".DS_Store", "\x00")
    cassettes.text("notes.md", "no cassette")
    import_recordings(cassettes.source, cassettes.source / "recordings")
    report = import_recordings(cassettes.source, cassettes.source / "recordings")
    assert (report.imported, report.failed) == (1, {})


def test_nothing_to_import(tmp_path):
    with pytest.raises(errors.InvalidOption, match="vcrpy"):
        import_recordings(tmp_path, tmp_path / "store")
    with pytest.raises(errors.InvalidOption):
        import_recordings(tmp_path / "not there", tmp_path / "store")


@pytest.mark.parametrize("missing", ["yaml", "openai"])
def test_what_is_not_installed_is_named_with_its_command(cassettes, missing, monkeypatch):
    cassettes.write("a.yaml", interaction())
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(errors.MissingExtra, match=r"pip install 'memo-recorder\[cassettes\]'"):
        cassettes.run()


def test_a_store_that_fails_is_not_the_cassettes_fault(cassettes):
    cassettes.write("a.yaml", interaction())
    cassettes.dest.write_text("a file")
    with pytest.raises(errors.StoreError):
        cassettes.run()


def test_progress(cassettes):
    for name in "abc":
        cassettes.write(f"{name}.yaml", interaction(ask(name)))
    told = []
    import_recordings(cassettes.source, cassettes.dest, lambda done, files: told.append((done, files)))
    assert told == [(1, 3), (2, 3), (3, 3)]
