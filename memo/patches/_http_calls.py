"""Calls of SDKs that come back as HTTP responses of httpx, from which the SDK then makes its own objects."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

from memo._engine.live.attempt import Attempt
from memo._engine.streaming.bodies import AsyncBody, SyncBody
from memo._recordings.outcomes import Outcome, raise_recorded
from memo.codecs.responses import rebuilt
from memo.patches._stainless.bodies import Body, ResponseCall, recorded_response

__all__ = ["AsyncHttpCall", "AsyncHttpContext", "HttpCall", "HttpContext", "fixed_words", "sent"]

_WORD = re.compile(r"[a-z][a-z_]*")


def fixed_words(path: str) -> str:
    """Return the words of a path that are the same in every call, joined by dots."""
    return ".".join(word for word in path.replace("-", "_").split("/") if _WORD.fullmatch(word))


def sent(content: Any) -> Any:
    """Return a body as JSON where it is JSON, else as text or bytes."""
    try:
        return json.loads(content)
    except ValueError:
        pass
    try:
        return content.decode() if isinstance(content, bytes) else content
    except UnicodeDecodeError:
        return content


class _HttpCall(ResponseCall):
    """A call that returns a response. `request` and `is_unread` say what was asked for, and how it comes back."""

    def request(self, recorded: Any) -> Any:
        """Return the request that a replayed response answers."""
        return self._kwargs["request"]

    @property
    def is_unread(self) -> bool:
        """True if the response is handed over before its body is read."""
        return bool(self._kwargs.get("stream"))

    def _is_dropped(self, attempt: Attempt, response: Any) -> bool:
        """Return whether a response is no answer, which is passed on and not recorded."""
        status, errors = response.status_code, self.setting.errors
        if status < 400 or errors == "all" or (errors == "answers" and status < 500 and status != 429):
            return False
        attempt.abandon(f"answered {status}")
        return True

    def rebuilt(self, outcome: Outcome, content: bytes | None) -> Any:
        """Return a recorded response, as the answer to the request."""
        recorded = recorded_response(outcome)
        whole = recorded.content if content is None else content
        response = rebuilt(recorded, self.request(recorded), whole, unread=self.is_unread)
        response.elapsed = timedelta(seconds=outcome.seconds)
        return response


class HttpCall(_HttpCall):
    """A call that returns a response."""

    def _received(self, attempt: Attempt, value: Any) -> Any:
        if self._is_dropped(attempt, value):
            return value
        if hasattr(value, "_content"):
            attempt.returned(value)
        else:
            value.stream = SyncBody(value.stream, Body(value, attempt, events=True))
        return value

    def _played(self, outcome: Outcome) -> Any:
        if outcome.error is not None and outcome.items is None:
            raise_recorded(outcome.error())
        return self.response(outcome)


class AsyncHttpCall(_HttpCall):
    """Async twin of `HttpCall`."""

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        if self._is_dropped(attempt, value):
            return value
        if hasattr(value, "_content"):
            await attempt.areturned(value)
        else:
            value.stream = AsyncBody(value.stream, Body(value, attempt, events=True))
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        if outcome.error is not None and outcome.items is None:
            raise_recorded(outcome.error())
        return await self.aresponse(outcome)


class HttpContext(HttpCall):
    """A call that returns a context manager, which gives the response."""

    _stack: ExitStack

    @property
    def is_unread(self) -> bool:
        """True: the body is read within the context."""
        return True

    def sync(self) -> Any:
        return self._context()

    @contextmanager
    def _context(self) -> Generator[Any]:
        with ExitStack() as self._stack:
            yield super().sync()

    def _invoke(self, attempt: Attempt | None) -> Any:
        return self._stack.enter_context(super()._invoke(attempt))


class AsyncHttpContext(AsyncHttpCall):
    """Async twin of `HttpContext`."""

    _stack: AsyncExitStack

    @property
    def is_unread(self) -> bool:
        """True: the body is read within the context."""
        return True

    def sync(self) -> Any:
        return self._context()

    @asynccontextmanager
    async def _context(self) -> AsyncGenerator[Any]:
        async with AsyncExitStack() as self._stack:
            yield await super().coroutine()

    async def _invoke(self, attempt: Attempt | None) -> Any:
        return await self._stack.enter_async_context(super()._invoke(attempt))
