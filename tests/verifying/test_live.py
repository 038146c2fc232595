"""Changes of a provider, seen through the real SDKs: each is in its tier, and what is new in every answer is no alarm."""

from collections.abc import Callable
from typing import Any

import pytest
from changing_server import ChangingServer

from memo._recordings.changes import ALARMING, Tier
from memo._verifying.report import LiveReport


def put(*steps: Any) -> Callable[[Any], None]:
    """Set a place in an answer: `put("usage", "total_tokens", "3")`."""
    *path, last, value = steps

    def change(tree: Any) -> None:
        for step in path:
            tree = tree[step]
        tree[last] = value

    return change


def drop(*steps: Any) -> Callable[[Any], None]:
    *path, last = steps

    def change(tree: Any) -> None:
        for step in path:
            tree = tree[step]
        del tree[last]

    return change


def each(change: Callable[[Any], None]) -> Callable[[Any], None]:
    """Change each chunk that has the place."""

    def change_all(chunks: list[Any]) -> None:
        for chunk in chunks:
            try:
                change(chunk)
            except (KeyError, IndexError, TypeError):
                continue

    return change_all


CHANGES: list[tuple[str, Callable[[Any], Any], int | None, str, str]] = [
    # openai, whole answers
    ("chat", put("reasoning", "hm"), None, "added", "reasoning"),
    ("chat", put("choices", 0, "message", "audio_url", "http://x"), None, "added", "choices[*].message.audio_url"),
    ("chat", put("usage", "cost", {"usd": 1}), None, "added", "usage.cost"),
    ("chat", drop("usage"), None, "removed", "usage"),
    ("chat", drop("usage", "total_tokens"), None, "removed", "usage.total_tokens"),
    ("chat", drop("choices", 0, "finish_reason"), None, "removed", "choices[*].finish_reason"),
    ("chat", drop("choices", 0, "message", "content"), None, "removed", "choices[*].message.content"),
    ("chat", drop("system_fingerprint"), None, "removed", "system_fingerprint"),
    ("chat", put("id", 7), None, "type", "id"),
    ("chat", put("created", "today"), None, "type", "created"),
    ("chat", put("usage", "total_tokens", "many"), None, "type", "usage.total_tokens"),
    ("chat", put("usage", None), None, "type", "usage"),
    ("chat", put("choices", 0, "message", "content", ["Saturn"]), None, "type", "choices[*].message.content"),
    ("chat", put("choices", 0, "finish_reason", "length"), None, "value", "choices[0].finish_reason"),
    ("chat", put("choices", 0, "finish_reason", "a new reason"), None, "value", "choices[0].finish_reason"),
    ("chat", put("model", "gpt-5"), None, "value", "model"),
    ("chat", lambda _: {"error": {"message": "no", "type": "t", "code": "c"}}, 400, "error", ""),
    ("chat", lambda _: {"error": {"message": "slow", "type": "t", "code": "c"}}, 422, "error", ""),
    # openai, streams
    ("chat stream", each(put("service", "a")), None, "added", "[*].service"),
    ("chat stream", each(put("choices", 0, "delta", "reasoning", "hm")), None, "added", "[*].choices[*].delta.reasoning"),
    ("chat stream", each(drop("obfuscation")), None, "removed", "[*].obfuscation"),
    ("chat stream", each(drop("choices", 0, "delta", "content")), None, "removed", "[*].choices[*].delta.content"),
    ("chat stream", each(put("created", "now")), None, "type", "[*].created"),
    ("chat stream", lambda chunks: chunks[-1:] + chunks[:-1], None, "stream", ""),
    ("chat stream", lambda chunks: [chunks[-2], *chunks[:-2], chunks[-1]], None, "stream", ""),
    ("chat stream", lambda chunks: chunks[:-1], None, "stream", ""),
    ("chat stream", lambda chunks: [*chunks[:2], {"error": {"message": "overloaded", "type": "t"}}], None, "error", ""),
    # embeddings, lists, errors
    ("embeddings", put("data", 0, "embedding", "AAAA"), None, "type", "data[*].embedding"),
    ("embeddings", drop("usage", "prompt_tokens"), None, "removed", "usage.prompt_tokens"),
    ("embeddings", put("data", 0, "norm", 1.0), None, "added", "data[*].norm"),
    ("models", each_model := (lambda tree: [put("owned_by", 3)(model) for model in tree["data"]] and None), None, "type", "data[*].owned_by"),
    ("models", drop("data", 0, "created"), None, "removed", "data[*].created"),
    ("models", lambda tree: tree["data"].pop() and None, None, "value", "data"),
    ("not found", put("error", "code", "gone"), None, "error", "error.body.code"),
    ("not found", put("error", "help", "http://x"), None, "error", "error.body.help"),
    ("not found", drop("error", "param"), None, "error", "error.body.param"),
    ("not found", lambda tree: None, 400, "error", "error.status_code"),
    ("not found", lambda tree: None, 401, "error", "error.class"),
    ("not found", put("error", "message", "never"), None, "value", "error.body.message"),
    # anthropic
    ("messages", drop("stop_sequence"), None, "removed", "stop_sequence"),
    ("messages", put("usage", "output_tokens", "4"), None, "type", "usage.output_tokens"),
    ("messages", put("container", {"id": "c"}), None, "added", "container"),
    ("messages", lambda tree: tree["content"].insert(0, {"type": "thinking", "thinking": "hm", "signature": "s"}), None, "added", "content[*]"),
    ("messages stream", lambda events: events[:1] + events[2:], None, "stream", ""),
    ("messages stream", lambda events: put("usage", "cost", 1)(events[-2]), None, "added", "[*].usage.cost"),
    ("messages stream", lambda events: drop("delta", "stop_sequence")(events[-2]), None, "removed", "[*].delta.stop_sequence"),
    # ollama
    ("ollama", drop("eval_count"), None, "removed", "eval_count"),
    ("ollama", put("message", "content", None), None, "value", "message.content"),
    ("ollama stream", each(drop("created_at")), None, "removed", "[*].created_at"),
    ("ollama stream", lambda lines: [lines[-1], *lines[:-1]], None, "stream", ""),
    ("ollama", lambda _: {"error": "no model"}, 404, "error", ""),
]  # fmt: skip


def test_there_are_enough_changes():
    assert len(CHANGES) >= 40
    assert {tier for _, _, _, tier, _ in CHANGES} == {*Tier}


FUNCTIONS = {"chat": "openai.chat.*", "not": "openai.chat.*", "embeddings": "openai.emb*", "models": "openai.models", "messages": "anthropic.*", "ollama": "ollama.*"}  # fmt: skip


@pytest.mark.parametrize(("name", "change", "status", "tier", "path"), CHANGES)
def test_a_change_lands_in_its_tier(
    server: ChangingServer,
    made_again: Callable[..., LiveReport],
    name: str,
    change: Any,
    status: Any,
    tier: str,
    path: str,
):
    server.change(name, change, status)
    found = made_again(FUNCTIONS[name.partition(" ")[0]])
    changes = {(change.tier, change.path) for made in found.changed for change in made.changes}
    assert (tier, path) in changes
    assert {tier for tier, _ in changes} <= {tier, "value"}
    assert found.fails(ALARMING) == (tier in ALARMING)


def test_calls_that_are_unchanged_are_no_alarm(made_again: Callable[..., LiveReport]):
    found = [made_again() for _ in range(45)]
    assert sum(len(report.checked) for report in found) >= 500
    assert {tier for report in found for tier in report.tiers()} == {"value"}
