"""No answer for the wrong caller: pairs of calls that must not share one, and pairs that must, in every kind of place."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import orjson
import pytest
from pydantic import BaseModel, SecretStr

import memo
from memo import recordable, recording
from memo.errors import CredentialIgnoredWarning, UnkeyableArgument
from memo.stores import MemoryStore, as_store

ONE, TWO = "q7Zk2mW9xR4tLp8sVn3yB6dF", "Vb5nM1cX8zL0kJ7hG4fD2sA9"
KEY_ONE, KEY_TWO = f"sk-{ONE}", f"sk-{TWO}"


class User(BaseModel):
    name: str
    password: SecretStr


class Form(BaseModel):
    name: str
    api_key: str = ""


@dataclasses.dataclass
class Login:
    user: str
    password: str


@dataclasses.dataclass
class Client:
    model: str

    def ask(self, q: str) -> str:
        return self.model


class Pair(NamedTuple):
    client_secret: str
    x: int = 0


class Base:
    @classmethod
    def make(cls, x: int) -> str:
        return cls.__name__


class Derived(Base):
    pass


class Other(Base):
    pass


def args(*given: Any, **named: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return given, named


CREDENTIALS: dict[str, tuple[Any, Any]] = {
    "a parameter": (args(access_token=ONE), args(access_token=TWO)),
    "a password": (args("ann", password="right"), args("ann", password="wrong")),
    "a password and none": (args("ann", password="right"), args("ann", password=None)),
    "a key in camel case": (args(apiKey=ONE), args(apiKey=TWO)),
    "a variable": (args(GITHUB_TOKEN=ONE), args(GITHUB_TOKEN=TWO)),
    "a qualified name": (args(db_password=ONE), args(db_password=TWO)),
    "a token with the form of one": (args(token=ONE), args(token=TWO)),
    "a secret with the form of one": (args(secret=ONE), args(secret=TWO)),
    "a key of a vendor": (args(stripe_key=ONE), args(stripe_key=TWO)),
    "headers": (args(headers={"Authorization": ONE}), args(headers={"Authorization": TWO})),
    "a list of headers": (args(headers=[("X-Api-Key", ONE)]), args(headers=[("X-Api-Key", TWO)])),
    "headers of pairs": (args(extra_headers=[["cookie", "a=1"]]), args(extra_headers=[["cookie", "a=2"]])),
    "pairs with the form of headers": (args([["authorization", ONE]]), args([["authorization", TWO]])),
    "variables": (args(env={"OPENAI_API_KEY": ONE}), args(env={"OPENAI_API_KEY": TWO})),
    "cookies": (args(cookies={"sid": ONE}), args(cookies={"sid": TWO})),
    "deep inside": (
        args({"a": [{"credentials": {"user": "u", "x": "1"}}]}),
        args({"a": [{"credentials": {"user": "u", "x": "2"}}]}),
    ),
    "a shape in a text": (args(f"use {KEY_ONE}"), args(f"use {KEY_TWO}")),
    "a shape in a message": (args([{"content": KEY_ONE}]), args([{"content": KEY_TWO}])),
    "a shape in a key of a mapping": (args({KEY_ONE: 1}), args({KEY_TWO: 1})),
    "a bearer": (args(f"Bearer {ONE}"), args(f"Bearer {TWO}")),
    "a url": (args(f"postgres://ann:{ONE}@db/x"), args(f"postgres://ann:{TWO}@db/x")),
    "json in a text": (args(f'{{"password": "{ONE}"}}'), args(f'{{"password": "{TWO}"}}')),
    "a query": (args(f"https://a.b/c?api_key={ONE}"), args(f"https://a.b/c?api_key={TWO}")),
    "a secret str": (args(SecretStr("a")), args(SecretStr("b"))),
    "a secret str in a model": (
        args(User(name="a", password=SecretStr("x"))),
        args(User(name="a", password=SecretStr("y"))),
    ),
    "a field of a model": (args(Form(name="a", api_key="x")), args(Form(name="a", api_key="y"))),
    "a field of a dataclass": (args(Login("ann", "x")), args(Login("ann", "y"))),
    "a field of a named tuple": (args(Pair("x")), args(Pair("y"))),
    "two of them, exchanged": (args(password="x", api_key="y"), args(password="y", api_key="x")),
    "bytes": (args(f"Bearer {ONE}".encode()), args(f"Bearer {TWO}".encode())),
    "text that is no unicode": (args(f"\ud800 {KEY_ONE}"), args(f"\ud800 {KEY_TWO}")),
    "an odd mapping": (args({1: 2, "password": "x"}), args({1: 2, "password": "y"})),
    "numbers": (args(password=1), args(password=2)),
    "a number and a text": (args(password=1), args(password="1")),
}
"""Calls that differ in nothing but a credential."""

DIFFERENT: dict[str, tuple[Any, Any]] = {
    "a rule of a form": (
        args([["authorization", "required"], ["name", "A"]]),
        args([["authorization", "optional"], ["name", "A"]]),
    ),
    "rules of a form": (
        args(fields=[("password", "text"), ("x", "y")]),
        args(fields=[("password", "hidden"), ("x", "y")]),
    ),
    "a question": (args([["password", "how long?"]]), args([["password", "how safe?"]])),
    "a token that is a word": (args(token="the"), args(token="a")),
    "a secret that is a phrase": (args(secret="of success"), args(secret="of happiness")),
    "a key of music": (args(key="C major"), args(key="D minor")),
    "a session that has an id": (args(session_id=ONE), args(session_id=TWO)),
    "a page": (args(next_page_token=ONE), args(next_page_token=TWO)),
    "a limit": (args(max_tokens=1), args(max_tokens=2)),
    "a schema": (args(properties={"password": {"type": "a"}}), args(properties={"password": {"type": "b"}})),
    "a class": (args(Derived), args(Other)),
    "what is allowed": (args(public_key=ONE), args(public_key=TWO)),
}
"""Calls that differ in what looks a little like a credential: two calls everywhere, without a warning."""

ALIKE: dict[str, tuple[Any, Any]] = {
    "a tuple and a list": (args((1, 2)), args([1, 2])),
    "order of a mapping": (args({"a": 1, "b": 2}), args({"b": 2, "a": 1})),
    "sets": (args({1, 2}), args({2, 1})),
    "the same token": (args(access_token=ONE), args(access_token=ONE)),
    "the same password": (args("ann", password="x"), args("ann", password="x")),
    "the same key in a text": (args(f"use {KEY_ONE}"), args(f"use {KEY_ONE}")),
    "the same secret str": (args(SecretStr("a")), args(SecretStr("a"))),
    "the same headers": (args(headers=[("cookie", "a")]), args(headers=[["cookie", "a"]])),
    "the same header, as tuple": (args(headers=(("X-Api-Key", ONE),)), args(headers=[("X-Api-Key", ONE)])),
    "the same model": (args(Form(name="a", api_key="x")), args(Form(name="a", api_key="x"))),
    "the same dataclass": (args(Login("ann", "x")), args(Login("ann", "x"))),
    "the same credentials deep inside": (
        args({"a": {"credentials": {"b": "c"}}}),
        args({"a": {"credentials": {"b": "c"}}}),
    ),
    "credentials in another order": (args(password="x", api_key="y"), args(api_key="y", password="x")),
    "messages": (args([{"role": "user", "content": "x"}] * 20), args([{"content": "x", "role": "user"}] * 20)),
    "dates": (args(b"abc"), args(bytearray(b"abc"))),
    "a mapping with numbers": (args({1: 2, "password": "x"}), args({"password": "x", 1: 2})),
    "nothing": (args(), args()),
    "nan": (args(float("nan")), args(float("nan"))),
    "long texts": (args("x" * 5000), args("x" * 5000)),
    "urls": (args(f"postgres://ann:{ONE}@db/x"), args(f"postgres://ann:{ONE}@db/x")),
    "surrogates": (args(f"\ud800 {KEY_ONE}"), args(f"\ud800 {KEY_ONE}")),
}
"""Calls that are one."""


def test_the_tables_are_large_enough():
    assert len(CREDENTIALS) + len(DIFFERENT) >= 40
    assert len(ALIKE) >= 20


def answers(decorate: Callable[[Any], Any], calls: tuple[Any, ...]) -> tuple[int, ...]:
    """What calls of one function get: the numbers of the live calls that answer them."""
    made: list[int] = []

    def count(*args: Any, **kwargs: Any) -> int:
        made.append(1)
        return len(made)

    count.__qualname__ = "count"
    counted = decorate(count)
    return tuple(counted(*args, **kwargs) for args, kwargs in calls)


PLACES: dict[str, Callable[[pytest.FixtureRequest, Path], Any]] = {
    "directory": lambda request, path: path / "store",
    "sqlite": lambda request, path: f"sqlite:///{path}/store.db",
    "memory": lambda request, path: MemoryStore(),
    "valkey": lambda request, path: f"redis://{request.getfixturevalue('valkey')}/0?prefix={token_hex(6)}",
    "s3": lambda request, path: (
        f"s3://bucket/{token_hex(6)}?endpoint={request.getfixturevalue('bucket')}&region=eu-west-1&timeout=60"
    ),
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Where recordings are kept."""
    return PLACES[request.param](request, tmp_path)


