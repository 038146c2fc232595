"""Secrets in what is stored are found wherever they stand, never shown, and masked so that the recording still replays."""

import asyncio
import base64
import os
import random
import signal
import string
import subprocess
import sys
import time
import warnings
from pathlib import Path

import orjson
import pytest
from countdown import KILLED_AFTER
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator

from memo import recordable, recording
from memo._calls.digest import call_key, entry_name
from memo._json import canonical_json
from memo._recordings.document import FORMAT_VERSION, Document, parse, render
from memo.importers.llama_stack import import_recordings
from memo.maintenance.masking import mask_secrets
from memo.maintenance.scan import scan
from memo.stores import DirectoryStore, MemoryStore

LETTERS = string.ascii_letters + string.digits


def made(length, letters=LETTERS, seed=5):
    return "".join(random.Random(seed).choices(letters, k=length))


# Made here, and not written down: whoever looks for secrets in this repository shall find none.
OPENAI = "sk-proj-" + made(40)
GITHUB = "ghp_" + made(36)
GITLAB = "glpat-" + made(20)
DIGITALOCEAN = "dop_v1_" + made(64, "0123456789abcdef")
PRIVATE = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(made(64, seed=n) for n in range(8))
    + "\n-----END RSA PRIVATE KEY-----"
)
KNOWN_TO_MEMO = (OPENAI, GITHUB, PRIVATE)
FOUND_BY_RULES = (GITLAB, DIGITALOCEAN)
every_secret = pytest.mark.parametrize(
    "secret", [*KNOWN_TO_MEMO, *FOUND_BY_RULES], ids=["openai", "github", "private", "gitlab", "digitalocean"]
)


def put(store, outcomes, arguments=None, *, function="f", test=None):
    """A recording as somebody else wrote it: nothing in it was masked. Its name."""
    data = canonical_json(arguments or {"x": 1})
    key = call_key(function, data)
    document = {
        "memo": FORMAT_VERSION,
        "function": function,
        "key": key,
        "arguments": orjson.loads(data),
        "recorded_at": "2026-11-23T09:30:00Z",
        **({"test": test} if test else {}),
        "outcomes": outcomes,
    }
    name = entry_name(function, key)
    store.put(name, render(Document.from_tree(document)))
    return name


def everything(store):
    return b"".join(store.get(name) for name in store.scan()).decode()


def only_document(store):
    (name,) = store.scan()
    return parse(store.get(name), name).tree()


@pytest.fixture
def store():
    return MemoryStore()


@every_secret
@pytest.mark.parametrize(
    ("outcome", "path", "redacted"),
    [
        (lambda text: {"value": {"text": text}}, "outcomes[0].value.text", "text"),
        (lambda text: {"value": {"deep": [{"a key": text}]}}, 'outcomes[0].value.deep[0]["a key"]', 'deep[0]["a key"]'),
        (
            lambda text: {"stream": {"items": [1, {"d": text}], "end": "complete"}},
            "outcomes[0].stream.items[1].d",
            "[1].d",
        ),
        (
            lambda text: {"error": {"__type__": "ValueError", "args": [text]}},
            "outcomes[0].error.args[0]",
            "args[0]",
        ),
    ],
)
def test_secrets_in_outcomes(store, detectors, secret, outcome, path, redacted):
    name = put(store, [outcome(f"my key is {secret} and that's all")])
    found = scan(store, detectors)
    assert [(each.name, each.path) for each in found.findings] == [(name, path)]
    assert (found.entries, found.size, found.damaged) == (1, len(store.get(name)), {})
    assert found.findings[0].excerpt == "my key is <secret> and that's all"
    done = mask_secrets(store, found.names, detectors)
    assert (done.masked, done.left, done.moved) == (1, {}, {})
    assert secret not in everything(store)
    assert not any(line in everything(store) for line in secret.splitlines() if len(line) == 64)
    assert "my key is <secret> and that's all" in everything(store)
    assert only_document(store)["outcomes"][0]["redacted"] == [redacted]
    assert scan(store, detectors).findings == []


