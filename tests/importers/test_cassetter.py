"""Cassettes of cassetter: real ones, recorded from a real server by the SDK, and what its format has of its own."""

import json
import os
from typing import Any

import openai
import pytest

import memo
import memo.stores
from memo import recording
from memo.importers.cassetter import import_recordings

cassetter = pytest.importorskip("cassetter")

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx2?|httpcore):ResourceWarning")

SERVER = "https://llm.example/v1"
CUT_EVERY = 1 if "MEMO_FUZZ" in os.environ else 19
WORDS = [
    "yes",
    "on",
    "1:30",
    "2026-01-01",
    "0x1F",
    "1_000",
    "~",
    "<<",
    "=",
    "1e3",
    "",
    "\x00\u2028",
    " é😀\n",
    "[FILTERED",
]
NUMBERS = [1, 1.0, -0.0, 1e-7, 1e22, 2**63, -(2**63), 2**64 - 1, True, None]


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("suffix", ["yaml", "toml"])
async def test_what_a_client_recorded_is_replayed_to_it_typed(tmp_path, server, uses, shown, api_key, gzipped, suffix):
    server.gzipped = gzipped
    cassette, store = tmp_path / f"all.{suffix}", tmp_path / "store"
    options: Any = {"base_url": f"{server.url}/v1", "api_key": api_key, "max_retries": 0}
    aclient, client = openai.AsyncOpenAI(**options), openai.OpenAI(**options)
    with cassetter.use_cassette(cassette, record_mode="all"):
        live = [[shown(await use(each)) for each in (aclient, client)] for use in uses]
    server.stop()

    # What cassetter itself would replay: it keeps what JSON says, not how it was spaced.
    with cassetter.use_cassette(cassette, record_mode="none"):
        cassetters = [[shown(await use(each)) for each in (aclient, client)] for use in uses]

    report = import_recordings(cassette, store)
    assert report.failed == {}
    assert report.interactions == report.imported == 2 * len(uses)
    with memo.install("openai"), recording(store, mode="replay") as recorder:
        replayed = [[shown(await use(each)) for each in (aclient, client)] for use in uses]
    await aclient.close()
    client.close()
    assert recorder.stats.replayed == 2 * len(uses)
    assert replayed == cassetters
    respaced = ("bad_request", "bad_stream", "raw", "read_piece_by_piece")
    assert all(got == was for use, got, was in zip(uses, replayed, live, strict=True) if use.__name__ not in respaced)


# By hand


def ask(**more):
    return {"messages": [{"role": "user", "content": "hello"}], "model": "m", **more}


def say(text="hi"):
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def body(value, kind="application/json"):
    return cassetter._core.process_body(value if isinstance(value, bytes) else json.dumps(value).encode(), kind)


def interaction(request=None, answer=None, *, url=f"{SERVER}/chat/completions", status=200, at="2026-02-20T10:30:01Z"):
    """An interaction as cassetter writes it, filtered as it does."""
    headers = {"content-type": ["application/json"]}
    asked = cassetter.HttpRequest("POST", url, headers, body(ask() if request is None else request))
    answered = cassetter.HttpResponse(status, headers, body(say() if answer is None else answer))
    recorded = cassetter.HttpInteraction(asked, answered, at)
    return cassetter._core.scrub_interaction(recorded, cassetter.SecurityConfig())


class Cassettes:
    """A folder of cassettes, and the store that they go to."""

    def __init__(self, folder) -> None:
        self.source, self.dest = folder / "cassettes", folder / "recordings"
        self.source.mkdir()

    def write(self, name, *interactions):
        cassette = cassetter._core.Cassette()
        for each in interactions:
            cassette.add_interaction(each)
        cassette.save(str(self.source / name))
        return self.source / name

    def run(self):
        return import_recordings(self.source, self.dest)

    def documents(self):
        return [json.loads(file.read_bytes()) for file in sorted(self.dest.rglob("*.json"))]

    def replay(self, **request):
        with (
            openai.OpenAI(api_key="-", base_url=SERVER) as client,
            memo.install("openai"),
            recording(self.dest, mode="replay"),
        ):
            return client.chat.completions.create(**ask(**request)).choices[0].message.content


@pytest.fixture
def cassettes(tmp_path):
    return Cassettes(tmp_path)


@pytest.mark.parametrize("suffix", ["yaml", "toml"])
def test_words_and_numbers_stay_what_they_are(cassettes, suffix):
    metadata = {"words": WORDS, "numbers": NUMBERS, **dict.fromkeys(WORDS, 1)}
    cassettes.write(f"a.{suffix}", interaction(ask(metadata=metadata), say("".join(WORDS))))
    assert cassettes.run().failed == {}
    assert cassettes.replay(metadata=metadata) == "".join(WORDS)


def test_a_recording_is_dated_as_its_interaction(cassettes):
    cassettes.write("a.yaml", interaction(), interaction(at="2026-03-01T00:00:00Z"))
    assert cassettes.run().recordings == 1
    assert cassettes.documents()[0]["recorded_at"] == "2026-02-20T10:30:01Z"


