"""ollama: every call of `Client` and `AsyncClient`, streamed and plain, and of the module's own functions.

Most go through `_request`, and come back as typed objects; `copy`, `delete` and `create_blob` (known by the digest in its
path) go through `_request_raw` alone. A call that goes through both is recorded once.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from memo._calls.signature import Signature
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.streams import stream_sync
from memo._recordings.outcomes import Outcome
from memo._values.ids import numbered
from memo.patches._faulty import HttpFaultyCall
from memo.patches._patch import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "ollama>=0.4"

_SIGNATURE = Signature(lambda method, url, *, params=None, json=None, **_: None)
_inside: ContextVar[bool] = ContextVar("memo_ollama_inside", default=False)
"""True while `_request` is being called, of which the inner call is a part."""


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the arguments by the names that the importer writes. The class that `_request` makes, and its `stream`, follow from the rest."""
    asked = _SIGNATURE.bind(args[1:] if args and isinstance(args[0], type) else args, kwargs)
    at = urlsplit(asked["url"])
    words = [word for word in at.path.removeprefix("/api/").split("/") if word.isidentifier()]
    return ".".join(["ollama", *words]), {
        "method": asked["method"].upper(),
        "path": at._replace(scheme="", netloc="").geturl(),
        "query": asked["params"] or {},
        "body": numbered(asked["json"]),
        "server": f"{at.scheme}://{at.netloc}" if at.netloc else str(client._client.base_url).rstrip("/"),
    }


class _Faults(HttpFaultyCall):
    """The faults of a call."""

    stream_type = "application/x-ndjson"

    @classmethod
    def applies(cls, name: str) -> bool:
        """Return whether a call is one of the user's, not the inner one of `_request`."""
        return super().applies(name) and not _inside.get()

    @property
    def streams(self) -> bool:
        """Return whether the call returns a stream."""
        return bool(self.kwargs.get("stream"))

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        return {"error": f"memo: status {status}, as asked for"}


class _Request(CallDriver):
    """A call of `Client._request`."""

    faulty = _Faults

    def _invoke(self, attempt: Attempt | None) -> Any:
        token = _inside.set(True)
        try:
            return super()._invoke(attempt)
        finally:
            _inside.reset(token)

    def _stream(self, outcome: Outcome) -> Any:
        play = self._play(outcome)  # whichever client recorded it
        return stream_sync(lambda: play)


class _AsyncRequest(CallDriver):
    """A call of `AsyncClient._request`."""

    faulty = _Faults

    async def _invoke(self, attempt: Attempt | None) -> Any:
        token = _inside.set(True)
        try:
            return await super()._invoke(attempt)
        finally:
            _inside.reset(token)

    def _played(self, outcome: Outcome) -> Any:
        outcome.sync = False  # whichever client recorded it
        return super()._played(outcome)


class _Raw(CallDriver):
    """A call of `_request_raw`."""

    faulty = _Faults

    def sync(self) -> Any:
        return self._invoke(None) if _inside.get() else super().sync()

    async def coroutine(self) -> Any:
        return await (self._invoke(None) if _inside.get() else super().coroutine())


PATCHES = tuple(
    Patch(f"ollama._client:{client}.{method}", Options(name="ollama"), run, _described, offered=True)
    for client, typed in (("AsyncClient", _AsyncRequest), ("Client", _Request))
    for method, run in (("_request", typed), ("_request_raw", _Raw))
)
