"""The tokens that a recorded answer took, as openai, anthropic, google and ollama report them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

__all__ = ["tokens", "tokens_of", "usage_of"]

_TOTAL = ("total_tokens", "totalTokenCount", "total_token_count")
_PARTS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "prompt_tokens",
    "completion_tokens",
    "prompt_eval_count",
    "eval_count",
)
_IN = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "prompt_tokens",
    "prompt_eval_count",
    "prompt_token_count",
    "promptTokenCount",
)
_OUT = ("output_tokens", "completion_tokens", "eval_count", "candidates_token_count", "candidatesTokenCount")
"""The tokens of a request and of its answer, which have prices of their own."""


def tokens(recording: bytes, replays: int) -> int:
    """Return the tokens that so many replays of a recording saved; 0 if the recording reports none."""
    outcomes: list[Any] = orjson.loads(recording)["outcomes"]
    counts = [tokens_of(outcome) for outcome in outcomes]
    return sum(counts[:replays]) + counts[-1] * max(0, replays - len(counts))


def tokens_of(outcome: Any) -> int:
    """Return the tokens that an outcome reports; 0 if it reports none."""
    counts = list(_counts(outcome))
    if "stream" in outcome:  # its chunks report the tokens so far
        counts = (
            [
                {
                    name: max(count.get(name, 0) for count in counts)
                    for name in {name for count in counts for name in count}
                }
            ]
            if counts
            else []
        )
    return sum(map(_total, counts))


def usage_of(outcome: Any) -> tuple[int, int]:
    """Return the tokens of a request and of its answer that an outcome reports; 0 for those that it does not report."""
    counts = list(_counts(outcome, frozenset((*_IN, *_OUT))))
    add = max if "stream" in outcome else sum  # the chunks of a stream report the tokens so far
    sent, received = ([sum(count.get(name, 0) for name in names) for count in counts] for names in (_IN, _OUT))
    return (add(sent), add(received)) if counts else (0, 0)


def _total(count: dict[str, int]) -> int:
    return max((count[name] for name in _TOTAL if name in count), default=sum(count.get(name, 0) for name in _PARTS))


def _counts(node: Any, names: frozenset[str] = frozenset((*_TOTAL, *_PARTS))) -> Iterator[dict[str, int]]:
    """Yield the counts of the objects that count tokens."""
    if isinstance(node, dict):
        count = {name: value for name, value in node.items() if name in names and type(value) is int}
        if count:
            yield count
        node = node.values()
    elif not isinstance(node, list):
        return
    for child in node:
        yield from _counts(child, names)
