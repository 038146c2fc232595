"""Credentials in the cells of a table that is in a text, by the name of their column: CSV, Markdown, boxes, columns of spaces, HTML, SQL's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from memo._calls import secret_languages
from memo._calls.secret_expressions import Expression
from memo._calls.secret_forms import ANY, CHOSEN, PASSWORD, Form
from memo._calls.secret_names import judge

__all__ = ["MARKS", "spans"]

_STEM = r"(?:ass(?:word|wd|phrase)|ASS(?:WORD|WD|PHRASE)|[sS]ecret|SECRET|[tT]oken|TOKEN|[kK]ey|KEY)"
_END = r"""(?:\\*["'`*_ ]){0,3}"""
_BREAK = r"(?:\r?\n|\\+n|\\+r)"
MARKS = [
    rf"""{_STEM}{_END}(?:[,;\t](?:\\*["'`])?\w| *[|\x{{2502}}\x{{2503}}\x{{2506}}\x{{2551}}]|\\+t|\\u25|  +\w)""",
    rf"""(?:[,;|\t]|\\+t)\s?[\\"'`*_\w -]*{_STEM}{_END}\|?\s?(?:{_BREAK}|\)\s*(?:VALUES|values|FROM|from))""",
    rf"""[0-9A-Za-z]  +[0-9A-Za-z_ -]*{_STEM} *{_BREAK}""",
]
"""A name of a credential at the beginning of a line with more names, or at its end."""
_NAMED = Expression(_STEM)
_CELL = Expression(r"""\s*(?P<quote>["'`]?)(?P<cell>.*?)(?P=quote)\s*\Z""", re.DOTALL)
_NAME = Expression(r"[\w .*-]{1,64}")
_RULE = Expression(r"[\s|:+=-]+")
_BOXES = {code: "|" if chr(code) in "│┃┆┇┊┋║╎╏" else "-" for code in range(0x2500, 0x2580)}
"""What frames are drawn with, as Markdown has it."""
_QUOTED = Expression(r'"[^"\n]*"')
_QUOTED_IN_SQL = Expression(r"""'[^'\n]*'|"[^"\n]*"|\([^()]*\)""")
_INSERT = Expression(
    r"""\b(?i:insert\s+into|copy)\s[^\n()]{1,128}\((?P<names>[^()]{1,1024})\)\s{0,8}(?i:values(?=\s{0,8}\()|from\s{1,4}stdin[^\n]{0,64}(?=\n))""",
    re.ASCII,
)
_ROW = Expression(r"""[\s,]{0,32}\((?P<cells>(?:'[^'\n]{0,1024}'|\([^()]{0,64}\)|[^()']){1,2048})\)""")
_GAPPED = Expression(r"\S+(?: \S+)*")
_WORD = Expression(r"\S+")
_HTML_ROW = Expression(r"<tr\b[^<>]{0,128}>(?P<row>.{1,4096}?)</tr>|</table", re.DOTALL)
_HTML_CELL = Expression(r"<t[hd]\b[^<>]{0,128}>\s{0,64}(?:<(?:code|b|strong|span)>)?(?P<cell>[^<>]{0,2048})<")
_MOST_COLUMNS = 64
_LONGEST_HEADER = 2048


def spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials are in the cells of tables."""
    foreign = secret_languages.stem(text)
    if foreign is None and _NAMED.search(text) is None:
        return []
    found = [span for insert in _INSERT.finditer(text) for span in _inserted(text, insert, more, fewer)]
    if "</th>" in text:
        found += _in_html(text, more, fewer)
    if not text.isascii():
        text = text.translate(_BOXES)
    for stems in (_NAMED, foreign):
        if stems is not None:
            _below(text, stems, (more, fewer), found)
    return found


def _below(
    text: str, stems: Expression, user: tuple[frozenset[str], frozenset[str]], found: list[tuple[int, int]]
) -> None:
    """Add the credentials below headers that have a stem."""
    at = 0
    while (stem := stems.search(text, at)) is not None:
        start, at = text.rfind("\n", at, stem.start()) + 1 or at, text.find("\n", stem.end()) + 1
        if not at:
            break
        header = text[start : min(at - 1, start + _LONGEST_HEADER)]
        separator = next((separator for separator in "|\t;," if separator in header), "")
        if not separator:
            at = _columns(text, start, at, header, user, found)
            continue
        names = header.replace("||", "|") if header.count("||") > 2 else header  # as Jira has it
        forms = _forms(names.split(separator), *user)
        if any(forms) and len(_line_before(text, start).split(separator)) != len(forms):  # else it is a row
            at = _rows(text, at, separator, forms, found)


def _line_before(text: str, start: int) -> str:
    """Return the line that ends where another one starts, or its end if it is long."""
    return text[text.rfind("\n", max(0, start - _LONGEST_HEADER), max(0, start - 1)) + 1 : start]


def _line_end(text: str, at: int) -> int:
    """Return where the line ends that a place is in."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _forms(names: list[str], more: frozenset[str], fewer: frozenset[str]) -> list[Form | None]:
    """Return the form of a credential in each column; nothing if these are no names of columns."""
    plain = [name.strip(" \t\r\n\"'`*") for name in names]
    if not 2 <= len(plain) <= _MOST_COLUMNS or not all(not name or _NAME.fullmatch(name) for name in plain):
        return []
    forms = [judge(name, more, fewer) if name else None for name in plain]
    return [PASSWORD if form is ANY else form for form in forms]


def _rows(text: str, at: int, separator: str, forms: list[Form | None], found: list[tuple[int, int]]) -> int:
    """Add the credentials in the rows below a header; return where the table ends."""
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end]
        if _RULE.fullmatch(line) is None:
            cells = line.split(separator)
            if len(cells) != len(forms):
                cells = _split(line, separator, _QUOTED)
            if len(cells) != len(forms):
                return at
            found += _cells(cells, at, forms)
        at = end + 1
    return at


def _split(line: str, separator: str, quoted: Expression) -> list[str]:
    """Return the cells of a line, in whose quotes a separator separates nothing."""
    cells: list[str] = []
    at = 0
    for cell in quoted.sub(lambda part: "_" * len(part[0]), line).split(separator):
        cells.append(line[at : at + len(cell)])
        at += len(cell) + 1
    return cells


def _columns(
    text: str,
    start: int,
    at: int,
    header: str,
    user: tuple[frozenset[str], frozenset[str]],
    found: list[tuple[int, int]],
) -> int:
    """Add the credentials in the rows below a header whose names are two spaces apart or more; return where the table ends.

    What stands above or below a part of a name is in its column, whether that is aligned to the left or to the right.
    """
    titles = list(_GAPPED.finditer(header))
    forms = _forms([title.group() for title in titles], *user)
    before = _line_before(text, start)
    if (
        not any(forms)
        or any(map(str.isdigit, header))
        or (len(_GAPPED.findall(before)) > 1 and _RULE.fullmatch(before) is None)
    ):
        return at
    if not header.isupper():
        forms = [CHOSEN if form is PASSWORD else form for form in forms]
    while at < len(text):
        end = _line_end(text, at)
        line = text[at : min(end, at + _LONGEST_HEADER)]
        if len(_GAPPED.findall(line)) < 2 and _RULE.fullmatch(line) is None:
            return at
        for title, form in zip(titles, forms, strict=True):
            if form is not None:
                found += [
                    (at + word.start(), at + word.end())
                    for word in _WORD.finditer(line)
                    if word.start() < title.end() and word.end() > title.start() and form(word.group())
                ]
        at = end + 1
    return at


def _cells(cells: list[str], at: int, forms: list[Form | None]) -> Iterator[tuple[int, int]]:
    for cell, form in zip(cells, forms, strict=True):
        if form is not None and (plain := _CELL.match(cell)) is not None and form(plain["cell"]):
            yield at + plain.start("cell"), at + plain.end("cell")
        at += len(cell) + 1


def _inserted(text: str, insert: re.Match[str], more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return the credentials in the rows of an `INSERT` or a `COPY`."""
    forms = _forms(insert["names"].split(","), more, fewer)
    found: list[tuple[int, int]] = []
    if not any(forms):
        return found
    if insert.group().lower().startswith("copy"):
        _rows(text, insert.end() + 1, "\t", forms, found)
        return found
    row = _ROW.match(text, insert.end())
    while row is not None:
        cells = _split(row["cells"], ",", _QUOTED_IN_SQL)
        if len(cells) == len(forms):
            found += _cells(cells, row.start("cells"), forms)
        row = _ROW.match(text, row.end())
    return found


def _in_html(text: str, more: frozenset[str], fewer: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Return the credentials below the names in the first row of tables in HTML."""
    forms: list[Form | None] = []
    for row in _HTML_ROW.finditer(text):
        cells = list(_HTML_CELL.finditer(row["row"])) if row["row"] else []
        if not cells:
            forms = []
        elif "</th>" in row["row"] and "</td>" not in row["row"]:
            forms = _forms([cell["cell"] for cell in cells], more, fewer)
        elif len(cells) == len(forms):
            for cell, form in zip(cells, forms, strict=True):
                if form is not None and form(cell["cell"].strip()):
                    yield row.start("row") + cell.start("cell"), row.start("row") + cell.end("cell")
