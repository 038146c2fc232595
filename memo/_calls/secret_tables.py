"""Credentials in the cells of a table that is in a text: CSV, Markdown, or the rows of an `INSERT`, by the name of their column."""

from __future__ import annotations

import re
from collections.abc import Iterator

from memo._calls.secret_expressions import Expression
from memo._calls.secret_forms import ANY, PASSWORD, Form
from memo._calls.secret_names import judge

__all__ = ["MARKS", "spans"]

_STEM = r"(?:ass(?:word|wd|phrase)|ASS(?:WORD|WD|PHRASE)|[sS]ecret|SECRET|[tT]oken|TOKEN|[kK]ey|KEY)"
_END = r"""(?:\\*["'`*_ ]){0,3}"""
_BREAK = r"(?:\r?\n|\\+n|\\+r)"
MARKS = [
    rf"""{_STEM}{_END}(?:[,;\t](?:\\*["'`])?\w|\s?\||\\+t)""",
    rf"""(?:[,;|\t]|\\+t)\s?[\\"'`*_\w -]*{_STEM}{_END}\|?\s?(?:{_BREAK}|\)\s*(?:VALUES|values))""",
]
"""A name of a credential at the beginning of a line with more names, or at its end."""
_NAMED = Expression(_STEM)
_CELL = Expression(r"""\s*(?P<quote>["'`]?)(?P<cell>.*?)(?P=quote)\s*\Z""", re.DOTALL)
_NAME = Expression(r"[\w .*-]{1,64}")
_RULE = Expression(r"[\s|:+-]+")
_INSERT = Expression(
    r"""\b(?i:insert\s+into)\s[^\n()]{1,128}\((?P<names>[^()\n]{1,1024})\)\s{0,8}(?i:values)\s{0,8}\((?P<cells>[^()\n]{1,4096})\)""",
    re.ASCII,
)
_MOST_COLUMNS = 64
_LONGEST_HEADER = 2048


def spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials are in the cells of tables."""
    found = [span for insert in _INSERT.finditer(text) for span in _inserted(insert, more, fewer)]
    at = 0
    while (stem := _NAMED.search(text, at)) is not None:
        start, at = text.rfind("\n", at, stem.start()) + 1 or at, text.find("\n", stem.end()) + 1
        if not at:
            break
        header = text[start : min(at - 1, start + _LONGEST_HEADER)]
        separator = next((separator for separator in "|\t;," if separator in header), "")
        forms = _forms(header.split(separator), more, fewer) if separator else []
        if any(forms) and len(_line_before(text, start).split(separator)) != len(forms):  # else it is a row
            at = _rows(text, at, separator, forms, found)
    return found


def _line_before(text: str, start: int) -> str:
    """Return the line that ends where another one starts, or its end if it is long."""
    return text[text.rfind("\n", max(0, start - _LONGEST_HEADER), max(0, start - 1)) + 1 : start]


def _forms(names: list[str], more: frozenset[str], fewer: frozenset[str]) -> list[Form | None]:
    """Return the form of a credential in each column; nothing if these are no names of columns."""
    plain = [name.strip(" \t\r\"'`*") for name in names]
    if not 2 <= len(plain) <= _MOST_COLUMNS or not all(not name or _NAME.fullmatch(name) for name in plain):
        return []
    forms = [judge(name, more, fewer) if name else None for name in plain]
    return [PASSWORD if form is ANY else form for form in forms]


def _rows(text: str, at: int, separator: str, forms: list[Form | None], found: list[tuple[int, int]]) -> int:
    """Add the credentials in the rows below a header; return where the table ends."""
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if _RULE.fullmatch(line) is None:
            cells = line.split(separator)
            if len(cells) != len(forms):
                return at
            found += _cells(cells, at, forms)
        at = end + 1
    return at


def _cells(cells: list[str], at: int, forms: list[Form | None]) -> Iterator[tuple[int, int]]:
    for cell, form in zip(cells, forms, strict=True):
        if form is not None and (plain := _CELL.match(cell)) is not None and form(plain["cell"]):
            yield at + plain.start("cell"), at + plain.end("cell")
        at += len(cell) + 1


def _inserted(insert: re.Match[str], more: frozenset[str], fewer: frozenset[str]) -> Iterator[tuple[int, int]]:
    forms, cells = _forms(insert["names"].split(","), more, fewer), insert["cells"].split(",")
    return _cells(cells, insert.start("cells"), forms) if len(forms) == len(cells) else iter(())
