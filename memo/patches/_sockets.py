"""Connections over WebSockets: nothing of them is recorded, which the scope reports, and a replay never makes one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo.errors import UnrecordableValue
from memo.patches._patch import Patch

__all__ = ["sockets"]


def sockets(sdk: str, targets: Iterable[str]) -> tuple[Patch, ...]:
    """Return the patches of the methods that open connections, given the SDK's name in recordings."""
    name = f"{sdk}.websocket"

    def described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return name, {"opened_by": type(client).__name__}

    return tuple(
        Patch(target, Options(name=name), _Socket, described, offered=True, versioned=True) for target in targets
    )


class _Socket(CallDriver):
    """The opening of a connection."""

    def _received(self, attempt: Attempt, value: Any) -> Any:
        self._refuse(attempt)
        return value

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        self._refuse(attempt)
        return value

    def _refuse(self, attempt: Attempt) -> None:
        name = self.call.function
        attempt.refuse(
            UnrecordableValue(
                "",
                "is a connection over a WebSocket, which memo does not record",
                fix=f'to use it all the same, live in each run: modes={{"{name}": "live"}}',
            )
        )