@every_secret
def test_the_secret_is_never_shown(store, detectors, secret):
    put(
        store,
        [{"value": {secret: [f"{secret}", f"a={secret};b={secret}", f"('{secret}',"]}}],
        {"prompt": f"x {secret}", "headers": [["x-key", secret]]},
        test=secret,
    )
    found = scan(store, detectors)
    assert len(found.findings) >= 4
    shown = repr(found)
    assert not any(part in shown for part in (secret, secret[:12], secret[-12:]))


def test_a_name_that_can_only_be_a_credentials(store, detectors):
    put(store, [{"value": {"password": "hunter2", "tokens": 7}}])
    (finding,) = scan(store, detectors).findings
    assert (finding.path, finding.detectors, finding.excerpt) == ("outcomes[0].value.password", ("memo",), "<secret>")
    mask_secrets(store, [finding.name], detectors)
    assert only_document(store)["outcomes"] == [
        {"value": {"password": "<secret>", "tokens": 7}, "redacted": ["password"]}
    ]


def test_a_long_line_that_is_no_json_is_searched_in_linear_time(store, detectors):
    store.put("f/" + "0" * 32, b'{"embedding":[' + b"0.0123," * 30_000 + b'"' + OPENAI.encode() + b'"')
    began = time.thread_time()
    [finding] = scan(store, detectors).findings
    assert finding.excerpt == "<secret>"
    assert time.thread_time() - began < 2


def test_a_secret_in_base64(store, detectors):
    hidden = base64.b64encode(f"token {GITLAB}".encode()).decode()
    put(store, [{"value": {"page": hidden}}])
    (finding,) = scan(store, detectors).findings
    assert finding.path == "outcomes[0].value.page"
    assert mask_secrets(store, [finding.name], detectors).left == {}
    assert hidden not in everything(store)


def test_what_is_random_and_no_secret(store, detectors):
    put(
        store,
        [
            {"value": {"id": f"chatcmpl-{made(29)}", "call": f"call_{made(24)}", "hash": made(64, "0123456789abcdef")}},
            {"value": {"fingerprint": "fp_44709d6fcb", "etag": f'W/"{made(27)}"', "image": made(4000)}},
            {"value": [0.0123456789 * n for n in range(300)]},
            {
                "value": {
                    "type": "object",
                    "properties": {"password": {"type": "string"}, "api_key": {"type": "string"}},
                }
            },
            {"value": "set OPENAI_API_KEY=your-api-key-here, or pass Bearer <token>; key: ****"},
        ],
        {"messages": [{"role": "user", "content": "What is the password policy? My token budget is 4096."}]},
    )
    assert scan(store, detectors).findings == []


def test_the_real_corpus_has_none(corpus, tmp_path, detectors):
    import_recordings(corpus / "dev" / "inference", tmp_path / "store")
    found = scan(DirectoryStore(tmp_path / "store"), detectors)
    assert found.entries > 40
    assert (found.findings, found.damaged) == ([], {})


# In the call


def test_a_credential_in_the_call_is_left_out_and_the_call_found_again(tmp_path, detectors):
    @recordable(name="ask")
    async def ask(prompt: str, api_key: str, headers: dict) -> str:
        raise AssertionError("called")

    store = DirectoryStore(tmp_path)
    name = put(
        store,
        [{"value": "answer"}],
        {"prompt": f"use {OPENAI}", "api_key": "k", "headers": {"Authorization": "Basic x", "a": 1}},
        function="ask",
    )
    found = scan(store, detectors)
    assert {each.path for each in found.findings} == {
        "arguments.prompt",
        "arguments.api_key",
        "arguments.headers.Authorization",
    }
    done = mask_secrets(store, found.names, detectors)
    assert list(done.moved) == [store.location(name)]
    with recording(store, mode="replay"):
        assert asyncio.run(ask(f"use {OPENAI}", "another", {"a": 1})) == "answer"


