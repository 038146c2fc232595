"""Every place that a value can have in a recording, times every way that a credential can have: none is written in clear."""

import base64
import dataclasses
import random
import string
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from memo import recordable, recording
from memo._calls.digest import call_key, entry_name
from memo._calls.secrets import MASK, mask, may_hold_secret
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.maintenance.scan import scan
from memo.stores import MemoryStore

KEY = "sk-proj-abcdefghijklmnop0123"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
AWS_SECRET = "".join(random.Random(11).choices(string.ascii_letters + string.digits + "+/", k=40))  # no written one
WORD = "hunter2"
MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
LONG = "hunter2hunter2"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


HIDDEN: dict[str, tuple[Any, str]] = {
    "a pair for HTTP": ({"auth": ("me", WORD)}, WORD),
    "such a pair of words": ({"auth": ("me", "swordfish")}, "swordfish"),
    "such a pair in JSON": ({"proxy": {"auth": ["me", WORD]}}, WORD),
    "a pair under its full name": ({"http_auth": ("me", WORD)}, WORD),
    "a pair of a login": ({"login": ("ann", WORD)}, WORD),
    "such a pair in code": (f'get(url, auth=("me", "{WORD}"))', WORD),
    "such a pair in quoted JSON": (f'{{"auth": ["me", "{WORD}"]}}', WORD),
    "HTTPBasicAuth": (f"HTTPBasicAuth('me', '{WORD}')", WORD),
    "AUTH": ({"AUTH": LONG}, LONG),
    "auth, a token": ({"auth": "q7Zk2mW9xR4tLp8sVn3yB6dF"}, "q7Zk2mW9xR4tLp8sVn3yB6dF"),
    "auth, a password": ({"auth": "hunter2-hunter2"}, WORD),
    "a cookie": ({"cookies": {"sid": WORD}}, WORD),
    "a cookie of letters": ({"cookies": {"sessionid": "abcdefgh"}}, "abcdefgh"),
    "a cookie of any name": ({"cookies": {"pref": WORD}}, WORD),
    "cookies as pairs": ({"cookies": [["sid", WORD]]}, WORD),
    "a session below credentials": ({"credentials": {"session": "abcdefgh"}}, "abcdefgh"),
    "a one-time code": ({"otp": "123456"}, "123456"),
    "a PIN": ({"pin": "1234"}, "1234"),
    "a PIN as a number": ({"pin": 481516}, "481516"),
    "a password as a number": ({"password": 12345678}, "12345678"),
    "bytes": ({"blob": b"\xff\xfe" + KEY.encode()}, encoded("\0\0" + KEY)[4:24]),
    "bytes at another place": ({"blob": b"\xff\xfe\xfd" + KEY.encode() + b"\x80"}, encoded(KEY)[:24]),
    "bytes that quote a password": (b"\x80\x04 password=" + LONG.encode() + b"\x00", encoded("x" + LONG)[4:16]),
    "a bytearray": ([bytearray(b"\xff\xfe\xfd" + KEY.encode())], encoded(KEY)[:24]),
    "bytes as a password": ({"password": b"\xff\xfe\xfd" + WORD.encode()}, encoded(WORD)[:8]),
    "base64 of user:password": (encoded(f"ann:{WORD}"), encoded(f"ann:{WORD}")),
    "base64 of admin:password": (encoded("admin:swordfish"), encoded("admin:swordfish")),
    "base64 of a mail address": (encoded("ann@example.com:swordfish"), encoded("ann@example.com:swordfish")),
    "base64 of a key": (f"data:text/plain;base64,{encoded(KEY)}", encoded(KEY)),
    "base64 for URLs": (base64.urlsafe_b64encode(f"??>>{KEY}".encode()).decode(), encoded(KEY)[4:20]),
    "base64 without its end": (encoded(f"{KEY}4").rstrip("="), encoded(KEY)[:20]),
    "base64 of JSON": ({"state": encoded(f'{{"user":"ann","password":"{LONG}"}}')}, encoded('{"user":"ann"')[:12]),
    "base64 of a URL": (f"x {encoded(f'postgres://ann:{WORD}@db/x')} y", encoded("postgres")[:8]),
    "base64 on its own line": (f"the key:\n{encoded(KEY)}\n", encoded(KEY)),
    "a key by its shape": ({"text": f"use {KEY}"}, KEY),
    "a name": ({"db_password": LONG}, LONG),
    "base64 of base64 of a key": (encoded(encoded(KEY)), encoded(encoded(KEY))[:20]),
    "base64 of base64 of user:password": (encoded(encoded(f"ann:{LONG}")), encoded(encoded(f"ann:{LONG}"))[:20]),
    "base64 of a header with base64": (
        encoded(f"Authorization: Basic {encoded(f'ann:{LONG}')}"),
        encoded("Authorization: Basic")[:20],
    ),
    "base64 of JSON with base64": (encoded(f'{{"auth":"{encoded(f"ann:{LONG}")}"}}'), encoded('{"auth":"')[:8]),
    "an AWS secret after its id": (f"{ACCESS_KEY}, {AWS_SECRET}", AWS_SECRET),
    "an AWS secret before its id": (f"{AWS_SECRET} of {ACCESS_KEY}", AWS_SECRET),
    "an AWS secret in a list with its id": ([ACCESS_KEY, AWS_SECRET], AWS_SECRET),
    "an AWS secret under any name": ({"a": ACCESS_KEY, "b": AWS_SECRET}, AWS_SECRET),
    "YAML, a list": (f"api_keys:\n  - {LONG}\n  - {LONG}2\nhost: db\n", LONG),
    "YAML, a list without indentation": (f"passwords:\n- {LONG}\n- '{LONG}2' # old\n", LONG),
    "YAML, a list in brackets": (f"api_keys: ['{LONG}', {LONG}2]\n", LONG),
    "YAML, a mapping": (f"api_keys:\n  prod: {LONG}\n  dev: {LONG}2\n", LONG),
    "YAML, a mapping in a list": (f"credentials:\n  - user: ann\n    value: {LONG}\n", LONG),
    "YAML, a block": (f"private_key: |\n  {LONG}\n  {LONG}2\nhost: db\n", LONG),
    "mysql": (f"mysql -h db -uroot -p{LONG} -e 'select 1'", LONG),
    "mysqldump": (f"mysqldump --single-transaction -u root -p'{LONG}' db", LONG),
    "curl": (f"curl -sSuann:{LONG} https://example.com", LONG),
    "curl with flags": (f"curl -sSLu ann:{LONG} https://example.com", LONG),
    "sshpass": (f"sshpass -p {LONG} ssh ann@db", LONG),
    "docker login": (f"docker login -u ann -p {LONG} registry.example.com", LONG),
    "mongosh": (f"mongosh --host db -u ann -p '{LONG}'", LONG),
    "redis-cli": (f"redis-cli -h cache -a {LONG} ping", LONG),
    "sqlcmd": (f"sqlcmd -S db -U sa -P{LONG}", LONG),
    "ldapsearch": (f"ldapsearch -D cn=ann -w {LONG} '(uid=x)'", LONG),
    "Digest": (f'Digest username="ann", realm="x", uri="/", response="{"0a1b2c3d" * 4}", opaque="5c"', "0a1b2c3d" * 4),
    "JSON in prose": (f'I got {{"cookies": {{"theme": "dark", "pref": "{LONG}"}}}} back.', LONG),
    "JSON in JSON in prose": ('I got {"body": "{\\"auth\\": {\\"otp\\": \\"481516\\"}}"} back.', "481516"),
    "Python in prose": (f"I got {{'cookies': {{'pref': '{LONG}'}}}} back.", LONG),
    "a login in JSON in prose": (f'It is {{"login": ["ann", "{LONG}"]}}', LONG),
    "a key of a wallet": (
        "import KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn now",
        "KwDiBf89QgGbjEhKnhXJuH7LrciVr",
    ),
    "a mnemonic": (MNEMONIC, "sausage"),
    "a mnemonic after a colon": (f"I wrote these down: {MNEMONIC}.", "sausage"),
    "a number in JSON in prose": ('Use {"pin": 481516, "n": 2}', "481516"),
}
"""A value, and what nobody may read."""