def everything(place: Any) -> bytes:
    """All that a place keeps: names and entries, and the files where there are any."""
    store = as_store(place)
    stored = b"".join(name.encode() + (store.get(name) or b"") for name in store.scan())
    is_local = isinstance(place, Path) or str(place).startswith("sqlite:")
    files = Path(str(place).removeprefix("sqlite:///")).parent.rglob("*") if is_local else ()
    return stored + b"".join(path.read_bytes() for path in files if path.is_file())


@pytest.mark.parametrize("case", CREDENTIALS)
def test_a_memoizer_gives_no_answer_to_another_credential(case: str, place: Any):
    cache = memo.Recorder(place, mode="record-if-missing")
    assert answers(cache.recordable(name="count"), CREDENTIALS[case]) == (1, 2)
    again = memo.Recorder(place, mode="replay")
    assert answers(again.recordable(name="count"), CREDENTIALS[case]) == (1, 2)
    for secret in (ONE, TWO, "right", "wrong"):
        assert secret.encode() not in everything(place)


@pytest.mark.parametrize("case", CREDENTIALS)
def test_a_scope_leaves_a_credential_out_and_warns_once(case: str):
    decorate = recordable(name="count")
    store = MemoryStore()
    with recording(store, mode="record-if-missing"), pytest.warns(CredentialIgnoredWarning) as warned:
        answers(decorate, CREDENTIALS[case] * 2)
    assert len(list(store.scan())) == 1
    assert len(warned) == 1
    text = str(warned[0].message)
    assert "ignore=" in text
    assert "secrets=" in text
    assert not any(secret in text for secret in (ONE, TWO, "right", "wrong"))
    assert warned[0].filename == __file__


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_is_no_credential_distinguishes_calls_everywhere(case: str, place: Any):
    with recording(MemoryStore(), mode="record-if-missing"):
        assert answers(recordable(name="count"), DIFFERENT[case]) == (1, 2)
    cache = memo.Recorder(place, mode="record-if-missing")
    assert answers(cache.recordable(name="count"), DIFFERENT[case]) == (1, 2)


