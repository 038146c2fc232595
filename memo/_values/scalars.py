"""The forms of scalars that JSON does not have: big integers, NaN, text with lone surrogates, bytes."""

from __future__ import annotations

import base64
import re
from typing import Any

__all__ = [
    "LARGEST",
    "SMALLEST",
    "bytes_form",
    "bytes_of",
    "float_form",
    "int_form",
    "int_of",
    "is_text",
    "is_text_form",
    "text_form",
    "text_of",
]

SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""The range of the integers that orjson writes; those outside are tagged."""


def is_text(value: str) -> bool:
    """Return whether UTF-8 can hold the text: it has no lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def float_form(value: float) -> str:
    """Return the form of NaN and the infinities, which JSON does not have."""
    return "nan" if value != value else "inf" if value > 0 else "-inf"


def text_form(value: str) -> str:
    r"""Return text with lone surrogates, which UTF-8 does not have, as ASCII with `\ud800` escapes."""
    return value.encode("unicode_escape").decode("ascii")


def text_of(form: str) -> str:
    """Return the text of a form: the inverse of `text_form`. Raises `ValueError` for what `text_form` does not give."""
    if not is_text_form(form):
        raise ValueError(f"{form[:40]!r} is no escaped text")
    return form.encode("ascii").decode("unicode_escape")


def is_text_form(form: str) -> bool:
    """Return whether `text_form` gives this form, which a damaged recording may not hold."""
    return _TEXT_FORM.fullmatch(form) is not None


_TEXT_FORM = re.compile(r"(?:[ -\[\]-~]|\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4}))*")


def int_form(value: int) -> str:
    """Return a big integer as text, in hexadecimal where Python does not read as many decimal digits."""
    return str(value) if value.bit_length() < 2000 else hex(value)


def int_of(form: str) -> int:
    """Return the integer of a form: the inverse of `int_form`."""
    return int(form, 0)


def bytes_form(value: bytes) -> dict[str, str]:
    """Return bytes in a readable form where they are UTF-8, in base64 where they are not."""
    try:
        return {"text": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode("ascii")}


def bytes_of(node: dict[str, Any]) -> bytes:
    """Return the bytes of a form: the inverse of `bytes_form`. Raise `ValueError` for a damaged one."""
    written = node.get("text", node.get("base64"))
    if type(written) is not str:
        raise ValueError("bytes are a text or base64")
    return written.encode("utf-8") if "text" in node else base64.b64decode(written, validate=True)
