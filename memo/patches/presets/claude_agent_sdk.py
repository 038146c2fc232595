"""claude-agent-sdk: the messages of `query()` and of `ClaudeSDKClient`; a replay starts no process.

A call is identified by the prompts so far and by those options that are plain data: neither callbacks, hooks, environment and
directories, nor where the command is. Tools of one's own run in the process that is not started, and so not in a replay.
In `record-if-missing` a client starts the process.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from memo._calls.signature import Signature
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.rules.modes import Mode
from memo.patches._faulty_claude import ConnectFaults, MessagesFaults
from memo.patches._patch import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "claude-agent-sdk>=0.1"

_ASIDE = frozenset({"add_dirs", "cli_path", "cwd", "env", "max_buffer_size", "settings", "stderr", "user"})
_QUERY = Signature(lambda *, prompt, options=None, transport=None: None)
_ASKED = Signature(lambda prompt=None, session_id="default": None)

_asked: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
"""The prompts of each client."""


def _options(options: Any) -> dict[str, Any]:
    """Return the options that are plain data and were given."""
    given = vars(options) if options is not None else {}
    return {
        name: value for name, value in given.items() if name not in _ASIDE and not _is_empty(value) and _is_data(value)
    }


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ([], {})


def _is_data(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_data(part) for part in value.values())
    if isinstance(value, list | tuple):
        return all(map(_is_data, value))
    return value is None or isinstance(value, str | int | float)


def _one_shot(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    asked = _QUERY.bind(args, kwargs)
    return "claude_agent_sdk.query", {"prompt": asked["prompt"], "options": _options(asked["options"])}


def _conversation(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "claude_agent_sdk.receive", {"prompts": list(_asked.get(client, ())), "options": _options(client.options)}


def _unkeyed(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "claude_agent_sdk.client", {}


class _Messages(CallDriver):
    faulty = MessagesFaults


class _Send(CallDriver):
    """A prompt that is sent: not recorded itself."""

    faulty = ConnectFaults

    async def coroutine(self) -> Any:
        prompt = _ASKED.bind(self._args, self._kwargs)["prompt"]
        if prompt is not None:
            _asked.setdefault(self._instance, []).append(prompt)
        return None if self.mode is Mode.REPLAY else await self._invoke(None)


PATCHES = (
    Patch(
        "claude_agent_sdk.query:query",
        Options(name="claude_agent_sdk"),
        _Messages,
        describe=_one_shot,
        offered=True,
        by_name=True,
    ),
    Patch(
        "claude_agent_sdk.client:ClaudeSDKClient.receive_messages",
        Options(name="claude_agent_sdk"),
        _Messages,
        describe=_conversation,
        offered=True,
    ),
    *(
        Patch(
            f"claude_agent_sdk.client:ClaudeSDKClient.{method}",
            Options(name="claude_agent_sdk"),
            _Send,
            _unkeyed,
            offered=True,
        )
        for method in ("connect", "query")
    ),
)