@pytest.mark.parametrize("case", ALIKE)
def test_what_is_one_call_has_one_answer_everywhere(case: str, place: Any):
    store = MemoryStore()
    with recording(store, mode="record-if-missing"):
        answers(recordable(name="count"), ALIKE[case])
    assert len(list(store.scan())) == 1
    cache = memo.Recorder(place, mode="record-if-missing")
    assert answers(cache.recordable(name="count"), ALIKE[case]) == (1, 1)


def test_the_digest_of_a_credential_cannot_be_tried_without_the_salt_of_the_store(tmp_path: Path):
    for folder in ("a", "b"):
        cache = memo.Recorder(tmp_path / folder, mode="record-if-missing")
        answers(cache.recordable(name="count"), (args(password="x"), args(password="x")))
    [one], [two] = (list((tmp_path / folder / "count").glob("*.json")) for folder in ("a", "b"))
    assert orjson.loads(one.read_bytes())["arguments"] != orjson.loads(two.read_bytes())["arguments"]
    assert orjson.loads(one.read_bytes())["arguments"]["kwargs"]["password"]["__type__"] == "secret"


def test_a_memoizer_without_credentials_makes_no_salt(tmp_path: Path):
    cache = memo.Recorder(tmp_path, mode="record-if-missing")
    answers(cache.recordable(name="count"), (args(1), args(2)))
    assert not (tmp_path / ".memo").exists()


