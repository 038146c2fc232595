"""A bucket of an S3-compatible object store, of Google Cloud Storage or of Azure: one recording for a whole fleet."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import from_url

from memo.errors import EntryVanished, InvalidOption, MemoError, StoreError, StoreNotReadable, StoreNotWritable
from memo.stores._entry import pack, unpack
from memo.stores._salt import checked_salt, new_salt
from memo.stores._urls import masked, options

__all__ = ["ObjectStore"]

T = TypeVar("T")

_TOGETHER = 16
"""Concurrent requests of `get_many`."""
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.01, 0.5
_LONGEST = 400
"""Characters of each of the two parts of a key: S3 takes 1,024 bytes in all."""
_SALT = ".memo-salt"
"""No entry has this key: the keys of entries contain a slash."""
_EMPTY = "%_"
_CUT = re.compile(r".*%~[0-9a-f]{64}", re.DOTALL)
_ALLOWED = ("s3://BUCKET[/PREFIX]", "gs://BUCKET[/PREFIX]", "az://CONTAINER[/PREFIX]")

_user: list[int] = []
"""The process that has used the client. Its threads are missing in forked processes, which would wait forever."""


class ObjectStore:
    """A bucket, or what is under a prefix in it.

    `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`. Credentials, and whatever else the client knows,
    come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …;
    `GOOGLE_…`; `AZURE_…`), never from the URL. In its query: `timeout`, within how many seconds everything is over (5),
    and of `s3://` `endpoint` and `region`.

    An entry is one object, `PREFIX/FUNCTION/KEY`, where what is neither letter, digit nor one of `_.-~` is percent-encoded.
    The first write wins by a conditional put (`If-None-Match: *`), which S3 and its kin have known since 2024. A server that
    ignores the condition keeps the last write instead. There are no claims: workers who ask the same at once all call, and
    all return what the first of them stored.

    Busy answers (503) are tried again within the timeout. Any number of threads and event loops may use it at once. A
    process that is forked from one that has used it cannot use it: that is a `StoreError`. (Spawned processes can.)
    """

    reads_in_place = False
    writes_in_place = False

    def __init__(self, url: str, *, timeout: float = 5.0, endpoint: str = "", region: str = "") -> None:
        self.timeout = timeout
        self._salt: bytes | None = None
        self._location = masked(url).rstrip("/")
        parts = urlsplit(url)
        if not parts.hostname or "@" in parts.netloc:  # credentials do not belong there
            raise InvalidOption("store", self._location, _ALLOWED)
        half = timedelta(seconds=timeout / 2)  # the last try may begin when half of the time is over
        config = {name: value for name, value in (("endpoint", endpoint), ("region", region)) if value}
        more: dict[str, Any] = {"config": config} if config else {}
        try:
            self._client: Any = from_url(
                self._location,
                client_options={
                    "timeout": half,
                    "connect_timeout": half,
                    "allow_http": endpoint.startswith("http://") or _is_plain(os.environ.get("AWS_ENDPOINT_URL", "")),
                },
                retry_config={
                    "max_retries": 3,
                    "retry_timeout": half,
                    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": half / 4, "base": 2},
                },
                **more,
            )
        except (BaseError, ValueError) as error:
            # The message of the error may quote the environment.
            raise InvalidOption(f"store {self._location}: configuration", type(error).__name__, _ALLOWED) from None

    @classmethod
    def from_url(cls, url: str) -> ObjectStore:
        """Return the store of a URL, without connecting. Raises `InvalidOption`."""
        if url.partition("://")[0].lower() == "s3":
            return cls(url, **options(url, timeout=5.0, endpoint="", region=""))
        return cls(url, **options(url, timeout=5.0))

    def __repr__(self) -> str:
        return f"ObjectStore({self._location!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        path = _path(name)
        entry = self._read(lambda: bytes(obstore.get(self._client, path).bytes()))
        return unpack(entry, self.location(name)) if entry is not None else None

    async def aget(self, name: str) -> bytes | None:
        """Async twin of `get`. Concurrent reads are under way at once."""
        self._begin()
        try:
            found = await obstore.get_async(self._client, _path(name))
            entry = bytes(await found.bytes_async())
        except (BaseError, OSError) as error:
            failure = self._failure(error, StoreNotReadable)
            if failure is None:
                return None
        else:
            return unpack(entry, self.location(name))
        raise failure

    def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the bytes under each name, with 16 requests at a time."""
        with ThreadPoolExecutor(_TOGETHER) as threads:
            return list(threads.map(self.get, names))

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name, for good when `put` returns."""
        self._write(lambda: obstore.put(self._client, _path(name), pack(data), use_multipart=False))

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there."""
        for _ in self._attempts():
            if self._put_if(name, data, "create"):
                return None
            kept = self.get(name)
            if kept is not None:  # else the entry was deleted just now
                return kept
        raise self._contradiction()

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there.

        By a conditional put (`If-Match`), which S3 has known since 2024. A server that ignores the condition keeps the last
        write instead.
        """
        if expected is None:
            return self.create(name, data)
        path = _path(name)
        for _ in self._attempts():
            found = self._read(lambda: _with_version(obstore.get(self._client, path)))
            if found is None:
                raise EntryVanished(self.location(name))
            entry, version = found
            kept = unpack(entry, self.location(name))
            if kept != expected:
                return kept
            if self._put_if(name, data, version):
                return None
        raise self._contradiction()

    def salt(self) -> bytes:
        """Return the 32 random bytes of all who use this prefix, kept in the object `.memo-salt`."""
        if self._salt is None:
            kept = self._read(lambda: bytes(obstore.get(self._client, _SALT).bytes()))
            if kept is None:
                made = new_salt()
                try:
                    self._write(lambda: obstore.put(self._client, _SALT, made, mode="create", use_multipart=False))
                except AlreadyExistsError:
                    made = self._read(lambda: bytes(obstore.get(self._client, _SALT).bytes())) or b""
                kept = made
            self._salt = checked_salt(kept, f"{self._location}/{_SALT}")
        return self._salt

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed just before, since the server does not say."""
        path = _path(name)
        if self._read(lambda: obstore.head(self._client, path)) is None:
            return False
        self._write(lambda: obstore.delete(self._client, path))
        return True

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries, a page at a time."""
        function, slash, start = prefix.rpartition("/")
        pages = iter(obstore.list(self._client, prefix=_part(function) if slash else None))
        while (page := self._read(lambda: next(pages, None))) is not None:
            for entry in page:
                name = _name(entry["path"])
                if name is not None and (name.rpartition("/")[2] if slash else name).startswith(start):
                    yield name

    def location(self, name: str = "") -> str:
        """Return the URL of the bucket, and the key in the bucket."""
        return f"{self._location}/{_path(name)}" if name else self._location

    # Requests

    def _read(self, request: Callable[[], T]) -> T | None:
        self._begin()
        try:
            return request()
        except (BaseError, OSError) as error:
            failure = self._failure(error, StoreNotReadable)
        if failure is None:
            return None
        raise failure

    def _write(self, request: Callable[[], object]) -> None:
        self._begin()
        try:
            request()
        except (AlreadyExistsError, PreconditionError):
            raise
        except (BaseError, OSError) as error:
            failure = self._failure(error, StoreNotWritable)
        else:
            return
        raise failure or StoreNotWritable(self._location, "cannot be written: there is no such bucket")

    def _put_if(self, name: str, data: bytes, condition: Any) -> bool:
        """Put the object if there is none (`"create"`) or if it has that version; return whether it was put."""
        try:
            self._write(lambda: obstore.put(self._client, _path(name), pack(data), mode=condition, use_multipart=False))
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    def _attempts(self) -> Iterator[None]:
        """Yield for each attempt, ever more seldom, for as long as an operation may take; at least twice."""
        end, pause = time.monotonic() + self.timeout, _SHORTEST_PAUSE_SECONDS
        yield
        while True:
            yield
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _contradiction(self) -> StoreNotWritable:
        return StoreNotWritable(
            self._location,
            f"cannot be written: for {self.timeout:g} seconds, it has answered by turns that there is such an object and "
            "that there is none",
        )

    def _begin(self) -> None:
        if not _user:
            _user.append(os.getpid())
        elif _user[0] != os.getpid():
            raise StoreError(
                self._location,
                "cannot be used in a process that was forked from one that has used it",
                'to start processes that can use it: multiprocessing.get_context("spawn")',
            )

    def _failure(self, error: Exception, kind: type[StoreError]) -> MemoError | None:
        """Return the error that an error of the client means, None if the object does not exist.

        To be raised outside the `except`: the message of the client quotes the server, which may answer anything.
        """
        text = str(error)
        code = re.search(r"<Code>(\w+)</Code>", text) or re.search(r"status code: (\d+ [\w ]+)", text)
        quoted = f" ({code[1]})" if code else ""
        doing = "read" if kind is StoreNotReadable else "written"
        if quoted == " (NoSuchBucket)":
            reason = "there is no such bucket"
        elif isinstance(error, FileNotFoundError):
            return None
        elif "169.254.169.254" in text or "metadata.google" in text:
            reason = "there are no credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, …)"
        elif isinstance(error, PermissionDeniedError | UnauthenticatedError) or " 403 " in text or " 401 " in text:
            reason = f"the server refused the credentials, or what they may do{quoted}"
        elif "kind: Timeout" in text or "TimedOut" in text:
            reason = f"the server did not answer within {self.timeout:g} seconds"
        elif "error sending request" in text:
            reason = "the server cannot be reached"
        else:
            reason = f"the server failed{quoted or f' ({type(error).__name__})'}"
        return kind(self._location, f"cannot be {doing}: {reason}")


def _with_version(found: Any) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of an object, and the version for a conditional put."""
    return bytes(found.bytes()), {name: tag for name in ("e_tag", "version") if (tag := found.meta[name]) is not None}


def _is_plain(endpoint: str) -> bool:
    return endpoint.startswith("http://")


def _path(name: str) -> str:
    function, _, key = name.rpartition("/")
    return f"{_part(function)}/{_part(key)}"


def _part(text: str) -> str:
    """Return one part of a key for any text, a different one for each; for a part that was cut, the same part."""
    if _CUT.fullmatch(text):
        return text
    if not text.strip("."):
        return text.replace(".", "%2E") or _EMPTY  # dots alone would lead upwards
    part = quote(text, safe="", errors="surrogatepass")
    if len(part) <= _LONGEST:
        return part
    return f"{part[:_LONGEST]}%~{sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def _name(path: str) -> str | None:
    """Return the name of an object's key, None if the key is no entry's."""
    function, _, key = path.rpartition("/")
    name = f"{_text(function)}/{_text(key)}"
    return name if "/" not in function and _path(name) == path else None


def _text(part: str) -> str:
    if part == _EMPTY or _CUT.fullmatch(part):
        return "" if part == _EMPTY else part
    return unquote(part, errors="surrogatepass")