def test_a_secret_in_the_call_that_memo_does_not_know(tmp_path, detectors):
    @recordable(name="ask", scrub={"prompt": lambda text: text.replace(GITLAB, "<secret>")})
    async def ask(prompt: str) -> str:
        raise AssertionError("called")

    store = DirectoryStore(tmp_path)
    put(store, [{"value": "answer"}], {"prompt": f"use {GITLAB}"}, function="ask")
    mask_secrets(store, scan(store, detectors).names, detectors)
    with recording(store, mode="replay"):
        assert asyncio.run(ask(f"use {GITLAB}")) == "answer"


def test_calls_that_differ_in_their_secrets_alone(store, detectors):
    first = put(store, [{"value": 1}], {"prompt": f"use glpat-{made(20, seed=1)}"})
    second = put(store, [{"value": 2}], {"prompt": f"use glpat-{made(20, seed=2)}"})
    done = mask_secrets(store, scan(store, detectors).names, detectors)
    assert (done.masked, len(done.left)) == (1, 1)
    assert "would be the same call" in next(iter(done.left.values()))
    assert len(list(store.scan())) == 2
    assert {first, second} & set(store.scan())


def test_a_secret_in_the_functions_name_stays_and_is_reported(store, detectors):
    name = put(store, [{"value": 1}], function=f"f {GITLAB}")
    found = scan(store, detectors)
    assert [each.path for each in found.findings] == ["function"]
    assert list(mask_secrets(store, found.names, detectors).left) == [store.location(name)]


# What can be read after


class Token(BaseModel):
    text: str
    key: str = ""

    @field_validator("key")
    @classmethod
    def long(cls, key: str) -> str:
        if key and len(key) < 20:
            raise ValueError("too short to be a key")
        return key


@recordable(name="make")
async def make(kind: str) -> Token:
    return Token(text="hello", key="k" * 30) if kind == "key" else Token(text="here: " + "k" * 30)


def with_secret(store, kind):
    with recording(store, mode="record"):
        asyncio.run(make(kind))
    (name,) = store.scan()
    document = parse(store.get(name), name).tree()
    document["outcomes"] = orjson.loads(orjson.dumps(document["outcomes"]).replace(b"k" * 30, GITLAB.encode()))
    store.put(name, render(Document.from_tree(document)))
    return name


def test_what_is_masked_is_replayed(store, detectors):
    with_secret(store, "text")
    done = mask_secrets(store, scan(store, detectors).names, detectors)
    assert (done.masked, done.unproved) == (1, [])
    with recording(store, mode="replay"):
        assert asyncio.run(make("text")) == Token(text="here: <secret>")


def test_what_its_type_would_refuse_is_left_as_it_was(store, detectors):
    name = with_secret(store, "key")
    before = store.get(name)
    done = mask_secrets(store, scan(store, detectors).names, detectors)
    assert (done.masked, list(done.left)) == (0, [store.location(name)])
    assert "could not be read back" in done.left[store.location(name)]
    assert store.get(name) == before


def test_types_that_are_not_at_hand(store, detectors):
    put(store, [{"value": {"__type__": "not_imported_here:Thing", "value": {"text": GITLAB}}}])
    done = mask_secrets(store, scan(store, detectors).names, detectors)
    assert (done.masked, len(done.unproved)) == (1, 1)
    assert GITLAB not in everything(store)


def test_masking_says_the_paths_that_the_recorder_says(tmp_path, detectors):
    answer = {"reply": f"it is {OPENAI}", "all": [f"{GITHUB} and {GITHUB}", {"deep": OPENAI}], "password": "x"}

    @recordable(name="f")
    async def f() -> dict:
        return answer

    theirs, ours = MemoryStore(), MemoryStore()
    with recording(theirs, mode="record"):
        asyncio.run(f())
    put(ours, [{"value": answer}], {"x": 1})
    mask_secrets(ours, scan(ours, detectors).names, detectors)
    one, other = only_document(theirs)["outcomes"][0], only_document(ours)["outcomes"][0]
    assert one["value"] == other["value"]
    assert sorted(one["redacted"]) == sorted(other["redacted"])


# Damaged, and killed


