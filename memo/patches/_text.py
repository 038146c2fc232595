"""Texts that are JSON, recorded so that a person can read them, and given back to the letter."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["readable", "text_of"]

_FORMS: dict[str, Any] = {
    "line": json.dumps,  # as Python writes it
    "lines": lambda body: json.dumps(body, indent=2, ensure_ascii=False) + "\n",  # as Google writes answers
    "text": lambda body: body,
}
"""How a text follows from its recorded form."""


def readable(text: Any) -> dict[str, Any]:
    """Return `body` and `form`: the JSON of a text where one of the forms gives the same text again, else the text."""
    try:
        body = json.loads(text)
        form = next(form for form in ("line", "lines") if _FORMS[form](body) == text)
    except (TypeError, ValueError, StopIteration):
        return {"body": text, "form": "text"}
    return {"body": body, "form": form}


def text_of(recorded: dict[str, Any]) -> Any:
    """Return the text of a recorded body."""
    return _FORMS[recorded["form"]](recorded["body"])
