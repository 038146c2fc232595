"""What of a cassette cannot be carried over: it is named, with the reason, and stops nothing else."""

import gzip
import json
import os

import pytest
import yaml
from cassette_files import SERVER, ask, events, interaction, say

import memo
import memo.stores
from memo.importers.vcr import import_recordings

vcr = pytest.importorskip("vcr")
CUT_EVERY = 1 if "MEMO_FUZZ" in os.environ else 29

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx2?|httpcore):ResourceWarning")


def test_every_interaction_is_carried_over_or_named_by_its_number(cassettes):
    path = cassettes.write(
        "a.yaml",
        interaction(ask("one")),
        interaction("", {"temperature": 3}, url="ftp://weather.example/today?api_key=sk-0123456789abcdefghij", method="GET"),
        interaction(ask("two"), {"error": {"message": "slow down"}}, code=429),
        interaction(ask("two")),
    )  # fmt: skip
    report = cassettes.run()
    assert (report.interactions, report.imported, report.recordings) == (4, 2, 2)
    assert report.failed.keys() == {f"{path}#2", f"{path}#3"}
    assert (
        "has the url ftp://weather.example/today?api_key=<secret>, which is not one of HTTP"
        in report.failed[f"{path}#2"]
    )
    assert "429" in report.failed[f"{path}#3"]
    told = report.counts()
    assert (told["interactions"], told["imported"], told["failed"]) == (4, 2, 2)
    assert [(each["file"], each["interaction"]) for each in told["failures"]] == [(str(path), 2), (str(path), 3)]
    assert "sk-0123456789" not in json.dumps(told)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_is_no_answer_is_not_carried_over(cassettes, status):
    assert f"answered with {status}, which says nothing about the call" in cassettes.one(answer="oops", code=status)


@pytest.mark.parametrize("status", [100, 301, 304, 600, 40])
def test_what_is_neither_an_answer_nor_an_error_is_not_carried_over(cassettes, status):
    assert f"answered with the status {status}," in cassettes.one(answer="oops", code=status)


@pytest.mark.parametrize(
    ("request_", "answer", "more", "reason"),
    [
        (None, [1], {}, "answered without choices"),
        (None, {"error": "?"}, {}, "answered without choices"),
        (None, '{"choices": [', {}, "is not JSON"),
        (None, "", {}, "is not JSON"),
        (ask(stream=True), say(), {}, "without any event"),
        (ask(stream=True), events({"content": "a"})[:-30], {}, "middle of an event"),
        (ask(stream=True), "data: {no json}\n\n", {}, "JSONDecodeError"),
        ("a=b&c=d", None, {}, "not a JSON object"),
        ("[1]", None, {}, "not a JSON object"),
        ("", None, {}, "not a JSON object"),
        (b"\xff\x00", None, {}, "not a JSON object"),
        (None, None, {"status": 200}, "has a status that is a int"),
        (None, None, {"status": {"code": "200"}}, "has a code that is a str"),
        (None, None, {"body": {"string": 5}}, "response body that is a int"),
        (None, None, {"body": {"base64_string": "!!"}}, "not base64"),
        (None, None, {"headers": {"content-type": [5]}}, "has a header that is a int"),
        (None, None, {"body": {"string": gzip.compress(b"{}")[:12]}, "headers": {"content-encoding": ["gzip"]}}, "not JSON"),
        (None, None, {"body": {"string": b"\xff\xfe"}, "headers": {"content-encoding": ["gzip"]}}, "that is not gzip"),
        (None, None, {"body": {"string": b"\xff\xfe"}, "headers": {"content-encoding": ["rot13"]}}, "body in rot13"),
    ],
)  # fmt: skip
def test_what_is_no_call_or_no_whole_answer_is_named(cassettes, request_, answer, more, reason):
    assert reason in cassettes.one(request_, answer, **more)
    assert cassettes.documents() == []


