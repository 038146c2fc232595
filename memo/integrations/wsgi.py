"""WSGI servers (Flask, Django, …): `app.wsgi_app = memo.integrations.wsgi.Middleware(app.wsgi_app)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Unpack

from memo._engine.scopes.carried import CarriedRecorder
from memo._engine.sessions.active import Outside
from memo._engine.sessions.options import RecorderOptions
from memo._engine.sessions.scope_names import HEADER
from memo.integrations._accepting import Acceptor

__all__ = ["Middleware"]

_VARIABLE = f"HTTP_{HEADER.upper().replace('-', '_')}"


class Middleware:
    """Serve each request in the scope of the test that makes it, its streamed response included.

    As `memo.integrations.asgi.Middleware`, for WSGI. Raises `InvalidOption` for unknown options and values.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], **options: Unpack[RecorderOptions]) -> None:
        self._app = app
        self._acceptor = Acceptor(options)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request."""
        value = environ.get(_VARIABLE)
        recorder = self._acceptor.accepted(value.split(",") if value else ())
        with recorder:
            body = self._app(environ, start_response)
        file = environ.get("wsgi.file_wrapper")
        made = (list, tuple, file) if isinstance(file, type) else (list, tuple)
        return body if isinstance(body, made) else _Body(recorder, body)


class _Body:
    """A response that is made while it is sent: each part is made in the scope."""

    def __init__(self, recorder: CarriedRecorder | Outside, body: Iterable[bytes]) -> None:
        recorder.hold(1)
        self._recorder = recorder
        self._held = True
        self._body = body
        self._parts = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._recorder:
            return next(self._parts)

    def close(self) -> None:
        """End the response."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                with self._recorder:
                    close()
        finally:
            if self._held:
                self._held = False
                self._recorder.hold(-1)
