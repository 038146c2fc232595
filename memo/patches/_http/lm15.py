"""lm15, which DSPy brings along: every request of its own transports, sync and async, which use no other HTTP client.

A response is recorded while its body is read, decoded as its reader gets it.
"""

from __future__ import annotations

import sys
from typing import Any

from memo._calls.signature import Signature
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.bodies import AsyncBody, SyncBody
from memo._recordings.outcomes import Outcome
from memo.patches._http.answers import Head, phrase, recorded_head, sent_headers
from memo.patches._http.driver import HttpRun, Passing, Replayed, is_inside
from memo.patches._http.naming import Asked, HttpNaming
from memo.patches._patch import Patch

__all__ = ["PATCHES"]

_SIGNATURE = Signature(lambda request: None)


def _asked(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    request = _SIGNATURE.bind(args, kwargs)["request"]
    return Asked(request.method, request.url, {name.lower(): text for name, text in request.headers}, request.body)


class _Run(HttpRun):
    """A request of `StdlibTransport`."""

    def _received(self, attempt: Attempt, value: Any) -> Any:
        body, release = SyncBody(value._chunks, Passing(self._head(value), attempt, decoded=True)), value._release

        def leave(body_consumed: bool) -> None:  # noqa: FBT001 - as lm15 calls it
            body.close()
            release(body_consumed)

        value._chunks, value._release = body, leave
        return value

    def _head(self, response: Any) -> Head:
        return recorded_head(
            response.status, response.headers, self.rules, reason=response.reason, version=response.http_version
        )

    def _played(self, outcome: Outcome) -> Any:
        replayed = self.replayed(outcome)
        return self._response("TransportResponse", replayed, replayed.pieces(encodes=False), lambda _: None)

    def _response(self, kind: str, replayed: Replayed, chunks: Any, release: Any) -> Any:
        head = replayed.head
        # Beside the transport, whether that is lm15's own or DSPy's copy.
        package = sys.modules[type(self._wrapped.__self__).__module__.rpartition(".")[0]]  # type: ignore[attr-defined]
        return getattr(package, kind)(
            status=head["status"],
            reason=phrase(head),
            headers=sent_headers(head, None, encodes=True),
            http_version=head.get("version", "HTTP/1.1"),
            chunks=chunks,
            release=release,
        )


class _AsyncRun(_Run):
    """A request of `StdlibAsyncTransport`."""

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        body, release = AsyncBody(value._chunks, Passing(self._head(value), attempt, decoded=True)), value._release

        async def leave(body_consumed: bool) -> None:  # noqa: FBT001 - as lm15 calls it
            await body.aclose()
            await release(body_consumed)

        value._chunks, value._release = body, leave
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        replayed = self.replayed(outcome)
        return self._response("AsyncTransportResponse", replayed, replayed.apieces(encodes=False), _released)


async def _released(body_consumed: bool) -> None:  # noqa: FBT001 - as lm15 calls it
    """Give nothing back: there is no connection."""


PATCHES = tuple(
    Patch(
        f"{package}.transports.{target}",
        Options(name="http"),
        run,
        describe=HttpNaming(_asked),
        passes=is_inside,
        offered=True,
    )
    for package in ("lm15", "dspy._vendor.lm15")
    for target, run in (("_sync:StdlibTransport.stream", _Run), ("_async:StdlibAsyncTransport._do_stream", _AsyncRun))
)