@pytest.mark.parametrize("query", ["limit=2", "x=true", "x=", "a[b]=c", "x=a&x=b", "x=1e5"])
def test_a_query_whose_types_the_url_does_not_tell(cassettes, query):
    assert "in its query" in cassettes.one(url=f"{SERVER}/chat/completions?{query}")


@pytest.mark.parametrize(
    ("text_", "reason"),
    [
        ("", "is empty"),
        ("just text", "holds no interactions"),
        ("- request: {}\n", "holds no interactions"),
        ("a: 1\n", "holds no interactions"),
        ("interactions: 3\n", "that are no list"),
        ("interactions: []\n", "was cut off"),
        ("interactions:\n- {a: [}\n", "line 2"),
        ("interactions: [{request: {}, \x00", "is damaged"),
        (b"\xff\xfe\xff", "is damaged"),
        ("version: 1\ninteractions:\n- 5\n", "has no request"),
        ("version: 1\ninteractions:\n- request: {}\n", "has no response"),
        ("version: 1\ninteractions:\n- request: 5\n  response: {}\n", "has a request that is a int"),
        (
            "version: 1\ninteractions:\n- !!python/object/apply:os.system ['touch pwned']\n",
            "python/object/apply:os.system",
        ),
        ("interactions:\n- " + "[" * 5000, "nested too deep"),
        ("interactions:\n- " + "[" * 201, "nested too deep"),
        ("version: 1\nhttp_interactions:\n- request: {}\n", "stands in http_interactions"),
    ],
)
def test_files_that_are_no_cassettes(cassettes, text_, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cassettes.text("a.yaml", text_)
    assert reason in cassettes.reason()
    assert cassettes.documents() == []
    assert not (tmp_path / "pwned").exists()


def test_one_interaction_of_a_forbidden_kind_does_not_spoil_the_others(cassettes):
    whole = yaml.dump({"interactions": [interaction(ask("a")), interaction(ask("b"))]})
    whole = whole.replace("interactions:", "version: 1\ninteractions:") + "- request: !!python/object:os.system {}\n"
    path = cassettes.text("a.yaml", whole)
    report = cassettes.run()
    assert (report.imported, report.failed.keys()) == (2, {f"{path}#3"})


def test_a_bomb_of_aliases_does_not_go_off(cassettes):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    request = "{method: POST, uri: 'https://llm.example/v1/chat/completions', parsed_body: {messages: *a11}}"
    entry = f"- request: {request}\n  response: {{status: {{code: 200}}, headers: {{}}, body: {{string: '{{}}'}}}}\n"
    cassettes.text("a.yaml", "version: 1\n" + "\n".join(levels) + "\ninteractions:\n" + entry)
    assert "aliases" in cassettes.reason()


def test_headers_may_be_aliases(cassettes):
    shared = {"content-type": ["application/json"]}
    path = cassettes.write("a.yaml", *(interaction(ask(each), headers=shared) for each in "ab"))
    assert "*id" in path.read_text()
    assert (cassettes.run().imported, cassettes.run().failed) == (2, {})


def test_a_cassette_cut_anywhere_gives_nothing_that_is_not_whole(cassettes, tmp_path):
    stream = interaction(ask(stream=True), events({"content": "a"}, {"content": "b"}))
    path = cassettes.write("a.yaml", interaction(), stream, interaction(ask("last"), {"error": {}}, code=404))
    whole, cut = path.read_text(), tmp_path / "cut.yaml"
    cassettes.run()
    told = {document["key"]: document["outcomes"] for document in cassettes.documents()}
    store = memo.stores.MemoryStore()
    for size in range(0, len(whole), CUT_EVERY):
        cut.write_text(whole[:size])
        report = import_recordings(cut, store)
        assert report.failed, size
        assert report.imported >= whole[:size].count("OK\n- "), size
    for name in store.scan():
        document = json.loads(store.get(name))
        assert document["outcomes"] == told[document["key"]]
