"""Secrets in outcomes: masked on disk and nowhere else; what only looks a little alike is left alone."""

import logging
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from memo import recordable, recording
from memo._calls.secret_names import judge
from memo._calls.secrets import MASK, SecretRules, mask, may_hold, may_hold_secret
from memo.errors import UnrecordableValue
from memo.stores import MemoryStore

KEY = "sk-proj-abcdefghijklmnop0123"
HIDDEN = "hunter2-hunter2"


class Login(BaseModel):
    user: str
    password: str = ""
    note: Any = None


@dataclass
class Session:
    access_token: str
    pages: list[Any] = field(default_factory=list)


Pair = namedtuple("Pair", "client_secret b")  # noqa: PYI024


class Denied(Exception):
    def __init__(self, text, headers=None):
        super().__init__(text)
        self.headers = headers


def everything(folder: Path) -> bytes:
    """All the bytes of all the files, and their names."""
    return b"\n".join(str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


def outcome(folder: Path) -> dict[str, Any]:
    [path] = folder.rglob("*.json")
    return orjson.loads(path.read_bytes())["outcomes"][0]


VALUES = {
    "text": (f"use {KEY} now", ""),
    "in a list": (["a", KEY], "[1]"),
    "in a mapping": ({"a": {"b": [KEY]}}, "a.b[0]"),
    "under structural names": ({"of": KEY, "zone": KEY, "value": 1}, "of"),
    "a mapping's key": ({"a": {KEY: 1}}, "a.<secret>"),
    "by name": ({"password": HIDDEN, "user": "ann"}, "password"),
    "by name, deep": ({"headers": {"Set-Cookie": HIDDEN, "X-Api-Key": HIDDEN}}, "headers.Set-Cookie"),
    "under a name": ({"credentials": {"a": HIDDEN, "b": [HIDDEN]}}, "credentials.a"),
    "header list": ([["authorization", HIDDEN], ["accept", "x"]], "[0][1]"),
    "header tuples": ([("cookie", HIDDEN), ("accept", "x")], "[0][1]"),
    "odd mapping": ({1: 2, "password": HIDDEN, KEY: 3}, "[1][1]"),
    "a model's field": (Login(user="ann", password=HIDDEN), "password"),
    "in a model": (Login(user=KEY, note={"x": KEY}), "user"),
    "models": ([Login(user="a", password=HIDDEN), Login(user="b")], "[0].password"),
    "a dataclass's field": (Session(HIDDEN, [KEY]), "access_token"),
    "a tuple": ((1, (KEY,)), "[1][0]"),
    "a set": ({KEY}, "[0]"),
    "bytes": (f"Authorization: Bearer {HIDDEN}.{HIDDEN}".encode(), ""),
    "a secret str": ({"a": SecretStr(HIDDEN)}, "a"),
    "a url": (f"postgres://ann:{HIDDEN}@db/x", ""),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_secret_in_a_value_is_masked_on_disk_listed_logged_and_given_to_the_caller(case, tmp_path, caplog):
    value, path = VALUES[case]
    login = recordable(name="login")(lambda: value)
    with recording(tmp_path, mode="record-if-missing"):
        got = login()
    assert got is value
    assert KEY.encode() not in everything(tmp_path)
    assert HIDDEN.encode() not in everything(tmp_path)
    assert path in outcome(tmp_path)["redacted"]
    [record] = [record for record in caplog.records if record.name == "memo"]
    assert record.levelno == logging.WARNING
    assert "login" in record.getMessage()
    assert f" at {path or 'the value itself'}" in record.getMessage()
    assert KEY not in caplog.text
    assert HIDDEN not in caplog.text
    with recording(tmp_path):
        again = login()
    assert type(again) is type(value)
    assert MASK in repr(again) or "**********" in repr(again)


async def test_a_secret_in_a_stream_is_masked(tmp_path, caplog):
    @recordable
    async def stream():
        yield "fine"
        yield {"a": [KEY]}
        yield Login(user="ann", password=HIDDEN)

    with recording(tmp_path, mode="record"):
        got = [each async for each in stream()]
    assert got == ["fine", {"a": [KEY]}, Login(user="ann", password=HIDDEN)]
    assert outcome(tmp_path)["redacted"] == ["[1].a[0]", "[2].password"]
    assert not any(secret.encode() in everything(tmp_path) for secret in (KEY, HIDDEN))
    assert "[1].a[0]" in caplog.text
    with recording(tmp_path):
        assert [each async for each in stream()] == ["fine", {"a": [MASK]}, Login(user="ann", password=MASK)]


async def test_a_secret_in_an_error_is_masked(tmp_path):
    @recordable
    async def refuse():
        error = Denied(f"wrong key: {KEY}", {"authorization": HIDDEN})
        error.add_note(f"tried {KEY}")
        raise error

    with recording(tmp_path, mode="record"), pytest.raises(Denied, match=KEY):
        await refuse()
    assert not any(secret.encode() in everything(tmp_path) for secret in (KEY, HIDDEN))
    assert outcome(tmp_path)["redacted"]
    with recording(tmp_path), pytest.raises(Denied, match=f"wrong key: {MASK}") as raised:
        await refuse()
    assert raised.value.headers == {"authorization": MASK}
    assert raised.value.__notes__ == [f"tried {MASK}"]


def test_a_stream_that_fails_masks_its_error_too(tmp_path):
    @recordable
    def stream():
        yield 1
        raise Denied(KEY)

    with recording(tmp_path, mode="record"), pytest.raises(Denied):
        list(stream())
    assert KEY.encode() not in everything(tmp_path)
    assert outcome(tmp_path)["redacted"]


def test_secrets_extends_the_names_of_outcomes_too(tmp_path):
    f = recordable(secrets="tenant_pin")(lambda: {"tenant-pin": HIDDEN, "dsn": HIDDEN})
    with recording(tmp_path, mode="record", secrets=["DSN"]):
        f()
    assert HIDDEN.encode() not in everything(tmp_path)
    assert outcome(tmp_path)["redacted"] == ["tenant-pin", "dsn"]


def test_what_cannot_be_read_back_masked_is_not_written(tmp_path):
    class Strict(BaseModel):
        password: bytes
        size: int

        def model_post_init(self, _):
            if len(self.password) != self.size:
                raise ValueError("size")

    got = None
    with pytest.raises(UnrecordableValue, match="secret") as raised, recording(tmp_path, mode="record"):  # noqa: PT012
        f = recordable(_returning(Strict))
        got = f()
    assert got == Strict(password=HIDDEN.encode(), size=len(HIDDEN))
    assert HIDDEN not in str(raised.value)
    assert everything(tmp_path) == b""


def _returning(kind):
    def f():
        return kind(password=HIDDEN.encode(), size=len(HIDDEN))

    f.__annotations__["return"] = kind
    return f


ORDINARY = [
    "task-based desk-top risk-averse sk-learn mask-rcnn",
    "disk-abcdefghijklmnopqrstuvwxyz",
    "the bearer of good news, Bearer bonds",
    "https://example.com/a?b=c#d mail ann@example.com",
    "see http://localhost:8080/x and write to a@b.c",
    "ssh://git@github.com/a/b",
    "https://user@example.com/",
    "eyJust a word. eyJ.eyJ.x",
    "AKIAnotakey ASIAN food",
    "xox- the game, hf_model, gsk_x, tvly-",
    "BEGIN PUBLIC KEY ----- -----BEGIN CERTIFICATE-----",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "password: see the safe; api_key=",
    "d41d8cd98f00b204e9800998ecf8427e",
    "sk-short",
    "ghp_short",
    "10:30@noon, a:b@c",
    {"token": "the", "key": "C major", "secret": "of success", "auth": "or", "session": 4, "tokens": [1, 2]},
    {"logprobs": [{"token": "Bear", "bytes": [1, 2]}]},
    ["cookies", "milk"],
    ["password", "user"],
    {"required": ["password", "user"], "properties": {"password": {"type": "string", "description": "Yours"}}},
    {"password": None, "cookies": 12, "api_key": ""},
]


@pytest.mark.parametrize("value", ORDINARY, ids=range(len(ORDINARY)))
def test_ordinary_text_is_left_alone(value, tmp_path):
    with recording(tmp_path, mode="record"):
        recordable(name="f")(lambda: value)()
    assert "redacted" not in outcome(tmp_path)
    with recording(tmp_path):
        assert recordable(name="f")(lambda: None)() == value


def test_an_item_that_cannot_be_read_back_masked_is_named_by_its_place(tmp_path):
    class Strict(BaseModel):
        note: str = Field(pattern="^sk-")

    @recordable
    def items() -> Iterator[Strict]:
        yield from (Strict(note="sk-short"), Strict(note=KEY))

    with pytest.raises(UnrecordableValue) as caught, recording(tmp_path, mode="record"):
        assert [item.note for item in items()] == ["sk-short", KEY]
    assert caught.value.path == "[1].note"
    assert not [*tmp_path.rglob("*.json")]


def test_a_text_is_masked_in_its_place():
    assert mask(f"a {KEY}, b {KEY}.") == f"a {MASK}, b {MASK}."
    assert mask("postgres://ann:pw@db/x?y") == f"postgres://{MASK}@db/x?y"
    assert mask("redis://:pw@db/0") == f"redis://{MASK}@db/0"
    assert mask(mask(KEY)) == mask(KEY)


letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
shapes = st.one_of(
    st.from_regex(r"sk-([A-Za-z0-9]{20,30}|(proj|ant|or|svcacct|admin|lf)-[A-Za-z0-9_-]{16,20})", fullmatch=True),
    st.from_regex(r"(sk|rk|pk)_live_[A-Za-z0-9]{16,20}", fullmatch=True),
    st.from_regex(r"[Bb]earer[ \t\n]+[A-Za-z0-9._~+/-]{16,30}", fullmatch=True),
    st.from_regex(r"eyJ[A-Za-z0-9_-]{8,10}\.eyJ[A-Za-z0-9_-]{8,10}\.[A-Za-z0-9_-]{8,10}", fullmatch=True),
    st.from_regex(r"(AKIA|ASIA)[0-9A-Z]{16}", fullmatch=True),
    st.from_regex(r"AIza[0-9A-Za-z_-]{35}", fullmatch=True),
    st.from_regex(r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22}", fullmatch=True),
    st.from_regex(r"xox[abeoprs]-[A-Za-z0-9-]{10,12}", fullmatch=True),
    st.from_regex(r"hf_[A-Za-z0-9]{30,33}|gsk_[A-Za-z0-9]{40}|tvly-[A-Za-z0-9-]{20,22}", fullmatch=True),
    st.from_regex(r"-----BEGIN [A-Z ]{0,4}PRIVATE KEY-----", fullmatch=True),
    st.from_regex(r"://[a-z]{0,3}:[a-z]{1,3}@", fullmatch=True),
).map(str)
around = st.text(st.sampled_from([*' \n"\\/:@-_.é\u2028', "\ud800", "a", "Z", "0"]), max_size=4)


@settings(max_examples=500)
@given(around, shapes, around)
def test_the_quick_look_never_misses_what_would_be_masked(before, secret, after):
    text = before + secret + after
    if mask(text) != text:
        assert may_hold(text)
        store = MemoryStore()
        with recording(store, mode="record"):
            recordable(name="f")(lambda text: None)({"a": [text]})
        assert MASK in (store.get(next(store.scan())) or b"").decode()


NAMES = """
    access_key access_token api_key api_keys api_secret api_token auth_header authorization auth_token aws_access_key_id bearer_token
    client_secret cookie cookies credentials domain_secrets id_token passphrase passwd password private_key proxy_authorization
    refresh_token secret_access_key secret_key session_token set_cookie signing_secret webhook_secret x_api_key token secret key
    password_confirmation api_key_2 secret_value connection_string session auth pwd db_pass jwt
""".split()
between = st.text(st.sampled_from("-_"), min_size=1, max_size=2)


@given(st.sampled_from(NAMES), st.data())
def test_the_quick_look_never_misses_what_is_named_like_a_credential(plain, data):
    words = plain.split("_")
    styled = [data.draw(st.sampled_from([word, word.upper(), word.capitalize()])) for word in words]
    name = data.draw(between).join(styled)
    assert judge(name) is not None
    assert may_hold_secret(orjson.dumps([{name: 1}]).decode())
    assert may_hold_secret(orjson.dumps([[name, 1]]).decode())


@given(st.sampled_from(['a "secret"\n', "geheimniß", "tenant_pin", "Tenant-Pin"]))
def test_the_quick_look_never_misses_what_the_user_names(name):
    rules = SecretRules.of(name)
    assert rules.judge(name) is not None
    assert may_hold_secret(orjson.dumps([{name: 1}]).decode(), rules)


def test_the_quick_look_passes_what_is_no_credential():
    assert not may_hold_secret('{"max_tokens": 3, "text": "cookies, and a password, too"}')


@settings(max_examples=200)
@given(shapes, around)
def test_a_shape_by_itself_is_masked(secret, after):
    assert secret not in mask(f" {secret} {after}")


@given(st.text())
def test_any_text_is_masked_once_and_for_all(text):
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("text", [f"\ud800{KEY}", f"\ud800\n{KEY}", f"{KEY}\n\udfff"])
def test_a_text_that_is_no_unicode_hides_no_secret(text, tmp_path):
    f = recordable(name="f")(lambda text: {"a": [text]})
    with recording(tmp_path, mode="record"):
        f(text)
    assert KEY.encode() not in everything(tmp_path)
    assert outcome(tmp_path)["redacted"] == ["a[0]"]
    with recording(tmp_path):
        assert f(text) == {"a": [text.replace(KEY, MASK)]}
