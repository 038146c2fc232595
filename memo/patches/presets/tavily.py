"""tavily: the calls of `TavilyClient` and `AsyncTavilyClient`: search, extract, crawl, map, research.

Recorded are the answers that the client decodes, errors included: neither time-outs nor a limit of requests.
"""

from __future__ import annotations

from typing import Any

from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo.patches._faulty_redirected import RedirectedFaults
from memo.patches._patch import Patch

__all__ = ["PATCHES", "REQUIRES", "server_of"]

REQUIRES = "tavily-python>=0.5"
_OF_THE_MOMENT = frozenset({"TimeoutError", "UsageLimitExceededError", "TavilyKeylessLimitError"})


def server_of(client: Any) -> dict[str, str]:
    """Return what identifies a client: its server."""
    base = getattr(client, "base_url", None) or getattr(client, "_api_base_url", None)
    return {"server": str(base or client._client.base_url).rstrip("/")}


class _Faults(RedirectedFaults):
    @property
    def streams(self) -> bool:
        """Return False: every answer is whole."""
        return False

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        return {"detail": {"error": f"memo: status {status}, as asked for"}}


class _Run(CallDriver):
    faulty = _Faults

    def _invoke(self, attempt: Attempt | None) -> Any:
        try:
            return super()._invoke(attempt)
        except Exception as error:
            self._note(attempt, error)
            raise

    def _note(self, attempt: Attempt | None, error: Exception) -> None:
        if attempt is not None and type(error).__name__ in _OF_THE_MOMENT and self.setting.errors != "all":
            attempt.abandon(f"raised {type(error).__name__}")


class _AsyncRun(_Run):
    async def _invoke(self, attempt: Attempt | None) -> Any:
        try:
            return await self._wrapped(*self._args, **self._kwargs)
        except Exception as error:
            self._note(attempt, error)
            raise


PATCHES = tuple(
    Patch(
        f"tavily.{client}._{method}",
        Options(name=f"tavily.{method}", ignore=("timeout",), identity=server_of),
        run,
        offered=True,
        versioned=True,
    )
    for client, run in (("async_tavily:AsyncTavilyClient", _AsyncRun), ("tavily:TavilyClient", _Run))
    for method in ("search", "extract", "crawl", "map")
)
