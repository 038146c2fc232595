"""No text makes the search for secrets slow: twice the text takes at most 2.3 times as long, whatever the text is.

Measured over two doublings, since a search in blocks takes a step now and then.
"""

import base64
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from statistics import median

import pytest

from memo import recordable, recording
from memo._calls.secret_search import in_json, in_text
from memo._calls.secret_shapes import Shape, shapes
from memo._calls.secret_streams import mask_across
from memo._calls.secrets import SecretRules, looks_secret, mask, may_hold_secret
from memo.stores import MemoryStore

ROOT = Path(__file__).parents[2]
SIZE = 10_000
TRIES, MANY = 200, 20
NEAR = ["", "a", "A1", "-", "_.", ":/", " ", "0" * 15]
"""What stands between marks: letters, separators, beginnings of other shapes."""


def hostile(shape: Shape) -> list[str]:
    """What nearly has a shape, again and again."""
    return [between + mark + between for mark in shape.marks for between in NEAR]


TEXTS = [
    "eyJ-",
    "eyJaaaaaaaa.",
    "eyJaaaaaaaa.eyJaaaaaaaa.x.",
    "://a:b",
    "://" + "a" * 50 + ":",
    "Bearer " * 3,
    "-----BEGIN PRIVATE KEY ",
    "-----BEGIN A PRIVATE KEY-----",
    'password":"',
    '\\"password\\":\\"',
    "token='",
    "key=" * 4,
    "secret:",
    "_-.password",
    "a" * 63 + "key=",
    "password = \\\\\\\\",
    "sk-",
    "Basic ",
    "?sig=",
    "************",
    "Key provided: ",
    "pat" + "a" * 14 + ".",
    "YW5uOmh1bnRlcjIt",  # base64 of `ann:hunter2-`
    "YW5uOmh1bnRlcjIt ",
    "YW5uOmh1bnRlcjIt/",
    "\\nYW5uOmh1bnRl",
    'auth=("',
    "auth = ('a','",
    "BasicAuth(",
    "--password ",
    "<password>",
    "'password' => ",
    "Cookie: a=b; ",
    "password is ",
    " -u a:",
    '{"cookies":',
    '{"cookies":[',
    '["pin",1234,',
    '{"login":["a","b1c2d3"]}',
    '"\\\\" {"',
    "'{' {'auth': '",
    '{"a":"{\\"pin\\":\\"1234\\"}"}',
    "keys:\n",
    "keys:\n- a1\n",
    "keys: [",
    " keys:\n  ",
    "- - keys: |\n",
    "mysql -p",
    "curl -u",
    "sshpass -p a",
    "docker login -p ",
    "AKIAIOSFODNN7EXAMPLE ",
    "AKIAIOSFODNN7EXAMPLE" + "a1B2" * 10 + " ",
    "Digest response=",
    "WVc1dU9taDFiblJsY2pJdA",  # base64 of base64
    '{"name":"key","value":"',
    '{"value":"a","name":"key",',
    '{"kty":"a","d":"b",',
    'name="key" a="b" ',
    'name="key" value=',
    "name: key\\n value: ",
    "name: key, value: ",
    "('key', '",
    "setenv('key','a1b2c3')",
    'name="key"\n\n',
    'name="key"a\n',
    "<key>key</key>",
    "<key>key</key><string>",
    "key: A(B('",
    "key: str = '",
    "key: a | b = ",
    "**key**: ",
    "password 'abcdef",
    "key abcdefghijklmnop ",
    "PASSWORD='a ",
    "key ?= ",
    "key <- '''",
    "<key a='",
    "key: &a !!",
    "key%22%3A%22",
    "password%3Dhunter2%26",
    "&quot;key&quot;:",
    "\x1b[1mkey\x1b[0m: ",
    "curl -b a=b; ",
    "http -a a:",
    "PuTTY Private-Lines: 1 a",
    "---- BEGIN PRIVATE KEY ----",
    "$6$a$",
    "code=",
    "key is ",
    "WIFI:S:a;",
    "identified by '",
    "user,password\na,b\n",
    "key,",
    "|key|\n",
    "insert into a (key) values (",
    "kind: Secret\ndata:\n a: b1c2d3e\n",
    '["--key","a",',
    '{"path":"key","value":"a",',
    "<td>key</td><td>",
    '["key"]=>\nstring(1) "',
    "api key ",
    "a token ",
    "key \u2192 ",
    "seed phrase abc ",
    "did:key:",
    "senha ",
    "senha es ",
    "contraseña: ",
    "contraseña de a",
    "пароль",
    "密码是",
    "mot de passe est ",
    "\\u043f\\u0430",
    "K" + "w" * 51 + " ",
    "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn ",
    "legal winner ",
    "legal winner thank year wave sausage worth useful legal winner thank yellow\n",
    "tokens = ['a', ",
    "secrets = {a: 'b1', ",
    "keys := []string{",
    "[secrets]\na = b1c2d3e4\n",
    "password      a1 ",
    "DB_PASSWORD a1 ",
    '{"name":"a","value":"b","domain":"c","httpOnly":1,',
    "use password a1 ",
    "log in as a with ",
    "`a` as the ",
    "://a/t/",
    "insert into a (key) values ('",
    "insert into a (key) values ('a'),(f('b'),",
    "copy a (b, key) from stdin;\na\tb1c2d3e4\n",
    "NAME  TOKEN\na  b1c2d3e4\n",
    "a  key\n",
    'a,password\n"a,b","c',
    "│ a │ key │\n",
    "<tr><th>key</th><th>a</th></tr><tr><td>",
    'variable "key" {\n default',
    'a.setPassword("',
    "key || '",
    "key { get; } = '",
    "key | a1 ",
    "wallet legal winner thank year ",
    "1. abandon ",
    "Password('a', '",
    "use a for ",
    'key <<< "',
    "key a b <<< ",
    "http-basic.a b ",
    '"--key", default=',
    '"--key" "--key", ',
    "key - ",
    "pw: ",
    "{password,",
    '<string name="key">a',
    'key = "a" -> "',
    "key as a = ",
    'key").orElse(',
    'password, enter "',
    "backup codes: a1b2-c3d4, ",
    "senha,a\n",
    "contraseña b1 ",
    "fill('password', '",
    "type_text(a='pwd', text='",
    "user a pass ",
    "logged in as my user a with ",
    "echo a | su ",
    "key: &'a b[",
    "key: A<a, ",
    "key{'",
    "A_AUTH: ",
    "A-Auth: A_TOK=",
    "key = a.b(c) or ",
    "key = a ?: '",
    "password (",
    "key (" + "a" * 20,
    "<a:parameter name='key'>",
    "login is a / ",
    "pw was ",
    "pw for a is still ",
    "put-parameter SecureString --value ",
    "ftp> user a ",
    "A_KEY: A_KEY_",
    "assword: \n send ",
]


