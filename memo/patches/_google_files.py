"""Files that google-genai sends and fetches, each as one call: the chunks of an upload, and its retries, are inside it.

An upload is identified by the content that is sent, never by the path of a file; the address that the server made for it is
not a part of the call. A download is identified by what is asked for: wherever it is written, a replay writes it there.
"""

from __future__ import annotations

import inspect
import io
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from memo._calls.signature import Signature
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._recordings.outcomes import Outcome
from memo.codecs.http import is_public_header
from memo.patches._google_naming import function_of
from memo.patches._patch import Patch
from memo.patches._text import readable, text_of

__all__ = ["PATCHES"]

_UPLOAD = Signature(lambda file_path, upload_url, upload_size, *, http_options=None: None)
_DOWNLOAD = Signature(lambda path, *, http_options=None, destination=None, chunk_size=None: None)

# Uploads


def _read(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read what is to be sent, once: an open file from where it is, as the SDK does."""
    file, arguments = _given(args, kwargs)
    content = file.read() if isinstance(file, io.IOBase) else Path(file).read_bytes()
    return (), {**arguments, "file_path": io.BytesIO(content)}


async def _aread(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    file, arguments = _given(args, kwargs)
    content = file.read() if isinstance(file, io.IOBase) else await sys.modules["anyio"].Path(file).read_bytes()
    return (), {**arguments, "file_path": io.BytesIO(content)}


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    arguments = _UPLOAD.bind(args, kwargs)
    return arguments["file_path"], arguments


def _sent(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    url, options = urlsplit(kwargs["upload_url"]), kwargs["http_options"] or client._http_options
    base = options.get("base_url") if isinstance(options, dict) else getattr(options, "base_url", None)
    server = urlsplit(base) if base else url
    return "google.upload", {
        "path": url.path,
        "content": kwargs["file_path"].getvalue(),
        "server": f"{server.scheme}://{server.netloc}",
    }


def _recorded(answer: Any) -> dict[str, Any]:
    headers = {name: text for name, text in answer.headers.items() if is_public_header(name)}
    return {"headers": headers, **readable(answer.response_stream[0])}


class _Upload(CallDriver):
    """A call of `upload_file`, which returns an `HttpResponse` that is read."""

    def _received(self, attempt: Attempt, value: Any) -> Any:
        attempt.returned(_recorded(value))
        return value

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        await attempt.areturned(_recorded(value))
        return value

    def _played(self, outcome: Outcome) -> Any:
        recorded = super()._played(outcome)
        made = sys.modules["google.genai._api_client"].HttpResponse
        return made(headers=recorded["headers"], response_stream=[text_of(recorded)])


# Downloads


def _fetched(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    asked = _DOWNLOAD.bind(args, kwargs)
    request = client._build_request("get", asked["path"], {}, asked["http_options"])
    url = urlsplit(request.url)
    return function_of(asked["path"]), {
        "method": "GET",
        "path": url.path,
        "query": url.query,
        "server": f"{url.scheme}://{url.netloc}",
    }


class _Fetch(CallDriver):
    """What the downloads of both clients have in common."""

    def _invoke(self, attempt: Attempt | None) -> Any:
        if attempt is None or not self._can_write:
            return super()._invoke(attempt)
        return self._wrapped(*self._args, **{**self._kwargs, "destination": None})

    @property
    def _destination(self) -> Any:
        return self._kwargs.get("destination")

    @property
    def _can_write(self) -> bool:
        """True if the content is to be written, to something that the SDK accepts."""
        return isinstance(self._destination, str | os.PathLike) or hasattr(self._destination, "write")


class _Download(_Fetch):
    """A call of `download_file`, which returns the content, or writes it."""

    def _received(self, attempt: Attempt, value: Any) -> Any:
        content = super()._received(attempt, value)
        return self._written(content) if attempt.winning_outcome is None else content

    def _played(self, outcome: Outcome) -> Any:
        return self._written(super()._played(outcome))

    def _written(self, content: bytes) -> bytes | None:
        """Write a content where it is to go; return it where it is to be returned."""
        if self._destination is None:
            return content
        _write(self._destination, content)
        return None


class _AsyncDownload(_Fetch):
    """Async twin of `_Download`."""

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        content = await super()._areceived(attempt, value)
        return await self._awritten(content) if attempt.winning_outcome is None else content

    async def _aplayed(self, outcome: Outcome) -> Any:
        return await self._awritten(await super()._aplayed(outcome))

    async def _awritten(self, content: bytes) -> bytes | None:
        if self._destination is None:
            return content
        written = _write(self._destination, content)
        if inspect.isawaitable(written):
            await written
        return None


def _write(destination: Any, content: bytes) -> Any:
    if isinstance(destination, str | os.PathLike):
        return Path(destination).write_bytes(content)
    return destination.write(content)


_CLIENT = "google.genai._api_client:BaseApiClient"
PATCHES = (
    *(
        Patch(f"{_CLIENT}.{method}", Options(name="google"), _Upload, _sent, read, offered=True)
        for method, read in (("async_upload_file", _aread), ("upload_file", _read))
    ),
    *(
        Patch(f"{_CLIENT}.{method}", Options(name="google"), run, _fetched, offered=True)
        for method, run in (("async_download_file", _AsyncDownload), ("download_file", _Download))
    ),
)
