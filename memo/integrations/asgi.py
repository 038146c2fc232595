"""ASGI servers (FastAPI, Starlette, Litestar, Quart, …): `app.add_middleware(memo.integrations.asgi.Middleware)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Unpack

from memo._engine.sessions.options import RecorderOptions
from memo._engine.sessions.scope_names import HEADER
from memo.integrations._accepting import Acceptor

__all__ = ["Middleware"]

_Message = MutableMapping[str, Any]
_App = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]
_HEADER = HEADER.encode()


class Middleware:
    """Serve each request in the scope of the test that makes it; a request without a scope as if memo were not there.

    The scope holds for everything that the request starts: its stream, its background tasks, the tasks that it creates. A
    worker that was started before takes it with `memo.captured()`. Requests that carry one scope have one recorder, in all
    workers of the server together; those of different scopes know nothing of each other.

    A scope is taken only if it is signed with `MEMO_SCOPE_SECRET`, which pytest's processes and their children have. Any other
    is refused with an error in the log "memo", and the request is served without it. Put the middleware outermost.

    - `options`: options of a recorder that cannot travel (`scrub` with functions of your own), as `memo.Recorder` has them.

    Raises `InvalidOption` for unknown options and values.
    """

    def __init__(self, app: _App, **options: Unpack[RecorderOptions]) -> None:
        self._app = app
        self._acceptor = Acceptor(options)

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Serve a request."""
        if "headers" not in scope:  # the server's own life, in which workers start
            await self._app(scope, receive, send)
            return
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
        with self._acceptor.accepted(values):
            await self._app(scope, receive, send)