def test_half_a_file_is_searched_and_not_masked(tmp_path, detectors):
    store = DirectoryStore(tmp_path)
    name = put(store, [{"value": f"my key is {GITLAB}"}])
    data = store.get(name)
    store.put(name, data[:-6])
    (Path(store.location(name)).parent / "directory.json").mkdir()
    found = scan(store, detectors)
    assert [(each.path, each.excerpt.count("<secret>")) for each in found.findings] == [("", 1)]
    assert {Path(place).name for place in found.damaged} == {"directory.json", Path(store.location(name)).name}
    assert GITLAB not in repr(found)
    done = mask_secrets(store, found.names, detectors)
    assert list(done.left) == [store.location(name)]
    assert store.get(name) == data[:-6]


KILLED = """
import sys
from memo.maintenance.masking import mask_secrets
from memo.maintenance.scan import Detectors, scan
from memo.stores import DirectoryStore

store, left, detectors = DirectoryStore(sys.argv[1]), int(sys.argv[2]), Detectors()
names = scan(store, detectors).names
"""
LAST = "mask_secrets(store, names, detectors)"


@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_a_killed_process_loses_nothing_and_is_finished_by_the_next(tmp_path, detectors, after):
    store = DirectoryStore(tmp_path / "store")
    for x in range(2):
        put(store, [{"value": f"a{x}"}, {"value": OPENAI}], {"prompt": f"{x} {GITHUB}"})
        put(store, [{"value": f"b{x}"}, {"value": GITHUB}], {"prompt": f"{x}"})
    done = subprocess.run(
        [sys.executable, "-c", KILLED + KILLED_AFTER + LAST, str(tmp_path / "store"), str(after)],
        check=False,
        env={"PATH": "", "TMPDIR": str(tmp_path / "tmp"), "KF_RULE_CACHE_DIR": os.environ["KF_RULE_CACHE_DIR"]},
    )
    assert done.returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("tmp/*/*"))  # no secret is left lying about
    assert all(f'"{name}{x}"' in everything(store) for name in "ab" for x in range(2))
    mask_secrets(store, scan(store, detectors).names, detectors)
    assert len(list(store.scan())) == 4
    assert scan(store, detectors).findings == []
    assert all(f'"{name}{x}"' in everything(store) for name in "ab" for x in range(2))


secrets = st.sampled_from([*KNOWN_TO_MEMO, *FOUND_BY_RULES])
texts = st.text(max_size=12)
leaves = st.none() | st.integers(0, 9) | texts | st.tuples(texts, secrets, texts).map(" ".join)
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@settings(max_examples=50)
@given(trees, st.dictionaries(texts.filter(lambda name: name != "__type__"), trees, max_size=3))
def test_nothing_is_left_and_nothing_else_changes(detectors, value, arguments):
    store = MemoryStore()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        name = put(store, [{"value": value}], arguments)
        before = store.get(name)
        found = scan(store, detectors)
        if not found.findings:
            return
        assert mask_secrets(store, found.names, detectors).left == {}
    assert scan(store, detectors).findings == []
    text = everything(store)
    assert not any(secret in text for secret in (*KNOWN_TO_MEMO, *FOUND_BY_RULES))
    assert text.count("<secret>") >= 1
    assert store.get(name) != before


CUT = "my key is sk-proj-abcdefghijklmnop0123456789 and that is all"


@pytest.mark.parametrize("size", [3, 4, 9])
@pytest.mark.parametrize("wrap", [lambda piece: piece, lambda piece: {"delta": {"content": piece}, "index": 0}])
def test_a_secret_cut_over_the_items_of_a_stream_is_found_and_masked(store, detectors, size, wrap):
    pieces = [CUT[at : at + size] for at in range(0, len(CUT), size)]
    put(store, [{"stream": {"items": [wrap(piece) for piece in pieces], "end": "complete"}, "seconds": 0.1}])
    found = scan(store, detectors)
    assert found.findings
    assert all("memo" in finding.detectors for finding in found.findings)
    assert mask_secrets(store, found.names, detectors).masked == 1
    items = only_document(store)["outcomes"][0]["stream"]["items"]
    texts = [item if isinstance(item, str) else item["delta"]["content"] for item in items]
    assert list(map(len, texts)) == list(map(len, pieces))
    assert "".join(texts).startswith("my key is <secret>***")
    assert scan(store, detectors).findings == []
