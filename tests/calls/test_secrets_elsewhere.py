"""Secrets are in no log line, warning, error text or field of an error either."""

import logging
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

import memo
from memo import recordable, recording
from memo.errors import MemoError
from memo.stores import MemoryStore

KEY = "sk-proj-abcdefghijklmnop0123"
HIDDEN = "hunter2-hunter2"


class Broken:
    def __init__(self, text: str) -> None:
        self.text = text


def fail(value: Broken) -> Any:
    raise ValueError(f"cannot write {value.text}")


memo.register_codec(Broken, encode=fail, decode=fail)


@recordable(name="take")
def take(value: Any = None, password: str = "", limit: Any = 0) -> Any:
    return value


@recordable(name="stream")
def stream(value: Any) -> Iterator[Any]:
    yield value


class Refused(Exception):
    def __init__(self, text: str, password: str) -> None:
        super().__init__(text)
        self.password = password


class Picky:
    """Has a codec that raises an error with fields, from an error, while another is handled."""


def refuse(value: Picky) -> Any:
    try:
        raise KeyError(KEY)
    except KeyError:
        raise Refused("no", HIDDEN) from ValueError(f"below: {KEY}")


memo.register_codec(Picky, encode=refuse, decode=refuse)


def told(error: BaseException | None) -> Iterator[str]:
    """Yield all that an error, and what led to it, says and holds."""
    if error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield from told(error.__cause__)
        yield from told(error.__context__)


CASES: dict[str, Callable[[], Any]] = {
    "an argument without a form": lambda: take({KEY: object()}),
    "an argument beside a password": lambda: take(object(), password=HIDDEN),
    "an argument whose codec says it": lambda: take(Broken(KEY)),
    "a value without a form": lambda: take.__wrapped__ and recordable(name="give")(lambda: {KEY: object()})(),
    "a value whose codec says it": lambda: recordable(name="give")(lambda: {"a": Broken(KEY)})(),
    "a value beside a secret": lambda: recordable(name="give")(lambda: {"password": HIDDEN, "x": object()})(),
    "an item without a form": lambda: list(recordable(name="items")(lambda: iter([{KEY: object()}]))()),
    "a value whose codec raises a chain": lambda: recordable(name="give")(lambda: {"a": Picky()})(),
    "an item whose codec raises a chain": lambda: list(recordable(name="items")(lambda: iter([Picky()]))()),
    "a masked value": lambda: take({"password": HIDDEN, KEY: KEY}),
    "a masked secret str": lambda: take(SecretStr(HIDDEN)),
    "two passwords": lambda: (take(password=HIDDEN), take(password=KEY)),
    "an error": lambda: recordable(name="give", errors="all")(lambda: fail(Broken(f"{KEY} {HIDDEN}")))(),
}


def test_the_cause_is_of_the_users_type():
    with pytest.raises(MemoError) as caught, recording(MemoryStore(), mode="record"):
        recordable(name="give")(lambda: Picky())()
    cause = caught.value.__cause__
    assert type(cause) is Refused
    assert (cause.args, cause.password) == (("no",), "<secret>")
    assert str(cause.__cause__) == "below: <secret>"


def test_a_cause_without_a_secret_is_the_users_own():
    error = ValueError("no")

    def encode(value: Any) -> Any:
        raise error

    kind = type("Kind", (), {})
    memo.register_codec(kind, encode=encode, decode=encode)
    with pytest.raises(MemoError) as caught, recording(MemoryStore(), mode="record"):
        recordable(name="give")(kind)()
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("mode", ["record", "record-if-missing", "replay"])
def test_no_secret_is_printed(case: str, mode: str, caplog: pytest.LogCaptureFixture):
    said: list[str] = []
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with recording(MemoryStore(), mode=mode):
                CASES[case]()
        except MemoError as error:
            said += [*told(error), *traceback.format_exception(error, chain=True)]
        except (ValueError, Refused):
            pass  # the user's own error is the user's
    said += [str(warning.message) for warning in warned] + [repr(vars(warning.message)) for warning in warned]
    said.append(caplog.text)
    assert KEY not in "".join(said)
    assert HIDDEN not in "".join(said)
