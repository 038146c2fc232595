"""What differs between two JSON trees, as a person would say it, and how alike they are.

Bounded: what is too long to be aligned well is compared place by place, what is too long to be shown is cut, and says so.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from enum import Enum
from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

import orjson

from memo._values.paths import step_text

__all__ = [
    "ABSENT",
    "Absent",
    "Difference",
    "Piece",
    "differences",
    "lines",
    "pieces",
    "printable",
    "shown",
    "similarity",
]


class Absent(Enum):
    """Stands for what one side does not have. (An enum's member stays itself when it is copied or pickled.)"""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class Difference(NamedTuple):
    """One place where two trees differ."""

    path: str
    """As `messages[1].content`; "" is the whole tree. Indexes count in `before`, the last one of an insertion in `after`."""
    before: Any
    """`ABSENT` where only the other side has it."""
    after: Any


class Piece(NamedTuple):
    """A part of a line that shows a difference: text that is ready to be printed, and what it is."""

    kind: Literal["path", "same", "before", "after", "note"]
    text: str


def differences(before: Any, after: Any) -> list[Difference]:
    """Where two JSON trees differ: few, in a stable order, none for equal trees (1, 1.0, True and "1" differ).

    Lists are aligned: an inserted message is one difference. A model is known by its class and compared by its fields,
    as in `memo`'s paths. A long list of numbers is one value, unless it differs in a few places only.
    """
    return list(_differ(before, after, "", 0))


def lines(found: Iterable[Difference], limit: int = 60) -> list[str]:
    """The differences for people, as plain text of at most `limit` lines; the last one says how many more there are."""
    return ["".join(piece.text for piece in line) for line in shown(found, limit)]


def shown(found: Iterable[Difference], limit: int = 60) -> list[list[Piece]]:
    """The same, each line as pieces that tell what they are (to be coloured)."""
    rest = list(found)
    out: list[list[Piece]] = []
    while rest:
        more = pieces(rest[0])
        # Room for "… and N more" is kept, unless this is the last and it fits.
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


def pieces(difference: Difference) -> list[list[Piece]]:
    """The lines of one difference: `path: before → after`, `path: added …`, `path: removed …`, or long text inline.

    Inline, what went stands in `[-…-]`, what came in `{+…+}`, and `…` for what is equal and left out. Text of several
    lines keeps them, indented under its path.
    """
    path, before, after = difference
    head = Piece("path", f"{printable(path) or '(everything)'}: ")
    if before is ABSENT:
        return [[head, Piece("note", "added "), Piece("after", _value(after))]]
    if after is ABSENT:
        return [[head, Piece("note", "removed "), Piece("before", _value(before))]]
    if type(before) is str and type(after) is str and (len(before) + len(after) > _SHORT or "\n" in before + after):
        return _inline(head, before, after)
    left, right = _value(before), _value(after)
    line = [head, Piece("before", left), Piece("same", " → "), Piece("after", right)]
    if _is_numbers(before) and _is_numbers(after):
        unequal = sum(not _same(one, other) for one, other in zip(before, after, strict=False))
        line.append(Piece("note", f" ({unequal + abs(len(before) - len(after)):,} differ)"))
    return [line]


def similarity(before: Any, after: Any) -> float:
    """How alike two JSON trees are: 1.0 for equal ones, 0.0 for what has nothing in common. Quick rather than exact."""
    return _similarity(before, after, 0)


# Comparing

_DEEPEST = 100
_NUMBERS = 16
"""A longer list of numbers is one value."""
_FEW = 3
_LONGEST = 4000
"""Lists together longer than this are compared place by place, once their equal ends are taken off; so are"""
_MOST_PAIRS = 100_000
"""lists with more pairs of equal members."""
_MOST_CELLS = 400
"""A replaced stretch is aligned by likeness up to this many pairs."""

_PARTS = ("value", "extra", "attributes")
"""Where a model has its fields, and a subclass of a builtin its data: paths pass through."""


def _differ(before: Any, after: Any, path: str, depth: int) -> Iterator[Difference]:
    if depth < _DEEPEST and type(before) is dict and type(after) is dict:
        if before.get("__type__") == after.get("__type__"):
            yield from _differ_mappings(before, after, path, depth)
            return
    elif depth < _DEEPEST and type(before) is list and type(after) is list:
        yield from _differ_lists(before, after, path, depth)
        return
    if not _same(before, after):
        yield Difference(path, before, after)


def _differ_mappings(before: dict[str, Any], after: dict[str, Any], path: str, depth: int) -> Iterator[Difference]:
    parts = _PARTS if "__type__" in before else ()
    for key in [*before, *(key for key in after if key not in before)]:
        one, other = before.get(key, ABSENT), after.get(key, ABSENT)
        if key in parts:
            # A model without extras has no such part.
            if type(one) is dict and other is ABSENT:
                other = {}
            elif type(other) is dict and one is ABSENT:
                one = {}
            if one is not ABSENT and other is not ABSENT:
                yield from _differ(one, other, path, depth + 1)
                continue
        inner = f"{path}{step_text(key)}".removeprefix(".")
        if one is ABSENT or other is ABSENT:
            yield Difference(inner, one, other)
        else:
            yield from _differ(one, other, inner, depth + 1)


def _differ_lists(before: list[Any], after: list[Any], path: str, depth: int) -> Iterator[Difference]:
    if max(len(before), len(after)) > _NUMBERS and _is_numbers(before) and _is_numbers(after):
        unequal = [index for index, pair in enumerate(zip(before, after, strict=False)) if not _same(*pair)]
        if len(before) != len(after) or len(unequal) > _FEW:
            yield Difference(path, before, after)
        else:
            for index in unequal:
                yield Difference(f"{path}[{index}]", before[index], after[index])
        return
    for one, other in _aligned(before, after):
        if other is None:
            yield Difference(f"{path}[{one}]", before[one or 0], ABSENT)
        elif one is None:
            yield Difference(f"{path}[{other}]", ABSENT, after[other])
        else:
            yield from _differ(before[one], after[other], f"{path}[{one}]", depth + 1)


def _aligned(before: list[Any], after: list[Any]) -> Iterator[tuple[int | None, int | None]]:
    """Indexes of members that are each other's, or of one that has no partner. Equal ones may be left out."""
    left, right = [_canonical(each) for each in before], [_canonical(each) for each in after]
    start = 0
    while start < len(left) and start < len(right) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    left, right = left[start : len(left) - end], right[start : len(right) - end]
    for tag, i1, i2, j1, j2 in _opcodes(left, right):
        if tag == "equal":
            continue
        for one, other in _paired(before[start + i1 : start + i2], after[start + j1 : start + j2]):
            yield (
                None if one is None else start + i1 + one,
                None if other is None else start + j1 + other,
            )


def _opcodes(left: Sequence[Any], right: Sequence[Any]) -> list[tuple[str, int, int, int, int]]:
    """How to get from one to the other; where that would take too long, everything replaced."""
    if not left or not right:
        return [("replace", 0, len(left), 0, len(right))] if left or right else []
    if len(left) + len(right) <= _LONGEST:
        counts = Counter(right)
        if sum(counts[each] for each in left) <= _MOST_PAIRS:
            return list(SequenceMatcher(None, left, right, autojunk=False).get_opcodes())
    return [("replace", 0, len(left), 0, len(right))]


def _paired(before: list[Any], after: list[Any]) -> Iterator[tuple[int | None, int | None]]:
    """The members of a replaced stretch with what they became: by likeness where it is short, else by place."""
    rows, columns = len(before), len(after)
    if not 0 < rows * columns <= _MOST_CELLS or rows == columns == 1:
        for index in range(max(rows, columns)):
            yield index if index < rows else None, index if index < columns else None
        return
    # The cheapest way through, a pair costing what it lacks in likeness, a member alone _ALONE.
    costs = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    unlike = [[1 - similarity(one, other) for other in after] for one in before]
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            ways = []
            if i < rows and j < columns:
                ways.append(unlike[i][j] + costs[i + 1][j + 1])
            if i < rows:
                ways.append(_ALONE + costs[i + 1][j])
            if j < columns:
                ways.append(_ALONE + costs[i][j + 1])
            costs[i][j] = min(ways, default=0.0)
    i = j = 0
    while i < rows or j < columns:
        if i < rows and j < columns and costs[i][j] == unlike[i][j] + costs[i + 1][j + 1]:
            yield i, j
            i, j = i + 1, j + 1
        elif i < rows and costs[i][j] == _ALONE + costs[i + 1][j]:
            yield i, None
            i += 1
        else:
            yield None, j
            j += 1


_ALONE = 0.45


def _same(before: Any, after: Any) -> bool:
    return type(before) is type(after) and (before is after or _canonical(before) == _canonical(after))


def _canonical(tree: Any) -> bytes:
    try:
        return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # deeper than what orjson writes, though not than what it reads
        return json.dumps(tree, sort_keys=True).encode()


def _is_numbers(node: Any) -> bool:
    return type(node) is list and all(type(each) in (int, float) for each in node)


# Likeness

_KIN = 0.2
"""What two values of the same kind have in common in any case."""
_LOOKED_AT = 8192
"""How much of a long text, or list, is looked at."""


def _similarity(before: Any, after: Any, depth: int) -> float:
    if type(before) is not type(after):
        return 0.0
    if type(before) is str:
        return _text_similarity(before, after)
    if depth > _DEEPEST or type(before) not in (dict, list):
        return 1.0 if _same(before, after) else _KIN
    if type(before) is dict:
        if before.get("__type__") != after.get("__type__"):
            return 0.0
        keys = before.keys() | after.keys()
        shared = before.keys() & after.keys()
        alike = sum(sorted(_similarity(before[key], after[key], depth + 1) for key in shared))
        return alike / len(keys) if keys else 1.0
    return _list_similarity(before, after, depth)


def _list_similarity(before: list[Any], after: list[Any], depth: int) -> float:
    longest = max(len(before), len(after))
    if not longest:
        return 1.0
    before, after = before[:_LOOKED_AT], after[:_LOOKED_AT]
    left, right = [_canonical(each) for each in before], [_canonical(each) for each in after]
    equal = Counter(left) & Counter(right)
    rest: list[list[Any]] = []
    for members, forms in ((before, left), (after, right)):
        met = equal.copy()
        unmatched = []
        for each, form in zip(members, forms, strict=True):
            if met[form]:
                met[form] -= 1
            else:
                unmatched.append(each)
        rest.append(unmatched)
    pairs = list(zip(*rest, strict=False))[:64]
    alike = equal.total() + sum(_similarity(one, other, depth + 1) for one, other in pairs)
    return 1.0 if left == right else min(alike / longest, 0.99)


def _text_similarity(before: str, after: str) -> float:
    if before == after:
        return 1.0
    longest = max(len(before), len(after))
    start = _common_start(before, after)
    end = _common_start(before[: start - 1 if start else None : -1], after[: start - 1 if start else None : -1])
    ends = min(start + end, longest) / longest
    left, right = Counter(before[:_LOOKED_AT].split()), Counter(after[:_LOOKED_AT].split())
    words = (left & right).total() / max(left.total(), right.total(), 1)
    return _KIN + (1 - _KIN) * max(ends, words) * 0.99


def _common_start(before: str, after: str) -> int:
    """How many characters are equal from the start: by halving, since a slice is compared at once."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


# Showing

_SHORT = 160
"""Two texts of together so many characters are shown whole."""
_WIDEST = 240
"""A value, or a changed stretch of text, is cut to this many characters."""
_MOST_SHOWN = 1200
"""A text's changes are shown up to so many characters."""
_CONTEXT = 30
_MOST_CHARACTERS = 6000
"""Up to here, text is compared word by word."""

_WORDS = re.compile(r"\n|[^\S\n]*\w+|[^\S\n]*[^\w\s]|[^\S\n]+")


def _value(value: Any) -> str:
    if type(value) is str:
        return _cut(_quoted(value[: 2 * _WIDEST]), len(value))
    if _is_numbers(value) and len(value) > _NUMBERS:
        return f"[{', '.join(_json(each) for each in value[:3])}, … {len(value):,} numbers]"
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
    """The text on one line, with nothing in it that moves the cursor of whoever reads it."""
    return _printable(text).replace("\n", "\\n")


def _cut(text: str, length: int) -> str:
    """The text, shortened in the middle of its line if it is too long; `length` is how long it really is."""
    if len(text) <= _WIDEST and length <= 2 * _WIDEST:
        return text
    return f"{text[: _WIDEST - 40]}… ({length:,} characters)"


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        each if each == "\n" or each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
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
        for number, each in enumerate(others, 1):
            out.append([Piece("same", "    "), *line])
            end = "⏎" if kind != "same" and number < len(others) else ""
            line = [_piece(kind, each + end)] if each + end else []
    if line or more:
        out.append([Piece("same", "    "), *line, *more])
    return out


def _most(parts: list[_Part]) -> int:
    """How many of the stretches are shown."""
    size = 0
    for index, (_, text) in enumerate(parts):
        size += len(text)
        if size > _MOST_SHOWN and index > 2:
            return index
    return len(parts)


def _piece(kind: Literal["same", "before", "after"], text: str) -> Piece:
    return Piece(kind, {"same": "{}", "before": "[-{}-]", "after": "{{+{}+}}"}[kind].format(_printable(text)))


def _compared(before: str, after: str) -> list[_Part]:
    """The two texts as stretches that are equal, that went and that came."""
    start = _common_start(before, after)
    while start and start < max(len(before), len(after)) and before[start - 1].isalnum():
        start -= 1  # whole words
    left, right = before[start:], after[start:]
    end = _common_start(left[::-1], right[::-1])
    while end and left[-end].isalnum():
        end -= 1
    tail = left[len(left) - end :]
    left, right = left[: len(left) - end], right[: len(right) - end]
    return [("same", before[:start]), *_words(left, right), ("same", tail)]


def _words(left: str, right: str) -> Iterator[_Part]:
    """Word by word; of longer texts, stretch by stretch first."""
    size = len(left) + len(right)
    if size <= _MOST_CHARACTERS:
        yield from _changes(_WORDS.findall(left), _WORDS.findall(right), refined=False)
    elif size <= 100 * _MOST_CHARACTERS:
        yield from _changes(_stretches(left), _stretches(right), refined=True)
    else:
        yield from _changes([left], [right], refined=False)


def _changes(left: list[str], right: list[str], *, refined: bool) -> Iterator[_Part]:
    for tag, i1, i2, j1, j2 in _opcodes(left, right):
        gone, come = "".join(left[i1:i2]), "".join(right[j1:j2])
        if tag == "equal":
            yield "same", gone
        elif refined and gone and come and len(gone) + len(come) <= _MOST_CHARACTERS:
            yield from _words(gone, come)
        else:
            yield from _change(gone, come)


def _change(gone: str, come: str) -> Iterator[_Part]:
    """What went and what came, the white space that both begin with apart."""
    space = 0
    while space < min(len(gone), len(come)) and gone[space] == come[space] and gone[space].isspace():
        space += 1
    yield "same", gone[:space]
    yield "before", gone[space:]
    yield "after", come[space:]


def _stretches(text: str) -> list[str]:
    """The text cut after every 16th word or so, which is told by the words themselves: an insertion moves no other cut."""
    out, start = [], 0
    for word in _WORDS.finditer(text):
        if crc32(word[0].strip().encode(errors="surrogatepass")) % 16 == 1:  # not 0, which is that of a line's end
            out.append(text[start : word.end()])
            start = word.end()
    return [*out, text[start:]] if start < len(text) else out


def _joined(parts: Iterable[_Part]) -> list[_Part]:
    """The stretches, none of them empty, with neighbours that are both equal as one."""
    out: list[_Part] = []
    for kind, text in parts:
        if kind == "same" and out and out[-1][0] == "same":
            out[-1] = ("same", out[-1][1] + text)
        elif text:
            out.append((kind, text))
    return out


def _trimmed(parts: list[_Part]) -> Iterator[_Part]:
    """The stretches with the middle of long ones left out."""
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