DATA: list[Any] = [
    {"auth": "oauth2"},
    {"auth": "AWS4-HMAC-SHA256"},
    {"auth": ["required", "optional"]},
    {"auth": ["bearer", "oauth2", "apikey"]},
    {"auth": ("<user>", "<password>")},
    {"auth": "2026-11-29T12:00:00Z"},
    {"login": "ann_lee"},
    {"cookies": {"theme": "dark", "lang": "en"}},
    {"cookies": 1500},
    {"credentials": {"user": "ann42x", "type": "service_account", "created_at": "2026-01-01"}},
    {"pin": "left"},
    {"gpio_pin": 13},
    {"otp": "26.2"},
    {"status_code": "200", "error_code": "123456", "zip_code": "90210", "code": "123456"},
    {"tokens": 4096, "max_tokens": 123456},
    {"blob": b"\x89PNG\r\n\x1a\n\x00\x00 a picture of a token and a key"},
    {"blob": b"\xff\xd8\xff\xe1 http://ns.adobe.com/xap/1.0/\x00<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>"},
    encoded("Order:12345678"),
    encoded("User:3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    encoded('{"offset":20,"sort":"name"}'),
    encoded("What is the password of the day? Nobody knows."),
    encoded("%PDF-1.4\n\x00\x01\x02\x03"),
    "Mexico/Cancun Documentation-and-specification YYYYMMDDHHMMSS",
    "the auth = (user, password) of requests; auth=('<user>', '<password>')",
    "def login(user, auth=('user', 'pw')): ...",
    'I got {"cookies": {"theme": "dark", "lang": "en"}, "pin": "left", "pins": 481516, "session": "2026-11-30"} back.',
    'The schema {"properties": {"password": {"type": "string", "minLength": 12345}}, "required": ["password"]} is fine.',
    "passwords:\n- at least 12 characters\n- no names\nkeys:\n  - id\n  - created_at\ncookies:\n  - theme\n",
    "api_keys:\n  user: ann42x\n  id: key_1234567\n  created_at: 2026-11-30\nhost: db1.example.com\n",
    "secrets: [inherit, required]\npassword:\n  type: string\n  minLength: 12\n",
    f"the digest {AWS_SECRET} of nothing, commit {'0a1b2c3d' * 5}",
    f"{ACCESS_KEY[:4]} is how ids begin: {AWS_SECRET}",
    "mysql -u root -p db; psql -p 5432; curl -u ann https://x:80/; docker run -p 8080:80 x; mkdir -p a/b; ssh -p 2222 x",
    "docker login -u ann -p; sshpass -p <password> ssh; mysql -p'$PASSWORD'; redis-cli -a ${REDIS} ping; mongosh -p --quiet",
    "Digest of the week: response=200, a digest response=ok",
    encoded(encoded("What is the password of the day? Nobody knows.")),
]


class Model(BaseModel):
    value: Any


@dataclasses.dataclass
class Data:
    value: Any


class Failure(Exception):
    def __init__(self, message: str, value: Any = None) -> None:
        super().__init__(message)
        if value is not None:
            self.value = value


def failing(error: BaseException, cause: BaseException | None = None, context: BaseException | None = None) -> Any:
    try:
        if context is not None:
            raise context
    except Exception:
        raise error from cause
    raise error from cause


def noted(value: Any) -> Exception:
    error = Failure("failed")
    error.add_note(orjson.dumps(value, default=lambda _: None).decode())
    return error


PLACES: dict[str, Callable[[Any], Any]] = {
    "a result": lambda value: value,
    "in a list": lambda value: [1, {"a": [value]}],
    "in a tuple": lambda value: (1, value),
    "beside what is no text": lambda value: {1: 2, "a": value},
    "in a model": lambda value: Model(value=value),
    "in a model that has been changed": lambda value: Model.model_construct(value=value, more=5),
    "in a dataclass": lambda value: Data([value]),
    "an error": lambda value: failing(Failure("failed", value)),
    "an error's argument": lambda value: failing(ValueError("failed", value)),
    "a cause": lambda value: failing(Failure("failed"), cause=Failure("below", value)),
    "a cause's argument": lambda value: failing(Failure("failed"), cause=ValueError(value)),
    "a context": lambda value: failing(Failure("failed"), context=Failure("below", value)),
    "a group": lambda value: failing(ExceptionGroup("failed", [Failure("below", value), ValueError(value)])),
}


def recorded(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return the file of a call."""
    store = MemoryStore()
    with recording(store, mode="record"), suppress(Exception, ExceptionGroup):
        result = recordable(name="f", errors="all", **options)(function)(*arguments)
        if isinstance(result, Iterator):
            list(result)
    [name] = store.scan()
    return (store.get(name) or b"").decode()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", HIDDEN)
def test_no_credential_is_written_in_clear(kind: str, place: str):
    value, hidden = HIDDEN[kind]
    written = recorded(lambda: PLACES[place](value))
    assert hidden not in written
    assert '"redacted"' in written


@pytest.mark.parametrize("kind", HIDDEN)
def test_no_credential_of_a_stream_or_argument_is_written_in_clear(kind: str):
    value, hidden = HIDDEN[kind]
    for written in (
        recorded(lambda: iter([1, value, {"a": value}])),
        recorded(lambda given: None, value),
        recorded(lambda given: None, [{"a": value}]),
        recorded(lambda given: None, Model(value=value)),
    ):
        assert hidden not in written


@pytest.mark.parametrize("kind", [kind for kind in HIDDEN if kind != "such a pair of words"])  # a list, in JSON
def test_no_credential_of_json_in_text_is_written_in_clear(kind: str):
    value, hidden = HIDDEN[kind]
    assert hidden not in recorded(lambda: failing(noted(value)))
    assert hidden not in recorded(lambda: {"arguments": orjson.dumps({"a": value}, default=lambda _: None).decode()})


@pytest.mark.parametrize("place", ["a result", "in a list", "in a model", "an error", "a cause"])
@pytest.mark.parametrize("value", DATA, ids=range(len(DATA)))
def test_data_is_left_alone(value: Any, place: str):
    written = recorded(lambda: PLACES[place](value))
    assert '"redacted"' not in written
    assert MASK not in written


@pytest.mark.parametrize("value", DATA, ids=range(len(DATA)))
def test_data_in_arguments_is_left_alone(value: Any):
    assert MASK not in recorded(lambda given: None, [value])


@pytest.mark.parametrize("kind", HIDDEN)
def test_the_quick_look_never_misses_it(kind: str):
    tree = orjson.loads(recorded(lambda: HIDDEN[kind][0], allow_secrets=["[*]", "value"]))
    value = HIDDEN[kind][0]
    if isinstance(value, str):
        assert may_hold_secret(orjson.dumps([value]).decode())
        assert mask(value) != value
    assert tree["outcomes"]


class NoDetectors:
    """In the place of kingfisher's rules, which are not all that finds a credential."""

    def find(self, data: bytes) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("kind", HIDDEN)
def test_scan_finds_it_where_another_program_wrote_it(kind: str):
    value, hidden = HIDDEN[kind]
    values = Values(Types())
    for outcome in (
        {"value": values.encode(value)},
        {"value": {"a": [values.encode(value)]}},
        {"stream": {"items": [1, values.encode(value)], "end": "complete"}},
    ):
        store = MemoryStore()
        document = {"memo": 1, "function": "f", "key": call_key("f", b"{}"), "arguments": {}, "outcomes": [outcome]}
        store.put(entry_name("f", document["key"]), orjson.dumps(document))
        found = scan(store, NoDetectors())
        assert found.findings
        assert not any(hidden in finding.excerpt for finding in found.findings)


def test_only_the_credential_in_bytes_goes():
    store = MemoryStore()
    give = recordable(name="give")(lambda: {"blob": b"\xff\xfe" + KEY.encode() + b"\x00\xffrest", "auth": ("me", WORD)})
    with recording(store, mode="record"):
        give()
    with recording(store):
        assert give() == {"blob": b"\xff\xfe" + MASK.encode() + b"\x00\xffrest", "auth": ("me", MASK)}