@pytest.mark.parametrize("options", [{"secrets": ("access_token",)}, {"ignore": ("access_token",)}])
def test_each_of_the_fixes_ends_the_warning(options: dict[str, Any]):
    @recordable(name="f", **options)
    def f(access_token: str) -> int:
        return 1

    with recording(MemoryStore(), mode="record-if-missing"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f(ONE) == f(TWO) == 1


@pytest.mark.parametrize("allowed", ["access_token", "user.password"])
def test_an_argument_that_is_allowed_is_written_and_identifies(allowed: str):
    @recordable(name="f", allow_secrets=allowed)
    def f(access_token: Any = None, user: Any = None) -> int:
        return 1

    store = MemoryStore()
    with recording(store, mode="record-if-missing"):
        for token in (ONE, TWO):
            f(token) if allowed == "access_token" else f(user={"password": token})
    written = [store.get(name) or b"" for name in store.scan()]
    assert [sum(token.encode() in data for data in written) for token in (ONE, TWO)] == [1, 1]


def test_in_another_session_another_credential_is_no_surprise():
    store = MemoryStore()

    @recordable(name="f")
    def f(access_token: str) -> int:
        return 1

    for token in (ONE, TWO):
        with recording(store, mode="record-if-missing"):
            assert f(token) == 1


# self and cls


def test_self_identifies_in_a_memoizer_by_its_canonical_form(place: Any):
    cache = memo.Recorder(place, mode="record-if-missing")

    @dataclasses.dataclass
    class Asks:
        model: str

        @cache.recordable(name="ask")
        def ask(self, q: str) -> str:
            return self.model

    assert [Asks("small").ask("q"), Asks("large").ask("q"), Asks("small").ask("q")] == ["small", "large", "small"]
    assert Asks("tiny").ask("q") == "tiny"


def test_bound_methods_of_two_objects_are_two_functions_in_a_memoizer(place: Any):
    cache = memo.Recorder(place, mode="record-if-missing")
    small, large = (cache.recordable(name="ask")(Client(model).ask) for model in ("small", "large"))
    assert [small("q"), large("q"), small("q")] == ["small", "large", "small"]


class Plain:
    def __init__(self, model: str) -> None:
        self.model = model


def test_self_without_a_form_is_refused_and_identity_mends_it():
    cache = memo.Recorder(MemoryStore(), mode="record-if-missing")

    class Asks(Plain):
        @cache.recordable(name="ask")
        def ask(self, q: str) -> str:
            return self.model

        @cache.recordable(name="told", identity=lambda self: self.model)
        def told(self, q: str) -> str:
            return self.model

        @cache.recordable(name="same", identity=lambda self: None)
        def same(self, q: str) -> str:
            return self.model

    with pytest.raises(
        UnkeyableArgument, match=r"(?s)argument self is a .*Asks.*@recordable\(identity=lambda self: "
    ) as caught:
        Asks("small").ask("q")
    assert caught.value.receiver
    assert [Asks("small").told("q"), Asks("large").told("q")] == ["small", "large"]
    assert [Asks("small").same("q"), Asks("large").same("q")] == ["small", "small"]


def test_an_object_without_a_state_is_its_class():
    cache = memo.Recorder(MemoryStore(), mode="record-if-missing")

    class Tools:
        @cache.recordable(name="ask")
        def ask(self, q: str) -> str:
            return type(self).__name__

    class Others(Tools):
        pass

    assert [Tools().ask("q"), Others().ask("q"), Tools().ask("q")] == ["Tools", "Others", "Tools"]
    special = Tools()
    special.state = object()  # type: ignore[attr-defined]
    with pytest.raises(UnkeyableArgument, match="argument self"):
        special.ask("q")


@pytest.mark.parametrize("bind", [lambda cls: cls.make, lambda cls: cls().make])
def test_cls_identifies_in_scopes_and_memoizers(bind: Callable[[type], Any]):
    cache = memo.Recorder(MemoryStore(), mode="record-if-missing")
    for decorate in (recordable(name="make"), cache.recordable(name="make")):

        class Making:
            @decorate
            @classmethod
            def make(cls, x: int) -> str:
                return cls.__name__

        class Special(Making):
            pass

        class Odd(Making):
            pass

        with recording(MemoryStore(), mode="record-if-missing"):
            assert [bind(cls)(1) for cls in (Making, Special, Odd, Special)] == ["Making", "Special", "Odd", "Special"]
