"""Codecs of built-in objects that give their content any number of times: files in memory, `memoryview`."""

from __future__ import annotations

import io
from typing import Any

from memo.codecs.registry import register_codec

__all__: list[str] = []

_FURTHEST = 1 << 40
"""A position in a file; it can be behind the end."""


def _file(file: io.BytesIO) -> list[Any]:
    state: Any = file.__getstate__()
    content, position, attributes = state
    if attributes:
        raise TypeError("has attributes of its own")
    return [content, position]


def _lines(file: io.StringIO) -> list[Any]:
    state: Any = file.__getstate__()
    content, newline, position, attributes = state
    if attributes or newline != "\n":
        raise TypeError(
            "has attributes of its own" if attributes else f"has another newline than the usual, {newline!r}"
        )
    return [content, position]


def _placed(file: Any, position: Any) -> Any:
    if type(position) is not int or not 0 <= position <= _FURTHEST:
        raise TypeError(f"is recorded at the position {position!r}")
    file.seek(position)
    return file


def _bytes_file(data: Any) -> io.BytesIO:
    content, position = data
    if type(content) is not bytes:
        raise TypeError(f"is recorded as {type(content).__name__}")
    file: io.BytesIO = _placed(io.BytesIO(content), position)
    return file


def _text_file(data: Any) -> io.StringIO:
    content, position = data
    if type(content) is not str:
        raise TypeError(f"is recorded as {type(content).__name__}")
    file: io.StringIO = _placed(io.StringIO(content), position)
    return file


def _view(view: memoryview) -> list[Any]:
    if view.ndim != 1 or view.format != "B" or not view.contiguous:
        raise TypeError("is not a view of plain bytes: use view.cast('B')")
    return [view.tobytes(), view.readonly]


def _view_of(data: Any) -> memoryview:
    content, readonly = data
    if type(content) is not bytes or type(readonly) is not bool:
        raise TypeError("is recorded in another form than memo writes")
    return memoryview(content if readonly else bytearray(content))


register_codec(io.BytesIO, encode=_file, decode=_bytes_file, name="io:BytesIO")
register_codec(io.StringIO, encode=_lines, decode=_text_file, name="io:StringIO")
register_codec(memoryview, encode=_view, decode=_view_of, name="builtins:memoryview")
