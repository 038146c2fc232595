"""The detectors of kingfisher, an optional package."""

from __future__ import annotations

from functools import cache
from typing import Any

from memo.errors import MissingExtra

__all__ = ["Detectors"]


@cache
def _scanner(scanner: Any, rules: Any) -> Any:
    return scanner(rules(confidence="low"))


class Detectors:
    """kingfisher's rules, compiled once in a process: this takes half a second, and more the first time on a machine.

    Raises `MissingExtra` if kingfisher is not installed.
    """

    def __init__(self) -> None:
        try:
            from kingfisher_sdk import Rules, Scanner
        except ImportError as error:
            raise MissingExtra("looking for secrets", "scan") from error
        self._scanner = _scanner(Scanner, Rules)

    def find(self, data: bytes) -> dict[str, str]:
        """Return what looks like a secret in some JSON, as written there, with the rule that matches."""
        found: dict[str, str] = {}
        for secret in self._scanner.scan(data):
            if secret.visible:
                place = secret.location
                text = data[place["start_offset"] : place["end_offset"]].decode(errors="replace")
                found.setdefault(text or secret.secret, secret.rule_id)
        return found
