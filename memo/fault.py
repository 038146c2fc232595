"""Faults: failures of a provider, injected into the calls of a recorder.

    with recording("recordings", faults=[fault.rate_limit(every=3, retry_after=2), fault.cut(after=5, function="openai.*")]):

A patched SDK raises its own exception for a fault, after its own retries, as if its server had answered so. A function of your own
raises the `error` that the fault was given: an exception, or a function that returns one. Which attempts fail depends on their number, never on
chance: with `call=2` the second attempt at the calls that `function` covers, with `every=3` every third, and without either all of
them. Each attempt of an SDK's own retries counts. An attempt with a fault calls nothing and writes nothing.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, Unpack

from memo.errors import InvalidOption

__all__ = [
    "Fault",
    "When",
    "connection",
    "cut",
    "malformed",
    "parse",
    "raises",
    "rate_limit",
    "slow",
    "status",
    "timeout",
]


class When(TypedDict, total=False):
    """Which calls a fault is for, and what it raises where no SDK has its own exception."""

    function: str
    """A pattern of function names, by default `*`."""
    call: int
    """The number of the attempt, from 1."""
    every: int
    """Each so-manieth attempt."""
    error: BaseException | Callable[[], BaseException]
    """What a function that is no SDK's raises: an exception, of which each call gets a copy, or what makes one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, as `memo.fault` makes them. `str` gives the text that made it."""

    text: str
    kind: Literal["status", "timeout", "connection", "cut", "slow", "malformed", "raises"]
    function: str = "*"
    call: int | None = None
    every: int | None = None
    error: BaseException | Callable[[], BaseException] | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    after: int = 0
    first: float = 0.0
    per_item: float = 0.0

    def __str__(self) -> str:
        return self.text

    def is_due(self, number: int) -> bool:
        """Return whether the attempt of that number, from 1, has the fault."""
        if self.call is not None:
            return number == self.call
        return self.every is None or number % self.every == 0


def rate_limit(*, retry_after: float | None = None, body: Any = None, **when: Unpack[When]) -> Fault:
    """Answer 429, with the header `retry-after` in seconds if it is given."""
    return _made("rate_limit", "status", when, retry_after=retry_after, body=body, status=429)


def status(code: int, *, retry_after: float | None = None, body: Any = None, **when: Unpack[When]) -> Fault:
    """Answer with an HTTP status from 400 to 599; `body` is the JSON of the answer, by default an error as the API has it."""
    if code not in range(400, 600):
        raise InvalidOption("fault.status: code", code, ["a whole number from 400 to 599"])
    return _made("status", "status", when, code, retry_after=retry_after, body=body, status=code)


def timeout(**when: Unpack[When]) -> Fault:
    """Let the timeout of the client pass, without waiting for it. A function of your own raises `TimeoutError` by default."""
    return _made("timeout", "timeout", when)


def connection(**when: Unpack[When]) -> Fault:
    """Refuse the connection. A function of your own raises `ConnectionError` by default."""
    return _made("connection", "connection", when)


def cut(*, after: int = 0, **when: Unpack[When]) -> Fault:
    """Lose the connection after so many items of a stream, or in the middle of an answer that is no stream.

    A function of your own raises `ConnectionError` by default.
    """
    return _made("cut", "cut", when, after=_whole("cut", "after", after, 0))


def slow(*, first: float = 0.0, per_item: float = 0.0, **when: Unpack[When]) -> Fault:
    """Wait `first` seconds before the answer, or the first item of a stream, and `per_item` seconds before each further item."""
    for name, value in (("first", first), ("per_item", per_item)):
        if type(value) not in (int, float) or not 0 <= value < math.inf:
            raise InvalidOption(f"fault.slow: {name}", value, ["a number of seconds, 0 or more"])
    return _made("slow", "slow", when, first=first, per_item=per_item)


def malformed(**when: Unpack[When]) -> Fault:
    """Answer 200 with JSON that ends in its middle. A function of your own raises the `error` that is given."""
    return _made("malformed", "malformed", when)


