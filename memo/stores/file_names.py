"""File names for any text."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

__all__ = ["IN_TEST_NAMES", "JSON_LINES", "PENDING_FOLDER", "folder_of_test", "safe_name", "shown"]

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(?<!\.)")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_LONGEST = 120
_DIGITS = 12


@lru_cache(maxsize=1024)
def safe_name(name: str, also: str = "") -> str:
    """Return a file name for any text, a different one for each; for a name that it returned, the same name.

    The name is the text itself where that is short, plain ASCII and no reserved name; `also` names further plain marks.
    """
    plain = name.translate(dict.fromkeys(map(ord, also), "_")) if also else name
    if len(name) <= _LONGEST and _SAFE.fullmatch(plain) and not _RESERVED.fullmatch(plain):
        return name
    plain = re.sub(rf"[^A-Za-z0-9_.\-{re.escape(also)}]+", "_", name)[: _LONGEST - _DIGITS - 1].strip(".-") or "_"
    if _RESERVED.fullmatch(plain):
        plain = f"_{plain}"[: _LONGEST - _DIGITS - 1]
    return f"{plain}-{sha256(name.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}"


PENDING_FOLDER = ".pending"
"""The folder of a directory store's pending recordings. Hidden: neither a function nor a test has a folder of this name."""

JSON_LINES = ".jsonl"
"""Ends the names of files that hold a recording in each line."""

IN_TEST_NAMES = "[]@"
"""Characters that the name of a test's directory may have, and a function's cannot."""


def shown(name: str) -> str:
    """Return the name of an entry quoted for a URL: any text becomes printable."""
    return quote(name, safe="/", errors="surrogatepass")


def folder_of_test(test: str) -> tuple[tuple[str, ...], str, str]:
    """Return where the recordings of a test are, by its id in pytest: the folders of its file, and two names of directories.

    `tests/test_a.py::TestX::test_y[z]` gives `("tests",)`, `test_a` and `TestX.test_y[z]`.
    """
    path, _, rest = test.partition("::")
    names, bracket, parameters = rest.partition("[")
    *folders, file = [part for part in path.split("/") if part not in ("", ".", "..")] or ["unknown"]
    name = f"{'.'.join(names.split('::'))}{bracket}{parameters}"
    return tuple(folders), safe_name(file.removesuffix(".py")), safe_name(name, IN_TEST_NAMES)
