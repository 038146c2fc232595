"""Credentials that are encoded: base64 of `user:password` or of a text that holds a credential.

What is decoded is decoded once more, and no further, so that all of it takes linear time.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache

from memo._calls.secret_expressions import Expression, search_at_once
from memo._calls.secret_forms import PASSWORD

__all__ = ["BEGINNING", "IN_JSON", "places"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _some(*allowed: int) -> str:
    """Return the letters of base64 that have some values, as a class of an expression."""
    return "[" + "".join(map(re.escape, (_LETTERS[value] for value in allowed))) + "]"


_TRIPLE = "".join(
    (
        _some(2, 3, *range(8, 32)),  # the first of three bytes is printable ASCII, or breaks a line
        _some(*(value for value in range(64) if not value & 8)),  # the second is ASCII
        _some(*(value for value in range(64) if not value & 2)),  # and so is the third
        "[A-Za-z0-9+/_-]",
    )
)
_NINE = f"(?:{_TRIPLE}){{3}}"
"""How the base64 of a text begins: nine characters of ASCII. Of random letters, one in a thousand places."""
BEGINNING = rf"(?:^|[^0-9A-Za-z_+/-]|\\[nrtbf]){_NINE}"
"""An expression that matches in every text, and in all JSON that holds one, which may hold base64 of a text."""
_RUN = Expression(rf"(?<![\w+/-]){_NINE}[\w+/-]*={{0,2}}", re.ASCII)
_ESCAPED_RUN = Expression(rf"(?<=\\[nrtbf])(?<!\\\\[nrtbf]){_NINE}[\w+/-]*={{0,2}}", re.ASCII)
_LOGIN = Expression(r"(?P<user>[\w.@+-]{0,128}):(?P<password>[^\s:/]{4,256})")
_USERS = frozenset(
    "user username admin administrator root guest test api me login postgres mysql redis elastic ci bot".split()
)
_UUID = Expression(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URLSAFE = str.maketrans("-_", "+/")
IN_JSON = r'"base64":\s*"'
"""An expression that matches in all JSON that holds bytes that are no text, as memo writes them."""


def places(text: str, holds: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Return where the base64 of a credential is in a text; `holds` tells of a decoded text whether it holds one."""
    return _places(text, lambda decoded: holds(decoded) or bool(_places(decoded, holds)))


def _places(text: str, holds: Callable[[str], bool]) -> list[tuple[int, int]]:
    if not _search()(text):
        return []
    return [
        run.span()
        for expression in (_RUN, _ESCAPED_RUN)
        for run in expression.finditer(text)
        if (decoded := _decoded(run.group())) is not None and (_is_login(decoded) or holds(decoded))
    ]


@cache
def _search() -> Callable[[str], bool]:
    return search_at_once([BEGINNING])


def _decoded(run: str) -> str | None:
    """Return the text whose base64 a run of letters is, None if there is none."""
    letters = run.rstrip("=").translate(_URLSAFE)
    try:
        text = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if text.isprintable() or _only_breaks(text) else None


def _only_breaks(text: str) -> bool:
    return "".join(text.split()).isprintable()


def _is_login(text: str) -> bool:
    """Return whether a text is `user:password`: a global id, `Order:<UUID>` or `User:12`, is none."""
    login = _LOGIN.fullmatch(text.strip())
    if login is None or _UUID.fullmatch(login["password"]):
        return False
    user = login["user"]
    return PASSWORD(login["password"]) or (("@" in user or user in _USERS) and not login["password"].isdigit())
