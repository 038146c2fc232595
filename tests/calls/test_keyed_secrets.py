"""What is no part of a call: what an SDK was not given, and credentials, which are not written either."""

import orjson
import pytest
from keyed import SECRET, Message, Pair, document, key, take
from pydantic import SecretStr

import memo
from memo import recordable, recording
from memo.stores import MemoryStore


def test_what_an_sdk_was_not_given_is_left_out():
    openai = pytest.importorskip("openai")
    from openai._types import Omit

    one = {"a": 1, "b": openai.NOT_GIVEN, "c": [1, Omit(), {"d": openai.NOT_GIVEN}]}
    assert document(take, one)["arguments"]["value"] == {"a": 1, "c": [1, {}]}
    assert "more" not in document(take, 1, openai.NOT_GIVEN)["arguments"]


CREDENTIALS = """
    api_key apikey x-api-key X-API-Key OPENAI_API_KEY authorization Authorization Proxy-Authorization access_token
    refresh_token client_secret password passwd passphrase cookie Set-Cookie cookies private_key aws_secret_access_key
    session_token credentials secret_key id_token bearer_token
""".split()


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_is_neither_keyed_nor_written(name):
    stored = document(take, {"headers": {name: "hunter2", "Accept": "json"}})
    assert stored["arguments"]["value"] == {"headers": {"Accept": "json"}}
    assert (
        stored["key"] == key({"headers": {name: "another", "Accept": "json"}}) == key({"headers": {"Accept": "json"}})
    )
    assert document(take, {name: "hunter2", 1: 2})["arguments"] == document(take, {1: 2})["arguments"]


def test_a_credential_parameter_is_neither_keyed_nor_written():
    @recordable
    def search(query, api_key=None, *, authorization=None, **more): ...

    stored = document(search, "q", "hunter2", authorization="Basic x", access_token="t", page=1)
    assert stored["arguments"] == {"query": "q", "more": {"page": 1}}
    assert b"hunter2" not in orjson.dumps(stored)


@pytest.mark.parametrize(
    "name", ["token", "key", "auth", "secret", "tokens", "max_tokens", "keyboard", "cookie_count", "author", "session"]
)
def test_a_name_that_may_be_data_is_keyed(name):
    assert key({name: "a"}) != key({name: "b"})
    assert document(take, {name: "a"})["arguments"]["value"] == {name: "a"}


def test_secrets_extends_the_names():
    def f(tenant_pin, config): ...

    stored = document(recordable(secrets=("Tenant-Pin", "dsn"))(f), "1234", {"DSN": "x", "a": 1})
    assert stored["arguments"] == {"config": {"a": 1}}
    store = MemoryStore()
    with recording(store, mode="record", secrets="tenant_pin"):
        recordable(f)("1234", {"tenant-pin": 1})
    assert orjson.loads(store.get(next(store.scan())))["arguments"] == {"config": {}}


def test_a_secret_str_is_masked():
    stored = document(take, {"a": SecretStr("hunter2")}, Message(content=SecretStr("hunter2")))
    assert b"hunter2" not in orjson.dumps(stored)
    assert stored["key"] == document(take, {"a": SecretStr("x")}, Message(content=SecretStr("y")))["key"]


SHAPES = {
    "openai": "sk-abcdefghijklmnopqrstuvwxyz012345",
    "openai project": SECRET,
    "anthropic": "sk-ant-api03-abcdefghijklmnop_q-rs",
    "bearer": "Bearer abcdefghijklmnop.qrst",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": "AIza" + "a1" * 17 + "b",
    "github": "ghp_" + "a1" * 18,
    "github fine": "github_pat_" + "a1" * 15,
    "slack": "xoxb-123456789012-abc",
    "hugging face": "hf_" + "aB" * 16,
    "groq": "gsk_" + "aB" * 22,
    "tavily": "tvly-dev-" + "aB" * 12,
    "stripe": "sk_live_" + "aB" * 12,
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    "pem cut": "-----BEGIN PRIVATE KEY-----\nMIIB",
    "url": "postgres://ann:hunter2@db/x",
    "url without user": "redis://:hunter2@db/0",
}


@pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES)
def test_a_value_in_the_shape_of_a_secret_is_masked(secret):
    for value in (
        f"é use {secret} now",
        [secret],
        {secret: 1},
        {1: secret},
        Message(content=secret),
        {secret},
        secret.encode(),
        Pair(secret, 1),
    ):
        stored = document(take, value)
        written = orjson.dumps(stored).decode()
        assert "<secret>" in written
        assert secret not in orjson.loads(f"[{written}]").__repr__()
        assert "hunter2" not in written


def test_the_same_call_is_the_same_call_again_with_a_secret_in_it_and_without_one(tmp_path):
    asked = []
    cache = memo.Recorder(tmp_path, mode="record-if-missing")
    ask = cache.recordable(name="ask")(asked.append)
    for _ in range(3):
        for each in ("plain", f"use {SECRET}", "plain", "use sk-proj-0123456789abcdefghij"):
            ask(each)
    assert asked == ["plain", f"use {SECRET}", "use sk-proj-0123456789abcdefghij"]
    assert all(SECRET not in path.read_text() for path in tmp_path.rglob("*.json"))


def test_two_secrets_are_one_call():
    assert key(f"use {SECRET}") == key("use sk-proj-0123456789abcdefghij") != key("use")