def seconds(function: Callable[[str], object], text: str) -> float:
    """Return the seconds of this thread's own time, without those of the garbage collector, as `timeit` does."""
    gc.disable()
    try:
        began = time.thread_time()
        function(text)
        return time.thread_time() - began
    finally:
        gc.enable()


@pytest.mark.parametrize("names", [frozenset(("shelf",)), frozenset(("api_key", "été"))], ids=["ASCII", "others"])
@pytest.mark.parametrize("piece", ["shelf", "shelf---", "-_-_-_shelf", "shelf ", '"shelf":"', "été="])
def test_no_name_of_a_user_is_searched_in_more_than_linear_time(names: frozenset[str], piece: str):
    assert_linear(lambda text: mask(text, SecretRules(names)), piece)


def assert_linear(function: Callable[[str], object], piece: str) -> None:
    """Compare the best of more and more runs: what else the machine does only ever makes a run slower."""
    texts = [piece * (size // len(piece)) for size in (SIZE, 4 * SIZE)]
    short = long = 60.0
    ratios: list[float] = []
    for _ in range(TRIES):
        once, again = seconds(function, texts[0]), seconds(function, texts[1])
        short, long = min(short, once), min(long, again)
        ratios.append(
            again / max(once, 1e-4)
        )  # of one moment: the speed of a machine may change by half within seconds
        if long <= 2.3**2 * max(short, 1e-4) or (len(ratios) > MANY and median(ratios) <= 2.3**2):
            return
    pytest.fail(f"{piece[:40]!r}: four times the text takes {long / short:.1f} times as long")


@pytest.mark.parametrize("shape", [shape for shape, _ in shapes()], ids=lambda shape: shape.name)
def test_no_shape_is_searched_in_more_than_linear_time(shape: Shape):
    (expression,) = (expression for other, expression in shapes() if other is shape)
    for piece in hostile(shape):
        assert_linear(lambda text: sum(1 for _ in expression.finditer(text)), piece)


def mask_stream(text: str) -> object:
    """Mask a text that comes in pieces of eight characters."""
    return mask_across([text[at : at + 8] for at in range(0, len(text), 8)])


def assert_linear_in_a_new_process(function: Callable[[str], object], piece: str) -> None:
    """Hold the same bound where thousands of tests have left nothing in memory, if it is missed here."""
    try:
        assert_linear(function, piece)
    except pytest.fail.Exception:
        program = "import runpy, sys; found = runpy.run_path(sys.argv[1]); found['assert_linear'](found[sys.argv[2]], sys.argv[3])"
        subprocess.run([sys.executable, "-c", program, __file__, function.__name__, piece], check=True)


@pytest.mark.parametrize("piece", TEXTS)
@pytest.mark.parametrize("function", [mask, looks_secret, may_hold_secret], ids=lambda function: function.__name__)
def test_no_text_is_masked_in_more_than_linear_time(function: Callable[[str], object], piece: str):
    assert_linear_in_a_new_process(function, piece)


@pytest.mark.parametrize("piece", TEXTS)
def test_no_stream_is_masked_in_more_than_linear_time(piece: str):
    assert_linear_in_a_new_process(mask_stream, piece)


def pieces(texts: Iterable[str]) -> list[str]:
    return [text[at : at + 1000] for text in texts for at in range(0, len(text), 1000)]


RANDOM = Random(1)
WORDS = "count pieces of ice and rock most them no larger than a house which nobody had seen before that winter".split()
PROSE = pieces([" ".join(RANDOM.choices(WORDS, k=60_000))])
KINDS = {
    "other than ASCII": [piece + " “Größe” 価格は Привет… café" for piece in PROSE],
    "code": pieces(path.read_text() for path in sorted((ROOT / "memo").rglob("*.py"))),
    "pages": pieces(path.read_text() for path in sorted((ROOT / "docs").rglob("*.md"))),
    "JSON": pieces(json.dumps({word: [word, at, {word: f"{word}-{at}"}] for word in WORDS}) for at in range(100)),
    "base64": [base64.b64encode(RANDOM.randbytes(750)).decode() for _ in range(200)],
    "hex": [RANDOM.randbytes(500).hex() for _ in range(200)],
}
KINDS["a mixture"] = [RANDOM.choice(texts) for _ in range(200) for texts in KINDS.values()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("search", [in_text(), in_json(), in_json(frozenset())], ids=["text", "arguments", "results"])
def test_texts_of_every_kind_are_searched_as_fast_as_prose(search: Callable[[str], bool], kind: str):
    def taken(texts: list[str]) -> float:
        return seconds(lambda _: [search(text) for text in texts], "") / sum(map(len, texts))

    prose = other = 60.0
    for _ in range(TRIES):
        prose, other = min(prose, taken(PROSE)), min(other, taken(KINDS[kind]))
        if other <= 8 * prose:
            return
    pytest.fail(f"{kind} takes {other / prose:.0f} times as long as prose")


def test_what_took_a_minute_takes_no_time():
    text = "eyJ-" * 50_000
    began = time.thread_time()
    with recording(MemoryStore(), mode="record"):
        assert recordable(name="f")(lambda text: text)(text) == text
    assert time.thread_time() - began < 5
