"""Differences as lines for people: what is too long to be shown is cut, and the line says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple
from zlib import crc32

import orjson

from memo._recordings.differences import ABSENT, Difference
from memo._recordings.likeness import NUMBERS, common_start, is_numbers, opcodes, same

__all__ = ["Piece", "lines", "pieces", "printable", "shown"]

_SHORT = 160
"""Characters of two texts, together, that are shown whole."""
_WIDEST = 240
"""Characters of a value, or of a changed stretch of text: the rest is cut."""
_MOST_SHOWN = 1200
"""Characters of the changes of one text: the rest is counted."""
_CONTEXT = 30
_MOST_CHARACTERS = 6000
"""Characters of two texts, together, that are compared word by word."""

_WORDS = re.compile(r"\n|[^\S\n]*\w+|[^\S\n]*[^\w\s]|[^\S\n]+")


class Piece(NamedTuple):
    """A part of a line that shows a difference: printable text, and the kind of text."""

    kind: Literal["path", "same", "before", "after", "note"]
    text: str


def lines(found: Iterable[Difference], limit: int = 60) -> list[str]:
    """Return the differences as at most `limit` lines of plain text; the last line says how many more there are."""
    return ["".join(piece.text for piece in line) for line in shown(found, limit)]


def shown(found: Iterable[Difference], limit: int = 60, short: int = _SHORT) -> list[list[Piece]]:
    """Return the differences as lines of pieces, to be colored by their kinds.

    Two texts of at most `short` characters, together, are shown whole, one after the other.
    """
    rest = list(found)
    out: list[list[Piece]] = []
    while rest:
        more = pieces(rest[0], short)
        # Keep room for "… and N more", unless this difference is the last and fits.
        room = limit - len(out) - (len(rest) > 1)
        if len(more) > room:
            if not out and room > 1:
                out += [*more[: room - 1], [Piece("note", "    …")]]
                rest = rest[1:]
            break
        out += more
        rest = rest[1:]
    if rest:
        out.append([Piece("note", f"… and {len(rest):,} more")])
    return out


def pieces(difference: Difference, short: int = _SHORT) -> list[list[Piece]]:
    """Return the lines of one difference: `path: before → after`, `path: added …`, `path: removed …`, or long text inline.

    Inline, removed text is in `[-…-]` and added text in `{+…+}`; `…` replaces equal text. Text of several lines stays on
    several lines, indented under its path.
    """
    path, before, after = difference
    head = Piece("path", f"{printable(path) or '(everything)'}: ")
    if before is ABSENT:
        return [[head, Piece("note", "added "), Piece("after", _value(after))]]
    if after is ABSENT:
        return [[head, Piece("note", "removed "), Piece("before", _value(before))]]
    if type(before) is str and type(after) is str and (len(before) + len(after) > short or "\n" in before + after):
        return _inline(head, before, after)
    left, right = _value(before), _value(after)
    line = [head, Piece("before", left), Piece("same", " → "), Piece("after", right)]
    if is_numbers(before) and is_numbers(after):
        unequal = sum(not same(one, other) for one, other in zip(before, after, strict=False))
        line.append(Piece("note", f" ({unequal + abs(len(before) - len(after)):,} differ)"))
    return [line]


def _value(value: Any) -> str:
    if type(value) is str:
        return _cut(_quoted(value[: 2 * _WIDEST]), len(value))
    if is_numbers(value) and len(value) > NUMBERS:
        return f"[{', '.join(_json(number) for number in value[:3])}, … {len(value):,} numbers]"
    text = _json(value)
    return _cut(printable(text[: 2 * _WIDEST]), len(text))


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value)


def _quoted(text: str) -> str:
    quote = '"' if "'" in text and '"' not in text else "'"
    return f"{quote}{printable(text)}{quote}"


def printable(text: str) -> str:
    """Return the text on one line, without anything that moves the cursor of a terminal."""
    return _printable(text).replace("\n", "\\n")


def _cut(text: str, length: int) -> str:
    """Return the text, cut if it is too long; `length` is the length of the whole."""
    if len(text) <= _WIDEST and length <= 2 * _WIDEST:
        return text
    return f"{text[: _WIDEST - 40]}… ({length:,} characters)"


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character
        if character == "\n" or character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


_Part = tuple[Literal["same", "before", "after"], str]


def _inline(head: Piece, before: str, after: str) -> list[list[Piece]]:
    every = list(_trimmed(_joined(_compared(before, after))))
    parts = every[: _most(every)]
    left = sum(kind != "same" for kind, _ in every[len(parts) :])
    more = [Piece("note", f" … and {left:,} more changes")] if left else []
    if not any("\n" in text for _, text in parts):
        return [[head, Piece("same", "'"), *(_piece(kind, text) for kind, text in parts), Piece("same", "'"), *more]]
    out: list[list[Piece]] = [[Piece("path", head.text.rstrip())]]
    line: list[Piece] = []
    for kind, text in parts:
        first, *others = text.split("\n")
        if first or (kind != "same" and others):
            line.append(_piece(kind, first if not others or kind == "same" else first + "⏎"))
        for number, text_line in enumerate(others, 1):
            out.append([Piece("same", "    "), *line])
            end = "⏎" if kind != "same" and number < len(others) else ""
            line = [_piece(kind, text_line + end)] if text_line + end else []
    if line or more:
        out.append([Piece("same", "    "), *line, *more])
    return out


def _most(parts: list[_Part]) -> int:
    """Return how many of the stretches to show."""
    size = 0
    for index, (_, text) in enumerate(parts):
        size += len(text)
        if size > _MOST_SHOWN and index > 2:
            return index
    return len(parts)


def _piece(kind: Literal["same", "before", "after"], text: str) -> Piece:
    return Piece(kind, {"same": "{}", "before": "[-{}-]", "after": "{{+{}+}}"}[kind].format(_printable(text)))


def _compared(before: str, after: str) -> list[_Part]:
    """Return the two texts as stretches that are equal, removed or added."""
    start = common_start(before, after)
    while start and start < max(len(before), len(after)) and before[start - 1].isalnum():
        start -= 1  # whole words
    left, right = before[start:], after[start:]
    end = common_start(left[::-1], right[::-1])
    while end and left[-end].isalnum():
        end -= 1
    tail = left[len(left) - end :]
    left, right = left[: len(left) - end], right[: len(right) - end]
    return [("same", before[:start]), *_words(left, right), ("same", tail)]


def _words(left: str, right: str) -> Iterator[_Part]:
    """Compare word by word, longer texts stretch by stretch first."""
    size = len(left) + len(right)
    if size <= _MOST_CHARACTERS:
        yield from _changes(_WORDS.findall(left), _WORDS.findall(right), refined=False)
    elif size <= 100 * _MOST_CHARACTERS:
        yield from _changes(_stretches(left), _stretches(right), refined=True)
    else:
        yield from _changes([left], [right], refined=False)


def _changes(left: list[str], right: list[str], *, refined: bool) -> Iterator[_Part]:
    for tag, i1, i2, j1, j2 in opcodes(left, right):
        gone, come = "".join(left[i1:i2]), "".join(right[j1:j2])
        if tag == "equal":
            yield "same", gone
        elif refined and gone and come and len(gone) + len(come) <= _MOST_CHARACTERS:
            yield from _words(gone, come)
        else:
            yield from _change(gone, come)


def _change(gone: str, come: str) -> Iterator[_Part]:
    """Return a removed and an added stretch, without the white space that both begin with."""
    space = 0
    while space < min(len(gone), len(come)) and gone[space] == come[space] and gone[space].isspace():
        space += 1
    yield "same", gone[:space]
    yield "before", gone[space:]
    yield "after", come[space:]


def _stretches(text: str) -> list[str]:
    """Cut the text after every 16th word or so. The words themselves decide: an insertion moves no other cut."""
    out, start = [], 0
    for word in _WORDS.finditer(text):
        if crc32(word[0].strip().encode(errors="surrogatepass")) % 16 == 1:  # not 0: the checksum of a line break
            out.append(text[start : word.end()])
            start = word.end()
    return [*out, text[start:]] if start < len(text) else out


def _joined(parts: Iterable[_Part]) -> list[_Part]:
    """Join neighbours that are both equal, and leave out empty stretches."""
    out: list[_Part] = []
    for kind, text in parts:
        if kind == "same" and out and out[-1][0] == "same":
            out[-1] = ("same", out[-1][1] + text)
        elif text:
            out.append((kind, text))
    return out


def _trimmed(parts: list[_Part]) -> Iterator[_Part]:
    """Leave out the middle of long stretches."""
    last = len(parts) - 1
    for index, (kind, text) in enumerate(parts):
        if kind != "same" and len(text) > _WIDEST:
            yield kind, f"{text[: _WIDEST - 80]} … ({len(text):,} characters) … {text[-40:]}"
        elif kind != "same":
            yield kind, text
        elif index == 0 and len(text) > _CONTEXT + 1:
            yield kind, "…" + (text[-_CONTEXT:].rpartition("\n")[2] or "\n")
        elif index == last and len(text) > _CONTEXT + 1:
            yield kind, text[:_CONTEXT].partition("\n")[0] + "…"
        elif 0 < index < last and len(text) > 2 * _CONTEXT + 3:
            start, end = text[:_CONTEXT].partition("\n"), text[-_CONTEXT:].rpartition("\n")
            yield kind, start[0] + ("…\n" if start[1] or end[1] else " … ") + end[2]
        else:
            yield kind, text