@pytest.mark.parametrize(
    ("request_", "url", "carried"),
    [
        ({"metadata": {"password": "p", "access_token": "t"}}, "", True),  # which identify no call of memo's either
        ({"metadata": {"secret": "s", "token": "t"}}, "", None),
        ({}, "?token=abc", False),
        ({}, "?api_key=abc", True),
    ],
)
def test_what_was_filtered_out_of_a_request(cassettes, request_, url, carried):
    path = cassettes.write("a.yaml", interaction(ask(**request_), url=f"{SERVER}/chat/completions{url}"))
    filtered = "[FILTERED]" in path.read_text()
    report = cassettes.run()
    if carried is None:
        carried = not filtered
    else:
        assert filtered
    if carried:
        assert report.failed == {}
        assert len(cassettes.documents()) == 1
    else:
        assert "was filtered when it was recorded" in report.failed[f"{path}#1"]
        assert cassettes.documents() == []


def test_a_request_that_was_filtered_is_replayed_where_memo_masks_the_same(cassettes):
    metadata = {"password": "p", "access_token": "t"}
    cassettes.write("a.yaml", interaction(ask(metadata=metadata)))
    assert cassettes.run().failed == {}
    assert cassettes.replay(metadata=metadata) == "hi"


def test_other_protocols_are_named(cassettes):
    cassette = cassetter._core.Cassette()
    cassette.add_interaction(interaction())
    frame = cassetter.WsFrame("send", "text", cassetter.Body("text", "hi"))
    cassette.add_ws_interaction(cassetter.WsInteraction("ws://h/x", {}, [frame], "2026-02-20T10:30:01Z"))
    call = cassetter.GrpcRequest("/p.S/M", {}, None), cassetter.GrpcResponse(0, "OK", {}, None)
    cassette.add_grpc_interaction(cassetter.GrpcInteraction(*call, "2026-02-20T10:30:01Z"))
    cassette.save(str(cassettes.source / "a.yaml"))
    report = cassettes.run()
    assert (report.interactions, report.imported) == (3, 1)
    assert sorted(reason.split()[2].rstrip(",") for reason in report.failed.values()) == [
        "grpc_interactions",
        "ws_interactions",
    ]


def test_a_cassette_cut_anywhere_gives_nothing_that_is_not_whole(cassettes, tmp_path):
    path = cassettes.write("a.yaml", interaction(), interaction(ask(n=2), say("two\nlines\n")))
    whole, cut = path.read_text(), tmp_path / "cut.yaml"
    cassettes.run()
    told = {document["key"]: document["outcomes"] for document in cassettes.documents()}
    store = memo.stores.MemoryStore()
    second = whole.index("- request", 60)
    for size in range(0, len(whole) - 2, CUT_EVERY):
        cut.write_text(whole[:size])
        report = import_recordings(cut, store)
        assert report.imported <= 1
        assert report.failed or second - 2 < size < second + 2, size
    for name in store.scan():
        document = json.loads(store.get(name))
        assert document["outcomes"] == told[document["key"]]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.toml", "version = ", "is damaged"),
        ("a.toml", "version = 1\n", "holds no interactions"),
        ("a.toml", "interactions = 3\n", "no list"),
        (
            "a.yaml",
            "version: 1\ninteractions:\n- {request: &r {}, response: {status: 200, body: {type: odd}}}\n",
            "no method",
        ),
        ("a.yaml", "version: 1\ninteractions:\n- request: !!python/object:os.system {}\n", "python/object:os.system"),
    ],
)
def test_files_that_are_no_cassettes(cassettes, name, text, reason):
    (cassettes.source / name).write_text(text)
    report = cassettes.run()
    assert reason in "".join(report.failed.values())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("type: json", "type: odd", "of the type odd"),
        ("status: 200", "status: ok", "has a status that is a str"),
        ("2026-02-20T10:30:01Z", "yesterday", "which is not a time with a zone"),
        ("type: json\n      content:", "type: json\n      content: &a [1]\n      even: *a\n      more:", "aliases"),
        ("type: json\n      content:", "type: binary\n      content: zz\n      more:", "not hexadecimal"),
        ("type: json\n      content:", "type: text\n      content: 5\n      more:", "that is a int"),
    ],
)
def test_interactions_that_are_none(cassettes, old, new, reason):
    path = cassettes.write("a.yaml", interaction())
    path.write_text(path.read_text().replace(old, new, 1))
    assert reason in cassettes.run().failed[f"{path}#1"]


def test_cassettes_of_vcrpy(cassettes):
    (cassettes.source / "a.yaml").write_text(
        "version: 1\ninteractions:\n- request:\n    body: '"
        + json.dumps(ask())
        + "'\n    headers: {}\n    method: POST\n"
        f"    uri: {SERVER}/chat/completions\n  response:\n    body: {{string: '{json.dumps(say())}'}}\n"
        "    headers: {content-type: [application/json]}\n    status: {code: 200, message: OK}\n"
    )
    assert cassettes.run().failed == {}
    assert cassettes.replay() == "hi"


def test_importing_again_changes_nothing(cassettes):
    cassettes.write("a.yaml", interaction(), interaction(answer=say("two")))
    cassettes.write("b.toml", interaction(), interaction(answer=say("three")))
    report = cassettes.run()
    assert (report.imported, report.recordings) == (4, 1)
    assert list(report.later) == [str(cassettes.source / "b.toml#1"), str(cassettes.source / "b.toml#2")]
    before = cassettes.documents()
    again = cassettes.run()
    assert (cassettes.documents(), again.later) == (before, {})
