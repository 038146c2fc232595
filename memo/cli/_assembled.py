"""The text, thinking and tool calls of a stream, assembled from its items in the shapes that SDKs stream."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["assembled"]


def assembled(items: list[Any]) -> dict[str, Any]:
    """Return the `text`, `thinking` and `tool_calls` (texts `name(arguments)`) of a stream's items, leaving out what is empty.

    The items are plain JSON: chunks of chat completions and completions, OpenAI's response events, Anthropic's message
    events, Ollama's chat and generate, Gemini's candidates, lines of server-sent events with any of these, and items that are
    text or have one text field. If a chunk has several choices, their texts follow one another.
    """
    into = _Assembly()
    for item in items:
        into.add(item)
    if not into.found and items:
        into.texts[0] = _plain_text(items)
    text, thinking = ("\n\n".join(parts[index] for index in sorted(parts)) for parts in (into.texts, into.thoughts))
    calls = [f"{name or '?'}({arguments})" for name, arguments in into.calls.values()]
    return {
        **({"text": text} if text else {}),
        **({"thinking": thinking} if thinking else {}),
        **({"tool_calls": calls} if calls else {}),
    }


class _Assembly:
    """Collects parts, each under its choice or block."""

    def __init__(self) -> None:
        self.texts: dict[Any, str] = {}
        self.thoughts: dict[Any, str] = {}
        self.calls: dict[Any, tuple[str, str]] = {}
        self.found = False

    def add(self, item: Any) -> None:
        """Add one item."""
        if isinstance(item, str) and item.lstrip().startswith(("data:", "event:")):
            for line in item.splitlines():
                self._line(line)
            return
        if not isinstance(item, dict):
            return
        kind = item.get("type")
        if isinstance(item.get("choices"), list):
            self._choices(item["choices"])
        elif isinstance(kind, str) and kind.startswith("response."):
            self._response_event(kind, item)
        elif isinstance(kind, str) and kind.startswith(("content_block_", "message_")):
            self._message_event(kind, item)
        elif isinstance(item.get("candidates"), list):
            self._candidates(item["candidates"])
        elif "done" in item and ("message" in item or "response" in item):
            self._ollama(item)

    def _line(self, line: str) -> None:
        name, _, data = line.partition(":")
        if name.strip() == "data":
            try:
                self.add(orjson.loads(data.strip()))
            except orjson.JSONDecodeError:
                return  # [DONE]

    def _text(self, place: Any, text: Any) -> None:
        self.found = True
        if isinstance(text, str) and text:
            self.texts[place] = self.texts.get(place, "") + text

    def _thought(self, place: Any, text: Any) -> None:
        if isinstance(text, str) and text:
            self.thoughts[place] = self.thoughts.get(place, "") + text

    def _call(self, place: Any, name: Any, arguments: Any) -> None:
        self.found = True
        named, so_far = self.calls.get(place, ("", ""))
        more = (
            arguments if isinstance(arguments, str) else "" if arguments is None else orjson.dumps(arguments).decode()
        )
        self.calls[place] = (named or (name if isinstance(name, str) else ""), so_far + more)

    def _choices(self, choices: list[Any]) -> None:
        self.found = True
        for choice in _mappings(choices):
            place = _index(choice)
            delta = choice.get("delta")
            if not isinstance(delta, dict):
                self._text(place, choice.get("text"))
                continue
            self._text(place, delta.get("content"))
            self._text(place, delta.get("refusal"))
            self._thought(place, delta.get("reasoning_content") or delta.get("reasoning"))
            for call in _mappings(delta.get("tool_calls")):
                function = call.get("function")
                if isinstance(function, dict):
                    self._call((place, _index(call)), function.get("name"), function.get("arguments"))

    def _response_event(self, kind: str, event: dict[str, Any]) -> None:
        self.found = True
        place = _index(event, "output_index")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            self._text(place, event.get("delta"))
        elif kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
            self._thought(place, event.get("delta"))
        elif kind in ("response.function_call_arguments.delta", "response.mcp_call_arguments.delta"):
            self._call(place, None, event.get("delta"))
        elif kind == "response.output_item.added":
            item = event.get("item")
            if isinstance(item, dict) and item.get("type") in ("function_call", "mcp_call"):
                self._call(place, item.get("name"), None)

    def _message_event(self, kind: str, event: dict[str, Any]) -> None:
        self.found = True
        place = _index(event)
        block, delta = event.get("content_block"), event.get("delta")
        if kind == "content_block_start" and isinstance(block, dict):
            self._text(place, block.get("text"))
            self._thought(place, block.get("thinking"))
            if isinstance(block.get("name"), str):
                self._call(place, block["name"], block.get("input") or None)
        elif kind == "content_block_delta" and isinstance(delta, dict):
            self._text(place, delta.get("text"))
            self._thought(place, delta.get("thinking"))
            if "partial_json" in delta:
                self._call(place, None, delta["partial_json"])

    def _candidates(self, candidates: list[Any]) -> None:
        self.found = True
        for candidate in _mappings(candidates):
            content, place = candidate.get("content"), _index(candidate)
            for part in _mappings(content.get("parts") if isinstance(content, dict) else None):
                (self._thought if part.get("thought") is True else self._text)(place, part.get("text"))
                call = part.get("functionCall") or part.get("function_call")
                if isinstance(call, dict):
                    self._call((place, len(self.calls)), call.get("name"), call.get("args"))

    def _ollama(self, chunk: dict[str, Any]) -> None:
        self.found = True
        message = chunk.get("message")
        if not isinstance(message, dict):
            self._text(0, chunk.get("response"))
            self._thought(0, chunk.get("thinking"))
            return
        self._text(0, message.get("content"))
        self._thought(0, message.get("thinking"))
        for call in _mappings(message.get("tool_calls")):
            function = call.get("function")
            if isinstance(function, dict):
                self._call(len(self.calls), function.get("name"), function.get("arguments"))


def _mappings(node: Any) -> list[dict[str, Any]]:
    """Return the mappings in a list; none if it is no list."""
    return [member for member in node if isinstance(member, dict)] if isinstance(node, list) else []


def _index(node: dict[str, Any], name: str = "index") -> int:
    index = node.get(name)
    return index if type(index) is int else 0


def _plain_text(items: list[Any]) -> str:
    """Return the text of items that are text, or that have one text field in common."""
    if all(isinstance(item, str) for item in items):
        return "".join(items)
    for name in ("text", "content", "delta", "token"):
        if all(isinstance(item, dict) and isinstance(item.get(name), str) for item in items):
            return "".join(item[name] for item in items)
    return ""
