"""Patterns of function names (`openai.*`): which names one covers, which of two is more specific, and whether any function is meant."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from memo.stores import Store

__all__ = [
    "covers",
    "families",
    "functions",
    "is_known",
    "misspelled_family",
    "nearest",
    "overlap",
    "specificity",
    "uncovered",
]

families = {
    "aiobotocore": "aws",
    "anthropic": "anthropic",
    "botocore": "aws",
    "cerebras": "cerebras",
    "claude-agent-sdk": "claude_agent_sdk",
    "cohere": "cohere",
    "google-genai": "google",
    "groq": "groq",
    "huggingface-hub": "huggingface_hub",
    "litellm": "litellm",
    "llama-stack-client": "llama_stack_client",
    "mcp": "mcp",
    "mistralai": "mistralai",
    "ogx-client": "ogx_client",
    "ollama": "ollama",
    "openai": "openai",
    "tavily": "tavily",
    "together": "together",
}
"""The presets, with the first word of the names that their calls have in recordings."""

functions: set[str] = set()
"""The names of all functions that have been made recordable in this process."""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))))


def covers(pattern: str, name: str) -> bool:
    """Return whether a pattern covers a name; `*` stands for any characters, dots too."""
    return _compiled(pattern).fullmatch(name) is not None


def specificity(pattern: str) -> tuple[bool, int]:
    """Return a key by which patterns are ordered: a whole name is most specific, then the pattern with more characters other than `*`."""
    return "*" not in pattern, len(pattern) - pattern.count("*")


@lru_cache(maxsize=1024)
def overlap(one: str, other: str) -> bool:
    """Return whether there is a name that both patterns cover."""
    reached = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        i, j = waiting.pop()
        if i == len(one) and j == len(other):
            return True
        for place in _next(one, i, other, j):
            if place not in reached:
                reached.add(place)
                waiting.append(place)
    return False


def _next(one: str, i: int, other: str, j: int) -> Iterable[tuple[int, int]]:
    left, right = one[i : i + 1], other[j : j + 1]
    if left == "*":
        yield i + 1, j
        if right:
            yield i, j + 1
    if right == "*":
        yield i, j + 1
        if left:
            yield i + 1, j
    if left and left == right:
        yield i + 1, j + 1


def is_known(pattern: str, recorded: Iterable[str] = ()) -> bool:
    """Return whether a pattern covers a function that is recordable in this process, a preset's, or one that is `recorded`."""
    return any(overlap(pattern, f"{root}.*") for root in families.values()) or any(
        covers(pattern, name) for name in [*functions, *recorded]
    )


def nearest(pattern: str, recorded: Iterable[str] = ()) -> str:
    """Return the known name, or pattern of a preset's names, that is most like a pattern; "" if none is like it."""
    own = sorted({*functions, *recorded})
    words = dict.fromkeys(f"{name.partition('.')[0]}.*" for name in own if "." in name) if "*" in pattern else ()
    known = [*(f"{root}.*" for root in families.values()), *words, *own]
    return next(iter(get_close_matches(pattern, known, 1, 0.6)), "")


def uncovered(patterns: Iterable[str], store: Store) -> dict[str, str]:
    """Return the patterns that cover no known function, each with the nearest. Functions with recordings in the store are known."""
    idle = [pattern for pattern in patterns if not is_known(pattern)]
    recorded = {name.rpartition("/")[0] for name in store.scan()} if idle else set[str]()
    return {pattern: nearest(pattern, recorded) for pattern in idle if not is_known(pattern, recorded)}


def misspelled_family(pattern: str) -> str:
    """Return the pattern that was meant by one whose first word is nearly a preset's, and nothing else that is known; else ""."""
    word, dot, rest = pattern.partition(".")
    roots = set(families.values())
    if "*" in word or word in roots or word in sys.modules or any(name.startswith(word) for name in functions):
        return ""
    meant = next(iter(get_close_matches(word, [*roots, *families], 1, 0.8)), "")
    return f"{families.get(meant, meant)}{dot}{rest}" if meant else ""
