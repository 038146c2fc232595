"""Credentials in JSON that is in a text, whole or cut off: by the names that lead to a value, as in a tree.

What `redact` does to the tree of an outcome, for text: a stream's items hold pieces of JSON, and prose quotes some. A
dictionary as Python writes it is read, too. One pass over the tokens, tolerant of anything between them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

import orjson

from memo._calls.secret_expressions import Expression
from memo._calls.secret_forms import ANY, CODE, LOGIN, PASSWORD, TOKEN, Form, is_given
from memo._calls.secret_names import holds_headers, judge, judge_below
from memo._calls.secret_pairs import (
    COOKIE_FIELDS,
    COOKIE_VALUE,
    JWK,
    JWK_FIELDS,
    NAMES,
    SECRET_DATA,
    SECRET_KIND,
    VALUES,
    is_cookie,
    paired,
)

__all__ = ["mapped", "spans"]

Span = tuple[int, int]

_TOKEN = Expression(
    r"""(?P<open>[\[{]) | (?P<close>[\]}])
    | (?: "(?P<double>(?:[^"\\\n]|\\.)*) (?P<end>"|(?=\n)|\\?\Z|\\(?=\n))
      | (?<=[\[{(,:\s])'(?P<single>(?:[^'\\\n]|\\.)*) (?:'|(?=\n)|\\?\Z|\\(?=\n)) )
      (?P<colon>\s{0,8}(?::|=>))?
    | (?<=[\[:,\s])(?P<number>\d{4,64})(?=\s{0,8}(?:[,\]}]|\Z))""",
    re.VERBOSE | re.ASCII,
)
_ESCAPE = Expression(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_BARE = Expression(
    r"(?<![\w.$-])([A-Za-z_][\w.-]{0,63})\s{0,4}(?::=|=>?|:)\s{0,4}(?:\[\]\w{1,16}|new\s\w{1,16}(?:<\w{1,16}>)?\(?)?\s{0,4}\Z",
    re.ASCII,
)
"""A name without quotes before a value: of a variable, in JavaScript or HCL."""
_BEFORE = 96
"""Characters before a value in which its name is looked for."""
_ENDS_OF_NAMES = frozenset("=:>)]") | frozenset("gtey")
_DEEPEST = 64
"""Levels of nesting that are distinguished in one text."""


class _Frame:
    """An array or an object that is open."""

    __slots__ = (
        "beside",
        "cookie",
        "first",
        "form",
        "headers",
        "is_array",
        "is_jwk",
        "lists",
        "name",
        "option",
        "schema",
        "waiting",
    )

    def __init__(
        self, *, is_array: bool, form: Form | None, headers: bool = False, schema: bool = False, lists: bool = False
    ) -> None:
        self.is_array = is_array
        self.form = form
        """The form of a credential under the name that leads here."""
        self.headers = headers
        self.schema = schema
        """Return whether the names in it are described, as in a JSON schema, and not given."""
        self.lists = lists
        """Whether what has no name in braces is a member of a set or slice."""
        self.name: str | None = None
        """In an object: the name whose value comes next."""
        self.first: str | None = None
        """In an array: its first text."""
        self.option: Form | None = None
        """In an array: the form of a credential after the option of a command that came last."""
        self.beside: Form | None = None
        """In an object: the form of a credential whose name was the value of a field like `name`."""
        self.is_jwk = False
        self.cookie = frozenset[str]()
        """In an object: the fields that tell a cookie."""
        self.waiting: list[tuple[str, str, Span]] = []
        """In an object: the fields of which another may say, later on, that they are credentials."""


class _Names(NamedTuple):
    more: frozenset[str]
    fewer: frozenset[str]


def spans(text: str, more: frozenset[str], fewer: frozenset[str], inside: Callable[[str], list[Span]]) -> list[Span]:
    """Return where credentials are in the JSON of a text; `inside` searches the text of a string in it."""
    if ('"' not in text and "'" not in text) or not any(mark in text for mark in "{[\\"):
        return []
    # What people write has placeholders, and prose has words: `"password": "<yours>"`, `{"password": "required"}`.
    walk = _Walk(text, _Names(more, fewer), is_given if text.lstrip()[:1] in ("{", "[") else PASSWORD, inside)
    for token in _TOKEN.finditer(text):
        walk.step(token)
    for frame in walk.frames:
        walk.leave(frame)
    return walk.found


class _Walk:
    """The state of one pass."""

    def __init__(self, text: str, names: _Names, anything: Form, inside: Callable[[str], list[Span]]) -> None:
        self._text = text
        self._names = names
        self._anything = anything
        self._inside = inside
        self._is_secret = SECRET_KIND.search(text) is not None
        self.frames: list[_Frame] = []
        self.found: list[Span] = []

    def step(self, token: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "open":
            self._open(token.start(), is_array=token["open"] == "[")
        elif kind == "close":
            if self.frames:
                self.leave(self.frames.pop())
        elif kind == "number":
            form = self._form()
            if form is not None and form in (ANY, CODE) and form(token["number"]) and not self._is_plural():
                self.found.append(token.span("number"))
            self._taken()
        else:
            self._string(token)

    def _open(self, at: int, *, is_array: bool) -> None:
        if len(self.frames) >= _DEEPEST:
            self.frames.pop(0)  # what is deeper than that is hostile, or no JSON
        top = self.frames[-1] if self.frames else None
        if top is None or not (top.is_array or top.name):
            bare = self._bare(at)
            if bare is not None and top is None:
                self.frames.append(_Frame(is_array=is_array, form=judge(bare, *self._names), lists=True))
                return
            if bare is not None and top is not None:
                top.name = bare
        name = top.name if top is not None else None
        headers = holds_headers(name) if name else top is not None and top.is_array and top.headers
        self.frames.append(
            _Frame(is_array=is_array, form=self._form(), headers=headers, schema=not is_array and name == "properties")
        )
        if top is not None:
            top.name = None

    def _bare(self, at: int) -> str | None:
        """Return the name without quotes that a value has which begins at a place."""
        before = self._text[max(0, at - _BEFORE) : at]
        if before.rstrip()[-1:] not in _ENDS_OF_NAMES:
            return None
        name = _BARE.search(before)
        return name[1] if name is not None else None

    def _form(self) -> Form | None:
        """Return the form of a credential at this place."""
        if not self.frames:
            return None
        top = self.frames[-1]
        if top.is_array:
            return top.form
        if top.name is None:
            return top.form if top.lists else None
        if top.schema:
            return None
        if self._is_secret and top.name in SECRET_DATA:
            return ANY
        return judge_below(top.name, top.form, self._names.more, self._names.fewer)

    def leave(self, frame: _Frame) -> None:
        """Take the value of a cookie, once all fields of the object are known."""
        if is_cookie(frame.cookie):
            self.found += [span for name, text, span in frame.waiting if name == COOKIE_VALUE and TOKEN(text)]

    def _is_plural(self) -> bool:
        name = self.frames[-1].name
        return name is not None and name.endswith(("s", "S"))

    def _string(self, token: re.Match[str]) -> None:
        group = "single" if token["single"] is not None else "double"
        text, top = token[group], self.frames[-1] if self.frames else None
        if token["colon"] is not None and top is not None and not top.is_array:
            top.name = _plain(text)
            if top.name in COOKIE_FIELDS:
                top.cookie |= {top.name}
            return
        if top is not None and not top.is_array and top.name is None and top.form is not None:
            top.name = self._bare(token.start())
        if self._hides(text, token):
            self.found.append(token.span(group))
        elif "\\" in text or ("'" in text and "{" in text):
            self.found += mapped(text, token.start(group), self._inside)
        if top is not None and top.is_array:
            top.first = text if top.first is None else top.first
            top.option = paired(text, *self._names) if text.startswith("--") else None
        if top is not None and top.name is not None:
            self._beside(top, top.name, text, token.span(group))
        self._taken()

    def _beside(self, top: _Frame, name: str, text: str, span: Span) -> None:
        """Take a field that says what another one holds, or of which another one says it: in either order."""
        if name == JWK:
            top.is_jwk = True
        elif name in NAMES:
            top.beside = top.beside or paired(_plain(text), *self._names)
        elif name in VALUES or name in JWK_FIELDS:
            top.waiting.append((name, text, span))
        else:
            return
        waiting, top.waiting = top.waiting[-len(JWK_FIELDS) :], []
        for field in waiting:
            if top.is_jwk if field[0] in JWK_FIELDS else top.beside is not None and top.beside(field[1]):
                self.found.append(field[2])
            else:
                top.waiting.append(field)

    def _hides(self, text: str, token: re.Match[str]) -> bool:
        """Return whether a string that is no name is a credential."""
        form = self._form()
        top = self.frames[-1] if self.frames else None
        if top is not None and top.option is not None:
            return top.option(text)
        if top is not None and top.is_array and top.first is not None and _closes(self._text, token.end()):
            paired = self._paired(top)
            if paired is not None:
                return paired(text)
        return form is not None and (self._anything if form is ANY else form)(text)

    def _paired(self, top: _Frame) -> Form | None:
        """Return the form of the second of two texts, of which the first is a user or the name of a header."""
        if top.form is LOGIN:
            return PASSWORD
        outer = self.frames[-2] if len(self.frames) > 1 else None
        if top.form is None and outer is not None and outer.is_array and top.first is not None:
            form = judge(_plain(top.first), self._names.more, self._names.fewer)
            return form if form is not ANY else self._anything if outer.headers else PASSWORD
        return None

    def _taken(self) -> None:
        if self.frames:
            self.frames[-1].name = None


def _closes(text: str, at: int) -> bool:
    """Return whether an array ends at a place, or the text does."""
    return text[at : at + 8].lstrip()[:1] in ("]", "")


def _plain(text: str) -> str:
    return _unescaped(text, _ESCAPE, _character)[0] if "\\" in text else text


def mapped(
    text: str,
    at: int,
    inside: Callable[[str], list[Span]],
    escape: Expression = _ESCAPE,
    character: Callable[[str], str] | None = None,
) -> list[Span]:
    """Return where credentials are in an escaped text that begins at a place; `character` gives the one that an escape stands for."""
    plain, starts, shifts = _unescaped(text, escape, character or _character)

    def place(index: int) -> int:
        return at + index + shifts[bisect_right(starts, index) - 1]

    return [(place(start), place(end)) for start, end in inside(plain)]


def _unescaped(text: str, escape: Expression, character: Callable[[str], str]) -> tuple[str, list[int], list[int]]:
    """Return a text without its escapes, and by how much an index in it is more in the escaped one, from each index on."""
    parts: list[str] = []
    starts, shifts = [0], [0]
    at = size = 0
    for found in escape.finditer(text):
        parts += text[at : found.start()], character(found.group())
        size += found.start() - at + 1
        at = found.end()
        starts.append(size)
        shifts.append(at - size)
    return "".join([*parts, text[at:]]), starts, shifts


def _character(escape: str) -> str:
    try:
        character = orjson.loads(f'"{escape}"')
    except orjson.JSONDecodeError:  # half of a pair, or no escape of JSON
        return escape[-1]
    return character if len(character) == 1 else escape[-1]