def raises(
    error: BaseException | Callable[[], BaseException],
    *,
    function: str = "*",
    call: int | None = None,
    every: int | None = None,
) -> Fault:
    """Raise that exception, from an SDK too: one of which each call gets a copy, or what makes one."""
    when = {"function": function, "call": call, "every": every, "error": error}
    return _made("raises", "raises", when, shown=getattr(error, "__name__", repr(error)))


_MAKERS: dict[str, Callable[..., Fault]] = {
    maker.__name__: maker for maker in (rate_limit, status, timeout, connection, cut, slow, malformed)
}


def parse(text: str) -> list[Fault]:
    """Return the faults in a text: `rate_limit(every=3, retry_after=2), timeout(call=1)`. Nothing in it is run.

    Raises `InvalidOption` for an unknown fault, naming the nearest, and for arguments that are no numbers and texts.
    """
    try:
        tree = ast.parse(f"[{text}]", mode="eval").body
    except (SyntaxError, ValueError):
        tree = None
    if not isinstance(tree, ast.List):
        raise InvalidOption("faults", text, ["rate_limit(every=3, retry_after=2), timeout(call=1)"])
    return [_parsed(node) for node in tree.elts]


def _parsed(node: ast.expr) -> Fault:
    text = ast.unparse(node)
    named = node.func if isinstance(node, ast.Call) else node
    name = ast.unparse(named).removeprefix("fault.")
    if name not in _MAKERS:
        raise InvalidOption("faults", name, _MAKERS)
    arguments = node if isinstance(node, ast.Call) else ast.Call(func=named, args=[], keywords=[])
    try:
        given = [ast.literal_eval(argument) for argument in arguments.args]
        options = {option.arg or "": ast.literal_eval(option.value) for option in arguments.keywords}
        return _MAKERS[name](*given, **options)
    except InvalidOption:
        raise
    except TypeError as error:
        raise InvalidOption("faults", text, [f"the arguments of memo.fault.{name} ({error})"]) from None
    except ValueError:
        raise InvalidOption("faults", text, ["arguments that are numbers and texts"]) from None


def _made(name: str, kind: Any, when: Mapping[str, Any], *given: Any, shown: str = "", **fields: Any) -> Fault:
    unknown = when.keys() - When.__annotations__.keys()
    if unknown:
        raise InvalidOption(f"fault.{name}: option", min(unknown), sorted(When.__annotations__))
    call, every, function = when.get("call"), when.get("every"), when.get("function", "*")
    if call is not None and every is not None:
        raise InvalidOption(f"fault.{name}: call and every", (call, every), ["one of the two"])
    for option, value in (("call", call), ("every", every)):
        if value is not None:
            _whole(name, option, value, 1)
    if not isinstance(function, str) or not function:
        raise InvalidOption(f"fault.{name}: function", function, ["a pattern of function names: 'openai.*'"])
    retry_after, error = fields.pop("retry_after", None), when.get("error")
    if retry_after is not None and (type(retry_after) not in (int, float) or not 0 <= retry_after < math.inf):
        raise InvalidOption(f"fault.{name}: retry_after", retry_after, ["a number of seconds, 0 or more"])
    if error is not None and not isinstance(error, BaseException) and not callable(error):
        raise InvalidOption(
            f"fault.{name}: error", error, ["an exception", "what makes one: an exception's class, a function"]
        )
    stated = {
        "retry_after": retry_after,
        **{option: fields.get(option) for option in ("after", "first", "per_item")},
        **when,
    }
    shown_options = [
        f"{option}={value!r}"
        for option, value in stated.items()
        if value and (option, value) != ("function", "*") and option != "error"
    ]
    return Fault(
        text=f"{name}({', '.join([*map(repr, given), *([shown] if shown else []), *shown_options])})",
        kind=kind,
        function=function,
        call=call,
        every=every,
        error=error,  # pyright: ignore[reportArgumentType] - whether it makes an exception is seen when it is due
        headers={} if retry_after is None else {"retry-after": f"{retry_after:g}"},
        **fields,
    )


def _whole(name: str, option: str, value: object, least: int) -> int:
    if type(value) is not int or value < least:
        raise InvalidOption(f"fault.{name}: {option}", value, [f"a whole number, {least} or more"])
    return value
