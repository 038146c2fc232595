"""Credentials in YAML that is in a text, where they are not on the line of their name: lists, mappings, blocks.

What is on the line of its name is found by `secret_text`, as in any text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from memo._calls.secret_expressions import Expression
from memo._calls.secret_forms import ANY, PASSWORD, Form, is_given
from memo._calls.secret_names import judge_below
from memo._calls.secret_pairs import SECRET_DATA, SECRET_KIND

__all__ = ["SECTION_MARK", "sections", "spans"]

_BEGINNING = Expression(
    r"""(?:pass|pwd|phrase|secret|token|key|credential|authorization|cookie)[\w.-]{0,24}["']?[ \t]{0,4}:[ \t]{0,4}(?:[|>\[\#]|\r?\n)|kind:[ \t]{0,4}["']?Secret\b""",
    re.IGNORECASE | re.ASCII,
)
_LINE = Expression(
    r"""^(?P<indent>[ \t]*)(?P<dashes>(?:-[ \t]+)*)(?:(?P<quote>["']?)(?P<name>[\w.-]{1,64})(?P=quote)[ \t]*:(?=[ \t\r]|$))?[ \t]*(?P<value>[^\r\n]*)\r?$""",
    re.MULTILINE | re.ASCII,
)
_BLOCK = Expression(r"[|>][+-]?\d?[+-]?(?:[ \t]+\#[^\n]*)?", re.ASCII)
_SCALAR = Expression(r""""(?P<double>[^"\n]+)"|'(?P<single>[^'\n]+)'|(?P<bare>[^\s,\[\]'"\#&*!{}][^\s,\[\]'"]*)""")
_DEEPEST = 64


class _Frame(NamedTuple):
    column: int
    """Of the name."""
    form: Form | None
    is_block: bool = False


_SECTION = Expression(
    r"""^[ \t]*(?:\[{1,2}(?P<section>[\w.\ "'-]{1,64})\]{1,2}|(?P<name>[\w."'-]{1,64})[ \t]*=[ \t]*(?P<quote>["']?)(?P<value>[^\s"']{6,4096})(?P=quote))[ \t]*\r?$""",
    re.MULTILINE | re.ASCII,
)
SECTION_MARK = r"""(?:ecrets|redentials|okens|asswords|[kK]eys)["']?\]{1,2}[ \t]*\r?(?:\n|\\+[nr])"""
"""An expression that matches where a section of INI or TOML begins that holds credentials under any name."""


def sections(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials are in sections of INI and TOML whose name is a plural: `[secrets]`, `[app.credentials]`."""
    found: list[tuple[int, int]] = []
    outer: Form | None = None
    for line in _SECTION.finditer(text) if "]" in text and "=" in text else ():
        if line["section"] is not None:
            section = line["section"].rpartition(".")[2].strip("\"' ")
            outer = judge_below(section, None, more, fewer) if section.endswith("s") else None
        elif outer is not None:
            form = judge_below(line["name"].strip("\"'"), outer, more, fewer)
            if form is not None and (PASSWORD if form is ANY else form)(line["value"]):
                found.append(line.span("value"))
    return found


def spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials are below the line of their name."""
    if "\n" not in text and "[" not in text:
        return []
    if _BEGINNING.search(text) is None:
        return []
    found: list[tuple[int, int]] = []
    frames: list[_Frame] = []
    is_secret = SECRET_KIND.search(text) is not None
    for line in _LINE.finditer(text):
        if not line["value"] and line["name"] is None:
            continue
        _leave(frames, line)
        outer = frames[-1] if frames else None
        if outer is not None and outer.is_block:
            found += _block(line, outer.form)
            continue
        form = outer.form if outer is not None else None
        if line["name"] is not None:
            form = judge_below(line["name"], form, more, fewer)
            if is_secret and line["name"] in SECRET_DATA:
                form = ANY
            if _opens(line["value"]):
                if (form is not None or outer is not None) and len(frames) < _DEEPEST:
                    frames.append(_Frame(line.start("name") - line.start(), form, line["value"][:1] in ("|", ">")))
                continue
        if form is not None and (line["name"] is None or outer is not None or line["value"].startswith("[")):
            found += _scalars(line, PASSWORD if form is ANY else form)
    return found


def _leave(frames: list[_Frame], line: re.Match[str]) -> None:
    """Drop the frames that a line is no part of."""
    indent = len(line["indent"])
    # A list may have the indentation of its name.
    while frames and not (indent > frames[-1].column or (line["dashes"] and indent >= frames[-1].column)):
        frames.pop()


def _opens(value: str) -> bool:
    return not value or value.startswith("#") or _BLOCK.fullmatch(value.rstrip()) is not None


def _block(line: re.Match[str], form: Form | None) -> list[tuple[int, int]]:
    """Return a line of a block that is one word: of a key, or a password."""
    start = line.end("indent")
    text = line.group()[start - line.start() :].rstrip()
    hides = form is not None and not any(map(str.isspace, text)) and (is_given if form is ANY else form)(text)
    return [(start, start + len(text))] if hides else []


def _scalars(line: re.Match[str], form: Form) -> list[tuple[int, int]]:
    """Return the values of a line, one or those of a list in brackets, that are credentials."""
    value = line["value"].rstrip()
    is_list = value.startswith("[")
    scalars = list(_SCALAR.finditer(value))
    if not is_list and (len(scalars) != 1 or scalars[0].start()):
        scalars = scalars[:1] if scalars and value[scalars[0].end() :].lstrip().startswith("#") else []
    return [
        (line.start("value") + scalar.start(group), line.start("value") + scalar.end(group))
        for scalar in scalars
        for group in (scalar.lastgroup,)
        if group is not None and form(scalar[group])
    ]
